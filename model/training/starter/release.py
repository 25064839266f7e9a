"""From a trained checkpoint to the starter bundle: tuned (``tuning``), exported, measured, with its model card.

Temperatures and decoding rules are chosen on tuning pages (companies and issuers never trained on); the figures come
from SROIE's ``dev.jsonl``, the held-out issuers and the layouts that synthesis keeps out of training.
"""

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from layoutserve.model import bundle as bundles
from layoutserve.model.bundle import Bundle, Head
from layoutserve.model.encoding.encoder import Encoder, model_image
from layoutserve.model.inference.session import Session
from layoutserve.model.network import checkpoint, export
from layoutserve.model.page import Page
from layoutserve.model.training.data import jsonl, readers
from layoutserve.model.training.data.cases import case_of
from layoutserve.model.training.data.example import Example
from layoutserve.model.training.data.labelling import label
from layoutserve.model.training.evaluation.inference import Infer, infer_pages, infer_questions
from layoutserve.model.training.evaluation.scoring import score_classification, score_docvqa, score_kie
from layoutserve.model.training.stages.batches import sheet
from layoutserve.model.training.stages.finetuning import torch_infer
from layoutserve.model.training.starter import card, corpus
from layoutserve.model.training.starter.tuning import tune

_log = logging.getLogger(__name__)

Metrics = dict[str, dict[str, float]]
_CALIBRATION_PAGES = 64


def measure(
    infer: Infer, encoder: Encoder, heads: Mapping[str, Head], data: Path, pages: corpus.Corpus, read: Path | None
) -> Metrics:
    """Every figure of the card. ``read``: the dev receipts as our OCR read them (``layoutserve evaluate --keep``)."""
    found: Metrics = {}
    dev, _ = label(readers.read(data / "sroie" / "dev.jsonl"))
    cases = [case_of(example) for example in dev]
    runs = infer_pages(cases, encoder, infer)
    found["sroie-dev kie, words given"] = score_kie(runs, heads["kie"]).metrics()
    found["sroie-dev kie, words given, no rules"] = score_kie(runs, heads["kie"], ()).metrics()
    asked = [case_of(e) for e in readers.read(data / "sroie" / "dev-questions.jsonl")]
    found["sroie-dev docvqa, words given"] = score_docvqa(
        infer_questions(asked, encoder, infer), heads["docvqa"]
    ).metrics()
    if read is not None and read.is_file():
        texts = {e.path.name: e for e in jsonl.read(read)}
        by_ocr = [
            case_of(replace(e, words=t.words, width=t.width, height=t.height, spans=None))
            for e in dev
            if (t := texts.get(e.path.name)) is not None
        ]
        found["sroie-dev kie, own OCR"] = score_kie(infer_pages(by_ocr, encoder, infer), heads["kie"]).metrics()
    real = [*(case_of(e) for e in pages.public_tuning), *(replace(c, document_class="receipt") for c in cases)]
    found["classification, real pages of other issuers"] = score_classification(
        infer_pages(real, encoder, infer), heads["classification"]
    ).metrics()
    return found


def measure_heldout(infer: Infer, encoder: Encoder, heads: Mapping[str, Head], pages: Sequence[Example]) -> Metrics:
    """Figures on synthetic pages of layouts kept out of training."""
    # Their values by their places, so that line items count too; on the thumbnails that training sees.
    cases = [case_of(replace(example, values=None), sheet(example).page) for example in pages]
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
    pages = corpus.corpus(data, work)
    encoder, infer = Encoder(loaded.tokenizer), torch_infer(loaded.network)
    heads = tune(loaded.network, encoder, pages)
    synthetic = corpus.drawn_pages(work / "heldout")

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
    found = measure(infer, encoder, heads, data, corpus.corpus(data, work), read)
    if synthetic := corpus.drawn_pages(work / "heldout"):
        found |= measure_heldout(infer, encoder, heads, synthetic)
    return found


def _calibration(examples: Sequence[Example]) -> list[NDArray[np.uint8]]:
    """Pictures of training pages of all kinds, evenly drawn from the list."""
    step = max(1, len(examples) // _CALIBRATION_PAGES)
    found = []
    for example in examples[::step][:_CALIBRATION_PAGES]:
        found.append(model_image(Page(example.read_image())))
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
