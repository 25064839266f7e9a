"""From a written sheet to a page: reading order, entities, links, questions, degradation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.page import Box, Word
from layoutserve.model.training.data.example import Indices, Question, Span
from layoutserve.model.training.synthesis.content.wordings import FIELDS
from layoutserve.model.training.synthesis.degradation import Degraded, Floats, Grey, degrade
from layoutserve.model.training.synthesis.page import Heading, Selection, SyntheticPage
from layoutserve.model.training.synthesis.paper import Paper
from layoutserve.model.training.synthesis.questions import WEIGHTS, Asker
from layoutserve.model.training.synthesis.sheet import Line, Sheet

Ask = Callable[[Sequence[str], dict[str, Indices], dict[str, Indices]], tuple[Question, ...]]
"""Makes questions from a page's words, fields and keys."""


class Age(Protocol):
    """Makes a clean page look used, its corners following."""

    def __call__(self, rng: Random, page: Grey, corners: Floats, *, long_side: int, receipt: bool) -> Degraded:
        """Like ``degrade``."""


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
WORLD_LABELS = (
    *LABELS,
    "TIME",
    "AMOUNT_DUE",
    "PAID",
    "CHANGE",
    "TIP",
    "DISCOUNT",
    "SHIPPING",
    "SERVICE_CHARGE",
    "ROUNDING",
    "PREVIOUS_BALANCE",
    "TAX_LINE",
    "TAX_RATE",
    "TAX_BASE",
    "CUSTOMER_NAME",
    "CUSTOMER_ADDRESS",
    "PO_NUMBER",
    "TAX_ID",
    "PAYMENT_TERMS",
    "IBAN",
    "ITEM_CODE",
    "ITEM_UNIT",
    "ITEM_UNIT_PRICE",
    "ITEM_TAX_RATE",
)
"""Labels of spans on the world's receipts, invoices and orders."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """What is told of a page: the labels, the classes that bear them, those with links; ``rows``: and much more."""

    labels: tuple[str, ...]
    labelled: tuple[str, ...]
    linked: tuple[str, ...]
    rows: bool


FIRST = Scheme(LABELS, LABELLED, (*LABELLED, "form"), rows=False)
WORLD = Scheme(WORLD_LABELS, (*LABELLED, "order"), (*LABELLED, "order", "form", "letter"), rows=True)


def assemble(
    rng: Random,
    sheet: Sheet,
    document_class: str,
    layout: str,
    *,
    long_side: tuple[int, int],
    heldout: bool,
    scheme: Scheme = FIRST,
    ask: Ask | None = None,
    age: Age = degrade,
) -> SyntheticPage:
    """Degrade ``sheet`` by ``age`` and number its words in reading order; the longer side comes out in ``long_side``.

    ``ask`` makes the questions; by default they are those of the older layouts.
    """
    # Tall receipts keep their letters readable: never shrink much.
    longest = max(
        rng.randint(*long_side), round(max(sheet.image.size) * (0.62 if document_class == "receipt" else 0.5))
    )
    marks = sheet.marks if isinstance(sheet, Paper) else []
    boxes = np.array([*sheet.boxes, *(mark.box for mark in marks)], np.float64).reshape(-1, 4)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    degraded = age(rng, np.array(sheet.image), corners, long_side=longest, receipt=document_class == "receipt")
    placed = _placed(degraded.corners, degraded.image.shape[1], degraded.image.shape[0])
    blocks = document_class == "scientific_article" or rng.random() < 0.35
    lines = sheet.lines if blocks else _rows(sheet.lines, sheet.boxes)
    words: list[Word] = []
    place: dict[int, int] = {}
    for number, line in enumerate(lines):
        for index in line.words:
            place[index] = len(words)
            words.append(_word(sheet.words[index], placed[index], number))
    fields = {name: tuple(sorted(place[i] for i in old)) for name, old in sheet.fields.items()}
    keys = {name: tuple(sorted(place[i] for i in old)) for name, old in sheet.keys.items()}
    texts = [word.text for word in words]
    spans = tuple(
        Span(label, indices, _text(texts, indices), _row(name) if scheme.rows else None)
        for name, indices in fields.items()
        if "~" not in name and (label := name.split("#")[0].upper()) in scheme.labels
    )
    labelled = document_class in scheme.labelled
    linked = document_class in scheme.linked
    more: dict[str, Any] = {}
    if scheme.rows and isinstance(sheet, Paper):
        more = _told(sheet, fields, keys, texts, [_box(corner) for corner in placed[len(sheet.boxes) :]], linked=linked)
    questions = (
        ask(texts, fields, keys) if ask else _questions(Asker(rng, document_class, heldout), texts, fields, keys, sheet)
    )
    return SyntheticPage(
        image=degraded.image,
        words=tuple(words),
        document_class=document_class,
        layout=layout,
        spans=spans if labelled else None,
        entities={
            name: _text(texts, indices)
            for name, indices in fields.items()
            if labelled and name.upper() in scheme.labels
        },
        links=_links(keys, fields) if linked else (),
        questions=questions,
        **more,
    )


def _links(keys: Mapping[str, Indices], fields: Mapping[str, Indices]) -> tuple[tuple[Indices, Indices], ...]:
    """A key and its value, or each of the values that ``name@2`` and so on have."""
    found = []
    for name, key in keys.items():
        if name in fields:
            found.append((key, fields[name]))
        found += [(key, value) for other, value in fields.items() if other.startswith(f"{name}@")]
    return tuple(found)


def _told(
    sheet: Paper,
    fields: Mapping[str, Indices],
    keys: Mapping[str, Indices],
    texts: Sequence[str],
    boxes: Sequence[Box],
    *,
    linked: bool,
) -> dict[str, Any]:
    """Keys, boxes to tick, headings and the heads of columns."""
    places = {name: number for number, name in enumerate(keys)}
    selections = [
        Selection(box, mark.checked, fields.get(mark.option, ()), keys.get(mark.question, ()))
        for mark, box in zip(sheet.marks, boxes, strict=True)
    ]
    headings = [
        Heading(fields[name], tuple(places[key] for key in below if key in places))
        for name, below in sheet.sections.items()
        if name in fields
    ]
    heads = [
        Span(label.upper(), fields[name], _text(texts, fields[name]))
        for label, name in sheet.heads.items()
        if name in fields
    ]
    return {
        "keys": tuple(keys.values()) if linked else (),
        "selections": tuple(selections),
        "headings": tuple(headings),
        "heads": tuple(heads),
    }


def _row(name: str) -> int | None:
    return int(name.split("#")[1]) if "#" in name else None


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


def _placed(corners: NDArray[np.float64], width: int, height: int) -> list[list[list[float]]]:
    """The corners within the picture, as plain numbers."""
    return corners.clip(0, (width, height)).tolist() if len(corners) else []


def _box(corners: Sequence[Sequence[float]]) -> Box:
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return Box(min(xs), min(ys), max(xs), max(ys))


def _word(text: str, corners: Sequence[Sequence[float]], line: int) -> Word:
    a, b, c, d = ((x, y) for x, y in corners)
    return Word(text, _box(corners), 1.0, line, (a, b, c, d))


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
