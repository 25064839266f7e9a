"""Decoding tuned on held-out pages: biases, rules, temperatures and calibration of the starter's heads."""

import itertools
import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from layoutserve.model.bundle import FieldSpec, Head
from layoutserve.model.decoding.rules import ANSWER_RULES, RULES
from layoutserve.model.encoding.encoder import Encoder
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.training.data.cases import case_of
from layoutserve.model.training.evaluation import metrics
from layoutserve.model.training.evaluation.inference import Inferred, infer_pages, infer_questions
from layoutserve.model.training.evaluation.scoring import score_classification, score_docvqa, score_kie
from layoutserve.model.training.stages.batches import sheet
from layoutserve.model.training.stages.finetuning import torch_infer
from layoutserve.model.training.starter import corpus

_log = logging.getLogger(__name__)

# Slopes and shifts of a field's log-odds to choose from, the plain one first.
_WAYS = tuple(itertools.product((1.0, 0.25, 0.5, 0.75, 1.5, 2.0), (0.0, -2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)))
# A label of drawn pages alone is offered as a field from this F1 on drawn tuning pages.
_LEAST_F1 = 0.6
# While biases are fitted: a guess for a label that is never found would hide that it is never found.
_FITTING = tuple(rule for rule in RULES if rule != "guess-missing")


def fit_biases(runs: Sequence[Inferred], head: Head, names: Collection[str] | None = None) -> dict[str, float]:
    """Choose on ``runs`` the numbers to add to the logits of each entity so that it is neither missed nor made up.

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
        words = run.case.page.words or ()
        for said in run.kie(plain).fields:
            true = (run.case.values or {}).get(said.label, ())
            read = float(np.prod([words[index].score for index in said.words]))
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


def tune(network: DocumentNetwork, encoder: Encoder, pages: corpus.Corpus) -> dict[str, Head]:
    """Heads with the rules that help and the temperatures that calibrate; shifts the KIE head's biases in place.

    SROIE's labels are tuned on receipts, with their words given and by our own OCR; the labels that only drawn pages
    carry on drawn pages, where they become fields if they come out well.
    """
    infer = torch_infer(network)
    heads = corpus.heads_of(corpus.LABELS)
    receipts = infer_pages(corpus.cases([*pages.receipts_tuning, *pages.ocr_tuning]), encoder, infer)
    bills = infer_pages(
        [case_of(replace(e, values=None), sheet(e).page) for e in pages.synthetic_tuning if e.spans is not None],
        encoder,
        infer,
    )
    biases = fit_biases(receipts, heads["kie"], corpus.SROIE)
    biases |= fit_biases(bills, heads["kie"], {*corpus.LABELS.entities} - corpus.SROIE)
    _log.info("added to the logits: %s", biases)
    receipts = [_shifted(run, heads["kie"], biases) for run in receipts]
    bills = [_shifted(run, heads["kie"], biases) for run in bills]
    with torch.no_grad():
        shift = torch.tensor([biases.get(name[2:], 0.0) for name in heads["kie"].labels])
        assert isinstance(network.kie.classifier, torch.nn.Linear)
        network.kie.classifier.bias.add_(shift)
    rules = choose_rules(receipts, heads["kie"], RULES)
    _log.info("decoding rules: %s", ", ".join(rules) or "none")
    drawn = score_kie(bills, heads["kie"], rules).metrics()
    _log.info("on drawn tuning pages: %s", json.dumps({k: round(v, 3) for k, v in drawn.items() if k[:3] == "f1_"}))
    offered = {
        name: spec
        for name, spec in heads["kie"].fields.items()
        if name in corpus.SROIE or drawn.get(f"f1_{name.lower()}", 0.0) >= _LEAST_F1
    }
    key_information = replace(heads["kie"], rules=rules, fields=offered)
    kinds = infer_pages([*corpus.cases(pages.public_tuning), *corpus.cases(pages.receipts_tuning)], encoder, infer)
    asked_of = [*pages.receipts_tuning, *(e for e in pages.synthetic_tuning if e.questions)]
    asked = infer_questions(corpus.cases(asked_of, questions=3), encoder, infer)

    answer_rules = choose_answer_rules(asked, heads["docvqa"], ANSWER_RULES)
    _log.info("decoding rules of answers: %s", ", ".join(answer_rules) or "none")

    def docvqa_cost(head: Head) -> float:
        scores = score_docvqa(asked, head)
        table = scores.metrics()
        return scores.brier + 2.0 - table["anls"] - table["no_answer_balanced_accuracy"]

    head = fit_temperature(lambda head: score_kie(receipts, head).brier, key_information)
    specs = fit_calibration(receipts, head, corpus.SROIE) | fit_calibration(bills, head, {*offered} - corpus.SROIE)
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


def choose_rules(runs: Sequence[Inferred], head: Head, rules: Sequence[str]) -> tuple[str, ...]:
    """The rules that raise exact match without white space and entity F1 on these cases."""

    def score(active: Sequence[str]) -> float:
        table = score_kie(runs, head, active).metrics()
        return table["em_no_space"] + table.get("f1", table["value_f1"])

    return _choose(score, rules)


def choose_answer_rules(runs: Sequence[Sequence[Inferred]], head: Head, rules: Sequence[str]) -> tuple[str, ...]:
    """The rules that raise ANLS and the share of exact answers on these questions."""

    def score(active: Sequence[str]) -> float:
        scores = score_docvqa(runs, replace(head, rules=tuple(active)))
        return scores.anls + scores.exact

    return _choose(score, rules)


def _choose(score: Callable[[Sequence[str]], float], rules: Sequence[str]) -> tuple[str, ...]:
    """The rules that raise a score, tried one after another, then each left out.

    Ties keep a rule out: what does not help is not there to be explained.
    """
    chosen: list[str] = []
    best = score(chosen)
    for rule in rules:
        if (now := score([*chosen, rule])) > best + 1e-9:
            chosen, best = [*chosen, rule], now
    for rule in list(chosen):
        rest = [other for other in chosen if other != rule]
        if (now := score(rest)) >= best:
            chosen, best = rest, now
    return tuple(chosen)


def fit_temperature(
    score: Callable[[Head], float], head: Head, grid: Sequence[float] = tuple(np.geomspace(0.5, 4.0, 13))
) -> Head:
    """The head with the temperature of the grid at which ``score`` (a Brier score) is lowest."""
    return min((replace(head, temperature=round(float(t), 4)) for t in grid), key=score)
