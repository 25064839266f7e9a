import json
import pickle
from random import Random

import cv2
import numpy as np
import pytest

from layoutserve.model.training.synthesis import HELDOUT_LAYOUTS, KINDS, TRAIN_LAYOUTS, degrade, generate
from layoutserve.model.training.synthesis.questions import Asker
from layoutserve.model.training.synthesis.writing import write_pages
from layoutserve.service.cli.main import main

PAGES = [
    generate(index, seed=11, kind=kind, layouts=side)
    for kind in KINDS
    for side in ("train", "heldout")
    for index in range(2)
]


def texts(page, indices):
    return " ".join(page.words[i].text for i in indices)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_arguments_draw_the_same_page(kind):
    first = generate(7, seed=3, kind=kind)
    generate(8, seed=3, kind=kind)
    assert pickle.dumps(first) == pickle.dumps(generate(7, seed=3, kind=kind))
    assert pickle.dumps(first) != pickle.dumps(generate(7, seed=4, kind=kind))
    assert pickle.dumps(first) != pickle.dumps(generate(9, seed=3, kind=kind))


def test_each_class_has_layouts_of_its_own_on_either_side_of_the_split():
    assert not set(TRAIN_LAYOUTS) & set(HELDOUT_LAYOUTS)
    assert not set(TRAIN_LAYOUTS.values()) & set(HELDOUT_LAYOUTS.values())
    for table in (TRAIN_LAYOUTS, HELDOUT_LAYOUTS):
        assert {name.split(".")[0] for name in table} == set(KINDS)
    assert {page.layout for page in PAGES} <= {*TRAIN_LAYOUTS, *HELDOUT_LAYOUTS}


def test_every_word_lies_on_the_page_in_one_line():
    for page in PAGES:
        assert page.image.dtype == np.uint8
        assert page.image.shape == (page.height, page.width, 3)
        assert len(page.words) > 15
        numbers = [word.line for word in page.words]
        assert numbers == sorted(numbers)
        for word in page.words:
            assert word.text and not any(c.isspace() for c in word.text)
            assert 0 <= word.box.x0 < word.box.x1 <= page.width
            assert 0 <= word.box.y0 < word.box.y1 <= page.height
            xs, ys = zip(*word.polygon, strict=True)
            assert (min(xs), min(ys), max(xs), max(ys)) == (word.box.x0, word.box.y0, word.box.x1, word.box.y1)


def test_spans_entities_links_and_answers_say_what_stands_in_their_words():
    for page in PAGES:
        assert (page.spans is not None) == (page.document_class in ("receipt", "invoice"))
        for span in page.spans or ():
            assert span.text == texts(page, span.words)
            assert list(span.words) == sorted(set(span.words))
        for name, value in page.entities.items():
            assert [s.text for s in page.spans if s.label == name.upper()] == [value]
        for key, value in page.links:
            assert key and value and not set(key) & set(value)
        for question in page.questions:
            assert len(question.answers) == len({texts(page, span) for span in question.spans})
            for span in question.spans:
                assert texts(page, span) in question.answers
                assert list(span) == list(range(span[0], span[-1] + 1))


def test_no_word_belongs_to_two_entities():
    for page in PAGES:
        labelled = [index for span in page.spans or () for index in span.words]
        assert len(labelled) == len(set(labelled))


def test_receipts_and_invoices_name_their_issuer_date_and_total():
    for index in range(12):
        for kind in ("receipt", "invoice"):
            page = generate(index, seed=2, kind=kind)
            assert {"company", "date", "total"} <= set(page.entities)
            assert int("".join(filter(str.isdigit, page.entities["total"]))) > 0


def test_the_total_is_hard_to_tell_from_the_other_amounts():
    pages = [generate(index, seed=5, kind="receipt") for index in range(30)]
    amounts = [sum(word.text.replace(",", "").replace(".", "", 1).isdigit() for word in page.words) for page in pages]
    assert np.mean(amounts) > 12
    assert sum(page.entities.get("subtotal", "") != page.entities["total"] for page in pages) > 8


