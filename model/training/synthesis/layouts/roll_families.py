"""Families of till rolls, read from the table beside this file."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.content.trade import Terms
from layoutserve.model.training.synthesis.layouts.family import Family, countries
from layoutserve.model.training.synthesis.layouts.roll import print_roll
from layoutserve.model.training.synthesis.layouts.roll_blocks import SECTIONS
from layoutserve.model.training.synthesis.paper import Paper

_DISHES = Terms(("dishes",), (1, 9), (2.5, 32), discount=0.05, service=0.12, mixed=0.3)
_GROCERIES = Terms(("groceries",), (2, 26), (0.4, 14), weighed=0.12, discount=0.1)
_MIXED = Terms(("groceries", "products"), (1, 16), (0.6, 60), discount=0.2)
_TERMS = {
    "dishes": _DISHES,
    "tipped": replace(_DISHES, tip=0.55, service=0.0, discount=0.0),
    "tab": replace(_DISHES, tip=0.7, service=0.0, discount=0.0),
    "groceries": _GROCERIES,
    "few": replace(_GROCERIES, rows=(1, 6)),
    "wares": Terms(("products",), (1, 8), (3, 320), discount=0.2, mixed=0.1),
    "mixed": _MIXED,
    "handful": replace(_MIXED, rows=(1, 5)),
}


def _family(name: str, row: dict[str, Any]) -> Family:
    def draw(values: Regional) -> Paper:
        return print_roll(values, row["roll"], _TERMS[row["sells"]], SECTIONS)

    return Family(f"receipt.{name}", countries(row["regions"]), draw)


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
TRAIN = tuple(_family(name, row) for name, row in _TABLE.items() if not row.get("heldout"))
HELDOUT = tuple(_family(name, row) for name, row in _TABLE.items() if row.get("heldout"))
