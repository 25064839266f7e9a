import json

import pytest
from PIL import Image

from layoutserve.model.errors import DatasetError
from layoutserve.model.page import Box
from layoutserve.model.training.data.datasets import read_jsonl, split_by_group, split_line, to_row
from layoutserve.model.training.data.readers import read


def picture(path, size=(100, 200)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, 255).save(path)


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


def texts(example):
    return [word.text for word in example.words]


def test_a_line_is_split_in_proportion_to_its_characters():
    first, second = split_line("AB CDEF", Box(0, 10, 70, 20), 3)
    assert (first.text, first.box) == ("AB", Box(0, 10, 20, 20))
    assert (second.text, second.box) == ("CDEF", Box(30, 10, 70, 20))
    assert {first.line, second.line} == {3}


def test_repeated_words_of_a_line_keep_their_own_places():
    one, two = split_line("1 1", Box(0, 0, 30, 10), 0)
    assert (one.box.x0, two.box.x0) == (0, 20)


def test_lines_values_and_group_are_read(tmp_path):
    row = {
        "image": "a.png",
        "width": 100,
        "height": 200,
        "lines": [{"text": "TOTAL: 9.00", "box": [0, 0, 110, 10]}],
        "entities": {"company": "ACME", "total": "9.00", "date": ""},
    }
    write(tmp_path / "pages.jsonl", json.dumps(row) + "\n")
    (example,) = read_jsonl(tmp_path / "pages.jsonl")
    assert texts(example) == ["TOTAL:", "9.00"]
    assert example.values == {"COMPANY": ("ACME",), "TOTAL": ("9.00",)}
    assert example.group == "ACME"
    assert example.spans is None


def test_a_row_survives_being_written(tmp_path, receipt):
    example = receipt()
    write(tmp_path / "pages.jsonl", json.dumps(to_row(example, tmp_path)) + "\n")
    (again,) = read_jsonl(tmp_path / "pages.jsonl")
    assert texts(again) == texts(example)
    assert [w.line for w in again.words] == [w.line for w in example.words]
    assert (again.spans, again.values) == (example.spans, example.values)
    assert (again.questions, again.document_class, again.group) == (example.questions, "receipt", example.group)
    assert (again.read_image() == example.read_image()).all()


def test_a_page_without_words_has_none(tmp_path):
    write(tmp_path / "pages.jsonl", '{"image": "a.png", "class": "letter"}\n')
    (example,) = read_jsonl(tmp_path / "pages.jsonl")
    assert example.words is None
    assert example.values is None


def test_a_broken_row_is_named(tmp_path):
    write(tmp_path / "pages.jsonl", '{"image": "a.png"}\n{"words": 3}\n')
    with pytest.raises(DatasetError, match=r"pages.jsonl, line 2"):
        list(read_jsonl(tmp_path / "pages.jsonl"))


def test_a_file_of_questions_finds_its_pages_beside_it(tmp_path):
    row = {"image": "a.png", "words": [{"text": "x", "box": [0, 0, 9, 9]}]}
    write(tmp_path / "pages.jsonl", json.dumps(row))
    asked = [{"image": "a.png", "question": q, "answers": []} for q in ("Who?", "When?")]
    write(tmp_path / "questions.jsonl", "\n".join(map(json.dumps, asked)))
    (example,) = read(tmp_path / "questions.jsonl")
    assert texts(example) == ["x"]
    assert [(q.text, q.answers, q.spans) for q in example.questions] == [("Who?", (), None), ("When?", (), None)]


def test_no_group_stands_on_both_sides_of_a_split(receipt):
    pages = [receipt(company=f"C{i // 3}", name=f"r{i}") for i in range(30)]
    training, held = split_by_group(pages, 0.2)
    assert {e.group for e in training}.isdisjoint({e.group for e in held})
    assert 6 <= len(held) <= 8
    assert split_by_group(pages, 0.2) == (training, held)


def test_sroie(tmp_path):
    picture(tmp_path / "img" / "x.jpg")
    write(tmp_path / "box" / "x.csv", "0,0,50,0,50,10,0,10,TAN, WOON\n")
    write(tmp_path / "entities" / "x.txt", {"company": "TAN", "total": ""})
    (example,) = read(tmp_path)
    assert texts(example) == ["TAN,", "WOON"]
    assert example.values == {"COMPANY": ("TAN",)}
    assert (example.width, example.height) == (100, 200)


FORM = [
    {"text": "Name:", "label": "question", "box": [0, 0, 9, 9], "words": [{"text": "Name:", "box": [0, 0, 9, 9]}]},
    {"text": "x", "label": "other", "box": [0, 0, 9, 9], "words": [{"text": "x", "box": [20, 0, 29, 9]}]},
]


def test_funsd(tmp_path):
    picture(tmp_path / "images" / "f.png")
    write(tmp_path / "annotations" / "f.json", {"form": FORM})
    (example,) = read(tmp_path)
    assert texts(example) == ["Name:", "x"]
    assert [(s.label, s.words) for s in example.spans] == [("QUESTION", (0,))]


def test_xfund(tmp_path):
    picture(tmp_path / "f.png")
    document = {"id": "f", "img": {"fname": "f.png"}, "document": FORM}
    write(tmp_path / "de.train.json", {"documents": [document]})
    (example,) = read(tmp_path / "de.train.json")
    assert [s.text for s in example.spans] == ["Name:"]


def test_kleister(tmp_path):
    Image.new("RGB", (100, 200), "white").save(tmp_path / "a.pdf")
    write(tmp_path / "in.tsv", "a.pdf\tparty term\ttext\n")
    write(tmp_path / "expected.tsv", "party=Nike_Inc. party=Eric_Sprunk term=2_years\n")
    (example,) = read(tmp_path)
    assert example.values == {"PARTY": ("Nike Inc.", "Eric Sprunk"), "TERM": ("2 years",)}
    assert (example.page, example.group) == (1, "a")


def test_docvqa(tmp_path):
    picture(tmp_path / "documents" / "d_1.png")
    row = {"question": "Total?", "image": "documents/d_1.png", "answers": ["9"]}
    write(tmp_path / "train_v1.0.json", {"data": [row]})
    words = [{"boundingBox": [0, 0, 9, 0, 9, 9, 0, 9], "text": "9"}]
    read_result = {"recognitionResults": [{"lines": [{"words": words}]}]}
    write(tmp_path / "documents" / "ocr_results" / "d_1.json", {})
    write(tmp_path / "ocr_results" / "d_1.json", read_result)
    (example,) = read(tmp_path / "train_v1.0.json")
    assert texts(example) == ["9"]
    assert example.questions[0].answers == ("9",)


def test_cord(tmp_path):
    picture(tmp_path / "image" / "r.png")
    quad = {f"{axis}{i}": value for i in range(1, 5) for axis, value in (("x", 10 * i), ("y", 5 * i))}
    line = {"category": "menu.nm", "words": [{"text": "ICED TEA", "quad": quad}]}
    write(tmp_path / "json" / "r.json", {"valid_line": [line]})
    (example,) = read(tmp_path)
    assert [(s.label, s.text) for s in example.spans] == [("MENU.NM", "ICED TEA")]
    assert example.words[0].box == Box(10, 5, 40, 20)


def test_a_folder_per_class(tmp_path):
    picture(tmp_path / "letter" / "a.png")
    picture(tmp_path / "memo" / "b.png")
    assert [(e.document_class, e.words) for e in read(tmp_path)] == [("letter", None), ("memo", None)]


def test_an_unknown_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no data set in a known layout"):
        read(tmp_path)
