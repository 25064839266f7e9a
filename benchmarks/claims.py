"""Claims, held against the figures of a run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from page import USUAL, Row

# By so much do two rounds of the same differ on a quiet machine.
NOISE = 0.02
MEMORY_MIB = 1.2 * 1024


@dataclass(frozen=True, slots=True)
class Claim:
    """A line of the report; ``met`` is None where nothing was measured."""

    asked: str
    reached: str
    met: bool | None


def claims(figures: Mapping[str, Any]) -> list[Claim]:
    """Every line, from the figures by part; parts may be missing."""
    found: list[Claim] = []
    for part, check in CHECKS.items():
        found += check(figures[part]) if part in figures else [Claim(f"({part})", "not measured", None)]
    accuracy = Claim("accuracy as in the starter's card, to 0.5 points", "measured by `make starter-figures`", None)
    return [*found, accuracy]


def _at_least(asked: str, value: float, least: float) -> Claim:
    return Claim(f"{asked}: at least {least:g} times", f"{value:.2f} times", value >= least)


def _ocr(figures: Sequence[Mapping[str, Any]]) -> Iterator[Claim]:
    *theirs, ours = figures
    fastest = min(theirs, key=lambda row: row["seconds_a_page"])
    yield _at_least("OCR, pages a second of PaddleOCR's", fastest["seconds_a_page"] / ours["seconds_a_page"], 2.5)
    difference = ours["f1"] - fastest["f1"]
    yield Claim("OCR, word F1 within 0.005 of PaddleOCR's, or above", f"{difference:+.3f}", difference >= -0.005)


def _encoder(figures: Sequence[Mapping[str, Any]]) -> Iterator[Claim]:
    for tokens, first, further in ((128, 3.5, 6.0), (512, 2.7, 3.3)):
        for row in figures:
            if row["tokens"] == tokens and row["batch"] == 1:
                times = row["seconds"]
                yield _at_least(f"base int8, {tokens} tokens, of eager", times["eager"] / times["int8, native"], first)
                gain = times["eager"] / times["further, int8"]
                yield _at_least(f"base int8, {tokens} tokens, a further question, of eager", gain, further)


def _page(figures: Mapping[str, Any]) -> Iterator[Claim]:
    rows = {row["what"]: Row(**row) for row in figures["rows"]}
    usual = rows[USUAL].pages_a_second
    for name, least in (("starter", 3.0), ("base int8", 2.3)):
        gain = rows[f"{name}, 4 clients"].pages_a_second / usual
        yield _at_least(f"whole page over HTTP, {name}, pages a second of PaddleOCR + eager", gain, least)
    for name in ("starter", "base int8"):
        kept = rows[f"{name}, 16 clients"].pages_a_second / rows[f"{name}, 4 clients"].pages_a_second
        yield Claim(f"{name}, 16 clients lose no throughput against 4 (to 2 %)", f"{kept:.2f} times", kept >= 1 - NOISE)
    for name in ("starter", "base int8"):
        new, again = (rows[f"{name}, cache on, {what}"].latency(50) for what in ("new pages", "the same pages again"))
        yield Claim(f"{name}, a repeated page under a tenth of a new one", f"{again / new:.3f}", again < new / 10)
    for name in ("starter", "base int8"):
        ten = rows[f"{name}, 10 questions"].latency(50) / rows[f"{name}, 1 question"].latency(50)
        yield Claim(f"{name}, ten questions under 2.5 times one", f"{ten:.2f} times", ten < 2.5)
    ready = figures["ready_s"]["starter"]
    yield Claim("ready with the starter in under 8 s", f"{ready:.1f} s", ready < 8)


def _memory(figures: Mapping[str, float]) -> Iterator[Claim]:
    at = {int(pages): mib for pages, mib in figures.items()}
    after = at.get(500)
    if after is None:
        return
    yield Claim("under 1.2 GiB resident after 500 pages", f"{after:.0f} MiB", after < MEMORY_MIB)
    last = max(at)
    grown = at[last] / after - 1
    yield Claim(f"no higher after {last} (to 2 %)", f"{at[last]:.0f} MiB ({grown:+.1%})", grown <= NOISE)


CHECKS: Mapping[str, Callable[[Any], Iterator[Claim]]] = {
    "ocr": _ocr,
    "encoder": _encoder,
    "page": _page,
    "memory": _memory,
}
