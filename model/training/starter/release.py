"""From a trained checkpoint to the starter bundle: tune on held-out pages, export, measure, write the model card.

Temperatures and decoding rules are chosen on tuning pages (companies and issuers never trained on); the figures come
from SROIE's ``dev.jsonl``, the held-out issuers and the layouts that synthesis keeps out of training.
"""

import argparse
import itertools
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from layoutserve.model import bundle as bundles
from layoutserve.model.bundle import Bundle, FieldSpec, Head
from layoutserve.model.decoding import kie
from layoutserve.model.decoding.rules import ANSWER_RULES, RULES
from layoutserve.model.encoding.encoder import Encoder, model_image
from layoutserve.model.inference.session import Session
from layoutserve.model.network import checkpoint, export
from layoutserve.model.network.layoutlmv2 import LayoutLMv2
from layoutserve.model.page import Page
from layoutserve.model.training.data import jsonl, readers
from layoutserve.model.training.data.example import Example
from layoutserve.model.training.data.labelling import label
from layoutserve.model.training.evaluation import metrics
from layoutserve.model.training.evaluation.scoring import (
    Case,
    Infer,
    Inferred,
    choose_answer_rules,
    choose_rules,
    fit_temperature,
    infer_pages,
    infer_questions,
    score_classification,
    score_docvqa,
    score_kie,
)
from layoutserve.model.training.stages.finetuning import torch_infer
from layoutserve.model.training.starter import card, recipe
from layoutserve.model.training.train import case_of

_log = logging.getLogger(__name__)

Metrics = dict[str, dict[str, float]]
_CALIBRATION_PAGES = 64
# Slopes and shifts of a field's log-odds to choose from, the plain one first.
_WAYS = tuple(itertools.product((1.0, 0.25, 0.5, 0.75, 1.5, 2.0), (0.0, -2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)))
# A label of drawn pages alone is offered as a field from this F1 on drawn tuning pages.
_LEAST_F1 = 0.6
# While biases are fitted: a guess for a label that is never found would hide that it is never found.
_FITTING = tuple(rule for rule in RULES if rule != "guess-missing")


def fit_biases(runs: Sequence[Inferred], head: Head, names: Collection[str] | None = None) -> dict[str, float]:
    """What to add to the logits of each entity so that it is neither missed nor made up, chosen on ``runs``.

    A label that stands at one of several equal places is learnt with little confidence at each, and loses against O
    everywhere; that is a shift of the decision, which one number a label puts right. ``names``: only these labels;
    by default all that the pages carry.
    """
    carried = {label for run in runs for label, _ in run.case.spans or ()}
    labels = sorted(carried if names is None else carried & set(names))
    biases = dict.fromkeys(labels, 0.0)

    def score(candidate: Mapping[str, float]) -> float:
        table = score_kie([_shifted(run, head, candidate) for run in runs], head, _FITTING).metrics()
        return table["em_no_space"] + table["f1"]

    best = score(biases)
    # In whole steps first, then half a step to either side.
    for steps in ((-1.0, 1.0, 2.0, 3.0, 4.0), (-0.5, 0.5)):
        for name in labels:
            before = biases[name]
            for step in steps:
                now = score({**biases, name: before + step})
                if now > best + 1e-9:
                    best, biases = now, {**biases, name: before + step}
    return biases


def _shifted(run: Inferred, head: Head, biases: Mapping[str, float]) -> Inferred:
    shift = np.array([biases.get(name[2:], 0.0) for name in head.labels], dtype=np.float32)
    logits = tuple(replace(one, kie=one.kie + shift) for one in run.logits if one.kie is not None)
    return replace(run, logits=logits)


