"""Lines in a map of probabilities, as PaddleOCR finds them, but where they are to a fraction of a pixel."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layoutserve.model.ocr.detection import UNCLIP_RATIO, FastDetector, places_of
from layoutserve.model.ocr.models import detection_model
from layoutserve.model.ocr.paddle import PaddleDetector
from layoutserve.model.page.geometry import sides


def drawn(*rectangles, size=(200, 300), chance=0.9):
    """A map in which rectangles ((x, y), (width, height), degrees) are likely."""
    canvas = np.zeros(size, np.float32)
    for rectangle in rectangles:
        cv2.fillPoly(canvas, [cv2.boxPoints(rectangle).round().astype(np.int32)], chance)
    return canvas


def test_a_rectangle_is_grown_by_what_was_shrunk_away():
    """By the definition: 101 by 11 pixels are 202 by 22 of the finer map, whose middles span 201 by 21."""
    (quad,) = places_of(drawn(((150.0, 100.0), (100.0, 10.0), 0.0))).quads
    width, height = (201 + 1) / 2 - 1, (21 + 1) / 2 - 1
    grow = UNCLIP_RATIO * width * height / (width + height) - 0.5
    left, top = 150.5 - (width + grow) / 2, 100.5 - (height + grow) / 2
    right, bottom = 150.5 + (width + grow) / 2, 100.5 + (height + grow) / 2
    np.testing.assert_allclose(quad, [(left, top), (right, top), (right, bottom), (left, bottom)], atol=1e-3)


@pytest.mark.parametrize("degrees", [-95, -85, -50, 50, 85, 95])
def test_corners_of_a_line_that_runs_down_begin_at_the_side_that_is_on_top(degrees):
    (quad,) = places_of(drawn(((150.0, 100.0), (150.0, 10.0), degrees))).quads
    along, across = sides(quad[None])
    assert across[0] > 5 * along[0]
    assert quad[0, 0] < quad[1, 0]
    assert quad[:2, 1].max() < quad[2:, 1].min()


@pytest.mark.parametrize("degrees", [-10, -5, 5, 30, 85, 90])
def test_a_slanted_line_is_as_high_as_an_upright_one(degrees):
    """Wherever it lies between the pixels of the map; smallest rectangles are higher by a pixel if they are slanted."""

    def mean_sides(degrees):
        """Of a line of 100 by 9 pixels with soft edges."""
        found = []
        for place in np.linspace(0, 1, 8, endpoint=False):
            large = drawn(((1200.0 + 8 * place, 800.0 + 8 * place), (800.0, 72.0), degrees), size=(1600, 2400))
            found += places_of(cv2.resize(large, (300, 200), interpolation=cv2.INTER_AREA)).quads.tolist()
        assert len(found) == 8
        along, across = sides(np.array(found))
        return sorted((along.mean(), across.mean()))

    height, length = mean_sides(degrees)
    assert height == pytest.approx(mean_sides(0)[0], abs=0.3)
    assert length == pytest.approx(mean_sides(0)[1], abs=0.8)


def test_what_is_no_bar_has_its_smallest_rectangle():
    corner = drawn(((100.0, 100.0), (100.0, 20.0), 0.0), ((60.0, 140.0), (20.0, 100.0), 0.0))
    assert len(places_of(corner).quads) <= 1
    square = drawn(((100.0, 100.0), (30.0, 30.0), 0.0))
    (quad,) = places_of(square).quads
    np.testing.assert_allclose(np.ptp(quad, axis=0), 30 + UNCLIP_RATIO * 15, atol=0.6)


def test_nothing_unlikely_tiny_or_absent_is_a_line():
    assert places_of(np.zeros((64, 64), np.float32)).quads.shape == (0, 4, 2)
    assert len(places_of(drawn(((150.0, 100.0), (100.0, 10.0), 0.0), chance=0.45)).quads) == 0
    assert len(places_of(drawn(((150.0, 100.0), (1.0, 1.0), 0.0))).quads) == 0


def test_what_is_less_likely_or_smaller_than_a_line_is_faint():
    assert places_of(drawn(((150.0, 100.0), (100.0, 10.0), 0.0), chance=0.5)).faint.all()
    assert places_of(drawn(((150.0, 100.0), (2.0, 2.0), 0.0))).faint.all()
    sure = ((150.0, 50.0), (100.0, 10.0), 0.0)
    unlikely, small = ((150.0, 100.0), (100.0, 10.0), 0.0), ((150.0, 150.0), (2.0, 6.0), 0.0)
    quads, faint = places_of(np.maximum(drawn(sure, small), drawn(unlikely, chance=0.55)))
    assert dict(zip(quads.mean(axis=1)[:, 1].round(-1).tolist(), faint.tolist(), strict=True)) == {
        50.0: False,
        100.0: True,
        150.0: True,
    }


@given(
    center=st.tuples(st.floats(100, 200), st.floats(80, 120)),
    size=st.tuples(st.floats(40, 120), st.floats(6, 14)),
    degrees=st.floats(-40, 40),
)
def test_corners_go_clockwise_from_the_top_left_at_any_slant(center, size, degrees):
    (quad,) = places_of(drawn((center, size, degrees))).quads
    edges = np.roll(quad, -1, axis=0) - quad
    turns = edges[:, 0] * np.roll(edges, -1, axis=0)[:, 1] - edges[:, 1] * np.roll(edges, -1, axis=0)[:, 0]
    assert (turns > 0).all()
    assert quad[0].sum() == quad.sum(axis=1).min()
    angle = np.degrees(np.arctan2(*edges[0][::-1]))
    assert angle == pytest.approx(degrees, abs=3)
    np.testing.assert_allclose(quad.mean(axis=0), np.add(center, 0.5), atol=1)


def test_lines_are_where_paddleocr_finds_them(models, letter):
    """To what PaddleOCR rounds: its lines grow by whole pixels of the map, and end on whole pixels of the page.

    But not as high: PaddleOCR's reach to the outermost points of an outline, ours have its mean height.
    """
    image = np.ascontiguousarray(letter.page().image[:, :, ::-1])
    source = {"model_name": "PP-OCRv6_small_det", "model_dir": str(models / "detection")}
    theirs, _ = PaddleDetector(source, threads=1).detect(image, 960)
    ours, faint = FastDetector(detection_model(models / "detection"), threads=1).detect(image, 960)
    assert not faint.any()
    assert len(ours) == len(theirs) == len(letter.lines)
    step = max(image.shape[:2]) / 960
    for quad in theirs:
        nearest = ours[np.abs(ours - quad).sum(axis=(1, 2)).argmin()]
        assert np.abs(nearest[:, 0] - quad[:, 0]).max() <= 2 * step + 1
        assert np.abs(nearest.mean(axis=0) - quad.mean(axis=0)).max() <= 2 * step
        assert 0.8 <= np.ptp(nearest[:, 1]) / np.ptp(quad[:, 1]) <= 1.05


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (31, 31), (33, 700), (700, 33)])
def test_pages_of_any_size_are_looked_at(models, shape):
    detector = FastDetector(detection_model(models / "detection"), threads=1)
    quads, faint = detector.detect(np.full((*shape, 3), 255, np.uint8), 736)
    assert (quads.shape, faint.shape) == ((0, 4, 2), (0,))


def test_a_small_image_keeps_its_measures(models, new_sheet):
    page = new_sheet(120, 40).write(10, 8, "12.50").page()
    quads, _ = FastDetector(detection_model(models / "detection"), threads=1).detect(page.image, 736)
    along, across = sides(quads)
    assert len(quads) == 1
    assert 60 < along[0] < 110 and 18 < across[0] < 40
    assert quads.min() >= 0 and quads[..., 0].max() <= 120 and quads[..., 1].max() <= 40
