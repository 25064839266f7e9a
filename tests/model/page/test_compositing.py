"""A transparent picture is seen on white, or on black where on white nothing would be seen."""

import io

import numpy as np
import pytest
from PIL import Image

from layoutserve.model.page import read_document
from layoutserve.model.page.compositing import composited


def writing(colour, alpha=255):
    """Two strokes of a colour on a transparent ground."""
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[10:14, 5:55] = pixels[20:24, 5:40] = (*colour, alpha)
    return Image.fromarray(pixels)


def shown(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    (page,) = read_document(file.getvalue())
    return page.image[11, 10].astype(int), page.image[0, 0].astype(int)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("colour", "ground"), [((0, 0, 0), 255), ((200, 30, 30), 255), ((255, 255, 255), 0), ((250, 250, 235), 0)]
)
def test_ink_is_seen(colour, ground, kind):
    ink, paper = shown(writing(colour), kind, **({} if kind == "PNG" else {"quality": 100}))
    assert np.abs(ink - colour).max() <= 12
    assert np.abs(paper - ground).max() <= 8


def test_colour_beside_white_stays_on_white():
    pixels = np.asarray(writing((255, 255, 255))).copy()
    pixels[30:34, 5:55] = (30, 60, 200, 255)
    assert composited(Image.fromarray(pixels)).getpixel((0, 0)) == (255, 255, 255)


def test_half_transparent_black_is_grey():
    ink, paper = shown(writing((0, 0, 0), alpha=128))
    assert (abs(ink[0] - 127) <= 1, paper[0]) == (True, 255)


def test_a_palette_with_a_transparent_colour():
    image = Image.fromarray((np.asarray(writing((255, 255, 255)))[..., 3] > 0).astype(np.uint8), mode="P")
    image.putpalette([10, 10, 10, 255, 255, 255])
    ink, paper = shown(image, transparency=0)
    assert (ink.tolist(), paper.tolist()) == ([255] * 3, [0] * 3)
    image.putpalette([10, 10, 10, 0, 0, 0])
    ink, paper = shown(image, transparency=0)
    assert (ink.tolist(), paper.tolist()) == ([0] * 3, [255] * 3)


def test_grey_with_alpha():
    image = writing((255, 255, 255)).convert("LA")
    ink, paper = shown(image)
    assert (ink.tolist(), paper.tolist()) == ([255] * 3, [0] * 3)


def test_a_picture_of_which_nothing_is_opaque_is_blank_paper():
    assert composited(Image.new("RGBA", (6, 4))).getextrema() == ((255, 255),) * 3


def test_white_paper_whose_letters_are_cut_out_shows_them():
    pixels = np.full((40, 60, 4), 255, np.uint8)
    pixels[10:14, 5:55, 3] = 0
    shown_ = np.asarray(composited(Image.fromarray(pixels)))
    assert (shown_[11, 10].tolist(), shown_[0, 0].tolist()) == ([0] * 3, [255] * 3)
