"""The commands ``layoutserve train`` and ``pretrain``: read pages, build a network, train it, write a checkpoint."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from layoutserve.model.bundle import LAYOUTLMV2, FieldSpec, Head, Inputs, Task
from layoutserve.model.encoding.encoder import MAX_TOKENS, Encoder
from layoutserve.model.errors import DatasetError
from layoutserve.model.network import checkpoint
from layoutserve.model.network import tokenizer as tokenizers
from layoutserve.model.network.config import BiasedConfig
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.layoutlmv2 import LayoutLMv2
from layoutserve.model.page import Box, Word
from layoutserve.model.training.data import readers
from layoutserve.model.training.data.cases import case_of
from layoutserve.model.training.data.example import Example, split_by_group
from layoutserve.model.training.data.labelling import label
from layoutserve.model.training.data.own_ocr import read_pages
from layoutserve.model.training.evaluation.inference import infer_pages, infer_questions
from layoutserve.model.training.evaluation.scoring import (
    score_classification,
    score_docvqa,
    score_kie,
)
from layoutserve.model.training.stages import initial
from layoutserve.model.training.stages.augmentation import Augmentation
from layoutserve.model.training.stages.batches import Labels, Sheet, sheet
from layoutserve.model.training.stages.finetuning import Source, finetune, torch_infer
from layoutserve.model.training.stages.loop import Schedule, spread
from layoutserve.model.training.stages.pretraining import OBJECTIVES
from layoutserve.model.training.stages.pretraining import pretrain as run_pretraining

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """The data and the manner of a training. tasks: by default those that the data has labels for."""

    data: tuple[Path, ...]
    output: Path
    dev: Path | None = None
    layout: str = "auto"
    tasks: tuple[str, ...] = ()
    checkpoint: str | None = None
    max_tokens: int = MAX_TOKENS
    augment: bool = True
    patience: int = 5
    processes: int = 1
    device: str = "cpu"
    without: tuple[str, ...] = ()


PARTS = ("image", "layout", "spatial-bias")
"""Parts that can be left out, to see their worth: a blank picture, no places of words, no bias from distances."""


def train(options: Options, schedule: Schedule) -> Path:
    """Fine-tune and return the folder of the checkpoint with the best weights. Raises DatasetError."""
    kept = options.output / "read.jsonl"
    examples = _labelled(options.data, options.layout, kept)
    if options.dev is not None:
        training, held = examples, _labelled((options.dev,), options.layout, kept)
    else:
        training, held = split_by_group(examples, 0.15, schedule.seed)
    labels = labels_of(training)
    tasks = options.tasks or tasks_of(training)
    _log.info("%d pages to train on, %d held out; tasks: %s", len(training), len(held), ", ".join(tasks))
    start = _start(options.checkpoint, options.output, options.without)
    sizes = {"kie": len(labels.kie), "classification": len(labels.classes), "docvqa": 2}
    heads = {task: sizes[task] for task in tasks}
    pages = [_reduced(sheet(example), options.without) for example in training]
    names = frozenset(labels.entities)
    source = Source(
        [replace(page, annotated=names) for page in pages],
        asked=_asked(tasks),
        lengths=(min(options.max_tokens, start.inputs.max_tokens),),
        augmentation=_augmentation(options),
    )
    longest = min(options.max_tokens, start.inputs.max_tokens)
    encoder = Encoder(start.tokenizer, start.inputs, max_tokens=longest)
    validate = validator(held, labels, tasks, encoder, options.without)
    result = options.output / "checkpoint"

    def work(rank: int) -> None:
        network = start.build(heads)
        finetune(
            network,
            [source],
            labels,
            start.tokenizer,
            schedule,
            options.output,
            inputs=start.inputs,
            validate=validate if held else None,
            validate_steps=max(20, len(pages) // schedule.batch_size),
            patience=options.patience,
            rank=rank,
            device=torch.device(options.device),
        )
        if rank == 0:
            known = {"kie": labels.kie, "classification": labels.classes}
            checkpoint.save(
                network,
                {task: known[task] for task in tasks if task in known},
                result,
                tokenizer=start.tokenizer,
                separator_box=start.inputs.separator_box,
                licence=start.licence,
            )

    spread(options.processes, work)
    return result


def pretrain(
    data: Sequence[Path],
    layout: str,
    source: str | None,
    output: Path,
    schedule: Schedule,
    *,
    objectives: Sequence[str] = OBJECTIVES,
    max_tokens: int = MAX_TOKENS,
    device: str = "cpu",
) -> Path:
    """Pre-train and return the folder of a checkpoint without heads. Raises DatasetError."""
    examples = _labelled(data, layout, output / "read.jsonl")
    start = _start(source, output)
    network = start.build({})
    if not isinstance(network, LayoutLMv2):
        raise DatasetError(
            f"{source} is no LayoutLMv2, whose pre-training this is; fine-tune it with layoutserve train."
        )
    pages = [sheet(example) for example in examples]
    run_pretraining(
        network,
        pages,
        start.tokenizer,
        schedule,
        output,
        objectives=objectives,
        max_tokens=max_tokens,
        device=torch.device(device),
    )
    checkpoint.save(network, {}, output / "checkpoint", tokenizer=start.tokenizer, licence=start.licence)
    return output / "checkpoint"


def labels_of(examples: Sequence[Example]) -> Labels:
    """The entity names and classes that occur, in alphabetical order."""
    return Labels(
        entities=tuple(sorted({span.label for e in examples for span in e.spans or ()})),
        classes=tuple(sorted({e.document_class for e in examples if e.document_class is not None})),
    )


def tasks_of(examples: Sequence[Example]) -> tuple[Task, ...]:
    """The tasks there are labels for. Raises DatasetError where there are none; one class tells nothing."""
    found: list[Task] = []
    labels = labels_of(examples)
    if labels.entities:
        found.append("kie")
    if len(labels.classes) > 1:
        found.append("classification")
    if any(question.spans for e in examples for question in e.questions):
        found.append("docvqa")
    if not found:
        raise DatasetError("The pages carry no entities, classes or questions: there is nothing to train.")
    return tuple(found)


def validator(
    held: Sequence[Example], labels: Labels, tasks: Sequence[str], encoder: Encoder, without: Sequence[str] = ()
) -> Callable[[DocumentNetwork], float]:
    """The mean over the tasks of entity F1, macro accuracy and ANLS on held-out pages."""
    cases = [case_of(example, _reduced(sheet(example), without).page) for example in held]
    kie = Head(labels=labels.kie, fields={name: FieldSpec(single=False) for name in labels.entities})
    kinds = Head(labels=labels.classes)

    def validate(network: DocumentNetwork) -> float:
        infer = torch_infer(network)
        runs = infer_pages(cases, encoder, infer)
        scores: dict[str, float] = {}
        if "kie" in tasks:
            scores["entity f1"] = score_kie(runs, kie, ()).metrics().get("f1", 0.0)
        if "classification" in tasks:
            scores["macro accuracy"] = score_classification(runs, kinds).metrics()["macro_accuracy"]
        if "docvqa" in tasks:
            scores["anls"] = score_docvqa(infer_questions(cases, encoder, infer), Head()).anls
        _log.info("held-out pages: %s", ", ".join(f"{name} {value:.4f}" for name, value in scores.items()))
        return sum(scores.values()) / len(scores)

    return validate


def _labelled(paths: Sequence[Path], layout: str, kept: Path) -> list[Example]:
    """The pages with words and labels; those without words are read once, which is kept in ``kept``."""
    examples = [page for path in paths for page in readers.read(path, layout)]
    unread = [page for page in examples if page.words is None]
    if unread:
        _log.info("reading %d pages that have no words", len(unread))
        examples = [page for page in examples if page.words is not None] + read_pages(unread, kept)
    examples, report = label(page for page in examples if page.words)
    if not examples:
        raise DatasetError("None of the pages has words, and OCR found none on them.")
    _log.info("%s", report)
    return examples


def _reduced(page: Sheet, without: Sequence[str]) -> Sheet:
    shown = page.page
    if "image" in without:
        shown = replace(shown, image=np.full_like(shown.image, 255))
    if "layout" in without:
        nowhere = Box(0.0, 0.0, 0.0, 0.0)
        words = (Word.from_box(word.text, nowhere, line=word.line) for word in page.words)
        shown = replace(shown, words=tuple(words))
    return replace(page, page=shown)


def _augmentation(options: Options) -> Augmentation | None:
    if not options.augment:
        return None
    kept = Augmentation(swap=0.0)
    if "image" in options.without:
        kept = replace(kept, picture=0.0)
    return replace(kept, shift=0.0) if "layout" in options.without else kept


@dataclass(frozen=True, slots=True)
class _Start:
    """What training starts from. build: heads -> the network. tokenizer: a tokenizer.json. licence: None if unknown."""

    build: Callable[[dict[str, int]], DocumentNetwork]
    tokenizer: Path
    inputs: Inputs = LAYOUTLMV2
    licence: str | None = None


def _start(source: str | None, output: Path, without: Sequence[str] = ()) -> _Start:
    """The small network that comes along, or a checkpoint of any of the family."""
    spatial = "spatial-bias" not in without
    if source is None:
        tokenizer = initial.folder() / "tokenizer.json"
        return _Start(lambda heads: initial.network(heads, has_spatial_attention_bias=spatial), tokenizer)
    loaded = checkpoint.load(source)
    if loaded.tokenizer is None:
        raise DatasetError(f"{source} has no tokenizer, which training needs: {', '.join(tokenizers.FORMS)}.")
    output.mkdir(parents=True, exist_ok=True)
    tokenizer = output / "tokenizer.json"
    tokenizers.write(loaded.tokenizer, tokenizer)
    config = loaded.config
    if not spatial:
        if not isinstance(config, BiasedConfig):
            raise DatasetError(f"{source} has no bias from distances on the page, so it cannot be left out.")
        config = replace(config, has_spatial_attention_bias=False)

    def build(heads: dict[str, int]) -> DocumentNetwork:
        network = type(loaded.network)(config, heads)
        own, state = network.body.state_dict(), loaded.network.body.state_dict()
        # The question-answering LayoutLMv2 has this embedding whatever its start had; zero is as if it were not there.
        # LiLT has a pooler only where it has no head.
        added = {name: torch.zeros_like(own[name]) for name in own if name == "visual_segment_embedding"}
        given = {name: value for name, value in {**added, **state}.items() if name in own}
        network.body.load_state_dict({**{n: v for n, v in own.items() if n.startswith("pooler.")}, **given})
        return network

    licence = None if loaded.licence == "unknown" else loaded.licence
    return _Start(build, tokenizer, loaded.inputs, licence)


def _asked(tasks: Sequence[str]) -> float:
    if "docvqa" not in tasks:
        return 0.0
    return 1.0 if len(tasks) == 1 else 0.5
