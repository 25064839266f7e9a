"""The recipe of the starter bundle: which pages, in which proportions, and the three stages of training.

Everything random follows from seeds; every stage resumes where it was interrupted. Nothing that the data's README
reserves is touched: of SROIE only ``train.jsonl``; no FUNSD, no XQuAD, no samples.

Of SROIE's companies and of every issuer of the other documents a part is held out, to tune on (temperatures,
decoding rules, thresholds) and to report classification on.
"""

import argparse
import logging
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from layoutserve.model.bundle import FieldSpec, FieldType, Head
from layoutserve.model.encoding.encoder import Encoder
from layoutserve.model.network import checkpoint
from layoutserve.model.network.layoutlmv2 import LayoutLMv2
from layoutserve.model.training.data import jsonl, public_pages
from layoutserve.model.training.data.example import Example, split_by_group
from layoutserve.model.training.data.labelling import Report, label
from layoutserve.model.training.data.own_ocr import read_pages
from layoutserve.model.training.data.receipt_values import value_pool
from layoutserve.model.training.evaluation.scoring import (
    Case,
    infer_pages,
    infer_questions,
    score_classification,
    score_docvqa,
    score_kie,
)
from layoutserve.model.training.stages import initial
from layoutserve.model.training.stages.augmentation import Augmentation
from layoutserve.model.training.stages.batches import Labels, Sheet, sheet
from layoutserve.model.training.stages.finetuning import Source, finetune, torch_infer
from layoutserve.model.training.stages.loop import Schedule, spread
from layoutserve.model.training.stages.pretraining import pretrain
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
# Decoding while training: the rules that need no tuning.
VALIDATED = ("single-valued", "total-near-keyword", "trim-values")
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
    """What to draw windows from, with shares chosen on the tuning pages."""
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
    """Labelled pages to score on, with up to so many ``questions`` each, a third of them without an answer.

    A synthetic page is asked its own; about the others questions are made.
    """
    rng = random.Random(seed)
    result = []
    for example in examples:
        page = sheet(example)
        of = ask_own if example.questions else ask
        asked = [q for _ in range(questions) if (q := of(page, rng, unanswerable=0.33)) is not None]
        result.append(
            Case(
                page=page.page,
                values=example.values,
                spans=page.spans,
                document_class=example.document_class,
                questions=tuple({q.text: q.answers for q in asked}.items()),
                name=f"{example.path.name}#{example.page}",
            )
        )
    return result


def validator(pages: Corpus, tokenizer: Path) -> Callable[[LayoutLMv2], float]:
    """The mean of exact match, entity F1, class accuracy and ANLS on tuning pages; logs them all."""
    encoder = Encoder(tokenizer)
    draw = random.Random(1)
    receipts = cases(draw.sample(list(pages.receipts_tuning), min(48, len(pages.receipts_tuning))), questions=1)
    others = cases(draw.sample(list(pages.public_tuning), min(32, len(pages.public_tuning))))
    names = {case.name for case in receipts}
    read = [case for case in cases(pages.ocr_tuning) if case.name in names]
    bills = cases([e for e in pages.synthetic_tuning if e.spans is not None])
    papers = cases([e for e in pages.synthetic_tuning if e.document_class != "receipt"], questions=2)

    def validate(network: LayoutLMv2) -> float:
        infer, heads = torch_infer(network), heads_of(LABELS)
        runs = infer_pages([*receipts, *others], encoder, infer)
        kie = score_kie(runs, heads["kie"], VALIDATED).metrics()
        kinds = score_classification(runs, heads["classification"]).metrics()
        asked = score_docvqa(infer_questions(receipts, encoder, infer), heads["docvqa"]).metrics()
        scores = [kie["em_no_space"], kie["f1"], kinds["macro_accuracy"], asked["anls"]]
        _log.info(
            "tuning pages: em_no_space %.3f, value f1 %.3f, entity f1 %.3f | class accuracy %.3f, macro %.3f | "
            "anls %.3f, balanced %.3f | company %.2f date %.2f address %.2f total %.2f",
            *(kie[name] for name in ("em_no_space", "value_f1", "f1")),
            *(kinds[name] for name in ("accuracy", "macro_accuracy")),
            *(asked[name] for name in ("anls", "no_answer_balanced_accuracy")),
            *(kie[f"em_no_space_{name}"] for name in ("company", "date", "address", "total")),
        )
        if read:
            by_ocr = score_kie(infer_pages(read, encoder, infer), heads["kie"], VALIDATED).metrics()
            _log.info("tuning pages by our own OCR: em_no_space %.3f", by_ocr["em_no_space"])
            scores.append(by_ocr["em_no_space"])
        if bills:
            drawn = score_kie(infer_pages(bills, encoder, infer), heads["kie"], VALIDATED).metrics()
            about = score_docvqa(infer_questions(papers, encoder, infer), heads["docvqa"]).metrics()
            _log.info(
                "drawn tuning pages: anls %.3f, balanced %.3f, %s",
                about["anls"],
                about["no_answer_balanced_accuracy"],
                ", ".join(f"{name} {value:.2f}" for name, value in drawn.items() if name.startswith("f1")),
            )
            scores += [drawn["f1"], about["anls"]]
        return sum(scores) / len(scores)

    return validate


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


