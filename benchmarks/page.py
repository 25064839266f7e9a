"""Whole pages, pixels to fields: the service over HTTP beside PaddleOCR + LayoutLMv2 in torch, in one run.

Run ``python benchmarks/page.py``. The pages are receipts drawn by our own synthesis, or those of ``--data FOLDER``
(images and PDFs). Every page of every row differs from every other by a few pixels and the cache is off, except in
the row of repeated pages. The usual stack is PaddleOCR's own pipeline, without its classifiers and on ONNX Runtime, and
this repository's network in torch computing what the reference computes, page by page in one process. All take turns,
round by round, so that whatever else the machine does falls on all of them; those that wait their turn sleep.
"""

import argparse
import io
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import psutil
import torch
from baseline import pipeline
from machine import describe
from PIL import Image
from rich.console import Console
from rich.table import Table
from serving import QUESTIONS, Load, Pages, base_bundle, service

from layoutserve.model.encoding.encoder import Encoder
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2
from layoutserve.model.page import Box, Page, Word
from layoutserve.model.training.stages import initial

CLIENTS = (1, 4, 16)
USUAL = "PaddleOCR + torch, base size"
SERVICES = ("starter", "base int8")


@dataclass(slots=True)
class Row:
    """One line of the report: what was measured so far, latencies in seconds."""

    what: str
    latencies: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    memory_mib: float = 0.0

    def add(self, load: Load, memory_mib: float) -> None:
        """Take one more round in."""
        self.latencies += load.latencies
        self.elapsed += load.elapsed
        self.memory_mib = memory_mib

    @property
    def pages_a_second(self) -> float:
        """Over all rounds."""
        return len(self.latencies) / self.elapsed

    def latency(self, percent: float) -> float:
        """Seconds below which so many in a hundred answers stayed."""
        return float(np.percentile(self.latencies, percent))


class UsualStack:
    """The stack that people use today: PaddleOCR, then base-size LayoutLMv2 in torch, its whole pyramid included."""

    def __init__(self) -> None:
        self._ocr = pipeline()
        self._encoder = Encoder(initial.folder() / "tokenizer.json")
        torch.manual_seed(0)
        self._network = LayoutLMv2(Config(), {"kie": 9}).eval()

    def post(self, documents: Sequence[bytes]) -> Load:
        """One page after the other."""
        latencies = []
        for document in documents:
            begun = time.perf_counter()
            self._page(document)
            latencies.append(time.perf_counter() - begun)
        return Load(tuple(latencies), sum(latencies))

    def _page(self, document: bytes) -> None:
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
                self._network.outputs(hidden, visual, ids.shape[1])


def measure(pages: Pages, bundles: Path, rounds: int, count: int) -> tuple[list[Row], dict[str, float]]:
    """All rows, and for each service the seconds until it was ready.

    count: pages of a round of several clients; a lone client and the usual stack get a quarter.
    """
    rows: dict[str, Row] = {}

    def add(what: str, load: Load, memory_mib: float) -> None:
        rows.setdefault(what, Row(what)).add(load, memory_mib)

    def some(number: int) -> list[bytes]:
        return [pages.next() for _ in range(number)]

    usual = UsualStack()
    memory_mib = psutil.Process().memory_info().rss / 2**20
    few = max(count // 4, 1)
    with ExitStack() as stack:
        base = base_bundle(bundles, pages)
        running = {
            name: stack.enter_context(service(bundle)) for name, bundle in zip(SERVICES, (None, base), strict=True)
        }
        usual.post(some(1))
        for found in running.values():
            found.post(some(6), 2, QUESTIONS[:2])  # warm
        for _ in range(rounds):
            add(USUAL, usual.post(some(few)), memory_mib)
            for name, found in running.items():
                for clients in CLIENTS:
                    load = found.post(some(count if clients > 1 else few), clients)
                    add(f"{name}, {clients} client{'s' if clients > 1 else ''}", load, found.memory_mib)
                for asked in (QUESTIONS[:1], QUESTIONS):
                    if len(asked) > 1:
                        pages.repeat(few)
                    load = found.post(some(few), 1, asked)
                    add(f"{name}, {len(asked)} question{'s' if len(asked) > 1 else ''}", load, found.memory_mib)
        ready = {name: found.ready_s for name, found in running.items()}
    for name, bundle in zip(SERVICES, (None, base), strict=True):
        with service(bundle, cache_mib=64) as found:
            found.post(some(2), 1)
            documents = some(2 * few)
            add(f"{name}, cache on, new pages", found.post(documents, 1), found.memory_mib)
            add(f"{name}, cache on, the same pages again", found.post(documents, 1), found.memory_mib)
    return list(rows.values()), ready


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of images and PDFs, instead of drawn receipts")
    parser.add_argument("--rounds", type=int, default=3, help="turns that everything gets (default: 3)")
    parser.add_argument("--pages", type=int, default=20, help="pages of each row and round (default: 20)")
    parser.add_argument("--bundles", type=Path, default=Path("runs/bench"), help="where the base-size bundle is kept")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    pages = Pages(arguments.data)
    rows, ready = measure(pages, arguments.bundles, arguments.rounds, arguments.pages)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": [asdict(row) for row in rows], "ready_s": ready}))
    table = Table(title="Whole pages", caption=", ".join(describe().values()))
    for column in ("what", "pages", "pages/s", "times", "p50 s", "p95 s", "p99 s", "MiB"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        figures = (row.pages_a_second, row.pages_a_second / rows[0].pages_a_second)
        table.add_row(
            row.what,
            str(len(row.latencies)),
            *(f"{figure:.2f}" for figure in figures),
            *(f"{row.latency(percent):.3f}" for percent in (50, 95, 99)),
            f"{row.memory_mib:.0f}",
        )
    console = Console(width=120)
    console.print(table)
    console.print("Ready after " + ", ".join(f"{seconds:.1f} s ({name})" for name, seconds in ready.items()))


if __name__ == "__main__":
    main()
