"""Whether a page says the same however it is turned: words of receipts, read upright, turned and slanted.

Run ``python benchmarks/turns.py``. The pages are SROIE receipts: those of ``train.jsonl`` that are no pages of
``ocr-benchmark.txt``, on which the reader's limits were chosen, and all of ``dev.jsonl``, of other companies, on which
rules were compared only at the end. Each is read as it is and turned by every angle that is asked for, on white, and
the words are compared as multisets of upper-cased words: with those of the page as it is (which of them stay the same),
and with the transcript (how many are right). Pages are counted alike, however many words they have; the error is the
standard error of that mean.
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
from rich.progress import track

from model.allocator import keep_freed_memory
from model.ocr import Ocr, OcrConfig
from model.page import Page, read_document

DATA = Path(__file__).parents[2] / "shared" / "data" / "sroie"
SPLITS = ("train", "dev")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was read on a page by angle, 0 among them, and what is written there."""

    truth: Counter[str]
    words: dict[int, Counter[str]]

    def same(self, degrees: int) -> float:
        """Share of the words that the page says turned and as it is."""
        return agreement(self.words[0], self.words[degrees])

    def right(self, degrees: int) -> float:
        """F1 of the words against the transcript."""
        return agreement(self.truth, self.words[degrees])


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


def receipts(data: Path, split: str, most: int | None) -> list[tuple[Path, Counter[str]]]:
    """Files and transcripts in an order that does not follow shops, at most so many."""
    left_out = set((data / "ocr-benchmark.txt").read_text().split())
    rows = [json.loads(line) for line in (data / f"{split}.jsonl").read_text().splitlines()]
    found = [
        (data / row["image"], Counter(word for line in row["lines"] for word in line["text"].upper().split()))
        for row in sorted(rows, key=lambda row: str(row["image"]))
        if row["image"] not in left_out
    ]
    random.Random(0).shuffle(found)
    return found[:most]


def read(pages: Sequence[tuple[Path, Counter[str]]], angles: Sequence[int], split: str) -> Iterator[Receipt]:
    """Every page at every angle."""
    keep_freed_memory()
    reader = Ocr(OcrConfig())
    for path, truth in track(pages, description=f"Reading {split}"):
        (page,) = read_document(path.read_bytes())
        words = {}
        for degrees in (0, *angles):
            found = reader.recognize(turned(page, degrees)).words or ()
            words[degrees] = Counter(word.text.upper() for word in found)
        yield Receipt(truth, words)
    reader.close()


def row(split: str, degrees: int, found: Sequence[Receipt]) -> str:
    """A line of the table."""
    same = np.array([receipt.same(degrees) for receipt in found])
    error = same.std(ddof=1) / np.sqrt(len(same)) if len(same) > 1 else 0.0
    upright, there = (np.mean([receipt.right(angle) for receipt in found]) for angle in (0, degrees))
    return (
        f"| {split} | {len(same)} | {degrees} | {100 * same.mean():.2f} | {100 * error:.2f} | {100 * same.min():.1f} "
        f"| {100 * np.mean(same >= 0.97):.0f} | {upright:.3f} | {there:.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the SROIE receipts")
    parser.add_argument("--split", nargs="+", choices=SPLITS, default=SPLITS, help="which receipts")
    parser.add_argument("--pages", type=int, help="only so many of each")
    parser.add_argument(
        "--degrees", type=int, nargs="+", default=[5, -5], help="by how much they are turned, clockwise"
    )
    parser.add_argument("--json", type=Path, help="write the words here too")
    arguments = parser.parse_args()
    found = {
        split: list(read(receipts(arguments.data, split, arguments.pages), arguments.degrees, split))
        for split in arguments.split
    }
    if arguments.json:
        kept = {
            split: [
                {str(angle): sorted(words.elements()) for angle, words in receipt.words.items()} for receipt in some
            ]
            for split, some in found.items()
        }
        arguments.json.write_text(json.dumps(kept))
    print(", ".join(describe().values()) + "\n")
    print(
        "| receipts | pages | degrees | same words, % | error | worst page | pages with 97 % | F1 as is | F1 turned |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for split, some in found.items():
        for degrees in arguments.degrees:
            print(row(split, degrees, some))


if __name__ == "__main__":
    main()
