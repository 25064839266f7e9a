"""Ink that no line covers."""

import numpy as np
import pytest

from layoutserve.model.ocr.unread import leaves_ink


def quads(sheet, scale=1):
    return [np.array([(b.x0, b.y0), (b.x1, b.y0), (b.x1, b.y1), (b.x0, b.y1)]) * scale for _, b in sheet.words]


@pytest.mark.parametrize("scale", [1, 3])
def test_lines_cover_a_letter_or_leave_it(letter, scale):
    image = letter.page().image.repeat(scale, axis=0).repeat(scale, axis=1)
    found = quads(letter, scale)
    assert not leaves_ink(image, found)
    assert not leaves_ink(image, found[: len(found) * 3 // 4])
    assert leaves_ink(image, found[:4])
    assert leaves_ink(image, [])


def test_blank_paper_leaves_nothing():
    assert not leaves_ink(np.full((800, 600, 3), 255, dtype=np.uint8), [])
