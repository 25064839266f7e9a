"""Values of fields, made comparable: ISO dates, decimal numbers, ISO currencies."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Value:
    """A value found in a text.

    value: normalised. text: as it stands there. currency: an amount's ISO 4217 code, where it stands beside it.
    span: where the text begins and ends; core: the same without marks of money. share: probability of this reading of
    the text; others: the other readings, each with its own.
    """

    value: str
    text: str
    currency: str | None = None
    span: tuple[int, int] = (0, 0)
    core: tuple[int, int] = (0, 0)
    share: float = 1.0
    others: tuple[tuple[str, float], ...] = ()

    def touches(self, start: int, end: int) -> bool:
        """Say if the value shares a letter with this part of the text."""
        return self.span[0] < end and start < self.span[1]
