"""What a file lacks that nobody sees is no damage; what is seen is."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from layoutserve.model.errors import DocumentTooLarge, InvalidDocument
from layoutserve.model.page import Limits, read_document

NOISE = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)
PICTURE = Image.fromarray(NOISE).resize((900, 600))


def file_of(kind, image=PICTURE, **options):
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def pixels_of(data):
    (page,) = read_document(data)
    return page.image.astype(int)


JPEGS = pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 8}])


@JPEGS
def test_a_jpeg_without_its_end_marker_is_whole(options):
    data = file_of("JPEG", **options)
    for less in (1, 2):
        assert (pixels_of(data[:-less]) == pixels_of(data)).all()


@JPEGS
def test_of_a_jpeg_the_last_rows_may_be_missing(options):
    data = file_of("JPEG", **options)
    assert (pixels_of(data[:-100])[:-16] == pixels_of(data)[:-16]).all()


@JPEGS
@pytest.mark.parametrize("share", [0.05, 0.5, 0.8, 0.95])
def test_a_jpeg_of_which_more_is_missing_is_damaged(options, share):
    data = file_of("JPEG", **options)
    with pytest.raises(InvalidDocument, match="JPEG image is damaged"):
        pixels_of(data[: int(len(data) * share)])


def test_faulty_exif_data_are_no_damage():
    data = file_of("JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x05garbage")
    with pytest.warns(UserWarning, match="Corrupt EXIF|Truncated|Metadata"):
        assert pixels_of(data).shape == (600, 900, 3)
    assert pixels_of(file_of("JPEG", exif=b"Exif\0\0nonsense")).shape == (600, 900, 3)


def chunk(name, body, check=None):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check or zlib.crc32(name + body))


@pytest.mark.parametrize("kind", ["RGB", "L", "P", "RGBA", "1"])
def test_a_png_without_its_end_is_whole(kind):
    data = file_of("PNG", PICTURE.convert(kind))
    for less in (1, 4, 12, 14):
        assert (pixels_of(data[:-less]) == pixels_of(data)).all()


def test_of_a_png_the_last_rows_may_be_missing_and_are_as_the_one_above():
    data = file_of("PNG")
    found, whole = pixels_of(data[:-9_000]), pixels_of(data)
    wrong = np.flatnonzero((found != whole).any(axis=(1, 2)))
    assert 0 < len(wrong) <= 12
    assert (found[wrong] == whole[wrong[0] - 1]).all()


@pytest.mark.parametrize("share", [0.05, 0.5, 0.8, 0.95])
def test_a_png_of_which_more_is_missing_is_damaged(share):
    data = file_of("PNG")
    with pytest.raises(InvalidDocument, match="PNG image is damaged"):
        pixels_of(data[: int(len(data) * share)])


@pytest.mark.parametrize("name", [b"tEXt", b"iCCP", b"eXIf", b"tIME", b"zTXt"])
def test_metadata_of_a_png_that_do_not_check_are_no_damage(name):
    data = file_of("PNG")
    faulty = data[:33] + chunk(name, b"what\0\0ever", check=1) + data[33:]
    assert (pixels_of(faulty) == pixels_of(data)).all()


def test_a_turn_that_checks_is_kept_when_a_png_is_repaired():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert pixels_of(file_of("PNG", exif=exif)[:-12]).shape == (900, 600, 3)


def test_pixels_of_a_png_that_do_not_check_are_damage():
    data = bytearray(file_of("PNG"))
    data[len(data) // 2] ^= 0x55
    with pytest.raises(InvalidDocument, match="PNG image is damaged"):
        pixels_of(bytes(data))


def test_a_repaired_file_is_held_to_the_limit_on_pixels():
    limits = Limits(max_pixels=900 * 600 - 1)
    for kind in ("JPEG", "PNG"):
        with pytest.raises(DocumentTooLarge, match="900 x 600"):
            list(read_document(file_of(kind)[:-5], limits=limits))
    faulty = file_of("PNG")
    faulty = faulty[:33] + chunk(b"iCCP", b"x", check=1) + faulty[33:]
    with pytest.raises((DocumentTooLarge, InvalidDocument)):
        list(read_document(faulty, limits=limits))
