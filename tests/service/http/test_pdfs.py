"""PDFs that other tools read wrongly, through the real app: what a person sees is what comes back."""

import io
from pathlib import Path

import pytest
from PIL import Image

CASES = Path(__file__).parent / "cases"

# By file, what the words joined by spaces must hold and must not, and which sources they have.
HOLDS = {
    "form-need-noap": (["Hollis", "Marta", "17/02/1988", "1,250.00"], [], {"text_layer"}),
    "whitetext": (["Total due 588.00"], ["SECRETWHITE", "TINYHIDDEN"], {"text_layer"}),
    "text-under-scan": (["Rowan & Pike Joinery Ltd", "09/05/2024"], ["Rowarn"], {"ocr"}),
    "fakebold": (["Subtotal 490.00 VAT 20% 98.00"], ["Ltd Rowan"], {"text_layer"}),
    "hebrew-visual": (["חשבונית מס מספר 20417", 'סך הכל לתשלום 588.00 ש"ח'], [], {"text_layer"}),
    "a0": (["Rowan & Pike Joinery Ltd"], [], {"text_layer"}),
    "text-and-picture": (["Dear Ms Hollis,", "Invoice RP-3391", "Total due 588.00"], [], {"text_layer", "ocr"}),
}


def post(client, data, path="/v1/ocr", **fields):
    answer = client.post(path, files={"file": data}, data=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("name", HOLDS)
def test_what_a_person_sees_is_read_from_where_it_is_best(client, name):
    have, lack, sources = HOLDS[name]
    body = post(client, (CASES / f"{name}.pdf").read_bytes())
    words = [word for page in body["pages"] for word in page["words"]]
    text = " ".join(word["text"] for word in words)
    assert [part for part in have if part not in text] == []
    assert [part for part in lack if part in text] == []
    assert {word["source"] for word in words} == sources
    assert body["warnings"] == []


def test_text_drawn_twice_is_counted_once(client):
    (page,) = post(client, (CASES / "fakebold.pdf").read_bytes())["pages"]
    assert 60 <= len(page["words"]) <= 64


def test_the_answer_says_at_which_resolution_a_large_page_was_read(client):
    (page,) = post(client, (CASES / "a0.pdf").read_bytes())["pages"]
    assert page["dpi"] <= 200
    assert page["width"] * page["height"] <= 50_000_000


def test_form_fields_come_by_name_with_every_task(client):
    data = (CASES / "form-need-noap.pdf").read_bytes()
    for path in ("/v1/ocr", "/v1/classification"):
        fields = post(client, data, path)["form_fields"]
        assert {field["name"]: field["value"] for field in fields} == {
            "surname": "Hollis",
            "first": "Marta",
            "dob": "17/02/1988",
            "amount": "1,250.00",
            "member": "Yes",
        }
        assert {(field["type"], field["page"]) for field in fields} == {("text", 1)}


def test_always_and_never_keep_their_meaning(client):
    data = (CASES / "text-and-picture.pdf").read_bytes()
    (page,) = post(client, data, ocr="always")["pages"]
    assert {word["source"] for word in page["words"]} == {"ocr"}
    (page,) = post(client, data, ocr="never")["pages"]
    assert {word["source"] for word in page["words"]} == {"text_layer"}
    assert "588.00" not in " ".join(word["text"] for word in page["words"])


@pytest.mark.parametrize("path", ["/v1/ocr", "/v1/kie", "/v1/classification", "/v1/analyze"])
def test_a_page_without_words_says_so(client, path):
    file = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(file, format="PNG")
    body = post(client, file.getvalue(), path)
    assert [warning for warning in body["warnings"] if "No words were found on page 1" in warning]


def test_words_of_the_request_are_given(client):
    data = (CASES / "whitetext.pdf").read_bytes()
    given = '[{"text": "TOTAL 9.00", "box": [10, 10, 90, 30]}]'
    (page,) = post(client, data, "/v1/classification", words=given)["pages"]
    assert [(word["text"], word["source"]) for word in page["words"]] == [("TOTAL", "given"), ("9.00", "given")]
