"""Writing systems: the ends of words, and the way they run."""

import unicodedata
from collections.abc import Sequence
from typing import Literal

# First and last code point of blocks whose scripts are written without spaces between words (Unicode 16, Blocks.txt).
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # CJK and Kangxi radicals
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark, zero
    (0x3021, 0x312F),  # Hangzhou numerals, Hiragana, Katakana, Bopomofo
    (0x31A0, 0x31FF),  # Bopomofo and Katakana extensions
    (0x3400, 0x4DBF),  # CJK extension A
    (0x4E00, 0x9FFF),  # CJK
    (0xF900, 0xFAFF),  # CJK compatibility
    (0xFF66, 0xFF9D),  # half-width Katakana
    (0x20000, 0x3FFFF),  # CJK extensions B and later
)


def is_unspaced(character: str) -> bool:
    """Say if a character belongs to a script that puts no spaces between words."""
    code = ord(character)
    return code >= 0x0E00 and any(first <= code <= last for first, last in _UNSPACED)


def word_spans(text: str) -> list[tuple[int, int]]:
    """The words of a line of text, as (first, one past last) character.

    White space separates words; every character of a script without spaces is a word of its own, together with the
    marks that combine with it.
    """
    if text.isascii() and text.split() == [text]:
        return [(0, len(text))]
    words: list[tuple[int, int]] = []
    start = None
    for index, character in enumerate(text):
        if character.isspace():
            if start is not None:
                words.append((start, index))
            start = None
        elif start is not None and unicodedata.category(character).startswith("M"):
            continue
        elif start is None:
            start = index
        elif is_unspaced(character) or is_unspaced(text[start]):
            words.append((start, index))
            start = index
    if start is not None:
        words.append((start, len(text)))
    return words


def is_right_to_left(text: str) -> bool:
    """Say if most letters of a text belong to scripts that run from right to left."""
    kinds = [unicodedata.bidirectional(character) for character in text]
    return kinds.count("R") + kinds.count("AL") > kinds.count("L")


def logical_order(words: Sequence[str], *, right_to_left: bool) -> list[int]:
    """The order, as indices, in which to read words that stand beside each other from left to right.

    What the bidirectional algorithm (Unicode Annex 9) does for display, undone for whole words: in text that runs from
    right to left, words in other scripts, with the numbers behind those, stay from left to right; or the reverse.
    right_to_left: which way the text runs as a whole; a line without any such word is read from left to right.
    """
    kinds = [_direction(word) for word in words]
    backwards = right_to_left and "right to left" in kinds
    against = "left to right" if backwards else "right to left"
    joining = (against, None) if backwards else (against,)
    runs: list[list[int]] = []
    for index, kind in enumerate(kinds):
        if runs and kinds[runs[-1][0]] == against and kind in joining:
            runs[-1].append(index)
        else:
            runs.append([index])
    if backwards:
        return [index for run in reversed(runs) for index in run]
    return [index for run in runs for index in (run[::-1] if kinds[run[0]] == against else run)]


def runs_right_to_left(word: str) -> bool:
    """True for a word with letters of scripts that run from right to left."""
    return not word.isascii() and _direction(word) == "right to left"


def logical(word: str, *, brackets: bool = True) -> str:
    """A word whose characters were seen from left to right, as it is written: first letter first.

    Numbers and other scripts inside a word that runs from right to left keep their order. brackets: they face about.
    """
    if _direction(word) != "right to left":
        return word
    turned: list[str] = []
    run: list[str] = []  # what keeps its order, last character first
    for character in reversed(word):
        kind = unicodedata.bidirectional(character)
        if kind in ("L", "EN", "AN") or (run and kind in ("ES", "CS", "ET")):
            run.append(character)
            continue
        turned += _ordered(run)
        run = []
        turned.append(_BRACKETS.get(character, character) if brackets else character)
    return "".join(turned + _ordered(run))


_BRACKETS = dict(zip("()[]{}<>", ")(][}{><", strict=True))


def _ordered(run: list[str]) -> list[str]:
    """A run that was read backwards, turned about, but for the separators that its number does not need."""
    tail = len(run)
    while tail and unicodedata.bidirectional(run[tail - 1]) in ("ES", "CS", "ET"):
        tail -= 1
    return run[:tail][::-1] + run[tail:]


def _direction(word: str) -> Literal["left to right", "right to left"] | None:
    """The way a word runs; None for numbers and signs."""
    kinds = {unicodedata.bidirectional(character) for character in word}
    if kinds & {"R", "AL"}:
        return "right to left"
    return "left to right" if "L" in kinds else None
