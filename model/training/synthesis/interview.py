"""Questions about the world's pages, in English, and on German, French and Spanish pages in their language, too."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from layoutserve.model.training.data.example import Indices, Question
from layoutserve.model.training.synthesis.paper import Paper

_WEIGHTS = {
    "company": 3.0,
    "date": 3.0,
    "address": 2.0,
    "total": 4.0,
    "invoice_number": 2.0,
    "due_date": 2.0,
    "tax": 2.0,
}
# Fields whose questions another one on the page might answer.
_HIDDEN_BY = {
    "amount_due": ("amount_due", "total"),
    "total": ("total", "amount_due", "charged", "gross_goods"),
    "subtotal": ("subtotal", "total", "gross_goods"),
    "tax": ("tax", "tax_line#0"),
    "paid": ("paid", "total"),
    "company": ("company", "customer_name", "sender", "employer", "vendor"),
    "customer_name": ("customer_name", "recipient", "name", "vendor"),
    "vendor": ("vendor", "company"),
    "address": ("address", "customer_address", "vendor_address"),
    "customer_address": ("customer_address", "address", "vendor_address"),
    "date": ("date", "due_date", "delivery_date", "birth_date", "period"),
    "delivery_date": ("delivery_date", "date"),
    "name": ("name", "sender", "recipient", "customer_name"),
    "recipient": ("recipient", "customer_name", "vendor"),
    "sender": ("sender", "company", "name"),
    "bank": ("bank", "iban"),
    "bic": ("bic", "iban", "bank"),
    "po_number": ("po_number", "reference", "invoice_number"),
    "invoice_number": ("invoice_number", "reference", "po_number"),
    "reference": ("reference", "invoice_number", "po_number", "customer_number"),
    "customer_number": ("customer_number", "customer_name"),
    "terminal": ("terminal", "cashier"),
}
_SOLD = ("receipt", "invoice", "order")
_OF_SALES = ("company", "address", "date", "total")
_NEVER = ("passport", "patient", "flight", "salary", "licence_plate")


@lru_cache(maxsize=8)
def _table(language: str) -> Mapping[str, Any]:
    path = Path(__file__).parent / "content" / "questions" / f"{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


SPOKEN = ("en", "de", "fr", "es")
"""Languages of questions."""


@dataclass(slots=True)
class Interview:
    """Asks about one page; ``unseen``: half of the time in frames that are kept out of training."""

    rng: Random
    language: str
    kind: str
    sheet: Paper
    unseen: bool

    def __call__(
        self, texts: Sequence[str], fields: dict[str, Indices], keys: dict[str, Indices]
    ) -> tuple[Question, ...]:
        """Up to nine questions with answers, one to three without. Answers are what can be read in one go."""
        rng = self.rng
        asked: list[Question] = []
        names = {name: _WEIGHTS.get(name, 1.0) for name in fields if self._answers(name, fields[name])}
        order = sorted(names, key=lambda name: rng.random() ** (1 / names[name]), reverse=True)
        for name in order[:9]:
            places = [fields[name]]
            again = fields.get(f"{name}~2")
            if again and _unbroken(again) and _text(texts, again) == _text(texts, fields[name]):
                places.append(again)
            question = self._question(name, texts, fields, keys)
            if question:
                answers = tuple(dict.fromkeys(_text(texts, place) for place in places))
                asked.append(Question(question, answers, tuple(places)))
        for name in self._absent(fields, rng.randint(1, 3)):
            asked.append(Question(self._field(name), (), ()))
        missing = self.sheet.missing
        if missing and rng.random() < 0.7:
            asked.append(Question(self._key(rng.choice(missing)), (), ()))
        return tuple({question.text: question for question in reversed(asked)}.values())[::-1]

    def _answers(self, name: str, indices: Indices) -> bool:
        if "~" in name or "@" in name or not _unbroken(indices):
            return False
        known = name in _table("en")["names"] or name in self.sheet.asked
        return known or name.startswith(("item_amount#", "item_quantity#", "f_"))

    def _question(
        self, name: str, texts: Sequence[str], fields: Mapping[str, Indices], keys: Mapping[str, Indices]
    ) -> str:
        rng = self.rng
        if name in self.sheet.asked:
            return rng.choice(self.sheet.asked[name])
        if name.startswith("item_"):
            row = fields.get(f"item_description#{name.split('#')[1]}", ())
            table = _table(self._tongue())["table"]
            kind = "item" if name.startswith("item_amount") else "quantity"
            same = [
                f for f in fields if f.startswith("item_description") and _text(texts, fields[f]) == _text(texts, row)
            ]
            return str(rng.choice(table[kind].split("|")).format(row=_text(texts, row))) if len(same) == 1 else ""
        if name in keys and rng.random() < (0.75 if self.kind == "form" or name.startswith("f_") else 0.15):
            return self._key(_text(texts, keys[name]))
        return "" if name.startswith("f_") else self._field(name)

    def _tongue(self) -> str:
        return self.language if self.language in SPOKEN and self.rng.random() < 0.5 else "en"

    def _field(self, name: str) -> str:
        rng = self.rng
        table = _table(self._tongue())
        if name not in table["names"]:
            table = _table("en")
        # Shops and sums are spoken of only where something is sold.
        own = table["own"].get(name) if self.kind in _SOLD or name not in _OF_SALES else None
        unseen = self.unseen and rng.random() < 0.5
        if own and not unseen and rng.random() < 0.35:
            return self._spell(rng.choice(own.split("|")), table)
        frame = rng.choice(table["unseen" if unseen else "frames"].split("|"))
        told = rng.choice(table["names"][name].split("|"))
        for rule in table.get("which", "").split("|"):
            beginning, _, which = rule.partition("=")
            if told.startswith(beginning):
                frame = frame.replace("{which}", which if frame.startswith(("{which}", "¿{which}")) else which.lower())
        return self._spell(frame.replace("{x}", told), table)

    def _key(self, key: str) -> str:
        """Ask for what stands beside the printed ``key``."""
        name = key.strip(" :.*?")
        if key.endswith("?"):
            return key
        if self.rng.random() < 0.6:
            return self._spell(self.rng.choice(_table("en")["frames"].split("|")).replace("{x}", name), _table("en"))
        return f"{name}?"

    def _spell(self, text: str, table: Mapping[str, Any]) -> str:
        text = text.replace("{doc}", self.rng.choice(table["documents"][self.kind].split("|")))
        text = text[0].upper() + text[1:]
        return text.lower() if self.rng.random() < 0.1 else text

    def _absent(self, fields: Collection[str], count: int) -> list[str]:
        names = _table("en")["names"]
        if self.kind in ("form", "resume", "report", "letter", "other"):
            names = [*_NEVER, "tip", "shipping", "rounding", "amount_due", "iban", "cashier", "previous_balance"]
        free = [
            name
            for name in names
            if not any(other in fields for other in _HIDDEN_BY.get(name, (name,))) and f"f_{name}" not in fields
        ]
        return self.rng.sample(free, min(count, len(free)))


def _unbroken(indices: Indices) -> bool:
    return bool(indices) and indices[-1] - indices[0] + 1 == len(indices)


def _text(texts: Sequence[str], indices: Indices) -> str:
    return " ".join(texts[i] for i in indices)
