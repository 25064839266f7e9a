"""The pages of the starter bundle: which, in which proportions, and what their labels are.

Everything random follows from seeds. Nothing that the data's README reserves is touched: of SROIE only ``train.jsonl``;
no FUNSD, no XQuAD, no samples.

Of SROIE's companies and of every issuer of the other documents a part is held out, to tune on (temperatures,
decoding rules, thresholds) and to report classification on.
"""

import logging
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from layoutserve.model.bundle import FieldSpec, FieldType, Head
from layoutserve.model.training.data import jsonl, public_pages
from layoutserve.model.training.data.cases import Case, case_of
from layoutserve.model.training.data.example import Example, split_by_group
from layoutserve.model.training.data.labelling import Report, label
from layoutserve.model.training.data.own_ocr import read_pages
from layoutserve.model.training.data.receipt_values import value_pool
from layoutserve.model.training.stages.augmentation import Augmentation
from layoutserve.model.training.stages.batches import Labels, Sheet, sheet
from layoutserve.model.training.stages.finetuning import Source
from layoutserve.model.training.stages.questions import ask, ask_own
from layoutserve.model.training.synthesis.writing import write_pages

_log = logging.getLogger(__name__)

LABELS = Labels(
    entities=(
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
    ),
    classes=(
        "receipt",
        "invoice",
        "order",
        "contract",
        "form",
        "letter",
        "email",
        "resume",
        "scientific_article",
        "report",
    ),
)
SROIE = frozenset({"COMPANY", "DATE", "ADDRESS", "TOTAL"})

# Shares of the pages held out for tuning.
_SROIE_TUNING = 0.12
_PUBLIC_TUNING = 0.2
# Synthetic pages by class: to train on; of the same layouts, to tune on; of layouts kept out of training, to report.
_DRAWN = {
    "receipt": 800,
    "invoice": 700,
    "form": 800,
    "letter": 120,
    "email": 120,
    "resume": 120,
    "report": 120,
    "contract": 100,
    "scientific_article": 100,
}
_TUNING = {"receipt": 20, "invoice": 40, "form": 30}
_HELDOUT = {"receipt": 75, "invoice": 100, "form": 75} | dict.fromkeys(
    ("letter", "email", "resume", "report", "contract", "scientific_article"), 20
)
# The class of a page shows in any part of it; now and then a whole window, as in serving.
_SHORT = (96, 128, 128, 160, 160, 192, 192, 224, 512)


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Labelled pages by source: training and tuning pages; ``ocr`` are the receipts read by our own OCR."""

    receipts: Sequence[Example]
    receipts_tuning: Sequence[Example]
    public: Sequence[Example]
    public_tuning: Sequence[Example]
    synthetic: Sequence[Example]
    synthetic_tuning: Sequence[Example] = ()
    ocr: Sequence[Example] = ()
    ocr_tuning: Sequence[Example] = ()


def corpus(data: Path, work: Path, *, tuning: bool = True) -> Corpus:
    """The pages of ``data``; what has to be rendered, drawn or read once is kept in ``work``.

    tuning: hold pages of SROIE's training companies out (else all are trained on).
    """
    receipts, report = label(receipt_pages(data))
    _log.info("%s", report)
    train, held = split_by_group(receipts, _SROIE_TUNING)
    public, public_held = split_by_group(public_pages.collect(data, work / "public"), _PUBLIC_TUNING)
    read = work / "ocr" / "pages.jsonl"
    ocr, report = label(jsonl.read(read)) if read.is_file() else ([], Report())
    _log.info("as read by our own OCR: %s", report)
    held_groups = {example.group for example in held}
    return Corpus(
        receipts=train if tuning else receipts,
        receipts_tuning=held,
        public=public,
        public_tuning=public_held,
        synthetic=drawn_pages(work / "synthetic"),
        synthetic_tuning=drawn_pages(work / "tuning"),
        ocr=[e for e in ocr if not tuning or e.group not in held_groups],
        ocr_tuning=[e for e in ocr if e.group in held_groups],
    )


def drawn_pages(folder: Path) -> list[Example]:
    """The pages of all classes that ``draw_stage`` has finished in ``folder``."""
    done = (path for path in sorted(folder.glob("*/pages.jsonl")) if path.parent.suffix != ".part")
    return [page for path in done for page in jsonl.read(path)]


def receipt_pages(data: Path) -> list[Example]:
    """SROIE's training receipts as examples of the class receipt."""
    pages = jsonl.read(data / "sroie" / "train.jsonl")
    return [replace(page, document_class="receipt") for page in pages]


