import json

import pytest
from PIL import Image

from layoutserve.model.errors import DatasetError
from layoutserve.model.page import Box
from layoutserve.model.training.data.readers import read


def picture(path, size=(100, 200)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, 255).save(path)


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


def texts(example):
    return [word.text for word in example.words]


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
