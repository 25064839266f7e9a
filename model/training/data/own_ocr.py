"""Pages as our own OCR reads them, to train on and to measure with: the mistakes the model meets when it serves.

Reading is slow and is done once: every page read is a line of a JSON-lines file, and the next call goes on after it.
The labels of a page so read come from its values (``labelling.label``), and a value that the OCR spoilt beyond
recognition is counted as missing, never guessed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from layoutserve.model.ocr.reader import Ocr, OcrConfig
from layoutserve.model.training.data import jsonl
from layoutserve.model.training.data.example import Example

Shown = Callable[[Sequence[Example]], Iterable[Example]]


def read_pages(examples: Sequence[Example], kept: Path | None = None, shown: Shown = iter) -> list[Example]:
    """The pages with the words that our own OCR reads, or that ``kept`` holds; the places of their labels are gone.

    A PDF with a trusted text layer keeps the words of that. kept: JSON lines of what was read before, and to which is
    added what is read now. shown: what goes through the pages that have to be read, to show progress.
    """
    known = {_key(e): e for e in jsonl.read(kept)} if kept is not None and kept.is_file() else {}
    left = [example for example in examples if _key(example) not in known]
    if left:
        ocr = Ocr(OcrConfig())
        try:
            for example in shown(left):
                read = known[_key(example)] = _read(example, ocr)
                if kept is not None:
                    jsonl.append(kept, read)
        finally:
            ocr.close()
    return [_worded(example, known[_key(example)]) for example in examples]


def _key(example: Example) -> tuple[Path, int]:
    return example.path.resolve(), example.page


def _read(example: Example, ocr: Ocr) -> Example:
    page = example.read_page()
    page = ocr.recognize(page)
    return _worded(example, replace(example, words=page.words, width=float(page.width), height=float(page.height)))


def _worded(example: Example, read: Example) -> Example:
    questions = tuple(replace(question, spans=None) for question in example.questions)
    return replace(example, words=read.words, width=read.width, height=read.height, spans=None, questions=questions)
