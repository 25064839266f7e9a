import datetime
from decimal import Decimal
from itertools import product

import pytest

from layoutserve.model.decoding.fields.amounts import find_amount
from layoutserve.model.decoding.fields.dates import find_date
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
        ("1.234", "1234"),
        ("0.123", "0.123"),
        (".50", "0.50"),
        ("12,50-", "-12.50"),
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


NUMBERS = [
    *("1", "12", "1.5", "1,5", "12.50", "12,50", "1.234", "1,234", "1.234,50", "1,234.50", "1'250.00", "1.234.567"),
    *("1,234,567", "0.123", ".50", "7.", "0,5", "1234.5678", "12.345", "0.999", "1,2345", "1.000.00", "1 234,50"),
]
BEFORE = ("", "RM ", "RM", "$", "USD ", "\u20ac ", "-", "- ", "-$", "$-", "-RM ", "CHF ", "Rs. ", "Total: ")
AFTER = ("", " \u20ac", "\u20ac", " USD", "-", " kg", " CR")


def test_a_number_is_what_the_server_reads_as_an_amount():
    texts = [
        *map("".join, product(BEFORE, NUMBERS, AFTER)),
        *(f"({sign}{n})" for sign in ("", "$", "S$ ") for n in NUMBERS),
    ]
    read = [(text, number_in(text), find_amount(text)) for text in texts]
    both = [(text, client, Decimal(server.value)) for text, client, server in read if client is not None and server]
    assert [case for case in both if case[1] != case[2]] == []
    assert len(both) > 0.99 * len(texts)


DAYS, MONTHS, YEARS = ("1", "03", "15", "31"), ("1", "02", "12", "25"), ("2019", "19", "99", "68", "69", "70")
NAMES = ("Jan", "march", "Sept", "Dezember", "marzo", "foo")


def test_a_date_is_what_the_server_reads():
    texts = [
        *(mark.join(parts) for mark in "/-." for parts in product(DAYS, MONTHS, YEARS)),
        *(mark.join(parts) for mark in "/-." for parts in product(YEARS, MONTHS, DAYS)),
        *map("".join, product(DAYS, (" ", "-", "st ", "th of "), NAMES, (" ", "-", ", "), YEARS)),
        *map("".join, product(NAMES, (" ",), DAYS, (", ", " "), YEARS)),
    ]
    read = [(text, date_in(text), find_date(text)) for text in texts]
    both = [(text, client.isoformat(), server.value) for text, client, server in read if client and server]
    assert [case for case in both if case[1] != case[2]] == []
    assert len(both) > 400
    assert [text for text, client, server in read if client and not server] == []
