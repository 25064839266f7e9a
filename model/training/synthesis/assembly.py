"""From a written sheet to a page: reading order, entities, links, questions, degradation."""

from collections.abc import Sequence
from random import Random

import numpy as np

from layoutserve.model.page import Box, Word
from layoutserve.model.training.data.example import Indices, Question, Span
from layoutserve.model.training.synthesis.content.wordings import FIELDS
from layoutserve.model.training.synthesis.degradation import degrade
from layoutserve.model.training.synthesis.page import SyntheticPage
from layoutserve.model.training.synthesis.questions import WEIGHTS, Asker
from layoutserve.model.training.synthesis.sheet import Line, Sheet

LABELS = (
    "COMPANY",
    "DATE",
    "ADDRESS",
    "TOTAL",
    "INVOICE_NUMBER",
    "DUE_DATE",
    "TAX",
    "SUBTOTAL",
    "ITEM_DESCRIPTION",
    "ITEM_QUANTITY",
    "ITEM_AMOUNT",
)
"""Labels of spans on receipts and invoices."""
LABELLED = ("receipt", "invoice")
_LINKED = ("receipt", "invoice", "form")


def assemble(
    rng: Random, sheet: Sheet, document_class: str, layout: str, *, long_side: tuple[int, int], heldout: bool
) -> SyntheticPage:
    """Degrade ``sheet`` and number its words in reading order; the longer side comes out in ``long_side``."""
    # Tall receipts keep their letters readable: never shrink much.
    longest = max(
        rng.randint(*long_side), round(max(sheet.image.size) * (0.62 if document_class == "receipt" else 0.5))
    )
    corners = np.array(
        [[(x0, y0), (x1, y0), (x1, y1), (x0, y1)] for x0, y0, x1, y1 in sheet.boxes], np.float64
    ).reshape(-1, 4, 2)
    degraded = degrade(rng, np.array(sheet.image), corners, long_side=longest, receipt=document_class == "receipt")
    blocks = document_class == "scientific_article" or rng.random() < 0.35
    lines = sheet.lines if blocks else _rows(sheet.lines, sheet.boxes)
    words: list[Word] = []
    place: dict[int, int] = {}
    height, width = degraded.image.shape[:2]
    for number, line in enumerate(lines):
        for index in line.words:
            place[index] = len(words)
            words.append(_word(sheet.words[index], degraded.corners[index], number, width, height))
    fields = {name: tuple(sorted(place[i] for i in old)) for name, old in sheet.fields.items()}
    keys = {name: tuple(sorted(place[i] for i in old)) for name, old in sheet.keys.items()}
    texts = [word.text for word in words]
    labelled = document_class in LABELLED
    spans = tuple(
        Span(label, indices, _text(texts, indices))
        for name, indices in fields.items()
        if (label := name.split("#")[0].upper()) in LABELS
    )
    return SyntheticPage(
        image=degraded.image,
        words=tuple(words),
        document_class=document_class,
        layout=layout,
        spans=spans if labelled else None,
        entities={
            name: _text(texts, indices) for name, indices in fields.items() if labelled and name.upper() in LABELS
        },
        links=tuple((keys[name], fields[name]) for name in keys if name in fields) if document_class in _LINKED else (),
        questions=_questions(Asker(rng, document_class, heldout), texts, fields, keys, sheet),
    )


def _rows(lines: Sequence[Line], boxes: Sequence[tuple[float, float, float, float]]) -> list[Line]:
    """Lines from top to bottom, those side by side from left to right, as an OCR reads them."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.top + line.bottom):
        middle = (line.top + line.bottom) / 2
        if rows and rows[-1][0].top <= middle <= rows[-1][0].bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: boxes[line.words[0]][0])]


def _word(text: str, corners: np.ndarray, line: int, width: int, height: int) -> Word:
    corners = corners.clip(0, (width, height))
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    points = [(float(x), float(y)) for x, y in corners]
    box = Box(float(x0), float(y0), float(x1), float(y1))
    return Word(text, box, 1.0, line, (points[0], points[1], points[2], points[3]))


def _text(texts: Sequence[str], indices: Indices) -> str:
    return " ".join(texts[i] for i in indices)


def _questions(
    ask: Asker, texts: Sequence[str], fields: dict[str, Indices], keys: dict[str, Indices], sheet: Sheet
) -> tuple[Question, ...]:
    """Up to ten questions with answers, one to three without."""
    rng, form = ask.rng, ask.document_class == "form"
    asked: list[Question] = []
    weights: dict[str, float] = {}
    for name, indices in fields.items():
        # An answer is what can be read in one go.
        known = name in FIELDS or name in sheet.asked or (form and name in keys)
        if "~" not in name and known and _unbroken(indices):
            weights[name] = WEIGHTS.get(name, 1.0)
    for name in _sample(rng, weights, 10):
        places = [fields[name]]
        other = fields.get(f"{name}~2")
        if other and _text(texts, other) == _text(texts, fields[name]) and _unbroken(other):
            places.append(other)
        if name in sheet.asked:
            text = rng.choice(sheet.asked[name])
        elif name in keys and (name not in FIELDS or rng.random() < (0.7 if form else 0.15)):
            text = ask.key(_text(texts, keys[name]))
        else:
            text = ask.field(name)
        answers = tuple(dict.fromkeys(_text(texts, place) for place in places))
        asked.append(Question(text, answers, tuple(places)))
    present = {name.split("~")[0] for name in fields}
    missing = rng.sample(sheet.missing, min(len(sheet.missing), rng.randint(0, 3)))
    none = [ask.key(key) for key in missing] + ask.absent(present, max(0, rng.randint(1, 3) - len(missing)))
    asked += [Question(text, (), ()) for text in dict.fromkeys(none)]
    return tuple(asked)


def _unbroken(indices: Indices) -> bool:
    return indices[-1] - indices[0] + 1 == len(indices)


def _sample(rng: Random, weights: dict[str, float], count: int) -> list[str]:
    """``count`` different names, likelier the heavier."""
    return sorted(weights, key=lambda name: rng.random() ** (1 / weights[name]), reverse=True)[:count]