def sources(pages: Corpus, seed: int = 42) -> list[Source]:
    """The sources that windows are drawn from, with shares chosen on the tuning pages."""
    real = [grey(sheet(e, SROIE)) for e in pages.receipts]
    # A value that the OCR spoilt has no place: its words are not known to be nothing, so that label may hide there.
    real += [grey(sheet(e, {span.label for span in e.spans or ()})) for e in pages.ocr]
    pool = value_pool(pages.receipts, SROIE, seed)
    mild = Augmentation(swap=0.0, lines=0.0, words=0.3, shift=0.3, picture=0.2)
    found = [
        Source(real, weight=0.46, asked=0.42, augmentation=Augmentation(lines=0.85), pool=pool, ask=ask),
        Source(
            [grey(sheet(e)) for e in pages.public],
            weight=0.08,
            lengths=_SHORT,
            augmentation=Augmentation(swap=0.0, lines=0.5, words=0.3),
        ),
    ]
    bills = [grey(sheet(e, LABELS.entities)) for e in pages.synthetic if e.spans is not None]
    forms = [grey(sheet(e)) for e in pages.synthetic if e.document_class == "form"]
    others = [grey(sheet(e)) for e in pages.synthetic if e.spans is None and e.document_class != "form"]
    if bills:
        found.append(Source(bills, weight=0.24, asked=0.5, augmentation=mild, ask=ask))
    if forms:
        found.append(Source(forms, weight=0.15, asked=0.9, augmentation=mild, ask=ask_own))
    if others:
        found.append(Source(others, weight=0.07, asked=0.3, augmentation=mild, lengths=_SHORT))
    return found


def grey(page: Sheet) -> Sheet:
    """The page without colour: a picture's colours must not tell where it came from."""
    mean = page.page.image.mean(axis=2, keepdims=True).astype(np.uint8)
    # A view: three equal channels of thousands of pages would be half a gigabyte.
    image = np.broadcast_to(mean, page.page.image.shape)
    return replace(page, page=replace(page.page, image=image))


def cases(examples: Sequence[Example], seed: int = 0, *, questions: int = 0) -> list[Case]:
    """Labelled pages to score on, with up to ``questions`` questions each, a third of them without an answer.

    A synthetic page is asked its own; about the others questions are made.
    """
    rng = random.Random(seed)
    result = []
    for example in examples:
        page = sheet(example)
        of = ask_own if example.questions else ask
        asked = [q for _ in range(questions) if (q := of(page, rng, unanswerable=0.33)) is not None]
        # Of a question that is asked twice the last answers count.
        result.append(case_of(example, page.page, tuple({question.text: question for question in asked}.values())))
    return result


def heads_of(labels: Labels) -> dict[str, Head]:
    """The heads of a starter bundle before anything is tuned, with all labels as fields."""
    kinds: dict[str, FieldType] = {"DATE": "date", "DUE_DATE": "date"}
    kinds |= dict.fromkeys(("TOTAL", "TAX", "SUBTOTAL", "ITEM_AMOUNT"), "amount")
    fields = {name: FieldSpec(kinds.get(name, "text"), single=not name.startswith("ITEM_")) for name in labels.entities}
    return {
        "kie": Head(labels=labels.kie, fields=fields),
        "classification": Head(labels=labels.classes),
        "docvqa": Head(),
    }


def draw_stage(work: Path, workers: int = 1, fraction: float = 1.0) -> None:
    """Draw the synthetic pages to train on, to tune on and to report on, unless they are there.

    fraction: of the pages, for a trial.
    """
    parts: tuple[tuple[str, Mapping[str, int], int, Literal["train", "heldout"]], ...] = (
        ("synthetic", _DRAWN, 7, "train"),
        ("tuning", _TUNING, 13, "train"),
        ("heldout", _HELDOUT, 11, "heldout"),
    )
    for part, counts, seed, layouts in parts:
        for kind, count in counts.items():
            folder = work / part / kind
            if (folder / "pages.jsonl").is_file():
                continue
            # Drawn aside and moved, so that an interrupted drawing is not taken for a finished one.
            aside = folder.with_name(f"{kind}.part")
            count = math.ceil(count * fraction)
            write_pages(aside, count, seed=seed, kinds=(kind,), layouts=layouts, workers=workers)
            aside.replace(folder)
            _log.info("drew %d pages: %s", count, folder)


def read_stage(data: Path, work: Path, fraction: float = 1.0) -> None:
    """Read the training receipts by our own OCR, those that are not read yet. fraction: of them, for a trial."""
    receipts = receipt_pages(data)
    pages = read_pages(receipts[: math.ceil(len(receipts) * fraction)], work / "ocr" / "pages.jsonl")
    _log.info("%d receipts read by our own OCR", len(pages))
