"""Every way an image can be stored comes out as the same RGB page."""

import io
import struct
import time
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from layoutserve.model.errors import DocumentTooLarge, InvalidDocument
from layoutserve.model.page import Limits, read_document


def picture():
    """Left half red, right half white, a black bar at the top."""
    pixels = np.full((40, 60, 3), 255, dtype=np.uint8)
    pixels[:, :30] = (220, 20, 20)
    pixels[:8] = 0
    return Image.fromarray(pixels)


def read(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    (page,) = read_document(file.getvalue())
    assert page.image.dtype == np.uint8
    assert page.image.flags.c_contiguous
    return page.image.astype(int)


def close(pixels, expected, within=6):
    assert np.abs(pixels - np.asarray(expected, dtype=int)).max() <= within


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGB", "PNG"), ("P", "PNG"), ("P", "GIF"), ("RGBA", "PNG"), ("RGB", "BMP"), ("CMYK", "TIFF"), ("RGB", "TIFF")],
)
def test_colour_modes_keep_their_colours(mode, kind):
    image = picture().quantize(8) if mode == "P" else picture().convert(mode)
    close(read(image, kind), np.asarray(picture()), within=30 if mode == "CMYK" else 6)


def test_a_cmyk_jpeg_is_not_inverted():
    pixels = read(picture().convert("CMYK"), "JPEG", quality=95)
    close(pixels[20, 10], (220, 20, 20), within=40)
    close(pixels[20, 50], (255, 255, 255), within=10)
    close(pixels[2, 30], (0, 0, 0), within=10)


@pytest.mark.parametrize(("mode", "kind"), [("1", "PNG"), ("L", "PNG"), ("1", "TIFF"), ("L", "JPEG")])
def test_grey_modes_become_equal_channels(mode, kind):
    pixels = read(picture().convert("L").point(lambda value: 255 * (value > 128)).convert(mode), kind)
    assert (pixels[..., 0] == pixels[..., 1]).all()
    assert (pixels[..., 1] == pixels[..., 2]).all()
    close(pixels[20, 50], (255, 255, 255))
    close(pixels[2, 50], (0, 0, 0))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_shows_white(mode):
    image = picture().convert("RGBA")
    image.putalpha(Image.fromarray(np.where(np.arange(60) < 40, 0, 255)[None].repeat(40, 0).astype(np.uint8)))
    if mode == "P":
        image = Image.fromarray(np.where(np.asarray(image)[..., 3] > 0, 1, 0).astype(np.uint8), mode="P")
        image.putpalette([0, 0, 0, 0, 0, 0])
        pixels = read(image, transparency=0)
    else:
        pixels = read(image.convert(mode))
    close(pixels[20, 10], (255, 255, 255))
    close(pixels[2, 50], (0, 0, 0))


def test_sixteen_bits_keep_their_scale():
    grey = np.linspace(0, 65535, 40 * 60).reshape(40, 60).astype(np.uint16)
    close(read(Image.fromarray(grey))[..., 0], grey // 256, within=1)
    close(read(Image.fromarray(grey), "TIFF")[..., 0], grey // 256, within=1)
    dark = np.full((40, 60), 1000, dtype=np.uint16)
    close(read(Image.fromarray(dark))[..., 0], np.full((40, 60), 3), within=1)


def test_32_bit_and_float_greys_are_stretched():
    ramp = np.linspace(-5, 5, 40 * 60, dtype=np.float32).reshape(40, 60)
    pixels = read(Image.fromarray(ramp), "TIFF")[..., 0]
    assert (pixels[0, 0], pixels[-1, -1]) == (0, 255)
    counts = np.linspace(0, 2**30, 40 * 60, dtype=np.int32).reshape(40, 60)
    pixels = read(Image.fromarray(counts), "TIFF")[..., 0]
    assert (pixels[0, 0], pixels[-1, -1]) == (0, 255)
    constant = np.zeros((40, 60), dtype=np.float32)
    assert (read(Image.fromarray(constant), "TIFF") == 0).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation):
    # What a camera stores for each orientation: the upright picture turned and mirrored the other way.
    stored = {
        1: lambda i: i,
        2: lambda i: i.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda i: i.transpose(Image.Transpose.ROTATE_180),
        4: lambda i: i.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda i: i.transpose(Image.Transpose.TRANSPOSE),
        6: lambda i: i.transpose(Image.Transpose.ROTATE_90),
        7: lambda i: i.transpose(Image.Transpose.TRANSVERSE),
        8: lambda i: i.transpose(Image.Transpose.ROTATE_270),
    }[orientation](picture())
    exif = Image.Exif()
    exif[0x0112] = orientation
    close(read(stored, exif=exif), np.asarray(picture()))
    close(read(stored, "JPEG", exif=exif, quality=95, subsampling=0)[::, 34:], np.asarray(picture())[:, 34:], within=40)


def test_the_first_frame_of_a_gif_is_the_page():
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "blue", "green")]
    file = io.BytesIO()
    frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:])
    (page,) = read_document(file.getvalue())
    close(page.image.astype(int), np.asarray(frames[0]))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_truncated_images_are_invalid(kind):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, format=kind)
    data = file.getvalue()
    for share in (0.05, 0.5, 0.8):
        with pytest.raises(InvalidDocument, match=kind):
            list(read_document(data[: int(len(data) * share)]))


def png_header(width, height):
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_000, 12_000, 100_000])
def test_an_image_that_claims_too_many_pixels_is_refused_before_memory_is_spent(side):
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(DocumentTooLarge, match="pixels"):
        read_document(png_header(side, side))
    assert time.perf_counter() - start < 2
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_the_limit_on_pixels_is_met_exactly():
    file = io.BytesIO()
    picture().save(file, format="PNG")
    assert len(list(read_document(file.getvalue(), limits=Limits(max_pixels=2400)))) == 1
    with pytest.raises(DocumentTooLarge, match="60 x 40"):
        read_document(file.getvalue(), limits=Limits(max_pixels=2399))


@pytest.mark.parametrize("value", [-5.0, 300.0, float("inf"), float("nan")])
def test_a_flat_grey_picture_of_any_value_is_read(value):
    flat = Image.fromarray(np.full((300, 20), value, dtype=np.float32))
    assert np.ptp(read(flat, "TIFF")) == 0
    assert np.ptp(read(Image.fromarray(np.full((300, 20), -70_000, dtype=np.int32)), "TIFF")) == 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_memory_that_a_page_takes_is_known_before_it_is_decoded(kind):
    file = io.BytesIO()
    picture().resize((900, 600)).save(file, format=kind)
    document = read_document(file.getvalue())
    said = document.memory_bytes(1)
    tracemalloc.start()
    next(iter(document))
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Pillow's own pictures, four bytes a pixel, are not Python's.
    assert taken + 900 * 600 * 4 <= said <= 900 * 600 * 22