def test_pages_vary():
    pages = [generate(index, seed=6, kind="receipt") for index in range(60)]
    assert len({page.entities["company"] for page in pages}) > 55
    assert len({page.entities.get("address") for page in pages}) > 50
    assert {page.layout for page in pages} == {name for name in TRAIN_LAYOUTS if name.startswith("receipt.")}
    questions = {question.text for page in pages for question in page.questions}
    assert len(questions) > 280


def test_some_questions_have_no_answer_and_most_have_one():
    asked = [question for page in PAGES for question in page.questions]
    share = sum(not question.answers for question in asked) / len(asked)
    assert 0.15 < share < 0.45


def test_absent_fields_are_asked_for_and_present_ones_are_not_among_them():
    ask = Asker(Random(1), "receipt", False)
    asked = {question.lower() for _ in range(40) for question in ask.absent({"company", "total"}, 20)}
    assert any("due date" in question for question in asked)
    assert any("passport" in question for question in asked)
    asked = {question.lower() for _ in range(40) for question in ask.absent({"company", "total", "due_date"}, 20)}
    assert not any("due date" in question for question in asked)


@pytest.mark.parametrize("receipt", [False, True])
def test_degradation_moves_boxes_with_the_ink(receipt):
    hits = []
    for seed in range(25):
        page = np.full((700, 500), 255, np.uint8)
        boxes = [(60, 50, 200, 90), (300, 60, 440, 100), (80, 330, 180, 370), (300, 600, 450, 650)]
        for x0, y0, x1, y1 in boxes:
            page[y0:y1, x0:x1] = 0
        corners = np.array([[(x0, y0), (x1, y0), (x1, y1), (x0, y1)] for x0, y0, x1, y1 in boxes], float)
        result = degrade(Random(seed), page, corners, long_side=800, receipt=receipt)
        grey = result.image.min(axis=2)
        for quad in result.corners:
            mask = np.zeros(grey.shape, np.uint8)
            cv2.fillPoly(mask, [np.round(quad * 16).astype(np.int32)], 255, shift=4)
            around = cv2.dilate(mask, np.ones((9, 9), np.uint8)) > 0
            level = (grey[mask > 0].mean() + grey[around & (mask == 0)].mean()) / 2
            ink = (grey < level) & around
            hits.append((ink & (mask > 0)).sum() / (ink | (mask > 0)).sum())
    # Noise, scratches and frames eat some of it; a shift of two pixels would cost a tenth everywhere.
    assert np.median(hits) > 0.95
    assert np.percentile(hits, 5) > 0.75


def test_files_do_not_depend_on_the_number_of_processes(tmp_path):
    one = write_pages(tmp_path / "one", 6, seed=1, kinds=["receipt", "form"])
    two = write_pages(tmp_path / "two", 6, seed=1, kinds=["receipt", "form"], workers=2)
    assert one.read_bytes() == two.read_bytes()
    for path in sorted((tmp_path / "one" / "images").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / "images" / path.name).read_bytes()
    rows = [json.loads(line) for line in one.read_text().splitlines()]
    assert [row["class"] for row in rows] == ["receipt", "form"] * 3
    for row in rows:
        picture = cv2.imread(str(tmp_path / "one" / row["image"]))
        assert picture.shape == (row["height"], row["width"], 3)
        assert sorted(i for line in row["lines"] for i in line["words"]) == list(range(len(row["words"])))
        assert ("spans" in row) == (row["class"] == "receipt")


def test_the_command_writes_pages_and_refuses_an_unknown_kind(tmp_path, capsys):
    arguments = ["synthesize", "--collection", "first", "--output", str(tmp_path), "--count", "2", "--workers", "1"]
    assert main([*arguments, "--kind", "invoice", "--layouts", "heldout"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "pages.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "pages.jsonl").read_text().splitlines()]
    assert all(row["layout"] in HELDOUT_LAYOUTS for row in rows)
    assert main([*arguments, "--kind", "cheque"]) == 2
    assert "cheque" in capsys.readouterr().err


def test_unknown_kinds_and_sides_are_refused():
    with pytest.raises(ValueError, match="choose one of receipt"):
        generate(0, seed=0, kind="cheque")
    with pytest.raises(ValueError, match="'train' or 'heldout'"):
        generate(0, seed=0, layouts="test")