def pretrain_stage(data: Path, work: Path, folder: Path, minutes: float) -> None:
    """Stage one: the three objectives on the permitted pages; writes ``network.pt``."""
    pages = corpus(data, work)
    unlabelled = [*pages.receipts, *pages.public, *pages.synthetic]
    network = initial.network(_sizes())
    schedule = Schedule(minutes=minutes, learning_rate=2e-4, fresh_factor=2.5, bias_factor=40.0, warmup=0.06)
    sheets = [grey(sheet(example)) for example in unlabelled]
    pretrain(network, sheets, initial.folder() / "tokenizer.json", schedule, folder, max_tokens=256)
    torch.save(network.state_dict(), folder / "network.pt")


def train_stage(
    data: Path,
    work: Path,
    folder: Path,
    schedule: Schedule,
    *,
    start: Path | None,
    processes: int = 1,
    tuning: bool = True,
) -> None:
    """Stage two: all heads together from ``start`` (a stage's ``network.pt``); writes a checkpoint."""
    pages = corpus(data, work, tuning=tuning)
    found = sources(pages)
    _log.info("pages: %s", ", ".join(f"{len(s.pages)} at {s.weight}" for s in found))
    tokenizer = initial.folder() / "tokenizer.json"
    validate = validator(pages, tokenizer)
    del pages

    def work_on(rank: int) -> None:
        network = initial.network(_sizes())
        if start is not None:
            network.load_state_dict(torch.load(start, map_location="cpu", weights_only=True))
        finetune(
            network,
            found,
            LABELS,
            tokenizer,
            schedule,
            folder,
            validate=validate,
            validate_steps=400,
            rank=rank,
        )
        if rank == 0:
            labels = {"kie": LABELS.kie, "classification": LABELS.classes}
            checkpoint.save(network, labels, folder / "checkpoint", tokenizer=tokenizer, licence="apache-2.0")

    spread(processes, work_on)


def _sizes() -> dict[str, int]:
    return {"kie": len(LABELS.kie), "classification": len(LABELS.classes), "docvqa": 2}


def main() -> None:
    """Run one stage from the command line."""
    parser = argparse.ArgumentParser(description="Train the starter model, stage by stage; every stage resumes.")
    parser.add_argument("stage", choices=("draw", "read", "pretrain", "train"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the public data")
    parser.add_argument("--work", type=Path, default=Path("runs/corpus"), help="where made pages are kept")
    parser.add_argument("--folder", type=Path, default=Path("runs/starter"), help="where the stage keeps its state")
    parser.add_argument("--minutes", type=float, default=62.0, help="how long to train")
    parser.add_argument("--start", type=Path, help="network.pt to start from")
    parser.add_argument("--processes", type=int, default=1, help="processes that average their gradients")
    parser.add_argument("--batch", type=int, default=8, help="windows a step and process")
    parser.add_argument(
        "--fraction", type=float, default=1.0, help="draw and read only so many of the pages, to try it"
    )
    parser.add_argument("--learning-rate", type=float, default=1.5e-4, help="highest learning rate of the training")
    parser.add_argument("--all", action="store_true", help="train on the receipts held out for tuning too")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1 if arguments.processes > 1 else torch.get_num_threads())
    places = (arguments.data, arguments.work, arguments.folder)
    if arguments.stage == "draw":
        draw_stage(arguments.work, arguments.processes, arguments.fraction)
    elif arguments.stage == "read":
        read_stage(arguments.data, arguments.work, arguments.fraction)
    elif arguments.stage == "pretrain":
        pretrain_stage(*places, arguments.minutes)
    else:
        schedule = Schedule(
            minutes=arguments.minutes,
            batch_size=arguments.batch,
            learning_rate=arguments.learning_rate,
            fresh_factor=2.5,
            bias_factor=40.0,
            warmup=0.03,
            save_s=120.0,
        )
        train_stage(*places, schedule, start=arguments.start, processes=arguments.processes, tuning=not arguments.all)


if __name__ == "__main__":
    main()