def fit_calibration(runs: Sequence[Inferred], head: Head, names: Collection[str]) -> dict[str, FieldSpec]:
    """The fields ``names`` of ``head`` with the slope and shift of their scores' log-odds, chosen by Brier score.

    One temperature serves all labels, but an address is believed more than it is right and a company less.
    """
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
    plain = replace(head, fields={name: replace(head.fields[name], slope=1.0, shift=0.0) for name in names})
    for run in runs:
        page = kie.decode_page(run.windows, run.logits, run.case.page, head)
        for said in kie.decode_document([page], plain).fields:
            true = (run.case.values or {}).get(said.label, ())
            read = float(np.prod([page.words[index].score for index in said.words]))
            odds = np.clip(said.score / read, 1e-6, 1 - 1e-6)
            right = metrics.spaceless(said.text) in {metrics.spaceless(text) for text in true}
            found[said.label].append((float(np.log(odds / (1 - odds))), read, float(right)))
    specs = {}
    for name, rows in found.items():
        table = np.array(rows)
        slope, shift = min(_WAYS, key=partial(_distance_of, table)) if rows else (1.0, 0.0)
        specs[name] = replace(head.fields[name], slope=slope, shift=shift)
    return specs


def _distance_of(table: NDArray[np.float64], way: tuple[float, float]) -> float:
    """Brier score of rows of log-odds, probability of having been read right, and truth."""
    (odds, read, right), (slope, shift) = table.T, way
    return float(np.mean((read / (1 + np.exp(-(slope * odds + shift))) - right) ** 2))


def tune(network: LayoutLMv2, encoder: Encoder, pages: recipe.Corpus) -> dict[str, Head]:
    """Heads with the rules that help and the temperatures that calibrate; shifts the KIE head's biases in place.

    SROIE's labels are tuned on receipts, with their words given and by our own OCR; the labels that only drawn pages
    carry on drawn pages, where they become fields if they come out well.
    """
    infer = torch_infer(network)
    heads = recipe.heads_of(recipe.LABELS)
    receipts = infer_pages(recipe.cases([*pages.receipts_tuning, *pages.ocr_tuning]), encoder, infer)
    bills = infer_pages(
        [case_of(replace(e, values=None)) for e in pages.synthetic_tuning if e.spans is not None], encoder, infer
    )
    biases = fit_biases(receipts, heads["kie"], recipe.SROIE)
    biases |= fit_biases(bills, heads["kie"], {*recipe.LABELS.entities} - recipe.SROIE)
    _log.info("added to the logits: %s", biases)
    receipts = [_shifted(run, heads["kie"], biases) for run in receipts]
    bills = [_shifted(run, heads["kie"], biases) for run in bills]
    with torch.no_grad():
        shift = torch.tensor([biases.get(name[2:], 0.0) for name in heads["kie"].labels])
        network.kie.classifier.bias.add_(shift)
    rules = choose_rules(receipts, heads["kie"], RULES)
    _log.info("decoding rules: %s", ", ".join(rules) or "none")
    drawn = score_kie(bills, heads["kie"], rules).metrics()
    _log.info("on drawn tuning pages: %s", json.dumps({k: round(v, 3) for k, v in drawn.items() if k[:3] == "f1_"}))
    offered = {
        name: spec
        for name, spec in heads["kie"].fields.items()
        if name in recipe.SROIE or drawn.get(f"f1_{name.lower()}", 0.0) >= _LEAST_F1
    }
    key_information = replace(heads["kie"], rules=rules, fields=offered)
    kinds = infer_pages([*recipe.cases(pages.public_tuning), *recipe.cases(pages.receipts_tuning)], encoder, infer)
    asked_of = [*pages.receipts_tuning, *(e for e in pages.synthetic_tuning if e.questions)]
    asked = infer_questions(recipe.cases(asked_of, questions=3), encoder, infer)

    answer_rules = choose_answer_rules(asked, heads["docvqa"], ANSWER_RULES)
    _log.info("decoding rules of answers: %s", ", ".join(answer_rules) or "none")

    def docvqa_cost(head: Head) -> float:
        scores = score_docvqa(asked, head)
        table = scores.metrics()
        return scores.brier + 2.0 - table["anls"] - table["no_answer_balanced_accuracy"]

    head = fit_temperature(lambda head: score_kie(receipts, head).brier, key_information)
    specs = fit_calibration(receipts, head, recipe.SROIE) | fit_calibration(bills, head, {*offered} - recipe.SROIE)
    _log.info("slope and shift: %s", {name: (spec.slope, spec.shift) for name, spec in specs.items()})
    tuned = {
        "kie": replace(head, fields={name: specs[name] for name in offered}),
        "classification": fit_temperature(
            lambda head: score_classification(kinds, head).brier, heads["classification"]
        ),
        "docvqa": fit_temperature(docvqa_cost, replace(heads["docvqa"], rules=answer_rules)),
    }
    _log.info("temperatures: %s", ", ".join(f"{task} {head.temperature:.2f}" for task, head in tuned.items()))
    return tuned


