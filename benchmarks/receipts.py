"""SROIE's receipts and what is written on them, for the benchmarks that read."""

import json
from collections import Counter
from pathlib import Path


def benchmark_names(folder: Path) -> list[str]:
    """The images, relative to SROIE's folder, on which speed and accuracy are reported and nothing is chosen."""
    return (folder / "ocr-benchmark.txt").read_text().split()


def transcripts(folder: Path, split: str) -> dict[str, Counter[str]]:
    """The upper-cased words of every receipt of ``train`` or ``dev``, by its image."""
    rows = [json.loads(line) for line in (folder / f"{split}.jsonl").read_text().splitlines()]
    return {
        row["image"]: Counter(word for line in row["lines"] for word in line["text"].upper().split()) for row in rows
    }
