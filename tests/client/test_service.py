"""The client against the real service, in process and over a socket, with the real OCR and a tiny model."""

import asyncio
import io

import httpx
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydantic import BaseModel, Field

import layoutserve_client
from layoutserve.service.http.app import create_app
from layoutserve.service.settings import Settings
from layoutserve_client import AsyncClient, Box, Client


def drawn(pages=1):
    made = []
    for number in range(1, pages + 1):
        page = Image.new("RGB", (480, 360), "white")
        draw, font = ImageDraw.Draw(page), ImageFont.load_default(28)
        for row, text in enumerate((f"PAGE {number} LTD", "Date 31/01/2024", "Coffee 4.50", "TOTAL 12.50")):
            draw.text((40, 40 + 70 * row), text, fill="black", font=font)
        made.append(page)
    return made


def as_pdf(pages):
    buffer = io.BytesIO()
    pages[0].save(buffer, "PDF", save_all=True, append_images=pages[1:])
    return buffer.getvalue()


RECEIPT = drawn()[0]


@pytest.fixture(scope="module")
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def in_process(tiny_bundle, tmp_path_factory, runner):
    """A client of the app itself, without a socket."""
    settings = Settings(bundles=(tiny_bundle,), starter=False, data_folder=tmp_path_factory.mktemp("data"))
    app = create_app(settings)
    client = AsyncClient("http://app", transport=httpx.ASGITransport(app))
    lifespan = app.router.lifespan_context(app)

    async def start():
        await lifespan.__aenter__()
        async with asyncio.timeout(120):
            while not await client.ready():
                await asyncio.sleep(0.1)

    async def stop():
        await client.aclose()
        await lifespan.__aexit__(None, None, None)

    runner.run(start())
    yield client
    runner.run(stop())


@pytest.fixture(scope="module")
def client(served):
    with Client(served) as client:
        yield client


class Receipt(BaseModel):
    total: str | None = None
    cashier: str | None = Field(None, description="Who served the customer?")


def test_every_task_in_process(in_process, runner):
    async def ask():
        read = await in_process.ocr(RECEIPT)
        assert read.text == "PAGE 1 LTD\nDate 31/01/2024\nCoffee 4.50\nTOTAL 12.50"
        found = await in_process.kie(RECEIPT)
        assert found.entities
        assert all(isinstance(entity.box, Box) and entity.page == 1 for entity in found.entities)
        classes = await in_process.classification(RECEIPT)
        assert classes.best.score == max(one.score for one in classes.classes)
        answers = await in_process.docvqa(RECEIPT, ["What is the total?", "Who?"], top_k=3)
        assert [asked.question for asked in answers.answers] == ["What is the total?", "Who?"]
        everything = await in_process.analyze(RECEIPT, questions="Who?")
        assert everything.kie.entities == found.entities
        assert everything.classification.classes == classes.classes
        assert len(everything.docvqa.answers) == 1
        assert found.draw(RECEIPT).size == RECEIPT.size
        assert isinstance(await in_process.extract(Receipt, RECEIPT), Receipt)
        (model,) = await in_process.models()
        assert (model.name, model.default) == ("tiny", True)

    runner.run(ask())


def test_a_job_in_process(in_process, runner):
    async def ask():
        job = await in_process.submit("ocr", as_pdf(drawn(3)), pages="2-3")
        seen = []
        result = await in_process.wait(
            job, timeout=60, on_progress=lambda state: seen.append(state.progress.pages_done)
        )
        assert [page.number for page in result.pages] == [2, 3]
        assert seen == sorted(seen)
        assert "PAGE 3 LTD" in result.pages[1].text
        with pytest.raises(layoutserve_client.JobExpired):
            await in_process.wait("no-such-job")

    runner.run(ask())


def test_what_is_refused_in_process(in_process, runner):
    async def ask():
        with pytest.raises(layoutserve_client.UnsupportedDocument) as caught:
            await in_process.kie(b"not a document")
        assert caught.value.request_id
        with pytest.raises(layoutserve_client.NotFound, match="model"):
            await in_process.kie(RECEIPT, model="no-such-model")
        with pytest.raises(layoutserve_client.InvalidRequest) as caught:
            await in_process.docvqa(RECEIPT, "Who?", top_k=1000)
        assert caught.value.errors[0][0] == "top_k"
        with pytest.raises(layoutserve_client.InvalidRequest):
            await in_process.kie(RECEIPT, pages="7")

    runner.run(ask())


def test_every_kind_of_document_over_a_socket(client, tmp_path):
    RECEIPT.save(tmp_path / "receipt.png")
    expected = client.ocr(tmp_path / "receipt.png").text
    with (tmp_path / "receipt.png").open("rb") as file:
        for document in (str(tmp_path / "receipt.png"), file, RECEIPT, np.asarray(RECEIPT), as_pdf([RECEIPT])):
            assert client.ocr(document, ocr="always").text == expected


def test_own_words_over_a_socket(client):
    word = {"text": "12.50", "box": (0.5, 0.5, 0.6, 0.55)}
    result = client.kie(RECEIPT, words=[word, {"text": "x", "box": (0, 0, 0.1, 0.1)}], words_unit="fractions")
    assert [word.text for word in result.pages[0].words] == ["12.50", "x"]
    assert result.pages[0].words[0].box == pytest.approx((240, 180, 288, 198), abs=1)


def test_many_files_over_a_socket(client):
    pages = drawn(6)
    outcomes = list(client.map([*pages, b"broken"], client.ocr, concurrency=3))
    assert [outcome.unwrap().pages[0].words[1].text for outcome in outcomes[:6]] == list("123456")
    assert isinstance(outcomes[6].error, layoutserve_client.UnsupportedDocument)


def test_a_job_under_a_key_of_ones_own_over_a_socket(client):
    first = client.submit("kie", RECEIPT, idempotency_key="monday/1")
    again = client.submit("kie", RECEIPT, idempotency_key="monday/1")
    assert first.id == again.id
    assert client.wait(first, timeout=60).entities
    assert client.job(first).status == "succeeded"
    with pytest.raises(layoutserve_client.InvalidRequest, match="another request"):
        client.submit("kie", drawn(2)[1], idempotency_key="monday/1")
    assert client.cancel(first).status == "succeeded"
    with pytest.raises(layoutserve_client.JobExpired):
        client.job(first)


def test_a_cancelled_job_over_a_socket(client):
    job = client.submit("ocr", as_pdf(drawn(12)))
    assert client.cancel(job).status == "cancelled"
    with pytest.raises(layoutserve_client.JobCancelled):
        client.wait(job, timeout=60)
    client.cancel(job)
    with pytest.raises(layoutserve_client.JobExpired, match="is not known"):
        client.wait(job, timeout=60)


def test_a_filled_model_over_a_socket(client):
    extraction = client.extract_with_sources(Receipt, RECEIPT)
    answer = extraction.response.docvqa.answers[0]
    assert answer.question == "Who served the customer?"
    assert extraction.value.cashier == (answer.best.text if answer.best else None)
    total = extraction.sources.get("total")
    assert extraction.value.total == (total.text if total else None)
    with pytest.raises(layoutserve_client.MappingError, match="company, date, party, total"):

        class Form(BaseModel):
            iban: str

        client.extract(Form, RECEIPT)
