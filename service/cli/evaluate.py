"""``layoutserve evaluate``: how right a bundle or a checkpoint is on labelled pages."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from layoutserve.model.bundle import Head
    from layoutserve.model.encoding.encoder import Encoder
    from layoutserve.model.training.data.cases import Case
    from layoutserve.model.training.data.example import Example
    from layoutserve.model.training.evaluation.inference import Infer
    from layoutserve.model.training.evaluation.scoring import AnswerScores, ClassScores, KieScores

HELP = "Measure a bundle or a checkpoint on labelled pages, with their words given or read by our own OCR."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--bundle", metavar="NAME_OR_DIR", help="a bundle, as the service runs it")
    model.add_argument("--checkpoint", metavar="DIR_OR_ID", help="a checkpoint, in torch")
    parser.add_argument("--task", required=True, choices=("kie", "classification", "docvqa"))
    parser.add_argument(
        "--data", required=True, type=Path, metavar="PATH", help="labelled pages, or questions on pages"
    )
    parser.add_argument("--layout", default="auto", help="jsonl (default where it is), sroie, funsd, xfund, cord ...")
    parser.add_argument("--words", choices=("given", "ocr"), default="given", help="whose words (default: given)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N pages")
    parser.add_argument("--rules", metavar="NAMES", help="decoding rules, separated by commas, or none")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE.jsonl", help="keep the words that OCR read, or use those kept"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="write confusion.png and mistakes.jsonl here")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the scores."""
    from layoutserve.model.errors import DatasetError
    from layoutserve.model.training.data.cases import case_of
    from layoutserve.model.training.evaluation import inference, scoring

    examples = _pages(arguments)
    head, encoder, infer = _model(arguments)
    cases = [case_of(example) for example in examples]
    scores: KieScores | ClassScores | AnswerScores
    if arguments.task == "docvqa":
        cases = [case for case in cases if case.questions]
        scores = scoring.score_docvqa(inference.infer_questions(_shown(cases), encoder, infer), head)
    else:
        runs = inference.infer_pages(_shown(cases), encoder, infer)
        if arguments.task == "kie":
            scores = scoring.score_kie(runs, head, _rules(arguments.rules))
        else:
            scores = scoring.score_classification(runs, head)
    metrics = scores.metrics()
    if not metrics.get("cases", metrics.get("questions")):
        raise DatasetError(f"{arguments.data} has nothing labelled for {arguments.task}.")
    _write(arguments, metrics, scores)
    return 0


def _pages(arguments: argparse.Namespace) -> "list[Example]":
    """The labelled pages with the words that were asked for."""
    from layoutserve.model.training.data import readers
    from layoutserve.model.training.data.labelling import label

    examples = readers.read(arguments.data, arguments.layout)[: arguments.limit]
    if arguments.words == "ocr":
        examples = _read(examples, arguments.keep)
    else:
        examples = [e if e.words is not None else replace(e, words=e.read_page().words) for e in examples]
        examples = [e for e in examples if e.words is not None]
        examples, report = label(examples)
        print(report, file=sys.stderr)
    return examples


def _read(examples: "Sequence[Example]", keep: Path | None) -> "list[Example]":
    """The pages with our own OCR's words, the places of their labels gone with the words that were given."""
    from rich.console import Console
    from rich.progress import track

    from layoutserve.model.training.data.own_ocr import read_pages

    def shown(left: "Sequence[Example]") -> "Iterable[Example]":
        return track(left, "Reading", console=Console(stderr=True), transient=True)

    return read_pages(examples, keep, shown)


def _model(arguments: argparse.Namespace) -> "tuple[Head, Encoder, Infer]":
    from layoutserve.model.bundle import FieldSpec, Head
    from layoutserve.model.encoding.encoder import MAX_TOKENS, Encoder
    from layoutserve.model.errors import BundleError

    if arguments.bundle is not None:
        from layoutserve.model import bundle
        from layoutserve.service import settings
        from layoutserve.service.work import loading

        found = bundle.load(bundle.locate(arguments.bundle))
        session = loading.open_session(found, settings.load(), pages_at_once=1)
        heads: Mapping[str, Head] = found.manifest.heads
        longest = min(MAX_TOKENS, session.window_tokens)
        encoder = Encoder(found.path / "tokenizer.json", found.manifest.inputs, max_tokens=longest)
        infer: Infer = session.run
    else:
        from layoutserve.model.network import checkpoint
        from layoutserve.model.network import tokenizer as tokenizers
        from layoutserve.model.training.stages.finetuning import torch_infer

        stored = checkpoint.load(arguments.checkpoint)
        if stored.tokenizer is None:
            raise BundleError(f"{arguments.checkpoint} has no tokenizer: {', '.join(tokenizers.FORMS)}.")
        heads = {task: Head(labels=tuple(labels)) for task, labels in stored.labels.items()}
        longest = min(MAX_TOKENS, stored.inputs.max_tokens)
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = Path(folder) / "tokenizer.json"
            tokenizers.write(stored.tokenizer, tokenizer)
            encoder = Encoder(tokenizer, stored.inputs, max_tokens=longest)
        infer = torch_infer(stored.network)
    if arguments.task not in heads:
        raise BundleError(f"The model has no head for {arguments.task}; it has {', '.join(heads)}.")
    head = heads[arguments.task]
    if arguments.task == "kie" and not head.fields:
        # A model that names no fields has one for each of its entities.
        entities = dict.fromkeys(name[2:] for name in head.labels if name[1:2] == "-")
        head = replace(head, fields={name: FieldSpec() for name in entities})
    return head, encoder, infer


def _shown(cases: "Sequence[Case]") -> "list[Case]":
    from rich.console import Console
    from rich.progress import track

    return list(track(cases, "Measuring", console=Console(stderr=True), transient=True))


def _rules(names: str | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    return tuple(name for name in (part.strip() for part in names.split(",")) if name and name != "none")


def _write(
    arguments: argparse.Namespace, metrics: Mapping[str, float], scores: "KieScores | ClassScores | AnswerScores"
) -> None:
    from rich.console import Console
    from rich.table import Table

    from layoutserve.model.training.data import jsonl

    if arguments.json:
        print(json.dumps(metrics, indent=2))
    else:
        table = Table("score", "value", title=f"{arguments.task} on {arguments.data.name}, words {arguments.words}")
        for name, value in metrics.items():
            table.add_row(name, f"{value:.0f}" if name in ("cases", "questions") else f"{value:.4f}")
        Console().print(table)
        for question, value in getattr(scores, "by_question", {}).items():
            Console().print(f"{value:.3f}  {question}", highlight=False)
    if arguments.report is None:
        return
    arguments.report.mkdir(parents=True, exist_ok=True)
    confusion = getattr(scores, "confusion", None)
    if confusion is not None:
        draw_confusion(confusion, getattr(scores, "labels", ()), arguments.report / "confusion.png")
    jsonl.write_rows(arguments.report / "mistakes.jsonl", getattr(scores, "mistakes", ()))


def draw_confusion(table: "NDArray[np.int64]", labels: Sequence[str], path: Path) -> None:
    """Draw a confusion table, rows what is true: shares of a row as shades, counts as numbers."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shares = table / table.sum(axis=1, keepdims=True).clip(min=1)
    size = 2 + 0.6 * len(labels)
    figure, axes = pyplot.subplots(figsize=(size, size), layout="constrained")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("said")
    axes.set_ylabel("true")
    for i, row in enumerate(table):
        for j, count in enumerate(row):
            if count:
                axes.text(j, i, str(count), ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
