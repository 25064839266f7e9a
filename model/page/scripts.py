"""Which writing systems put no spaces between words."""

import unicodedata

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
    """Whether the character belongs to a script that puts no spaces between words."""
    code = ord(character)
    return code >= 0x0E00 and any(first <= code <= last for first, last in _UNSPACED)


def word_spans(text: str) -> list[tuple[int, int]]:
    """The words of a line of text, as (first, one past last) character.

    White space separates words; every character of a script without spaces is a word of its own, together with the
    marks that combine with it.
    """
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
