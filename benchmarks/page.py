"""Whole pages, pixels to fields: the service over HTTP beside PaddleOCR + LayoutLMv2 in torch, in one run.

Run ``python benchmarks/page.py``. The pages are receipts drawn by our own synthesis, or those of ``--data FOLDER``
(images and PDFs). Every page of every row differs from every other by a few pixels, so that no cache can help,
except in the rows that say so. The usual stack is PaddleOCR's own pipeline at its fastest setting and this
repository's network in torch computing what the reference computes, one page after the other in one process.
"""

import argparse
import asyncio
import io
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import httpx
import numpy as np
import psutil
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from model.encoding import Encoder, model_image
from model.network import checkpoint
from model.network.export import export
from model.network.layoutlmv2 import Config, LayoutLMv2
from model.ocr import OcrConfig, store
from model.page import Box, Page, Word, read_document
from model.training import initial
from model.training.synthesis import generate

CLIENTS = (1, 4, 16)
QUESTIONS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report; latencies in seconds."""

    what: str
    pages: int
    pages_a_second: float
    p50: float
    p95: float
    p99: float
    memory_mib: float


def row(what: str, latencies: Sequence[float], elapsed: float, memory: float) -> Row:
    p50, p95, p99 = (float(value) for value in np.percentile(latencies, (50, 95, 99)))
    return Row(what, len(latencies), len(latencies) / elapsed, p50, p95, p99, memory)


class Pages:
    """An endless supply of documents, no two alike."""

    def __init__(self, folder: Path | None, count: int) -> None:
        if folder is None:
            self._images = [generate(index, seed=7, kind="receipt").image for index in range(count)]
        else:
            paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".png", ".pdf"})
            self._images = [next(iter(read_document(path.read_bytes()))).image for path in paths[:count]]
        self._given = 0

    def next(self) -> bytes:
        """The next page as PNG, which keeps every pixel."""
        image = self._images[self._given % len(self._images)].copy()
        rows = np.unpackbits(np.array([self._given], dtype=">u4").view(np.uint8))
        image[0, : len(rows)] = 255 - rows[:, None]
        self._given += 1
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG", compress_level=1)
        return file.getvalue()


class UsualStack:
    """What people use today: PaddleOCR, then base-size LayoutLMv2 in torch, its whole pyramid included."""

    def __init__(self, encoder: Encoder) -> None:
        from paddleocr import PaddleOCR

        folder = store.default_folder()
        self._ocr = PaddleOCR(
            text_detection_model_name=store.DETECTION.name,
            text_detection_model_dir=str(folder / store.DETECTION.folder),
            text_recognition_model_name=store.RECOGNITION.name,
            text_recognition_model_dir=str(folder / store.RECOGNITION.folder),
            text_recognition_batch_size=1,  # the fastest here; larger ones pad
            text_det_limit_side_len=OcrConfig().detection_side,
            text_det_limit_type="max",
            use_doc_orientation_classify=False,
            use_doc_unwarping=False,
            use_textline_orientation=False,
            engine="onnxruntime",
            device="cpu",
        )
        self._encoder = encoder
        torch.manual_seed(0)
        self._network = LayoutLMv2(Config(), {"kie": 9}).eval()

    def page(self, document: bytes) -> None:
        """One page, pixels to logits."""
        image = np.asarray(Image.open(io.BytesIO(document)).convert("RGB"))
        (result,) = self._ocr.predict(np.ascontiguousarray(image[:, :, ::-1]))
        words: list[Word] = []
        for line, (text, edges) in enumerate(zip(result["rec_texts"], result["rec_boxes"], strict=True)):
            x0, y0, x1, y1 = map(float, edges)
            corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
            words += [Word(part, Box(x0, y0, x1, y1), 1.0, line, corners) for part in text.split()]
        model = self._network.layoutlmv2
        for window in self._encoder.encode(Page(image, words=tuple(words))):
            ids, bbox, types, picture = (
                torch.from_numpy(np.asarray(array))[None]
                for array in (window.input_ids, window.bbox, window.token_type_ids, window.image)
            )
            with torch.no_grad():
                visual = model.visual_embeddings(picture, all_levels=True)
                hidden = model.encode(model.text_embeddings(ids, bbox, types), visual, bbox, torch.ones_like(ids))
                self._network.outputs(hidden, visual)


def base_bundle(folder: Path, tokenizer: Path, pages: Pages) -> Path:
    """A base-size bundle in int8 of random weights: its speed is that of trained ones."""
    torch.manual_seed(0)
    network = LayoutLMv2(Config(), {"kie": 9, "docvqa": 2}).eval()
    labels = {"kie": ("O", *(f"{part}-{name}" for name in "ABCD" for part in "BI")), "docvqa": ()}
    loaded = checkpoint.Checkpoint(network, labels, tokenizer, "Apache-2.0", "random weights")
    calibration = [model_image(next(iter(read_document(pages.next())))) for _ in range(8)]
    return export(loaded, folder / "base", precision="int8", calibration=calibration).path


@contextmanager
def service(bundle: Path | None, *, cache: bool = False) -> Iterator[tuple[str, psutil.Process, float]]:
    """A running service on loopback: its URL, its process and the seconds until it was ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"LAYOUTSERVE_MAX_DOCUMENTS": "64", "LAYOUTSERVE_LOG_LEVEL": "WARNING"}
    if not cache:
        settings["LAYOUTSERVE_PAGE_CACHE_MIB"] = "0"
    if bundle is not None:
        settings |= {"LAYOUTSERVE_BUNDLES": str(bundle), "LAYOUTSERVE_STARTER": "false"}
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "service", "serve", "--host", "127.0.0.1", "--port", str(port)]
        environment = {**os.environ, **settings, "LAYOUTSERVE_DATA_FOLDER": data}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        url = f"http://127.0.0.1:{port}"
        try:
            while True:
                if process.poll() is not None:
                    assert process.stderr is not None
                    raise SystemExit(f"The service ended: {process.stderr.read().decode()[-2000:]}")
                try:
                    if httpx.get(f"{url}/health/ready", timeout=1).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                time.sleep(0.05)
            yield url, psutil.Process(process.pid), time.perf_counter() - begun
        finally:
            process.terminate()
            process.wait(60)


