"""Questions about fields, in many wordings.

A wording is a frame with a name for the field put into it, or a question of the field's own. ``{doc}`` is what the
document is called. Fields that a page does not have make the questions without an answer.
"""

from collections.abc import Collection, Mapping
from random import Random

from model.training.synthesis.content.wordings import (
    DOCUMENTS,
    FIELDS,
    FRAMES,
    HIDDEN_BY,
    NAMES,
    NEVER,
    NEVER_ON_FORMS,
    NOT_SOLD,
    OWN,
)


def wording(rng: Random, field: str, document_class: str) -> str:
    """One way to ask for ``field``; a field without wordings of its own is named by itself."""
    document = rng.choice(DOCUMENTS[document_class])
    names, own = NAMES.get(field, ()), OWN.get(field, ())
    if document_class not in ("receipt", "invoice") and field in NOT_SOLD:
        names, own = NOT_SOLD[field]
    if own and (not names or rng.random() < 0.4):
        text = rng.choice(own)
    else:
        text = rng.choice(FRAMES).replace("{x}", rng.choice(names or (field.replace("_", " "),)))
    text = text.replace("{doc}", document)
    return _spelled(rng, text)


def key_wording(rng: Random, key: str, document_class: str) -> str:
    """One way to ask for what stands beside the printed ``key``."""
    name = key.strip(" :.*").removesuffix("(required)").strip()
    if rng.random() < 0.6:
        name = name.lower() if not name.isupper() or rng.random() < 0.5 else name
    if name.endswith("?"):
        return name
    document = rng.choice(DOCUMENTS[document_class])
    return _spelled(rng, rng.choice(FRAMES).replace("{x}", name).replace("{doc}", document))


def absent(rng: Random, present: Collection[str], document_class: str, count: int) -> list[str]:
    """``count`` questions for fields that a page with the fields ``present`` does not have."""
    candidates = NEVER + NEVER_ON_FORMS if document_class == "form" else FIELDS
    fields = [f for f in candidates if not any(name in present for name in HIDDEN_BY.get(f, (f,)))]
    never = [f for f in NEVER if f in fields]
    chosen = [rng.choice(never if rng.random() < 0.3 and never else fields) for _ in range(count)]
    return [wording(rng, field, document_class) for field in dict.fromkeys(chosen)]


def _spelled(rng: Random, text: str) -> str:
    """As people type: mostly with a capital, sometimes without, sometimes all in one case."""
    draw = rng.random()
    text = text[0].upper() + text[1:]
    if draw < 0.1:
        return text.lower()
    if draw < 0.13:
        return text.lower().rstrip("?.")
    return text


WEIGHTS: Mapping[str, float] = {"company": 3, "date": 3, "address": 3, "total": 4, "invoice_number": 2, "due_date": 2}
"""How often a field is asked for where it is present; others 1."""
