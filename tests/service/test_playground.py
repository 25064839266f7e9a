"""The playground as a person uses it: in Chromium, over the real service; and what it says where that fails."""

import base64
import json
import re
import shutil
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
try:
    from playwright.sync_api import expect, sync_playwright
except ImportError:
    sync_playwright = None

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="the playground is not tested: Chromium is not installed"),
    pytest.mark.skipif(sync_playwright is None, reason="the playground is not tested: playwright is not installed"),
]

PLAYGROUND = Path(__file__).parents[2] / "service" / "playground"
RECEIPT = PLAYGROUND / "samples" / "receipt.jpg"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, starter):
    """Open a page of the service; at the end nothing was logged as an error, and nothing asked of another host."""
    opened, faults, foreign = [], [], []

    def open_page(path="/", viewport=DESKTOP, theme="light"):
        context = browser.new_context(viewport=viewport, color_scheme=theme, reduced_motion="reduce")
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on(
            "console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: foreign.append(request.url) if not request.url.startswith((starter, "blob:")) else None,
        )
        page.goto(starter + path)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert foreign == []
    # A browser logs every answer that is an error, whoever handles it.
    assert [fault for fault in faults if "Failed to load resource" not in fault] == []


def drop(page, path, name, kind="image/jpeg"):
    """Drop a file on the page, as the browser would."""
    page.evaluate(
        """([text, name, type]) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type }));
            dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        [base64.b64encode(path.read_bytes()).decode(), name, kind],
    )


def answers(page, path, body, status=200, headers=None):
    """Have the service's next answers be what a test needs."""
    kind = "application/json" if status < 400 else "application/problem+json"
    page.route(
        f"**/{path}",
        lambda route: route.fulfill(status=status, body=json.dumps(body), content_type=kind, headers=headers or {}),
    )


def serious(page):
    """What axe-core finds that is serious or worse."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        (one["id"], [node["target"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_a_dropped_receipt_is_read_and_its_boxes_and_fields_belong_together(open_page):
    page = open_page()
    drop(page, RECEIPT, "receipt.jpg")
    expect(page.locator("#timings .bar").first).to_be_visible()
    expect(page.locator("#classes .bar").first).to_contain_text("receipt")
    expect(page.locator("#fields .find", has_text=re.compile(r"^\s*total"))).to_contain_text("147.25")
    page.locator("#entities-box summary").click()
    finds = page.locator("#entities .find")
    assert finds.count() > 0
    finds.first.hover()
    lit = page.locator("#canvas .mark.lit")
    expect(lit).to_have_count(1)
    assert lit.get_attribute("data-id") == finds.first.get_attribute("data-id")
    page.mouse.move(0, 0)
    expect(lit).to_have_count(0)
    # And from the page to the list.
    mark = page.locator("#canvas .mark").last
    mark.hover()
    expect(page.locator(f'#entities .find.lit[data-id="{mark.get_attribute("data-id")}"]')).to_have_count(1)
    # The box lies on the page where the service said.
    told = json.loads(page.locator("#json").text_content())
    picture, box = page.locator(".sheet").bounding_box(), page.locator('.mark[data-id="entity-0"]').bounding_box()
    scale = picture["width"] / told["pages"][0]["width"]
    assert box["x"] - picture["x"] == pytest.approx(told["kie"]["entities"][0]["box"][0] * scale, abs=3)
    assert box["y"] - picture["y"] == pytest.approx(told["kie"]["entities"][0]["box"][1] * scale, abs=3)


def test_a_document_dropped_before_the_service_is_ready_is_read_once_it_is(open_page):
    page = open_page()
    starting = {"type": "t", "title": "Not ready", "detail": "It starts.", "action": "Wait.", "request_id": "r1"}
    answers(page, "v1/models", starting, 503, {"Retry-After": "1"})
    page.reload()
    drop(page, RECEIPT, "receipt.jpg")
    expect(page.locator("#status")).to_contain_text("starting")
    expect(page.locator("#work")).to_be_hidden()
    page.unroute_all()
    expect(page.locator("#timings .bar").first).to_be_visible()
    expect(page.locator("#curl")).to_contain_text("file=@receipt.jpg")


def test_a_question_is_asked_and_its_answer_highlighted(open_page):
    page = open_page()
    page.get_by_role("button", name="Receipt").click()
    expect(page.locator("#timings .bar").first).to_be_visible()
    assert page.locator("#question").input_value() == "How much was paid in total?"
    page.get_by_role("button", name="Ask").click()
    answered = page.locator("#answers .answered")
    expect(answered).to_contain_text("How much was paid in total?")
    expect(answered.locator(".find").first).to_contain_text("147.25")
    expect(page.locator(".mark.answer.lit")).to_have_count(1)
    expect(page.locator("#curl")).to_contain_text("question=How much was paid in total?")
    expect(page.locator("#python")).to_contain_text('questions=["How much was paid in total?"]')


def test_an_answer_is_lit_on_its_lines(open_page):
    page = open_page()
    page.get_by_role("button", name="Receipt").click()
    expect(page.locator("#timings .bar").first).to_be_visible()
    body = json.loads(page.locator("#json").text_content())
    found = {
        "text": "SANCHEZ GRILL",
        "score": 0.9,
        "page": 1,
        "boxes": [[148, 59, 242, 78], [248, 59, 310, 78]],
        "words": [0, 1],
    }
    asked = {"question": "Who?", "answers": [found], "no_answer_score": 0.05}
    for part in ("kie", "classification", "docvqa"):
        body.pop(part)
    answers(page, "v1/docvqa", {**body, "answers": [asked]})
    page.locator("#question").fill("Who?")
    page.keyboard.press("Enter")
    expect(page.locator("#answers .find")).to_contain_text("SANCHEZ GRILL")
    expect(page.locator(".mark.answer.lit")).to_have_count(2)
    answers(page, "v1/docvqa", {**body, "answers": [{**asked, "answers": [], "no_answer_score": 0.95}]})
    page.keyboard.press("Enter")
    expect(page.locator("#answers .none")).to_contain_text("The document does not say (95\u00a0% sure)")


def test_the_lines_shown_give_the_same(open_page, starter, tmp_path, monkeypatch):
    import os
    import subprocess
    import sys

    page = open_page()
    page.get_by_role("button", name="Receipt").click()
    expect(page.locator("#timings .bar").first).to_be_visible()
    shown = json.loads(page.locator("#json").text_content())
    shutil.copy(RECEIPT, tmp_path)
    if shutil.which("curl"):
        done = subprocess.run(
            ["bash", "-c", page.locator("#curl").text_content() + " --silent --show-error"],
            capture_output=True,
            cwd=tmp_path,
            check=True,
        )
        assert json.loads(done.stdout)["kie"] == shown["kie"]
    done = subprocess.run(
        [sys.executable, "-c", page.locator("#python").text_content()],
        capture_output=True,
        cwd=tmp_path,
        check=True,
        text=True,
        env=dict(os.environ),
    )
    assert shown["classification"]["classes"][0]["label"] in done.stdout


def test_a_document_that_is_none_is_refused_kindly(open_page, tmp_path):
    page = open_page()
    (tmp_path / "notes.txt").write_text("just text")
    page.locator("#file").set_input_files(tmp_path / "notes.txt")
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("Unsupported document")
    expect(problem).to_contain_text("Send a JPEG, PNG, WebP, AVIF, HEIC, BMP, GIF, TIFF or PDF.")
    expect(problem).to_contain_text(re.compile("Request [0-9a-f]+"))
    assert serious(page) == []
    page.get_by_role("button", name="Another document").click()
    expect(page.get_by_role("button", name="Choose a file")).to_be_focused()


def test_busy_too_long_and_locked_services_say_what_to_do(open_page):
    page = open_page()
    busy = {"type": "t", "title": "Too many requests", "detail": "It is full.", "action": "Wait.", "request_id": "r1"}
    answers(page, "v1/analyze", busy, 429, {"Retry-After": "1"})
    page.get_by_role("button", name="Letter").click()
    expect(page.get_by_role("alert")).to_contain_text("Too many requests")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#timings .bar").first).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()

    answers(page, "v1/analyze", {**busy, "title": "Deadline exceeded"}, 504)
    page.get_by_role("button", name="New document").click()
    page.get_by_role("button", name="Form").click()
    later = page.get_by_role("button", name="Answer it later, as a job")
    expect(later).to_be_visible()
    page.unroute_all()
    later.click()
    expect(page.locator("#timings .bar").first).to_be_visible()

    answers(page, "v1/analyze", {**busy, "title": "API key needed"}, 401)
    page.get_by_role("button", name="New document").click()
    page.get_by_role("button", name="Form").click()
    page.get_by_label("API key").fill("secret")
    page.unroute_all()
    with page.expect_request("**/v1/analyze") as sent:
        page.get_by_role("button", name="Use this key").click()
    assert sent.value.headers["authorization"] == "Bearer secret"
    expect(page.locator("#timings .bar").first).to_be_visible()


def test_a_document_of_many_pages_is_set_from_its_words(open_page, tmp_path):
    from PIL import Image

    page = open_page()
    pictures = [Image.open(PLAYGROUND / "samples" / f"{name}.jpg") for name in ("letter", "receipt")]
    pictures[0].save(tmp_path / "two.pdf", save_all=True, append_images=pictures[1:])
    page.locator("#file").set_input_files(tmp_path / "two.pdf")
    expect(page.locator("#page-number")).to_have_text("1 (1 of 2)")
    expect(page.locator(".sheet text").first).to_be_visible()
    page.keyboard.press("]")
    expect(page.locator("#page-number")).to_have_text("2 (2 of 2)")
    expect(page.locator(".sheet")).to_contain_text("SANCHEZ")


def test_keyboard_zoom_words_and_theme(open_page):
    page = open_page()
    page.get_by_role("button", name="Receipt").click()
    expect(page.locator("#timings .bar").first).to_be_visible()
    width = page.locator(".sheet").bounding_box()["width"]
    page.keyboard.press("+")
    assert page.locator(".sheet").bounding_box()["width"] == pytest.approx(width * 1.25, abs=1)
    page.keyboard.press("0")
    assert page.locator(".sheet").bounding_box()["width"] == pytest.approx(width, abs=1)
    page.keyboard.press("w")
    assert page.locator(".word").count() > 20
    page.keyboard.press("t")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_paste(open_page):
    page = open_page()
    page.evaluate(
        """(text) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "pasted.jpg", { type: "image/jpeg" }));
            dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer }));
        }""",
        base64.b64encode(RECEIPT.read_bytes()).decode(),
    )
    expect(page.locator("#timings .bar").first).to_be_visible()
    expect(page.locator("#curl")).to_contain_text("file=@pasted.jpg")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_and_has_no_serious_accessibility_fault(open_page, viewport, theme, tmp_path):
    page = open_page(viewport=viewport, theme=theme)
    assert page.locator("html").get_attribute("data-theme") == theme
    assert serious(page) == []
    page.screenshot(path=tmp_path / "start.png", full_page=True)
    page.get_by_role("button", name="Receipt").click()
    expect(page.locator("#timings .bar").first).to_be_visible()
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#answers .answered")).to_be_visible()
    page.locator("#entities-box summary").click()
    assert serious(page) == []
    page.screenshot(path=tmp_path / "work.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_reference_shows_every_path_without_the_internet(open_page, starter, viewport):
    import urllib.request

    page = open_page("/docs/", viewport=viewport)
    expect(page.locator("article.operation").first).to_be_visible()
    with urllib.request.urlopen(starter + "/openapi.json") as answer:
        document = json.load(answer)
    operations = sum(len(path) for path in document["paths"].values())
    expect(page.locator("article.operation")).to_have_count(operations)
    expect(page.locator("article#kie")).to_contain_text("words_unit")
    expect(page.locator("article#kie")).to_contain_text("KieResponse")
    expect(page.locator("section#schemas")).to_contain_text("no_answer_score")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
