"""Values of any number of bits come out as the greys and colours that they mean."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from layoutserve.model.page import read_document
from layoutserve.model.page.depth import scaled

GREYS = np.linspace(0, 255, 40 * 60).round().astype(np.uint8).reshape(40, 60)
COLOURS = np.dstack([GREYS, GREYS[::-1], GREYS[:, ::-1]])


def pixels_of(data):
    (page,) = read_document(data)
    return page.image.astype(int)


def encoded(values, kind):
    file = io.BytesIO()
    Image.fromarray(values).save(file, format=kind)
    return file.getvalue()


def close(pixels, expected, within=1):
    assert np.abs(pixels - expected.astype(int)).max() <= within


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_greys_in_sixteen_bits_are_read_by_the_bits_they_use(bits, kind):
    values = (GREYS / 255 * (2**bits - 1)).round().astype(np.uint16)
    close(pixels_of(encoded(values, kind))[..., 0], GREYS)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize(("kind", "alpha"), [(".png", False), (".png", True), (".tif", False)])
def test_colours_in_sixteen_bits_are_read_by_the_bits_they_use(bits, kind, alpha):
    values = (COLOURS / 255 * (2**bits - 1)).round().astype(np.uint16)
    if alpha:
        values = np.dstack([values, np.full(GREYS.shape, 65535, np.uint16)])
    data = cv2.imencode(kind, values[..., [2, 1, 0, 3][: values.shape[2]]])[1].tobytes()
    close(pixels_of(data), COLOURS)


@pytest.mark.parametrize("white", [1, 255, 1023, 4095, 65535])
def test_floats_are_read_by_the_range_they_use(white):
    close(pixels_of(encoded((GREYS / 255 * white).astype(np.float32), "TIFF"))[..., 0], GREYS)


def test_floats_that_reach_a_little_beyond_their_range_are_cut_to_it():
    values = (GREYS / 255 * 1.08 - 0.04).astype(np.float32)
    close(pixels_of(encoded(values, "TIFF"))[..., 0], np.clip(values * 255, 0, 255))


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (-1000, 1000), (0, 2**30)])
def test_other_ranges_are_stretched(low, high):
    values = low + GREYS / 255 * (high - low)
    close(scaled(values), GREYS)
    close(scaled(values.astype(np.float32)), GREYS)


def test_what_is_no_number_is_paper_and_spoils_no_range():
    values = (GREYS / 255).astype(np.float32)
    values[3, 3], values[4, 4], values[5, 5] = np.nan, np.inf, -np.inf
    pixels = pixels_of(encoded(values, "TIFF"))[..., 0]
    assert (pixels[3, 3], pixels[4, 4], pixels[5, 5]) == (255, 255, 0)
    close(pixels[10:], GREYS[10:])
    assert (scaled(np.full((3, 3), np.nan)) == 255).all()


@pytest.mark.parametrize("bits", [8, 16, 31])
def test_32_bit_integers(bits):
    values = (GREYS / 255.0 * (2**bits - 1)).round().astype(np.int32)
    close(pixels_of(encoded(values, "TIFF"))[..., 0], GREYS)


def tiff(values, photometric=1, sample_format=1):
    """An uncompressed TIFF of one strip, with what Pillow does not write."""
    height, width = values.shape
    bits = 8 * values.itemsize
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 0), (277, 1), (278, height)]
    tags += [(279, values.nbytes), (339, sample_format)]
    start = 8 + 2 + 12 * len(tags) + 4
    file = b"II*\0\x08\0\0\0" + len(tags).to_bytes(2, "little")
    for tag, value in tags:
        kind = 4 if tag in (273, 279) else 3
        file += tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + (1).to_bytes(4, "little")
        file += (start if tag == 273 else value).to_bytes(4, "little")
    return file + bytes(4) + values.astype(values.dtype.newbyteorder("<")).tobytes()


def test_integers_without_a_sign_use_their_highest_bit():
    close(pixels_of(tiff((GREYS / 255 * (2**32 - 1)).astype(np.uint32)))[..., 0], GREYS)


@pytest.mark.parametrize(("kind", "white", "sample_format"), [(np.uint16, 65535, 1), (np.float32, 1, 3)])
def test_white_may_be_zero(kind, white, sample_format):
    values = (GREYS / 255 * white).astype(kind)
    close(pixels_of(tiff(values, photometric=0, sample_format=sample_format))[..., 0], 255 - GREYS)


def test_one_grey_may_stand_for_transparency():
    values = np.full((40, 60), 30000, np.uint16)
    values[10:20] = 0
    file = io.BytesIO()
    Image.fromarray(values).save(file, format="PNG", transparency=30000)
    pixels = pixels_of(file.getvalue())
    assert (pixels[0, 0].tolist(), pixels[15, 0].tolist()) == ([255] * 3, [0] * 3)
