"""Real documents through the real app: a receipt, a contract of many pages, and files that nobody likes to get."""

import re
import time
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[4] / "shared" / "data"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the real documents are not beside this repository"),
]

# What cannot be answered, and why.
PROBLEMS = {"failing-encrypted.pdf": "invalid-document", "invalid.pdf": "invalid-document"}


def post(client, file, headers=None, **fields):
    return client.post("/v1/kie", files={"file": file.read_bytes()}, data=fields, headers=headers)


def test_a_receipt_comes_back_with_its_words_entities_and_boxes(client):
    body = post(client, SHARED / "sroie" / "images" / "X00016469612.jpg").json()
    (page,) = body["pages"]
    text = " ".join(word["text"] for word in page["words"])
    assert "25/12/2018" in text
    assert re.search(r"\b9\.0+\b", text)
    assert len(page["words"]) > 80
    for thing in (*page["words"], *body["entities"]):
        x0, y0, x1, y1 = thing["box"]
        assert 0 <= x0 < x1 <= page["width"] and 0 <= y0 < y1 <= page["height"]


def test_a_contract_of_many_pages_is_answered_as_a_job_that_tells_its_progress(client):
    contract = SHARED / "kleister-nda" / "documents" / "99dfb1027fcb9fe65c61777f264fdc88.pdf"
    accepted = post(client, contract, {"Prefer": "respond-async"})
    assert accepted.status_code == 202
    seen, end = [], time.monotonic() + 600
    while (job := client.get(accepted.headers["location"]).json())["status"] in ("queued", "running"):
        assert time.monotonic() < end
        seen.append(job["progress"]["pages_done"])
        time.sleep(0.2)
    assert (job["status"], job["progress"]) == ("succeeded", {"pages_done": 10, "pages_total": 10})
    assert seen == sorted(seen)
    pages = job["result"]["pages"]
    assert [page["number"] for page in pages] == list(range(1, 11))
    assert all(page["dpi"] == 200 for page in pages)
    assert "AGREEMENT" in " ".join(word["text"] for word in pages[0]["words"]).upper()


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted((SHARED / "samples").glob("*")), ids=lambda file: file.name)
def test_an_awkward_file_gives_a_result_or_the_right_problem_and_the_service_goes_on(client, file):
    answer = post(client, file, pages="1")
    if file.name in PROBLEMS:
        assert answer.json()["type"].rpartition(":")[2] == PROBLEMS[file.name]
    else:
        assert answer.status_code == 200, answer.text
        assert answer.json()["pages"][0]["number"] == 1
    assert client.get("/health/ready").status_code == 200
