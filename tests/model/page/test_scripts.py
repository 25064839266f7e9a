"""Words are what white space separates; scripts without spaces give characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.page.scripts import is_unspaced, word_spans


def words(text):
    return [text[first:last] for first, last in word_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   ", []),
        ("spécifiée à Besançon", ["spécifiée", "à", "Besançon"]),
        ("  mail john.doe+x@example.org now ", ["mail", "john.doe+x@example.org", "now"]),
        ("RM 1,234.50 20/12/2017", ["RM", "1,234.50", "20/12/2017"]),
        ("我是A4纸", ["我", "是", "A4", "纸"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("서울 특별시", ["서울", "특별시"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
    ],
)
def test_words_of_a_line(text, expected):
    assert words(text) == expected


@given(st.text())
def test_nothing_but_white_space_is_lost(text):
    assert "".join(words(text)) == "".join(text.split())


@given(st.text(alphabet=st.characters(max_codepoint=0x0DFF)))
def test_below_thai_words_are_those_of_split(text):
    assert words(text) == text.split()


def test_latin_greek_cyrillic_arabic_and_hangul_have_spaces():
    assert not any(map(is_unspaced, "aéßΩЖ한0.\u0639\u05d0"))
    assert all(map(is_unspaced, "我ひカ𠀀กລ"))
