"""Families of invoices, orders and receipts on sheets of paper, read from the table beside this file."""

import tomllib
from pathlib import Path
from typing import Any

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.content.trade import Terms
from layoutserve.model.training.synthesis.layouts.family import Family, countries
from layoutserve.model.training.synthesis.layouts.office import print_page
from layoutserve.model.training.synthesis.layouts.office_blocks import BLOCKS
from layoutserve.model.training.synthesis.paper import Paper

_PAID = Terms(("products", "dishes"), (1, 7), (3, 120), shipping=0.3, discount=0.15, service=0.15)
_TERMS = {
    "goods": Terms(
        ("products",), (1, 12), (3, 900), inclusive=0.03, discount=0.15, shipping=0.25, paid=0.12, exempt=0.08
    ),
    "work": Terms(("services",), (1, 8), (20, 1800), inclusive=0.03, discount=0.1, paid=0.15, exempt=0.12, mixed=0.1),
    "both": Terms(("services", "products"), (1, 9), (5, 900), inclusive=0.03, discount=0.12, shipping=0.12, paid=0.12),
    "software": Terms(("services",), (1, 4), (5, 400), inclusive=0.05, paid=0.1, exempt=0.2, mixed=0.0),
    "supply": Terms(("services",), (2, 6), (8, 120), inclusive=0.05, previous=0.3, paid=0.2, mixed=0.1),
    "order": Terms(
        ("products",), (1, 12), (3, 900), inclusive=0.0, discount=0.08, shipping=0.25, exempt=0.3, mixed=0.1
    ),
    "till": Terms(("products", "dishes"), (1, 7), (3, 120), shipping=0.3, tip=0.15, discount=0.15, service=0.15),
    "stay": Terms(("services", "dishes"), (2, 9), (8, 240), inclusive=0.3, paid=0.5, tip=0.05),
    "much": Terms(("products",), (14, 44), (2, 300), inclusive=0.03, discount=0.15, shipping=0.25, paid=0.1),
    "slip": Terms(("products",), (1, 4), (3, 120), discount=0.15),
    "counter": _PAID,
}


def _family(kind: str, name: str, row: dict[str, Any]) -> Family:
    bands = row["page"].strip().splitlines()

    def draw(values: Regional) -> Paper:
        return print_page(
            values,
            bands,
            _TERMS[row["sells"]],
            BLOCKS,
            kind=kind,
            modern=bool(row.get("modern")),
            screen=bool(row.get("screen")),
        )

    return Family(f"{kind}.{name}", countries(row["regions"]), draw)


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_ROWS = [(kind, name, row) for kind, rows in _TABLE.items() for name, row in rows.items()]
TRAIN = tuple(_family(*each) for each in _ROWS if not each[2].get("heldout"))
HELDOUT = tuple(_family(*each) for each in _ROWS if each[2].get("heldout"))
