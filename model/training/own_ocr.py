"""Training pages as our own OCR reads them, so that the model meets its mistakes before it serves.

Reading is slow and is done once: every page read is a line of a JSON-lines file, and the next call goes on after it.
The labels of a page so read come from its values (``labelling.label``), and a value that the OCR spoilt beyond
recognition is counted as missing, never guessed.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from model.ocr import Ocr, OcrConfig
from model.page import Page
from model.training.datasets import Example, read_jsonl, to_row


def read_pages(examples: Sequence[Example], file: Path) -> list[Example]:
    """The pages with the words that our own OCR reads, kept in ``file``; their places and questions are gone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    known = {(e.path.name, e.page) for e in read_jsonl(file)} if file.is_file() else set()
    left = [example for example in examples if (example.path.name, example.page) not in known]
    if left:
        ocr = Ocr(OcrConfig())
        try:
            with file.open("a", encoding="utf-8") as out:
                for example in left:
                    page = ocr.recognize(Page(example.read_image()))
                    read = replace(
                        example,
                        words=page.words,
                        width=float(page.width),
                        height=float(page.height),
                        spans=None,
                        questions=(),
                    )
                    out.write(json.dumps(to_row(read, file.parent)) + "\n")
                    out.flush()
        finally:
            ocr.close()
    return list(read_jsonl(file))
