"""Pictures and resolutions through the real app: every format is read, and a page says at which dpi it was drawn."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

PICTURES = Path(__file__).parents[2] / "model" / "page" / "pictures"


def written(text="TOTAL 147.25", ground=255, ink=0):
    image = Image.new("L", (420, 120), ground)
    ImageDraw.Draw(image).text((40, 40), text, fill=ink, font=ImageFont.load_default(32))
    return image


def file_of(image, kind, **options):
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def on_nothing(ink):
    pixels = np.zeros((120, 420, 4), np.uint8)
    pixels[..., :3] = ink
    pixels[..., 3] = 255 - np.asarray(written())
    return Image.fromarray(pixels)


FILES = {
    "a float TIFF": lambda: file_of(Image.fromarray((np.asarray(written()) / 255).astype(np.float32)), "TIFF"),
    "12 bits in 16": lambda: file_of(Image.fromarray(np.asarray(written()).astype(np.uint16) * 16), "PNG"),
    "a JPEG without its end": lambda: file_of(written(), "JPEG", quality=95)[:-2],
    "a PNG without its end": lambda: file_of(written(), "PNG")[:-12],
    "black on nothing": lambda: file_of(on_nothing(0), "PNG"),
    "white on nothing": lambda: file_of(on_nothing(255), "PNG"),
    "AVIF": lambda: file_of(written().convert("RGB"), "AVIF", quality=90),
    "CCITT": lambda: file_of(written().convert("1"), "TIFF", compression="group4"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_picture_is_read(client, name):
    answer = client.post("/v1/ocr", files={"file": FILES[name]()})
    assert answer.status_code == 200, answer.text
    assert [word["text"] for word in answer.json()["pages"][0]["words"]] == ["TOTAL", "147.25"]


@pytest.mark.parametrize("name", ["upright.heic", "ten-bits.heic", "turned.heic"])
def test_heic_is_decoded_where_documents_are(client, name):
    answer = client.post("/v1/ocr", files={"file": (PICTURES / name).read_bytes()})
    assert answer.status_code == 200, answer.text
    assert [(page["width"], page["height"]) for page in answer.json()["pages"]] == [(96, 64)]


def test_what_is_damaged_says_so(client):
    data = file_of(written().resize((1200, 400)), "JPEG")
    answer = client.post("/v1/ocr", files={"file": data[: len(data) // 2]})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "invalid-document")
    assert "damaged or truncated" in answer.json()["detail"]


def pdf():
    return file_of(written().convert("RGB"), "PDF", resolution=100)


def test_a_page_is_drawn_at_the_dpi_asked_for(client):
    sizes = {}
    for dpi in (None, 36, 100, 300):
        fields = {} if dpi is None else {"dpi": str(dpi)}
        (page,) = client.post("/v1/ocr", files={"file": pdf()}, data={"ocr": "never", **fields}).json()["pages"]
        sizes[dpi] = (page["dpi"], page["width"], page["height"])
    assert sizes == {None: (200, 840, 240), 36: (36, 151, 43), 100: (100, 420, 120), 300: (300, 1260, 360)}


def test_dpi_of_a_json_body(client):
    body = {"file": base64.b64encode(pdf()).decode(), "dpi": 50, "ocr": "never"}
    (page,) = client.post("/v1/ocr", json=body).json()["pages"]
    assert (page["dpi"], page["width"]) == (50, 210)


@pytest.mark.parametrize("dpi", ["35", "601", "0", "-1", "fine", "1e3", "99.5"])
def test_a_dpi_that_is_none_is_refused(client, dpi):
    answer = client.post("/v1/ocr", files={"file": pdf()}, data={"dpi": dpi})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["dpi"]


def test_a_picture_has_no_dpi(client):
    (page,) = client.post("/v1/ocr", files={"file": file_of(written(), "PNG")}, data={"dpi": "300"}).json()["pages"]
    assert (page["dpi"], page["width"]) == (None, 420)
