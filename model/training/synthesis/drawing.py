"""``generate``: one page from its index, seed, kind and side of the split."""

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Literal

from layoutserve.model.training.synthesis.assembly import assemble
from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.layouts import (
    articles,
    captions,
    contracts,
    forms,
    invoices,
    letters,
    receipts,
    reports,
    resumes,
)
from layoutserve.model.training.synthesis.page import SyntheticPage
from layoutserve.model.training.synthesis.sheet import Sheet

Layouts = Literal["train", "heldout"]
Layout = Callable[[Values], Sheet]

_MODULES = (receipts, invoices, contracts, forms, letters, resumes, articles, reports, captions)
TRAIN_LAYOUTS: Mapping[str, Layout] = MappingProxyType({n: d for m in _MODULES for n, d in m.LAYOUTS.items()})
"""Layouts to train on; a name begins with its document class and a point."""
HELDOUT_LAYOUTS: Mapping[str, Layout] = MappingProxyType({n: d for m in _MODULES for n, d in m.HELDOUT.items()})
"""Layouts kept out of training, to measure on."""
KINDS: tuple[str, ...] = tuple(dict.fromkeys(name.split(".")[0] for name in TRAIN_LAYOUTS))
"""Document classes."""


def generate(
    index: int,
    *,
    seed: int,
    kind: str | None = None,
    layouts: Layouts = "train",
    long_side: tuple[int, int] = (820, 1050),
) -> SyntheticPage:
    """Draw page ``index`` of the series ``seed``.

    ``kind`` is one of KINDS, None for a random one. The picture's longer side comes out between the two pixels
    ``long_side``, longer for long receipts. Raises ValueError for an unknown kind or side of the split.
    """
    if layouts not in ("train", "heldout"):
        raise ValueError(f"layouts is 'train' or 'heldout', not {layouts!r}.")
    if kind is not None and kind not in KINDS:
        raise ValueError(f"There is no kind {kind!r}; choose one of {', '.join(KINDS)}.")
    rng = Random(f"{seed}/{index}/{kind}/{layouts}")
    document_class = kind or rng.choice(KINDS)
    table = TRAIN_LAYOUTS if layouts == "train" else HELDOUT_LAYOUTS
    name = rng.choice([name for name in table if name.split(".")[0] == document_class])
    module = next(m for m in _MODULES if name in m.LAYOUTS or name in m.HELDOUT)
    values = Values(rng, rng.choice(module.countries(name)))
    return assemble(rng, table[name](values), document_class, name, long_side=long_side, heldout=layouts == "heldout")
