"""Drawings show the page, the marks where they are, and texts that any viewer can open."""

import base64
import io
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
from PIL import Image

from layoutserve.model.page import Box, Page, SelectionMark, Word
from layoutserve.model.page.drawing import SOURCE_COLOURS, box_mark, colour_of, draw_png, draw_svg, word_marks

SVG = "{http://www.w3.org/2000/svg}"


def page():
    words = (
        Word.from_box("Café", Box(20, 30, 90, 50), line=0, source="text_layer"),
        Word.from_box("<b>&\x00\u6211", Box(20, 60, 90, 80), line=1),
        Word("up", Box(100, 20, 115, 60), 0.9, 2, ((100, 60), (100, 20), (115, 20), (115, 60))),
    )
    return Page(np.full((100, 140, 3), 240, dtype=np.uint8), words=words)


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_a_png_has_the_page_with_boxes_and_the_texts_beside_it():
    drawn = pixels(draw_png(page(), order=False))
    assert drawn.shape == (100, 280, 3)
    assert tuple(drawn[30, 50]) == SOURCE_COLOURS["text_layer"]
    assert tuple(drawn[70, 20]) == SOURCE_COLOURS["ocr"]
    assert (drawn[5, :140] == 240).all()
    beside = (drawn[:, 140:] < 200).any(axis=2)
    ys, xs = np.nonzero(beside)
    assert ys.min() >= 18
    assert xs.max() <= 116
    assert beside[30:50, 20:90].any()
    assert beside[20:60, 100:116].any()


def test_checkboxes_are_marked_after_the_words():
    read = replace(page(), selection_marks=(SelectionMark(Box(2, 2, 10, 10), True, "member"),))
    assert [mark.text for mark in word_marks(read)][3:] == ["x"]


def test_the_order_of_reading_can_be_followed():
    assert (pixels(draw_png(page())) != pixels(draw_png(page(), order=False))).any()


def test_an_svg_stands_alone_and_shows_texts_of_any_kind():
    root = ET.fromstring(draw_svg(page()))
    assert root.get("viewBox") == "0 0 140 100"
    image = root.find(f"{SVG}image")
    assert (pixels(base64.b64decode(image.get("href").partition(",")[2])) == 240).all()
    polygons = root.findall(f"{SVG}polygon")
    assert [polygon.find(f"{SVG}title").text for polygon in polygons] == ["Café", "<b>& \u6211", "up"]
    assert polygons[0].get("points") == "20.0,30.0 90.0,30.0 90.0,50.0 20.0,50.0"


def test_other_marks_can_be_drawn():
    mark = box_mark(Box(10, 20, 60, 40), "TOTAL 9.00", number=3)
    drawn = pixels(draw_png(page(), [mark]))
    assert tuple(drawn[20, 30]) == colour_of(3)
    assert "TOTAL 9.00" in draw_svg(page(), [mark])


def test_a_page_that_was_not_read_has_no_marks():
    blank = Page(np.zeros((5, 5, 3), dtype=np.uint8))
    assert word_marks(blank) == []
    assert (pixels(draw_png(blank))[:, :5] == 0).all()


def test_neighbouring_numbers_differ_in_colour():
    colours = np.array([colour_of(number) for number in range(50)])
    assert (np.abs(np.diff(colours, axis=0)).sum(axis=1) > 90).all()