def measure(
    infer: Infer, encoder: Encoder, heads: Mapping[str, Head], data: Path, pages: recipe.Corpus, read: Path | None
) -> Metrics:
    """Every figure of the card. ``read``: the dev receipts as our OCR read them (``layoutserve evaluate --keep``)."""
    found: Metrics = {}
    dev, _ = label(readers.read(data / "sroie" / "dev.jsonl"))
    cases = [_case(example) for example in dev]
    runs = infer_pages(cases, encoder, infer)
    found["sroie-dev kie, words given"] = score_kie(runs, heads["kie"]).metrics()
    found["sroie-dev kie, words given, no rules"] = score_kie(runs, heads["kie"], ()).metrics()
    asked = [_case(e) for e in readers.read(data / "sroie" / "dev-questions.jsonl")]
    found["sroie-dev docvqa, words given"] = score_docvqa(
        infer_questions(asked, encoder, infer), heads["docvqa"]
    ).metrics()
    if read is not None and read.is_file():
        texts = {e.path.name: e for e in jsonl.read(read)}
        by_ocr = [
            _case(replace(e, words=t.words, width=t.width, height=t.height, spans=None))
            for e in dev
            if (t := texts.get(e.path.name)) is not None
        ]
        found["sroie-dev kie, own OCR"] = score_kie(infer_pages(by_ocr, encoder, infer), heads["kie"]).metrics()
    real = [*(_case(e) for e in pages.public_tuning), *(replace(c, document_class="receipt") for c in cases)]
    found["classification, real pages of other issuers"] = score_classification(
        infer_pages(real, encoder, infer), heads["classification"]
    ).metrics()
    return found


def measure_heldout(infer: Infer, encoder: Encoder, heads: Mapping[str, Head], pages: Sequence[Example]) -> Metrics:
    """Figures on synthetic pages of layouts kept out of training."""
    # Their values by their places, so that line items count too.
    cases = [case_of(replace(example, values=None)) for example in pages]
    runs = infer_pages(cases, encoder, infer)
    bills = [r for r in runs if r.case.document_class in ("receipt", "invoice")]
    asked = [c for c in cases if c.document_class in ("form", "invoice") and c.questions]
    return {
        "held-out synthetic layouts, classification": score_classification(runs, heads["classification"]).metrics(),
        "held-out synthetic layouts, kie": score_kie(bills, heads["kie"]).metrics(),
        "held-out synthetic forms and invoices, docvqa": score_docvqa(
            infer_questions(asked, encoder, infer), heads["docvqa"]
        ).metrics(),
    }


