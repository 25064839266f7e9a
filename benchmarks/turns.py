"""Words of the same page however it is turned: of real pages, read upright, turned and slanted.

Run ``python benchmarks/turns.py``. Receipts are those of SROIE: ``benchmark`` the pages that ``ocr-benchmark.txt``
names, on which nothing was ever chosen, ``train`` all others of ``train.jsonl``, on which the reader's limits were
chosen, and ``dev`` all of ``dev.jsonl``, of other companies, on which rules were compared only at the end. Of the other
kinds it is the first page of each file. ``--pages`` says how many at most; all are read by OCR. Each page is read as
it is and turned by every angle that is asked for, on white, and the words are compared as multisets of upper-cased
words: with those of the page as it is (which of them stay the same), and with a receipt's transcript (how many are
right). Pages are counted alike, however many words they have; the error is the standard error of that mean.
"""

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import describe
from PIL import Image
from receipts import benchmark_names, transcripts
from rich.progress import track

from layoutserve.model.allocator import keep_freed_memory
from layoutserve.model.errors import DocumentError
from layoutserve.model.ocr.reader import Ocr, OcrConfig
from layoutserve.model.page import Page, read_document

DATA = Path(__file__).parents[2] / "shared" / "data"
RECEIPTS = ("benchmark", "train", "dev")
OTHERS = {
    "samples": "samples/*",
    "contracts": "kleister-nda/documents/*.pdf",
    "articles": "docbank/images/*.jpg",
    "filings": "vrdu/*/*.pdf",
    "forms": "funsd-restricted/training_data/images/*.png",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """Words read on a page by angle, 0 among them, and the words written there, where they are known."""

    truth: Counter[str] | None
    words: dict[int, Counter[str]]

    def same(self, degrees: int) -> float:
        """Share of the words that the page says turned and as it is."""
        return agreement(self.words[0], self.words[degrees])


def agreement(first: Counter[str], second: Counter[str]) -> float:
    """F1 of two multisets of words; 1 where both are empty."""
    every = first.total() + second.total()
    return 2 * (first & second).total() / every if every else 1.0


def turned(page: Page, degrees: int) -> Page:
    """The page turned clockwise, on white, as large as it has to be."""
    if degrees % 90 == 0:
        return Page(np.ascontiguousarray(np.rot90(page.image, -degrees // 90)))
    image = Image.fromarray(page.image)
    return Page(np.asarray(image.rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")))


def files(data: Path, kind: str) -> list[tuple[Path, Counter[str] | None]]:
    """Files of a kind, and their transcripts, in an order that does not follow shops and authors."""
    if kind in RECEIPTS:
        folder = data / "sroie"
        benchmark = set(benchmark_names(folder))
        written = transcripts(folder, "dev" if kind == "dev" else "train")
        found = [
            (folder / name, written[name]) for name in sorted(written) if (name in benchmark) == (kind == "benchmark")
        ]
    else:
        found = [(path, None) for path in sorted(data.glob(OTHERS[kind]))]
    random.Random(0).shuffle(found)
    return found


def read(some: Sequence[tuple[Path, Counter[str] | None]], angles: Sequence[int], kind: str) -> Iterator[Reading]:
    """Every page that can be opened, at every angle."""
    keep_freed_memory()
    reader = Ocr(OcrConfig())
    for path, truth in track(some, description=f"Reading {kind}"):
        try:
            page = next(iter(read_document(path.read_bytes(), ocr="always")))
        except DocumentError as error:
            print(f"{path.name}: {error}")
            continue
        words = {}
        for degrees in (0, *angles):
            found = reader.recognize(turned(page, degrees)).words or ()
            words[degrees] = Counter(word.text.upper() for word in found)
        yield Reading(truth, words)
    reader.close()


def row(kind: str, degrees: int, found: Sequence[Reading]) -> str:
    """A line of the table."""
    same = np.array([reading.same(degrees) for reading in found])
    error = same.std(ddof=1) / np.sqrt(len(same)) if len(same) > 1 else 0.0
    right = [
        f"{np.mean([agreement(reading.truth, reading.words[angle]) for reading in found if reading.truth]):.3f}"
        if kind in RECEIPTS
        else ""
        for angle in (0, degrees)
    ]
    return (
        f"| {kind} | {len(same)} | {degrees} | {100 * same.mean():.2f} | {100 * error:.2f} | {100 * same.min():.1f} "
        f"| {100 * np.mean(same >= 0.97):.0f} | {right[0]} | {right[1]} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the documents")
    parser.add_argument("--kind", nargs="+", choices=(*RECEIPTS, *OTHERS), default=RECEIPTS, help="which pages")
    parser.add_argument("--pages", type=int, help="only so many of each")
    parser.add_argument(
        "--degrees", type=int, nargs="+", default=[5, -5], help="by how much they are turned, clockwise"
    )
    parser.add_argument("--json", type=Path, help="write the words here too")
    arguments = parser.parse_args()
    found = {
        kind: list(read(files(arguments.data, kind)[: arguments.pages], arguments.degrees, kind))
        for kind in arguments.kind
    }
    if arguments.json:
        kept = {
            kind: [{str(angle): sorted(words.elements()) for angle, words in reading.words.items()} for reading in some]
            for kind, some in found.items()
        }
        arguments.json.write_text(json.dumps(kept))
    print(", ".join(describe().values()) + "\n")
    print(
        "| pages of | pages | degrees | same words, % | error | worst page | pages with 97 % | F1 as is | F1 turned |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for kind, some in found.items():
        for degrees in arguments.degrees:
            print(row(kind, degrees, some))


if __name__ == "__main__":
    main()
