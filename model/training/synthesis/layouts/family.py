"""A family of layouts: pages that one kind of vendor or office would send out."""

from collections.abc import Callable
from dataclasses import dataclass

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.paper import Paper

_ENGLISH = "us gb in au ca sg"
_EURO = "de at ch fr be es it nl pt"
_GROUPS = {
    "english": _ENGLISH,
    "euro": _EURO,
    # Countries that stand twice are drawn twice as often.
    "all": f"{_ENGLISH} us us {_EURO} de fr mx br pl se dk",
    # Those in whose languages forms, letters, résumés and reports are worded.
    "worded": f"{_ENGLISH} us {_EURO} de fr es mx br",
}


@dataclass(frozen=True, slots=True)
class Family:
    """``name`` begins with the document class and a point; ``regions`` are the countries where it is in use."""

    name: str
    regions: tuple[str, ...]
    draw: Callable[[Regional], Paper]

    @property
    def kind(self) -> str:
        """The document class."""
        return self.name.split(".")[0]


def countries(text: str) -> tuple[str, ...]:
    """The countries of a group, or those that white space separates."""
    return tuple(_GROUPS.get(text, text).split())
