"""The recipe of the starter bundle: drawing, reading, pre-training and training, stage by stage.

Every stage resumes where it was interrupted. ``corpus`` has the pages, ``release`` makes the bundle.
"""

import argparse
import logging
import random
from collections.abc import Callable
from pathlib import Path

import torch

from layoutserve.model.encoding.encoder import Encoder
from layoutserve.model.network import checkpoint
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.training.evaluation.inference import infer_pages, infer_questions
from layoutserve.model.training.evaluation.scoring import (
    score_classification,
    score_docvqa,
    score_kie,
)
from layoutserve.model.training.stages import initial
from layoutserve.model.training.stages.batches import sheet
from layoutserve.model.training.stages.finetuning import finetune, torch_infer
from layoutserve.model.training.stages.loop import Schedule, spread
from layoutserve.model.training.stages.pretraining import pretrain
from layoutserve.model.training.starter.corpus import (
    LABELS,
    Corpus,
    cases,
    corpus,
    draw_stage,
    grey,
    heads_of,
    read_stage,
    sources,
)

_log = logging.getLogger(__name__)

# Decoding while training: the rules that need no tuning.
VALIDATED = ("single-valued", "total-near-keyword", "trim-values")


def validator(pages: Corpus, tokenizer: Path) -> Callable[[DocumentNetwork], float]:
    """The mean of exact match, entity F1, class accuracy and ANLS on tuning pages; logs them all."""
    encoder = Encoder(tokenizer)
    draw = random.Random(1)
    receipts = cases(draw.sample(list(pages.receipts_tuning), min(48, len(pages.receipts_tuning))), questions=1)
    others = cases(draw.sample(list(pages.public_tuning), min(32, len(pages.public_tuning))))
    names = {case.name for case in receipts}
    read = [case for case in cases(pages.ocr_tuning) if case.name in names]
    bills = cases([e for e in pages.synthetic_tuning if e.spans is not None])
    papers = cases([e for e in pages.synthetic_tuning if e.document_class != "receipt"], questions=2)

    def validate(network: DocumentNetwork) -> float:
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
        "--fraction", type=float, default=1.0, help="draw and read only this share of the pages, to try it"
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
