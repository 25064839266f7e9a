"""Words and seconds a page: our OCR beside PaddleOCR's own pipeline, on the same models and the same pages.

Run ``python benchmarks/ocr.py``; with ``--rapidocr FOLDER``, filled before by ``pip install --target FOLDER rapidocr
openvino``, beside RapidOCR on ONNX Runtime and on OpenVINO too. The pages and their transcripts are the SROIE receipts
named in ``ocr-benchmark.txt`` of the data folder; words are compared as multisets of upper-cased ones. Every reader has
a process of its own, so that none pays for another's threads and memory, and they are timed in turn, page by page, so
that whatever else the machine does falls on all.
"""

import argparse
import importlib
import json
import multiprocessing
import os
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import psutil
from baseline import pipeline
from receipts import benchmark_names, transcripts
from rich.progress import track

from layoutserve.model.allocator import keep_freed_memory
from layoutserve.model.ocr.reader import Ocr, OcrConfig
from layoutserve.model.page import Page, read_document
from layoutserve.service.settings import Settings
from layoutserve.service.work.ocr_pool import load_ocr

RAPID = ("onnxruntime", "openvino")
DATA = Path(__file__).parents[2] / "shared" / "data" / "sroie"


@dataclass
class Tally:
    """One reader's results on the pages so far."""

    name: str
    reader: "Reader"
    found: int = 0
    true: int = 0
    right: int = 0
    seconds: list[float] = field(default_factory=list)
    busy: float = 0.0

    def page(self, page: Page, truth: Counter[str]) -> None:
        """Read one page, timed, and compare."""
        words, seconds, busy = self.reader.read(page)
        self.seconds.append(seconds)
        self.busy += busy
        counted = Counter(word.upper() for word in words)
        self.found += counted.total()
        self.true += truth.total()
        self.right += (counted & truth).total()

    def figures(self) -> dict[str, float | str]:
        """Its row of the report."""
        return {
            "name": self.name,
            "pages": len(self.seconds),
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "seconds_a_page": self.seconds_a_page,
            "cpu_seconds": self.busy / len(self.seconds),
        }

    @property
    def precision(self) -> float:
        """Share of the words found that are right."""
        return self.right / self.found

    @property
    def recall(self) -> float:
        """Share of the words there that are found."""
        return self.right / self.true

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / (self.found + self.true)

    @property
    def seconds_a_page(self) -> float:
        """Mean time."""
        return float(np.mean(self.seconds))

    @property
    def cpu_a_page(self) -> float:
        """Mean processor time in seconds, of all cores: what it takes on a machine that is busy with something else."""
        return self.busy / len(self.seconds)


def pages(data: Path, most: int | None) -> Iterator[tuple[Page, Counter[str]]]:
    written = transcripts(data, "train")
    for name in benchmark_names(data)[:most]:
        (page,) = read_document((data / name).read_bytes())
        yield page, written[name]


class Reader:
    """A process that reads pages with what ``make`` gives there."""

    def __init__(self, make: Callable[..., Callable[[Page], list[str]]], *arguments: object) -> None:
        context = multiprocessing.get_context("spawn")
        self._process = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(make, arguments))

    def read(self, page: Page) -> tuple[list[str], float, float]:
        """The words of a page, the seconds it took, and the processor seconds."""
        return self._process.submit(_read, page).result()


def _begin(make: Callable[..., Callable[[Page], list[str]]], arguments: tuple[object, ...]) -> None:
    global _words_of
    _words_of = make(*arguments)


def _read(page: Page) -> tuple[list[str], float, float]:
    start, busy = time.perf_counter(), time.process_time()
    words = _words_of(page)
    return words, time.perf_counter() - start, time.process_time() - busy


def ours(config: OcrConfig) -> Callable[[Page], list[str]]:
    """Our OCR as the service runs it."""
    keep_freed_memory()
    reader = Ocr(config)
    return lambda page: [word.text for word in reader.recognize(page).words or ()]


def theirs(side: int, batch: int) -> Callable[[Page], list[str]]:
    """PaddleOCR's pipeline."""
    made = pipeline(side, batch)

    def read(page: Page) -> list[str]:
        (result,) = made.predict(np.ascontiguousarray(page.image[:, :, ::-1]))
        return [word for text in result["rec_texts"] for word in text.split()]

    return read