async def load(url: str, documents: Sequence[bytes], clients: int, questions: Sequence[str] = ()) -> list[float]:
    """Post the documents with so many clients side by side, each waiting for its answer; the latencies."""
    waiting, latencies = iter(documents), []

    async def client(session: httpx.AsyncClient) -> None:
        for document in waiting:
            begun = time.perf_counter()
            path = "/v1/docvqa" if questions else "/v1/kie"
            fields = {"question": list(questions)} if questions else {}
            answer = await session.post(path, files={"file": document}, data=fields)
            answer.raise_for_status()
            latencies.append(time.perf_counter() - begun)

    async with httpx.AsyncClient(base_url=url, timeout=300) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return latencies


def measure(name: str, bundle: Path | None, pages: Pages, count: int) -> list[Row]:
    """All rows of one bundle over HTTP."""
    rows: list[Row] = []

    def timed(what: str, documents: Sequence[bytes], clients: int, questions: Sequence[str] = ()) -> None:
        begun = time.perf_counter()
        latencies = asyncio.run(load(url, documents, clients, questions))
        elapsed = time.perf_counter() - begun
        rows.append(row(f"{name}: {what}", latencies, elapsed, process.memory_info().rss / 2**20))

    with service(bundle) as (url, process, ready):
        rows.append(Row(f"{name}: start until ready", 0, 0.0, ready, ready, ready, process.memory_info().rss / 2**20))
        asyncio.run(load(url, [pages.next() for _ in range(4)], 2))  # warm
        for clients in CLIENTS:
            timed(f"{clients} client{'s' if clients > 1 else ''}", [pages.next() for _ in range(count)], clients)
        asked = [f"What is the {thing}?" for thing in ("total", "date", "company", "address", "tax")] * 2
        timed("1 question", [pages.next() for _ in range(count // 4)], 1, asked[:1])
        timed(f"{QUESTIONS} questions", [pages.next() for _ in range(count // 4)], 1, asked[:QUESTIONS])
    with service(bundle, cache=True) as (url, process, _):
        documents = [pages.next() for _ in range(count // 4)]
        asyncio.run(load(url, documents, 1))
        timed("the same pages again", documents, 1)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of images and PDFs, instead of drawn receipts")
    parser.add_argument("--pages", type=int, default=32, help="pages of each row (default: 32)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    pages = Pages(arguments.data, arguments.pages)
    tokenizer = initial.folder() / "tokenizer.json"
    rows: list[Row] = []
    stack, latencies = UsualStack(Encoder(tokenizer)), []
    stack.page(pages.next())  # warm
    for _ in range(arguments.pages // 2):
        document = pages.next()
        begun = time.perf_counter()
        stack.page(document)
        latencies.append(time.perf_counter() - begun)
    memory = psutil.Process().memory_info().rss / 2**20
    rows.append(row("PaddleOCR + torch, base size", latencies, sum(latencies), memory))
    del stack
    rows += measure("starter", None, pages, arguments.pages)
    with tempfile.TemporaryDirectory() as folder:
        rows += measure("base int8", base_bundle(Path(folder), tokenizer, pages), pages, arguments.pages)
    if arguments.json:
        print(json.dumps([asdict(entry) for entry in rows], indent=2))
        return
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    table = Table(title=f"Whole pages ({machine}, {date.today()})")
    for column in ("what", "pages", "pages/s", "times", "p50 s", "p95 s", "p99 s", "MiB"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for entry in rows:
        figures = (entry.pages_a_second, entry.pages_a_second / rows[0].pages_a_second)
        times = (entry.p50, entry.p95, entry.p99)
        table.add_row(
            entry.what,
            str(entry.pages),
            *(f"{figure:.2f}" for figure in figures),
            *(f"{seconds:.3f}" for seconds in times),
            f"{entry.memory_mib:.0f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
