"""Words of born-digital pages by their text layer and by OCR, and the time that the layer takes.

Run ``python benchmarks/text_layer.py``: the first pages of Kleister-NDA's contracts, read as the service reads them by
default and with ``ocr=always``. Words are compared as multisets of upper-cased words, with plain quotes and dashes; a
page whose layer leaves something for OCR is counted apart. ``--seconds-only`` leaves OCR out, to compare two checkouts
side by side.
"""

import argparse
import json
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
from machine import describe
from turns import agreement

from layoutserve.model.allocator import keep_freed_memory
from layoutserve.model.ocr.reader import Ocr, OcrConfig
from layoutserve.model.page import Page, read_document

PLAIN = str.maketrans({0x201C: '"', 0x201D: '"', 0x2018: "'", 0x2019: "'", 0x2013: "-", 0x2014: "-"})
CONTRACTS = Path(__file__).parents[2] / "shared" / "data" / "kleister-nda" / "documents"


def words(page: Page) -> Counter[str]:
    return Counter(word.text.upper().translate(PLAIN) for word in page.words or ())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=CONTRACTS, help="folder of PDFs")
    parser.add_argument("--files", type=int, default=40, help="how many of them")
    parser.add_argument("--pages", type=int, default=2, help="first pages read of each")
    parser.add_argument("--seconds-only", action="store_true", help="leave OCR out")
    arguments = parser.parse_args()
    keep_freed_memory()
    ocr = None if arguments.seconds_only else Ocr(OcrConfig())
    files = sorted(arguments.data.glob("*.pdf"))
    alike: list[float] = []
    seconds: list[float] = []
    in_part = 0
    for path in random.Random(0).sample(files, min(arguments.files, len(files))):
        data = path.read_bytes()
        pages = iter(read_document(data))
        for number in range(1, arguments.pages + 1):
            begun = time.perf_counter()
            page = next(pages, None)
            if page is None:
                break
            spent = time.perf_counter() - begun
            if page.words is None:
                in_part += 1
                continue
            seconds.append(spent)
            if ocr is not None:
                (picture,) = read_document(data, pages=str(number), ocr="always")
                alike.append(agreement(words(page), words(ocr.recognize(picture))))
    print(json.dumps(describe(), indent=2))
    print(f"{len(seconds)} pages by their text layer, {in_part} for OCR in part or in all")
    print(f"seconds a page: mean {np.mean(seconds):.3f}, median {np.median(seconds):.3f}")
    if alike:
        print(f"agreement with OCR: mean {np.mean(alike):.4f}, least {min(alike):.4f}")


if __name__ == "__main__":
    main()
