"""Words are what white space separates; scripts without spaces give characters; some run from right to left."""

import pytest
from bidi.algorithm import get_display
from hypothesis import given
from hypothesis import strategies as st

from layoutserve.model.page.scripts import is_right_to_left, is_unspaced, logical, logical_order, word_spans


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


def as_written(seen):
    """The words of a line whose characters were seen from left to right."""
    found = words(seen)
    return [logical(found[index]) for index in logical_order(found, right_to_left=is_right_to_left(seen))]


HEBREW = st.text(alphabet="\u05d0\u05d1\u05d2\u05e9\u05ea", min_size=2, max_size=6)
LATIN = st.text(alphabet="abcXYZ", min_size=1, max_size=6)


@given(st.lists(st.one_of(HEBREW, LATIN), max_size=8))
def test_a_line_is_read_as_it_was_before_it_was_laid_out(line):
    text = " ".join(line)
    shown = get_display(text, base_dir="R" if is_right_to_left(text) else "L")
    assert as_written(shown) == line


@pytest.mark.parametrize(
    "line",
    [
        "\u05d7\u05e9\u05d1\u05d5\u05e0\u05d9\u05ea \u05de\u05e1 12345 \u05e1\u05d4\u05db",
        "\u0641\u0627\u062a\u0648\u0631\u0629 \u0631\u0642\u0645 INV-7 \u0628\u062a\u0627\u0631\u064a\u062e 31/12/2024",
        "\u0627\u0644\u0645\u0628\u0644\u063a: \u0661\u0662\u0663 (\u062f\u064a\u0646\u0627\u0631) \u0641\u0642\u0637",
        "\u05d2\u05e8\u05e1\u05d42.1 \u05e9\u05dc Windows 11 \u05db\u05d0\u05df",
        "Total 12.50 EUR",
        "Signed \u05d3\u05d5\u05d3 \u05db\u05d4\u05df in 2024",
        "",
    ],
)
def test_real_lines_are_read_as_they_were_written(line):
    shown = get_display(line, base_dir="R" if is_right_to_left(line) else "L")
    assert as_written(shown) == line.split()


@given(st.text())
def test_every_character_stays(text):
    # Brackets face about, nothing else changes.
    assert sorted(logical(text).translate(str.maketrans("([{<", ")]}>"))) == sorted(
        text.translate(str.maketrans("([{<", ")]}>"))
    )
    for right_to_left in (False, True):
        assert sorted(logical_order(words(text), right_to_left=right_to_left)) == list(range(len(words(text))))


def test_a_line_in_another_script_is_read_its_own_way():
    assert logical_order(["2", "Coffee", "4.50"], right_to_left=True) == [0, 1, 2]
