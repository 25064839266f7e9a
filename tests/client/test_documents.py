import io

import numpy as np
import pytest
from PIL import Image

from layoutserve.model.page import read_document
from layoutserve_client import DocumentUnreadable
from layoutserve_client.documents import read


def test_a_path(tmp_path):
    path = tmp_path / "a b.pdf"
    path.write_bytes(b"%PDF")
    assert (read(path).name, read(str(path)).data) == ("a b.pdf", b"%PDF")


def test_bytes():
    assert read(b"x").data == read(bytearray(b"x")).data == read(memoryview(b"x")).data == b"x"


def test_a_file_object(tmp_path):
    (tmp_path / "r.jpg").write_bytes(b"x")
    with (tmp_path / "r.jpg").open("rb") as file:
        assert (read(file).name, file.closed) == ("r.jpg", False)
    assert read(io.BytesIO(b"x")).data == b"x"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "F", "I;16"])
def test_a_pillow_image(mode):
    image = Image.new(mode, (7, 5))
    assert Image.open(io.BytesIO(read(image).data)).size == (7, 5)


def test_a_pillow_image_is_sent_as_it_is_seen_in_the_program():
    image = Image.new("RGB", (7, 5))
    image.getexif()[0x0112] = 6  # turned by a quarter; Pillow itself does not apply it
    assert not Image.open(io.BytesIO(read(image).data)).getexif()


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 1), (3, 5, 2), (3, 5, 3), (3, 5, 4)])
def test_an_array(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    decoded = np.asarray(Image.open(io.BytesIO(read(array).data)))
    assert np.array_equal(decoded, array.reshape(decoded.shape))


GREYS = np.linspace(0, 255, 30 * 40).round().astype(np.uint8).reshape(30, 40)


def seen_by_the_server(document):
    (page,) = read_document(read(document).data)
    return page.image.astype(int)


@pytest.mark.parametrize(
    ("kind", "white"),
    [
        ("float32", 1),
        ("float64", 255),
        ("float16", 1),
        ("uint16", 4095),
        ("uint16", 65535),
        ("int32", 1023),
        ("int64", 2**40),
        ("float64", 1e9),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_an_array_of_other_numbers_is_seen_as_the_same_picture(kind, white, channels):
    array = (np.dstack([GREYS] * channels) / 255 * white).astype(kind)
    assert np.abs(seen_by_the_server(array) - GREYS[..., None]).max() <= 1


def test_an_array_of_what_is_seen_or_not():
    assert (seen_by_the_server(GREYS > 128)[..., 0] == 255 * (GREYS > 128)).all()


def test_an_array_with_what_is_no_number():
    array = (GREYS / 255).astype(np.float32)
    array[2, 2], array[3, 3], array[4, 4] = np.nan, np.inf, -np.inf
    seen = seen_by_the_server(array)[..., 0]
    assert (seen[2, 2], seen[3, 3], seen[4, 4]) == (255, 255, 0)
    assert np.abs(seen[6:] - GREYS[6:]).max() <= 1


@pytest.mark.parametrize(("kind", "white"), [("uint16", 65535), ("uint16", 4095), ("int32", 4095), ("float32", 1)])
def test_a_deep_grey_is_seen_alike_as_array_as_pillow_image_and_as_file(kind, white):
    array = (GREYS / 255 * white).astype(kind)
    image = Image.fromarray(array)
    file = io.BytesIO()
    image.save(file, format="TIFF")
    as_file = seen_by_the_server(file.getvalue())
    assert np.abs(as_file - GREYS[..., None]).max() <= 1
    assert (seen_by_the_server(image) == as_file).all()
    assert (seen_by_the_server(array) == as_file).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA", "RGBa"])
def test_a_transparent_pillow_image_stays_transparent(mode):
    pixels = np.zeros((30, 40, 4), np.uint8)
    pixels[10:14, 5:35] = 255
    image = Image.fromarray(pixels).convert(mode)
    seen = seen_by_the_server(image)
    assert (seen[11, 10].tolist(), seen[0, 0].tolist()) == ([255] * 3, [0] * 3)


def test_an_array_that_is_not_contiguous():
    array = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)[::-1, ::2]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(read(array).data))), array)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("no-such-file.jpg", "No such file"),
        (b"", "is empty"),
        (io.BytesIO(b""), "rewound"),
        (io.StringIO("text"), "binary mode"),
        (np.zeros((2, 2), np.complex64), "complex64 is not a picture"),
        (np.zeros((2, 2, 5), np.uint8), "Give numbers of shape"),
        (np.zeros((0, 2, 3), np.uint8), "Give numbers of shape"),
        (3, "type int is not a document"),
    ],
)
def test_what_is_no_document_is_refused_before_anything_is_sent(document, told):
    with pytest.raises(DocumentUnreadable, match=told):
        read(document)


def test_a_closed_file(tmp_path):
    (tmp_path / "r.jpg").write_bytes(b"x")
    file = (tmp_path / "r.jpg").open("rb")
    file.close()
    with pytest.raises(DocumentUnreadable, match="closed"):
        read(file)