def release(
    trained: Path,
    output: Path,
    data: Path,
    work: Path,
    *,
    read: Path | None = None,
    compare: bool = True,
) -> Bundle:
    """Tune, export in int8, measure int8 and, to ``compare``, float32, and write the card.

    read: the dev receipts as our OCR read them. Returns the bundle in ``output``.
    """
    loaded = checkpoint.load(trained)
    if loaded.tokenizer is None:
        raise ValueError(f"{trained} has no tokenizer.")
    pages = recipe.corpus(data, work)
    encoder, infer = Encoder(loaded.tokenizer), torch_infer(loaded.network)
    heads = tune(loaded.network, encoder, pages)
    synthetic = recipe.drawn_pages(work / "heldout")

    def figures(model: Infer) -> Metrics:
        found = measure(model, encoder, heads, data, pages, read)
        return found | (measure_heldout(model, encoder, heads, synthetic) if synthetic else {})

    float32 = figures(infer) if compare else {}
    for name, table in float32.items():
        _log.info("float32, %s: %s", name, json.dumps({k: round(v, 4) for k, v in table.items()}))
    made = export.export(
        loaded,
        output,
        precision="int8",
        calibration=_calibration([*pages.receipts, *pages.public, *pages.synthetic]),
        name="starter",
        source="LayoutServe, trained from all-MiniLM-L6-v2",
        heads=heads,
        report=_log.info,
    )
    int8 = figures(Session(made).run)
    for name, table in int8.items():
        _log.info("int8, %s: %s", name, json.dumps({k: round(v, 4) for k, v in table.items()}))
    rounded = {name: {k: round(v, 4) for k, v in table.items()} for name, table in int8.items()}
    (output / "README.md").write_text(card.write(made.manifest, float32, int8), encoding="utf-8")
    (output / "NOTICE").write_text(card.NOTICE, encoding="utf-8")
    return bundles.write(output, replace(made.manifest, licence="Apache-2.0", metrics=rounded))


def measure_bundle(folder: Path, data: Path, work: Path, *, read: Path | None) -> Metrics:
    """Every figure of the card for a bundle that is there already."""
    made = bundles.load(folder)
    encoder, infer, heads = Encoder(folder / "tokenizer.json"), Session(made).run, made.manifest.heads
    found = measure(infer, encoder, heads, data, recipe.corpus(data, work), read)
    if synthetic := recipe.drawn_pages(work / "heldout"):
        found |= measure_heldout(infer, encoder, heads, synthetic)
    return found


def _case(example: Example) -> Case:
    """A labelled page to measure on, with its whole picture."""
    spans = None if example.spans is None else tuple((s.label, s.words) for s in example.spans)
    return Case(
        page=Page(example.read_image(), words=example.words),
        values=example.values,
        spans=spans,
        document_class=example.document_class,
        questions=tuple((q.text, q.answers) for q in example.questions),
        name=example.path.name,
    )


def _calibration(examples: Sequence[Example]) -> list[NDArray[np.uint8]]:
    """Pictures of training pages of all kinds, evenly drawn from the list."""
    step = max(1, len(examples) // _CALIBRATION_PAGES)
    found = []
    for example in examples[::step][:_CALIBRATION_PAGES]:
        with Image.open(example.path) as image:
            found.append(model_image(Page(np.asarray(image.convert("RGB")))))
    return found


def main() -> None:
    """Release from the command line."""
    parser = argparse.ArgumentParser(description="Tune, export, measure and describe the starter bundle.")
    parser.add_argument("--checkpoint", type=Path, default=Path("runs/starter/checkpoint"))
    parser.add_argument("--output", type=Path, default=Path("model/bundles/starter"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the public data")
    parser.add_argument("--work", type=Path, default=Path("runs/corpus"), help="where made pages are kept")
    parser.add_argument("--read", type=Path, help="the dev receipts as our OCR read them")
    parser.add_argument("--no-compare", action="store_true", help="measure the bundle alone, not float32 beside it")
    parser.add_argument("--measure-only", action="store_true", help="print every figure of the bundle in --output")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if arguments.measure_only:
        found = measure_bundle(arguments.output, arguments.data, arguments.work, read=arguments.read)
        print(json.dumps(found, indent=2))
        return
    release(
        arguments.checkpoint,
        arguments.output,
        arguments.data,
        arguments.work,
        read=arguments.read,
        compare=not arguments.no_compare,
    )


if __name__ == "__main__":
    main()
