"""Ground of all measurements over HTTP: a service of its own, documents no two of which are alike, and clients."""

import asyncio
import hashlib
import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from PIL import Image

from layoutserve import model
from layoutserve.model.encoding.encoder import model_image
from layoutserve.model.network import checkpoint
from layoutserve.model.network.export import export
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2
from layoutserve.model.page import read_document
from layoutserve.model.training.stages import initial
from layoutserve.model.training.synthesis import generate

QUESTIONS = tuple(f"What is the {thing}?" for thing in ("total", "date", "company", "address", "tax")) + tuple(
    f"Which {thing} is named?" for thing in ("shop", "item", "price", "city", "number")
)


class Pages:
    """An endless supply of pages, no two alike: drawn receipts, or those of ``folder`` (images and PDFs).

    Every page differs from every other by a few pixels, so that no cache can help.
    """

    def __init__(self, folder: Path | None = None, count: int = 16) -> None:
        if folder is None:
            self._images = [generate(index, seed=7, kind="receipt").image for index in range(count)]
        else:
            paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".png", ".pdf"})
            self._images = [next(iter(read_document(path.read_bytes()))).image for path in paths[:count]]
        self._given = 0

    def image(self) -> NDArray[np.uint8]:
        """The next page's pixels (height, width, 3)."""
        image = self._images[self._given % len(self._images)].copy()
        rows = np.unpackbits(np.array([self._given], dtype=">u4").view(np.uint8))
        image[0, : len(rows)] = 255 - rows[:, None]
        self._given += 1
        return image

    def next(self) -> bytes:
        """The next page as PNG, which keeps every pixel."""
        file = io.BytesIO()
        Image.fromarray(self.image()).save(file, "PNG", compress_level=1)
        return file.getvalue()

    def repeat(self, count: int) -> None:
        """Have the next ``count`` pages show the last ``count`` pictures, and still be other pages."""
        self._given += -count % len(self._images)

    def document(self, pages: int) -> bytes:
        """The next pages as one TIFF."""
        first, *others = (Image.fromarray(self.image()) for _ in range(pages))
        file = io.BytesIO()
        first.save(file, "TIFF", save_all=True, append_images=others, compression="tiff_deflate")
        return file.getvalue()


def base_bundle(folder: Path, pages: Pages) -> Path:
    """A base-size int8 bundle of random weights: its speed is that of trained ones.

    Made where there is none that this code has exported.
    """
    made = folder / f"base-{_export_code()}"
    if (made / "manifest.json").is_file():
        return made
    torch.manual_seed(0)
    network = LayoutLMv2(Config(), {"kie": 9, "docvqa": 2}).eval()
    labels = {"kie": ("O", *(f"{part}-{name}" for name in "ABCD" for part in "BI")), "docvqa": ()}
    tokenizer = initial.folder() / "tokenizer.json"
    loaded = checkpoint.Checkpoint(network, labels, tokenizer, "Apache-2.0", "random weights")
    calibration = [model_image(next(iter(read_document(pages.next())))) for _ in range(8)]
    return export(loaded, made, name="base", precision="int8", calibration=calibration).path


def _export_code() -> str:
    """A name for what decides what an export writes."""
    package = Path(model.__file__).parent
    sources = sorted((*package.glob("network/*.py"), *package.glob("ops/*.py")))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs on loopback, and the seconds from its start until it was ready."""

    url: str
    process: psutil.Process
    ready_s: float

    @property
    def memory_mib(self) -> float:
        """Resident memory now."""
        return float(self.process.memory_info().rss) / 2**20

    def post(
        self,
        documents: Sequence[bytes],
        clients: int,
        questions: Sequence[str] = (),
        fields: Mapping[str, str] | None = None,
    ) -> "Load":
        """Post the documents with so many clients side by side, each waiting for its answer."""
        begun = time.perf_counter()
        latencies = asyncio.run(_post(self.url, documents, clients, questions, fields or {}))
        return Load(tuple(latencies), time.perf_counter() - begun)


@dataclass(frozen=True, slots=True)
class Load:
    """Seconds of each answer, and from the first request to the last answer."""

    latencies: tuple[float, ...]
    elapsed: float


async def _post(
    url: str, documents: Sequence[bytes], clients: int, questions: Sequence[str], fields: Mapping[str, str]
) -> list[float]:
    waiting, latencies = iter(documents), []
    path = "/v1/docvqa" if questions else "/v1/kie"
    data = {**fields, "question": list(questions)} if questions else dict(fields)

    async def client(session: httpx.AsyncClient) -> None:
        for document in waiting:
            begun = time.perf_counter()
            answer = await session.post(path, files={"file": document}, data=data)
            answer.raise_for_status()
            latencies.append(time.perf_counter() - begun)

    async with httpx.AsyncClient(base_url=url, timeout=300) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return latencies


@contextmanager
def service(bundle: Path | None = None, *, cache_mib: int = 0, max_documents: int = 64) -> Iterator[Service]:
    """A service with the starter bundle or another one, ready; without its cache of pages unless asked for."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "LAYOUTSERVE_MAX_DOCUMENTS": str(max_documents),
        "LAYOUTSERVE_LOG_LEVEL": "WARNING",
        "LAYOUTSERVE_REQUEST_TIMEOUT_S": "300",
        # Drawn pages take longer than this on a machine that does other things too; a warning is no figure.
        "LAYOUTSERVE_SLOW_REQUEST_S": "0",
        "LAYOUTSERVE_PAGE_CACHE_MIB": str(cache_mib),
    }
    if bundle is not None:
        settings |= {"LAYOUTSERVE_BUNDLES": str(bundle), "LAYOUTSERVE_STARTER": "false"}
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryFile() as errors:
        command = [sys.executable, "-m", "service", "serve", "--host", "127.0.0.1", "--port", str(port)]
        environment = {**os.environ, **settings, "LAYOUTSERVE_DATA_FOLDER": data}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=errors)
        url = f"http://127.0.0.1:{port}"
        try:
            while not _is_ready(url):
                if process.poll() is not None:
                    errors.seek(0)
                    raise SystemExit(f"The service ended: {errors.read().decode()[-2000:]}")
                time.sleep(0.05)
            ready_s = time.perf_counter() - begun
            yield Service(url, psutil.Process(process.pid), ready_s)
        finally:
            process.terminate()
            process.wait(60)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=1).status_code == 200
    except httpx.TransportError:
        return False
