"""Questions about fields, in many wordings.

A wording is a frame with a name for the field put into it, or a question of the field's own. Fields that a page does
not have make the questions without an answer.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random

from layoutserve.model.training.synthesis.content import wordings as w

WEIGHTS: Mapping[str, float] = {"company": 3, "date": 3, "address": 3, "total": 4, "invoice_number": 2, "due_date": 2}
"""How often a field is asked for where it is present; others 1."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks about one page of a class; ``unseen``: half of the time in words that are kept out of training."""

    rng: Random
    document_class: str
    unseen: bool

    def field(self, field: str) -> str:
        """Ask for ``field``; one without wordings is called by its own name."""
        unseen = self._unseen()
        names, own = w.NAMES.get(field, ()), w.UNSEEN_OWN.get(field, ()) if unseen else w.OWN.get(field, ())
        if self.document_class not in ("receipt", "invoice") and field in w.NOT_SOLD:
            names, own = w.NOT_SOLD[field][0], () if unseen else w.NOT_SOLD[field][1]
        if own and (not names or self.rng.random() < 0.4):
            return self._spell(self.rng.choice(own))
        if not names and not own and field in w.OWN:
            return self._spell(self.rng.choice(w.OWN[field]))
        return self._frame(self.rng.choice(names or (field.replace("_", " "),)), unseen)

    def key(self, key: str) -> str:
        """Ask for what stands beside the printed ``key``."""
        name = key.strip(" :.*").removesuffix("(required)").strip()
        if name.startswith("("):
            name = name.strip("()")
        if self.rng.random() < 0.6:
            name = name.lower() if not name.isupper() or self.rng.random() < 0.5 else name
        return name if name.endswith("?") else self._frame(name, self._unseen())

    def absent(self, present: Collection[str], count: int) -> list[str]:
        """Up to ``count`` questions for fields that a page with the fields ``present`` does not have."""
        candidates = w.NEVER + w.NEVER_ON_FORMS if self.document_class == "form" else w.FIELDS
        fields = [f for f in candidates if not any(name in present for name in w.HIDDEN_BY.get(f, (f,)))]
        pools = [[f for f in pool if f in fields] or fields for pool in (w.NEVER, w.NEAR, fields)]
        chosen = [self.rng.choice(self.rng.choice(pools)) for _ in range(count)]
        return [self.field(field) for field in dict.fromkeys(chosen)]

    def _unseen(self) -> bool:
        return self.unseen and self.rng.random() < 0.5

    def _frame(self, name: str, unseen: bool) -> str:
        return self._spell(self.rng.choice(w.UNSEEN_FRAMES if unseen else w.FRAMES).replace("{x}", name))

    def _spell(self, text: str) -> str:
        """Name the document, and write as people type: mostly with a capital, sometimes all small."""
        text = text.replace("{doc}", self.rng.choice(w.DOCUMENTS[self.document_class]))
        draw = self.rng.random()
        text = text[0].upper() + text[1:]
        if draw < 0.1:
            return text.lower()
        return text.lower().rstrip("?.") if draw < 0.13 else text
