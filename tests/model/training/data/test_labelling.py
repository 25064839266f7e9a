import pytest

from layoutserve.model.page import Box, Word
from layoutserve.model.training.data.example import Question
from layoutserve.model.training.data.labelling import label, place


def words(*lines):
    """One word box per word; a line is a list of columns 100 apart."""
    found = []
    for number, line in enumerate(lines):
        x = 0.0
        for text in line.split():
            found.append(
                Word.from_box(text, Box(x, 20.0 * number, x + 7.0 * len(text), 20.0 * number + 12), line=number)
            )
            x += 7.0 * len(text) + 7
    return found


def found(value, page, name=""):
    run = place(value, page, name)
    return None if run is None else [page[i].text for i in run]


def test_a_value_is_found_whatever_its_spaces_and_punctuation():
    page = words("TAN WOON", "BOOK TA .K(TAMAN DAYA) SDN BND", "789417-W")
    assert found("BOOK TA .K (TAMAN DAYA) SDN BHD", page, "COMPANY") == [
        "BOOK",
        "TA",
        ".K(TAMAN",
        "DAYA)",
        "SDN",
        "BND",
    ]


def test_a_total_is_the_one_place_that_its_row_speaks_for():
    page = words("TEA 9.00", "SUB TOTAL 9.00", "GRAND TOTAL 9.00", "CASH 9.00", "CHANGE 0.00")
    assert place("9.00", page, "TOTAL") == (7,)


def test_a_total_below_its_heading_is_found():
    page = words("TEA 4.00", "TOTAL", "4.00")
    assert place("4.00", page, "TOTAL") == (3,)


def test_amounts_must_be_equal():
    assert place("9.00", words("TOTAL 900", "CASH 9.01"), "TOTAL") is None
    assert found("43.7", words("TOTAL RM43.70"), "TOTAL") == ["RM43.70"]


def test_an_address_goes_over_lines_and_leaves_out_what_stands_between():
    page = words("NO 5, JALAN SAGU 18,", "TEL: 07-3523888", "TAMAN DAYA, 81100 JOHOR BAHRU")
    assert found("NO 5, JALAN SAGU 18, TAMAN DAYA, 81100 JOHOR BAHRU", page, "ADDRESS") == (
        ["NO", "5,", "JALAN", "SAGU", "18,", "TAMAN", "DAYA,", "81100", "JOHOR", "BAHRU"]
    )


def test_a_value_glued_to_its_name_is_the_whole_word():
    assert found("25/12/2018", words("X", "DATE:25/12/2018"), "DATE") == ["DATE:25/12/2018"]


def test_digits_inside_a_longer_number_are_not_a_date():
    assert place("17/05/17", words("SJP03201705170016"), "DATE") is None


def test_a_date_beside_the_word_date_comes_first():
    page = words("PRINTED 01/02/2018", "DATE: 01/02/2018")
    assert place("01/02/2018", page, "DATE") == (3,)


@pytest.mark.parametrize("value", ["", "???"])
def test_nothing_is_nowhere(value):
    assert place(value, words("A B")) is None


def test_what_cannot_be_placed_is_counted_and_not_guessed(receipt):
    from dataclasses import replace

    example = replace(receipt(), spans=None, values={"TOTAL": ("9.00",), "DATE": ("01/01/1999",)})
    (labelled,), report = label([example])
    assert [(s.label, s.text) for s in labelled.spans] == [("TOTAL", "9.00")]
    assert report.placed == {"TOTAL": 1}
    assert report.missing == [("DATE", "01/01/1999", str(example.path))]
    assert str(report) == "Values placed on their pages: DATE 0 of 1, TOTAL 1 of 1."


def test_answers_are_placed_too(receipt):
    from dataclasses import replace

    asked = (Question("Who?", ("ACME TRADING",)), Question("Where?", ("NOWHERE AT ALL",)))
    (labelled,), _ = label([replace(receipt(), questions=asked)])
    assert [q.spans for q in labelled.questions] == [((0, 1),), ()]
