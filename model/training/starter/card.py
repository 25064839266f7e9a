"""The starter bundle's model card: what it is, what it was trained on, every figure, and what it is not good at."""

from collections.abc import Iterator, Mapping

from layoutserve.model.bundle import Manifest

Figures = Mapping[str, Mapping[str, float]]

# Scores by the task in a table's name; a trailing * stands for every label.
_SHOWN = {
    "kie": ("f1", "precision", "recall", "value_f1", "em", "em_no_space", "em_no_space_*", "f1_*", "ece"),
    "docvqa": ("anls", "exact", "answered", "refused", "no_answer_balanced_accuracy", "ece"),
}

_TEXT = """---
license: apache-2.0
---
# starter

A small LayoutLMv2 (6 layers, 384 wide, a ResNet-18 with a 64-channel pyramid) that reads receipts and invoices, tells
documents apart and answers questions about a page. It comes with LayoutServe and may be used commercially.

## What it was made of

- Start: all-MiniLM-L6-v2 (Apache-2.0), whose text weights and vocabulary it took over; all else began at random.
- SROIE training receipts (ICDAR 2019, CC BY 4.0) of `train.jsonl`, without the companies held out for tuning: with
  the words that came with them, and with those that LayoutServe's own OCR read.
- Kleister-NDA contracts (SEC EDGAR filings), FARA filings and FCC political ad buys (VRDU), DocBank pages
  (annotations Apache-2.0): unlabelled and their class, without the issuers held out.
- 2,980 pages drawn by `layoutserve synthesize`: receipts, invoices, forms, letters, e-mails, resumes, reports,
  contracts, articles, with their entities and questions.
- Nothing of FUNSD, XQuAD or SROIE's dev files was trained on.

Recipe: `make starter`. Half an hour of pre-training with LayoutLMv2's three objectives (masked words, covered lines,
exchanged pictures) on all these pages, then seventy minutes with three heads together; AdamW, bfloat16 autocast, one
core of a server processor. The pre-training is a thousandth of what the published models had: it gives the picture and
the layout embeddings a start, no more. The weights in this bundle took a detour: after the pre-training (whose pages an
earlier state of the drawing code had drawn) and 25 minutes with three heads, in which coordinates began at random and
all weights had one learning rate, tables of waves took the coordinates' place and 44 minutes followed with forty times
the rate for the biases of attention. `make starter` begins with both.

Entity labels of SROIE come from its values: each at the one place that its surroundings speak for; of a page read by
OCR, only what it read well enough to be found. On the held-out tuning pages one number a label was added to the KIE
logits, decoding rules were chosen, and temperatures and each field's calibration fitted; `dev.jsonl` was used to
report, and to look at kinds of mistakes. The held-out issuers' pages, whose classes are reported below, also chose
among the checkpoints of the run and the classifier's temperature: no other real pages of these classes were at hand.

An ad buy whose first page says INVOICE is an `invoice`, all other ad buys an `order`. `letter`, `email`, `resume`,
`report` were seen as synthetic pages only, `order` as real pages only.
"""

NOTICE = """LayoutServe starter model
Licensed under the Apache License, Version 2.0.

Initialised from all-MiniLM-L6-v2 (https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2),
licensed under the Apache License, Version 2.0.

Trained in part on the training split of the SROIE dataset (ICDAR 2019 Competition on Scanned Receipt OCR and
Information Extraction; Z. Huang, K. Chen, J. He, X. Bai, D. Karatzas, S. Lu, C. V. Jawahar), licensed under the
Creative Commons Attribution 4.0 International licence (https://creativecommons.org/licenses/by/4.0/). The receipts
were cut into words, augmented and encoded; none of them is part of this bundle.

Annotations of DocBank pages are licensed under the Apache License, Version 2.0. SEC, FARA and FCC filings are public
records.
"""

_LIMITS = """
## What it is not good at

- Receipts unlike Malaysian ones, and languages other than English: it saw the former only as synthetic pages.
- The company, where a brand, a person or a number stands above the registered name; addresses with a mall or a
  floor in front; the total, where an amount before tax and one after it look alike.
- Invoice number, due date, tax, subtotal and line items were learnt from synthetic pages only; on real invoices they
  have not been measured. The address of an invoice is often taken from the customer.
- Questions about forms and invoices of layouts it has not seen: see the figures. What is asked for and is not there may
  be answered by something of its kind, such as an IBAN by the number of a card.
- Answers' scores: on receipts they are lower than they are right, for the sake of forms and invoices.
- Contracts and forms: it knows their class, and finds no fields in them.
- Questions about long pages of prose: it was trained on receipts, invoices and forms.
"""


def write(
    manifest: Manifest, float32: Mapping[str, Mapping[str, float]], int8: Mapping[str, Mapping[str, float]]
) -> str:
    """The card as Markdown."""
    return "\n".join([_TEXT, *_heads(manifest), *_figures(float32, int8), _LIMITS])


def _heads(manifest: Manifest) -> Iterator[str]:
    yield "## Heads\n"
    for task, head in manifest.heads.items():
        parts = [f"temperature {head.temperature:.2f}"]
        if head.fields:
            parts.append("fields " + ", ".join(name.lower() for name in head.fields))
        elif head.labels:
            parts.append("classes " + ", ".join(head.labels))
        if head.rules:
            parts.append("decoding rules " + ", ".join(head.rules))
        yield f"- **{task}**: {'; '.join(parts)}"
    yield ""


def _figures(float32: Figures, int8: Figures) -> Iterator[str]:
    yield "## Figures\n"
    yield "Measured by the recipe's last step; `f1` counts an entity right if label and words are; `value_f1` if the"
    yield "text is. float32 is the network in torch when the bundle was made, int8 the bundle with the code of today.\n"
    for name, table in int8.items():
        count = int(table.get("cases", table.get("questions", 0)))
        yield f"### {name} ({count})\n"
        yield "| score | float32 | int8 |"
        yield "|---|---|---|"
        for score in _shown(name, table):
            before = float32.get(name, {}).get(score)
            yield f"| {score} | {'' if before is None else f'{before:.3f}'} | {table[score]:.3f} |"
        yield ""


def _shown(name: str, table: Mapping[str, float]) -> tuple[str, ...]:
    for task, scores in _SHOWN.items():
        if task in name:
            return tuple(found for score in scores for found in _matching(score, table))
    return tuple(score for score in table if score not in ("cases", "questions"))


def _matching(score: str, table: Mapping[str, float]) -> list[str]:
    if score.endswith("*"):
        return [found for found in table if found.startswith(score[:-1])]
    return [score] if score in table else []
