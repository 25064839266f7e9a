import json
from dataclasses import replace

import pytest

from layoutserve.model.errors import DatasetError
from layoutserve.model.training.data import jsonl


def texts(example):
    return [word.text for word in example.words]


def test_lines_values_and_group_are_read(tmp_path):
    row = {
        "image": "a.png",
        "width": 100,
        "height": 200,
        "lines": [{"text": "TOTAL: 9.00", "box": [0, 0, 110, 10]}],
        "entities": {"company": "ACME", "total": "9.00", "date": ""},
    }
    (tmp_path / "pages.jsonl").write_text(json.dumps(row) + "\n")
    (example,) = jsonl.read(tmp_path / "pages.jsonl")
    assert texts(example) == ["TOTAL:", "9.00"]
    assert example.values == {"COMPANY": ("ACME",), "TOTAL": ("9.00",)}
    assert example.group == "ACME"
    assert example.spans is None


def test_a_row_survives_being_written(tmp_path, receipt):
    example = receipt()
    jsonl.write(tmp_path / "pages.jsonl", [example])
    (again,) = jsonl.read(tmp_path / "pages.jsonl")
    assert texts(again) == texts(example)
    assert [w.line for w in again.words] == [w.line for w in example.words]
    assert (again.spans, again.values) == (example.spans, example.values)
    assert (again.questions, again.document_class, again.group) == (example.questions, "receipt", example.group)
    assert (again.read_image() == example.read_image()).all()


def test_a_page_without_words_has_none(tmp_path):
    (tmp_path / "pages.jsonl").write_text('{"image": "a.png", "class": "letter"}\n')
    (example,) = jsonl.read(tmp_path / "pages.jsonl")
    assert example.words is None
    assert example.values is None


def test_a_broken_row_is_named(tmp_path):
    (tmp_path / "pages.jsonl").write_text('{"image": "a.png"}\n{"words": 3}\n')
    with pytest.raises(DatasetError, match=r"pages.jsonl, line 2"):
        list(jsonl.read(tmp_path / "pages.jsonl"))


def test_a_file_of_questions_finds_its_pages_beside_it(tmp_path):
    row = {"image": "a.png", "words": [{"text": "x", "box": [0, 0, 9, 9]}]}
    (tmp_path / "pages.jsonl").write_text(json.dumps(row))
    asked = [{"image": "a.png", "question": q, "answers": []} for q in ("Who?", "When?")]
    jsonl.write_rows(tmp_path / "questions.jsonl", asked)
    (example,) = jsonl.read_with_questions(tmp_path / "questions.jsonl")
    assert texts(example) == ["x"]
    assert [(q.text, q.answers, q.spans) for q in example.questions] == [("Who?", (), None), ("When?", (), None)]


def test_links_survive_being_written(tmp_path, receipt):
    example = replace(receipt(), links=(((2,), (3, 4)), ((0,), (1,))))
    jsonl.append(tmp_path / "more" / "pages.jsonl", example)
    jsonl.append(tmp_path / "more" / "pages.jsonl", receipt())
    first, second = jsonl.read(tmp_path / "more" / "pages.jsonl")
    assert first.links == example.links
    assert second.links == ()
    assert first.path == example.path


def test_a_file_is_written_whole_or_not_at_all(tmp_path, receipt):
    jsonl.write(tmp_path / "pages.jsonl", [receipt()])

    def broken():
        yield receipt(name="other")
        raise OSError("The disk is full.")

    with pytest.raises(OSError, match="disk is full"):
        jsonl.write(tmp_path / "pages.jsonl", broken())
    (example,) = jsonl.read(tmp_path / "pages.jsonl")
    assert example.path.name == "receipt.png"


def test_text_is_written_as_it_is(tmp_path):
    jsonl.write_rows(tmp_path / "rows.jsonl", [{"text": "Straße"}])
    assert "Straße" in (tmp_path / "rows.jsonl").read_text(encoding="utf-8")
    assert list(jsonl.read_rows(tmp_path / "rows.jsonl")) == [{"text": "Straße"}]
