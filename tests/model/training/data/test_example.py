import numpy as np
import pytest
from PIL import Image

from layoutserve.model.errors import DatasetError
from layoutserve.model.page import Box, read_document
from layoutserve.model.training.data import readers
from layoutserve.model.training.data.example import Example, split_by_group, split_line


def test_a_line_is_split_in_proportion_to_its_characters():
    first, second = split_line("AB CDEF", Box(0, 10, 70, 20), 3)
    assert (first.text, first.box) == ("AB", Box(0, 10, 20, 20))
    assert (second.text, second.box) == ("CDEF", Box(30, 10, 70, 20))
    assert {first.line, second.line} == {3}


def test_repeated_words_of_a_line_keep_their_own_places():
    one, two = split_line("1 1", Box(0, 0, 30, 10), 0)
    assert (one.box.x0, two.box.x0) == (0, 20)


def test_no_group_stands_on_both_sides_of_a_split(receipt):
    pages = [receipt(company=f"C{i // 3}", name=f"r{i}") for i in range(30)]
    training, held = split_by_group(pages, 0.2)
    assert {e.group for e in training}.isdisjoint({e.group for e in held})
    assert 6 <= len(held) <= 8
    assert split_by_group(pages, 0.2) == (training, held)


def turned(path):
    exif = Image.Exif()
    exif[0x0112] = 6
    gradient(60, 40).save(path, exif=exif, quality=95)


def gradient(width, height):
    return Image.fromarray(np.linspace(0, 255, width * height).reshape(height, width).astype(np.uint8))


def transparent(path):
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[10:14, 5:55, 3] = 255
    Image.fromarray(pixels).save(path)


def twelve_bits(path):
    Image.fromarray(np.asarray(gradient(60, 40)).astype(np.uint16) * 16).save(path)


def cut_off(path):
    gradient(60, 40).save(path)
    path.write_bytes(path.read_bytes()[:-2])


@pytest.mark.parametrize(
    ("name", "make", "mean"),
    [
        ("turned.jpg", turned, 127),
        ("transparent.png", transparent, 234),
        ("deep.png", twelve_bits, 127),
        ("cut.jpg", cut_off, 127),
    ],
)
def test_training_sees_the_picture_that_the_service_sees(tmp_path, name, make, mean):
    path = tmp_path / name
    make(path)
    (served,) = read_document(path.read_bytes())
    # A picture of one page is that page, whatever its number was.
    for page in (1, 3):
        seen = Example(path, page=page).read_image()
        assert (seen == served.image).all()
        assert abs(seen.mean() - mean) < 4
    assert served.image.shape[0] == (60 if name == "turned.jpg" else 40)


def test_a_page_of_a_tiff_is_the_one_asked_for(tmp_path):
    frames = [Image.new("L", (30, 20), value) for value in (10, 200)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    assert Example(tmp_path / "a.tif", page=2).read_image().mean() == 200
    with pytest.raises(DatasetError, match=r"a\.tif cannot be read: .*the document has 2"):
        Example(tmp_path / "a.tif", page=3).read_image()


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    for name in ("a.png", "missing.png"):
        with pytest.raises(DatasetError, match=name.replace(".", r"\.")):
            Example(tmp_path / name).read_image()


def test_the_size_of_a_page_is_that_of_the_turned_picture(tmp_path):
    turned(tmp_path / "a.jpg")
    assert readers._size(tmp_path / "a.jpg") == (40, 60)
