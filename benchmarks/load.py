"""Many clients at once: is every answer the one the document gets alone, is memory bounded, is every request answered?

Starts the service with its caches off, posts distinct documents one after the other, then the same with many clients
at once, compares every answer, and finally asks for more than the service accepts::

    python benchmarks/load.py --bundle DIR [--documents FOLDER] [--count 200] [--clients 8]

Exit code 1 where an answer differs, a request is not answered or memory grows.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from PIL import Image, ImageDraw, ImageFont

LAYOUTSERVE = Path(sys.executable).with_name("layoutserve")
SCORE_BOUND = 1e-4
# Of the resident memory between the two halves of the load, in bytes.
GROWTH_BOUND = 150 * 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, help="a bundle (default: the starter bundle)")
    parser.add_argument("--documents", type=Path, help="a folder of them (default: drawn)")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--max-documents", type=int, default=8)
    arguments = parser.parse_args()
    documents = list(_documents(arguments.documents, arguments.count))
    failures: list[str] = []
    with _service(arguments.bundle, arguments.max_documents) as url, httpx.Client(base_url=url, timeout=600) as client:
        alone, alone_s, _ = _post_all(client, documents, 1)
        middle = _resident(client)
        together, together_s, repeats = _post_all(client, documents, arguments.clients)
        end = _resident(client)
        worst = 0.0
        for number, (first, second) in enumerate(zip(alone, together, strict=True)):
            difference = _difference(first, second)
            worst = max(worst, difference)
            if difference > SCORE_BOUND:
                failures.append(f"document {number} differs by {difference}")
        statuses = _overload(client, documents, 4 * arguments.max_documents)
        if end - middle > GROWTH_BOUND:
            failures.append(f"memory grew by {(end - middle) / 2**20:.0f} MiB")
        if set(statuses) - {200, 429} or statuses[200] < arguments.max_documents:
            failures.append(f"beyond the bound: {dict(statuses)}")
    pages = sum(len(answer["pages"]) for answer in alone)
    print(f"{len(documents)} distinct documents, {pages} pages, caches off")
    print(f"1 client              {alone_s:8.1f} s   {pages / alone_s:6.2f} pages/s   {middle / 2**20:6.0f} MiB after")
    print(
        f"{arguments.clients} clients             {together_s:8.1f} s   {pages / together_s:6.2f} pages/s   "
        f"{end / 2**20:6.0f} MiB after   {repeats} repeated after 429"
    )
    print(f"largest difference of a score between alone and together: {worst:.1e}")
    print(f"{4 * arguments.max_documents} at once, {arguments.max_documents} accepted at most: {dict(statuses)}")
    print("\n".join(failures) or "all as it should be")
    return 1 if failures else 0


def _documents(folder: Path | None, count: int) -> Iterator[bytes]:
    if folder is not None:
        files = sorted(path for path in folder.iterdir() if path.is_file())[:count]
        yield from (path.read_bytes() for path in files)
        return
    font = ImageFont.load_default(26)
    choice = random.Random(0)
    for number in range(count):
        image = Image.new("RGB", (choice.randint(360, 560), choice.randint(300, 700)), "white")
        draw = ImageDraw.Draw(image)
        lines = [f"ITEM {number}-{row} {choice.random() * 100:.2f}" for row in range(choice.randint(2, 7))]
        for row, text in enumerate(lines):
            draw.text((30, 30 + 40 * row), text, fill="black", font=font)
        buffer = BytesIO()
        image.save(buffer, "PNG")
        yield buffer.getvalue()


@contextmanager
def _service(bundle: Path | None, max_documents: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "LAYOUTSERVE_DATA_FOLDER": folder,
            "LAYOUTSERVE_PAGE_CACHE_MIB": "0",
            "LAYOUTSERVE_MAX_DOCUMENTS": str(max_documents),
            "LAYOUTSERVE_REQUEST_TIMEOUT_S": "600",
            "LAYOUTSERVE_LOG_LEVEL": "WARNING",
        }
        if bundle is not None:
            environment |= {"LAYOUTSERVE_BUNDLES": str(bundle), "LAYOUTSERVE_STARTER": "false"}
        port = 8400 + os.getpid() % 500
        with subprocess.Popen([LAYOUTSERVE, "serve", "--port", str(port)], env=environment) as process:
            url = f"http://127.0.0.1:{port}"
            try:
                while not _is_ready(url):
                    if process.poll() is not None:
                        raise SystemExit("The service did not start.")
                    time.sleep(0.1)
                yield url
            finally:
                process.terminate()
                process.wait(60)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def _post(client: httpx.Client, document: bytes) -> httpx.Response:
    return client.post("/v1/analyze", files={"file": document}, data={"question": "What is the total?"})


def _post_all(client: httpx.Client, documents: list[bytes], clients: int) -> tuple[list[dict[str, Any]], float, int]:
    """Post every document, again where it is told to come back; answers in order, seconds, and how many were told."""
    repeats = 0

    def answer(document: bytes) -> dict[str, Any]:
        nonlocal repeats
        while (response := _post(client, document)).status_code == 429:
            repeats += 1
            time.sleep(min(int(response.headers["retry-after"]), 2))
        response.raise_for_status()
        body: dict[str, Any] = response.json()
        return body

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(answer, documents))
    return answers, time.perf_counter() - began, repeats


def _overload(client: httpx.Client, documents: list[bytes], count: int) -> Counter[int]:
    with ThreadPoolExecutor(count) as pool:
        return Counter(response.status_code for response in pool.map(lambda d: _post(client, d), documents[:count]))


def _difference(first: object, second: object, path: str = "") -> float:
    """The largest difference of two answers' scores; infinite where anything but a score or a time differs."""
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        kept = (name for name in first if name not in ("timings_ms", "request_id"))
        return max((_difference(first[name], second[name], name) for name in kept), default=0.0)
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return max((_difference(one, other, path) for one, other in zip(first, second, strict=True)), default=0.0)
    if path.endswith("score") and isinstance(first, float) and isinstance(second, float):
        return abs(first - second)
    return 0.0 if first == second else float("inf")


def _resident(client: httpx.Client) -> float:
    for line in client.get("/metrics").text.splitlines():
        if line.startswith("process_resident_memory_bytes "):
            return float(line.split()[-1])
    raise SystemExit("The service does not say how much memory it takes.")


if __name__ == "__main__":
    sys.exit(main())