def rapid(folder: Path, engine: str) -> Callable[[Page], list[str]]:
    """RapidOCR, same models, from a folder of its own: its OpenCV and PaddleOCR's exclude each other."""
    sys.path.insert(0, str(folder))
    rapidocr = importlib.import_module("rapidocr")
    kind = rapidocr.EngineType(engine)
    made = rapidocr.RapidOCR(params={f"{part}.engine_type": kind for part in ("Det", "Cls", "Rec")})

    def read(page: Page) -> list[str]:
        found = made(np.ascontiguousarray(page.image[:, :, ::-1]))
        return [word for text in found.txts or () for word in text.split()]

    return read


def memory(data: Path, count: int) -> int:
    """Resident memory while ``count`` pages are read; 1 if it is clearly more at the end than after 50 pages."""
    keep_freed_memory()
    # Warmed up, as the service does it before it is ready.
    ((reader,),) = load_ocr(Settings(ocr_workers=1)).values()
    names = sorted((data / "images").glob("*.jpg"))
    # By name, the receipts of a shop follow each other, and so do pages of one size.
    random.Random(0).shuffle(names)
    process = psutil.Process()
    after_50 = 0.0
    for number in range(1, count + 1):
        for page in read_document(names[number % len(names)].read_bytes()):
            reader.recognize(page)
        if number % 50 == 0:
            now = process.memory_info().rss / 2**20
            after_50 = after_50 or now
            print(f"{number:5d} pages: {now:6.0f} MiB ({now / after_50:.2f} of that after 50)", flush=True)
    return int(now > 1.1 * after_50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the SROIE receipts")
    parser.add_argument("--pages", type=int, help="only the first so many pages")
    parser.add_argument("--batch", type=int, nargs="+", default=[1], help="PaddleOCR's recognition batch sizes")
    parser.add_argument(
        "--side", type=int, nargs="+", default=[960, 736], help="longer sides of what PaddleOCR's detector sees"
    )
    parser.add_argument("--rapidocr", type=Path, metavar="FOLDER", help="RapidOCR from there, too")
    parser.add_argument("--exact", action="store_true", help="our exact engine (float32, PaddleOCR's padding), too")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--memory", type=int, metavar="PAGES", help="watch the memory over so many pages instead")
    arguments = parser.parse_args()
    if arguments.memory:
        raise SystemExit(memory(arguments.data, arguments.memory))

    tallies = [
        Tally(f"PaddleOCR {side}, batch {batch}", Reader(theirs, side, batch))
        for side in arguments.side
        for batch in arguments.batch
    ]
    for engine in RAPID if arguments.rapidocr else ():
        tallies.append(Tally(f"RapidOCR, {engine}", Reader(rapid, arguments.rapidocr.resolve(), engine)))
    theirs_count = len(tallies)
    if arguments.exact:
        tallies.append(Tally("LayoutServe, exact", Reader(ours, OcrConfig(engine="exact"))))
    tallies.append(Tally("LayoutServe", Reader(ours, OcrConfig())))
    warm = True
    for page, truth in track(list(pages(arguments.data, arguments.pages)), description="Reading"):
        if warm:
            for tally in tallies:
                tally.reader.read(page)
            warm = False
        for tally in tallies:
            tally.page(page, truth)

    if arguments.json:
        arguments.json.write_text(json.dumps([tally.figures() for tally in tallies]))
    fastest = min(tally.seconds_a_page for tally in tallies[:theirs_count])
    least = min(tally.cpu_a_page for tally in tallies[:theirs_count])
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"OCR, {len(tallies[0].seconds)} receipts ({machine}, {date.today()})\n")
    print(
        "| reader | precision | recall | F1 | seconds a page | median | times as fast | CPU seconds | times as little |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for tally in tallies:
        print(
            f"| {tally.name} | {tally.precision:.4f} | {tally.recall:.4f} | {tally.f1:.4f} "
            f"| {tally.seconds_a_page:.3f} | {np.median(tally.seconds):.3f} | {fastest / tally.seconds_a_page:.2f} "
            f"| {tally.cpu_a_page:.3f} | {least / tally.cpu_a_page:.2f} |"
        )


if __name__ == "__main__":
    main()
