import datetime

import pytest

from layoutserve_client.conversion import date_in, number_in


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("RM 1,234.50", "1234.50"),
        ("$1.234,50", "1234.50"),
        ("1 234,50 €", "1234.50"),
        ("CHF 1'250.00", "1250.00"),
        ("1,234", "1234"),
        ("1,5", "1.5"),
        ("1.234", "1.234"),
        ("1,234,567", "1234567"),
        ("-5", "-5"),
        ("-$5", "-5"),
        ("USD -5.00", "-5.00"),
        ("(S$ 3.20)", "-3.20"),
        ("INV-2041", "2041"),
        ("7.", "7"),
        ("6%", "6"),
    ],
)
def test_a_number_is_read(text, number):
    assert str(number_in(text)) == number


@pytest.mark.parametrize("text", ["", "none", "25/12/2018", "9.00 and 6%", "."])
def test_no_number_or_more_than_one_is_none(text):
    assert number_in(text) is None


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("25/12/2018", "2018-12-25"),
        ("12/25/2018", "2018-12-25"),
        ("04.04.19", "2019-04-04"),
        ("March 1, 2024", "2024-03-01"),
        ("1st of March 2024", "2024-03-01"),
        ("12-JAN-18 10:22", "2018-01-12"),
        ("31.12.99", "1999-12-31"),
        ("2018-3-5", "2018-03-05"),
        ("2018/03/05", "2018-03-05"),
    ],
)
def test_a_date_is_read(text, iso):
    assert date_in(text) == datetime.date.fromisoformat(iso)


@pytest.mark.parametrize("text", ["", "03/04/2019", "2018/02/30", "99/99/2018", "30 foo 2018", "9.00"])
def test_no_date_or_an_ambiguous_one_is_none(text):
    assert date_in(text) is None
