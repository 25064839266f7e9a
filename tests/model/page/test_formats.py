"""Formats and compressions that are read by libraries: they come out as the picture that went in."""

import io
import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from layoutserve.model.errors import DocumentTooLarge, InvalidDocument
from layoutserve.model.page import Limits, read_document

PICTURES = Path(__file__).parent / "pictures"


def picture():
    """Left half red, right half white, a black bar at the top."""
    pixels = np.full((64, 96, 3), 255, dtype=np.uint8)
    pixels[:, :48] = (220, 20, 20)
    pixels[:16] = 0
    return Image.fromarray(pixels)


def black_and_white(ink=0):
    grey = picture().convert("L")
    return grey.point(lambda value: 255 - ink if value > 128 else ink).convert("1")


def file_of(image, kind, **options):
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def page_of(data, **options):
    (page,) = read_document(data, **options)
    return page.image.astype(int)


def same(pixels, within=6, colour=(220, 20, 20)):
    assert pixels.shape == (64, 96, 3)
    for (y, x), expected in {(8, 30): 0, (8, 80): 0, (40, 80): 255, (40, 20): colour}.items():
        assert np.abs(pixels[y, x] - expected).max() <= within


# Drawn as above and written by pillow-heif: in 8 and in 10 bits, and lying on its side, with a rotation (irot) and an
# EXIF orientation that say the same.
@pytest.mark.parametrize("name", ["upright.heic", "ten-bits.heic", "turned.heic"])
def test_heic(name):
    same(page_of((PICTURES / name).read_bytes()))


def test_avif():
    same(page_of(file_of(picture(), "AVIF", quality=95)))
    exif = Image.Exif()
    exif[0x0112] = 6
    same(page_of(file_of(picture().transpose(Image.Transpose.ROTATE_90), "AVIF", quality=95, exif=exif)))


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_the_limit_on_pixels_comes_before_decoding(kind):
    data = (PICTURES / "upright.heic").read_bytes() if kind == "HEIF" else file_of(picture(), "AVIF")
    with pytest.raises(DocumentTooLarge, match="96 x 64"):
        read_document(data, limits=Limits(max_pixels=64 * 96 - 1))
    # The box that says the size, ispe, is made to claim another.
    place = data.index(b"ispe") + 8
    huge = data[:place] + struct.pack(">II", 60_000, 60_000) + data[place + 8 :]
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises((DocumentTooLarge, InvalidDocument)):
        list(read_document(huge))
    assert time.perf_counter() - start < 2
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.9])
def test_heic_and_avif_that_are_cut_off_are_damaged(kind, share):
    data = (PICTURES / "upright.heic").read_bytes() if kind == "HEIF" else file_of(picture(), "AVIF")
    with pytest.raises(InvalidDocument, match=kind):
        page_of(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    "compression", ["group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw", "tiff_adobe_deflate"]
)
def test_black_and_white_tiff(compression):
    same(page_of(file_of(black_and_white(), "TIFF", compression=compression)), colour=0)


@pytest.mark.parametrize("compression", ["jpeg", "tiff_lzw", "tiff_adobe_deflate"])
def test_colour_tiff(compression):
    same(page_of(file_of(picture(), "TIFF", compression=compression)))


def test_lab_tiff():
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    same(page_of(file_of(ImageCms.applyTransform(picture(), to_lab), "TIFF")))


def test_a_jpeg_of_luma_and_chroma_with_black():
    """YCCK: what Adobe's programs write for print."""
    inks = np.asarray(picture().convert("CMYK"))
    coded = np.asarray(Image.fromarray(np.ascontiguousarray(inks[..., :3])).convert("YCbCr"))
    # Pillow inverts the four channels when it writes them, and calls them CMYK in the 12th byte of Adobe's marker.
    stored = 255 - np.dstack([coded, 255 - inks[..., 3]])
    data = file_of(Image.fromarray(stored, mode="CMYK"), "JPEG", quality=95)
    place = data.index(b"Adobe") + 11
    assert data[place] == 0
    same(page_of(data[:place] + b"\2" + data[place + 1 :]), within=12)


def pdf(stream, filters, **entries):
    """A PDF of one page that is one picture of 96 x 64 points."""
    lines = " ".join(f"/{name} {value}" for name, value in entries.items())
    head = f"<< /Type /XObject /Subtype /Image /Width 96 /Height 64 /Filter /{filters} {lines} /Length {len(stream)} >>"
    content = b"96 0 0 64 0 0 cm /I Do"
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 96 64] /Contents 4 0 R"
        b" /Resources << /XObject << /I 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        head.encode() + b"\nstream\n" + stream + b"\nendstream",
    ]
    file, places = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return file + b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(file),
    )


def group4():
    """The picture in black and white as CCITT group 4 (ITU-T T.6), bare."""
    # In a TIFF of Pillow's white is 1, and 1 is what is coded as ink.
    data = file_of(black_and_white(ink=255), "TIFF", compression="group4", tiffinfo={278: 64})
    with Image.open(io.BytesIO(data)) as image:
        (place,), (length,) = image.tag_v2[273], image.tag_v2[279]
        image.fp.seek(place)
        return image.fp.read(length)


def test_ccitt_in_a_pdf():
    parameters = "<< /K -1 /Columns 96 /Rows 64 >>"
    data = pdf(group4(), "CCITTFaxDecode", ColorSpace="/DeviceGray", BitsPerComponent=1, DecodeParms=parameters)
    same(page_of(data, dpi=72), colour=0)


def test_jbig2_in_a_pdf():
    """A page and one generic region, coded as T.6 (ITU-T T.88, 7.4.6)."""
    coded = group4()
    region = struct.pack(">IIIIB", 96, 64, 0, 0, 0) + b"\1" + coded
    page = struct.pack(">IIIIBH", 96, 64, 0, 0, 0, 0)
    stream = struct.pack(">IBBBI", 0, 48, 0, 1, len(page)) + page
    stream += struct.pack(">IBBBI", 1, 38, 0, 1, len(region)) + region
    data = pdf(stream, "JBIG2Decode", ColorSpace="/DeviceGray", BitsPerComponent=1)
    same(page_of(data, dpi=72), colour=0)


@pytest.mark.parametrize("kind", ["jp2", "j2k"])
def test_jpeg_2000_in_a_pdf(kind):
    file = io.BytesIO()
    picture().save(file, format="JPEG2000", no_jp2=kind == "j2k")
    same(page_of(pdf(file.getvalue(), "JPXDecode", ColorSpace="/DeviceRGB", BitsPerComponent=8), dpi=72))
