import io

import numpy as np
import pytest
from PIL import Image

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
        (np.zeros((2, 2), np.float32), "uint8"),
        (np.zeros((2, 2, 5), np.uint8), "uint8"),
        (np.zeros((0, 2, 3), np.uint8), "uint8"),
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
