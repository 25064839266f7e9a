from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layoutserve.model.decoding.fields.values import Conventions, conventions, find_amount, find_date

AMERICAN = Conventions(day_first=False)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("25/12/2018", "2018-12-25"),
        ("12/25/2018", "2018-12-25"),
        ("03/04/2021", "2021-04-03"),
        ("3-4-21", "2021-04-03"),
        ("25.12.18", "2018-12-25"),
        ("2018-12-25", "2018-12-25"),
        ("2018/1/5", "2018-01-05"),
        ("2018年12月25日", "2018-12-25"),
        ("20181225", "2018-12-25"),
        ("25122018", "2018-12-25"),
        ("25 Dec 2018", "2018-12-25"),
        ("25DEC18", "2018-12-25"),
        ("25-Dec-2018", "2018-12-25"),
        ("25/DEC/2018", "2018-12-25"),
        ("December 25th, 2018", "2018-12-25"),
        ("Dec. 5, 2018", "2018-12-05"),
        ("this 5th day? no: 5th of March 2019", "2019-03-05"),
        ("1. März 2020", "2020-03-01"),
        ("1er février 2020", "2020-02-01"),
        ("3 de mayo de 2019", "2019-05-03"),
        ("DATE:25/12/2018 8:13:39 PM", "2018-12-25"),
        ("25/12/98", "1998-12-25"),
        ("31/02/2018", None),
        ("9.00", None),
        ("1.234.56", None),
        ("Dec 2018", None),
        ("12345678", None),
        ("TEL 03-1234567", None),
        ("10.10.10.5", None),
        ("", None),
    ],
)
def test_dates(text, iso):
    found = find_date(text)
    assert (found and found.value) == iso


def test_a_date_is_cut_out_of_its_text():
    assert find_date("DATE:25/12/2018 8:13").text == "25/12/2018"


def test_the_order_of_day_and_month_follows_the_document():
    assert find_date("03/04/2021", AMERICAN).value == "2021-03-04"
    assert find_date("25/04/2021", AMERICAN).value == "2021-04-25"
    assert find_date("03.04.2021", AMERICAN).value == "2021-04-03"
    assert conventions(["Due", "12/31/2020", "01/02/2021"]).day_first is False
    assert conventions(["31/12/2020"]).day_first is True
    assert conventions(["01/02/2021"]).day_first is True


@given(st.dates(min_value=date(1970, 1, 1), max_value=date(2069, 12, 31)))
def test_every_date_survives_being_printed(day):
    months = "JanFebMarAprMayJunJulAugSepOctNovDec"
    name = months[3 * day.month - 3 : 3 * day.month]
    forms = (
        f"{day.day}/{day.month}/{day.year}",
        f"{day.day:02}-{day.month:02}-{day.year}",
        f"{day.day:02}.{day.month:02}.{day.year % 100:02}",
        f"{day.day} {name} {day.year}",
        f"{name} {day.day}, {day.year}",
        f"{day.year}-{day.month:02}-{day.day:02}",
        f"{day.year}{day.month:02}{day.day:02}",
    )
    assert [find_date(form).value for form in forms] == [day.isoformat()] * len(forms)
    assert find_date(f"{day.month}/{day.day}/{day.year}", AMERICAN).value == day.isoformat()


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("9.00", "9.00", None),
        ("RM9.00", "9.00", "MYR"),
        ("RM 9.00", "9.00", "MYR"),
        ("Rs.578.48", "578.48", "INR"),
        ("Rs. 2,817.72", "2817.72", "INR"),
        ("$.50", "0.50", "USD"),
        (".75", "0.75", None),
        ("$ 1,234.56", "1234.56", "USD"),
        ("US$5", "5", "USD"),
        ("1.234,56 €", "1234.56", "EUR"),
        ("12 EUR", "12", "EUR"),
        ("CHF 1'234.50", "1234.50", "CHF"),
        ("1 234,50", "1234.50", None),
        ("1\u202f234\u202f567,8", "1234567.8", None),
        ("1,23,456.78", "123456.78", None),
        ("1,234", "1234", None),
        ("1.234", "1234", None),
        ("0.125", "0.125", None),
        ("1.234.567", "1234567", None),
        ("12,5", "12.5", None),
        ("-5.00", "-5.00", None),
        ("-RM5.00", "-5.00", "MYR"),
        ("RM-5.00", "-5.00", "MYR"),
        ("5.00-", "-5.00", None),
        ("(5.00)", "-5.00", None),
        ("9. 00", "9.00", None),
        ("9 .00", "9.00", None),
        ("TOTAL:9.00", "9.00", None),
        ("TOTAL - 9.00", "9.00", None),
        ("2 x 4.50", "4.50", None),
        ("6% 1.20", "1.20", None),
        ("3 items $7", "7", "USD"),
        ("¥1200", "1200", "JPY"),
        ("10:30", None, None),
        ("25/12/2018", None, None),
        ("INV123", None, None),
        ("6%", None, None),
        ("FORM", None, None),
        ("", None, None),
    ],
)
def test_amounts(text, value, currency):
    found = find_amount(text)
    assert (found and found.value) == value
    assert (found and found.currency) == currency


def test_an_amount_keeps_the_currency_it_is_printed_with():
    assert find_amount("TOTAL:RM9.00").text == "RM9.00"


def test_the_decimal_sign_follows_the_document():
    german = conventions(["12,50", "3,99"])
    assert german.decimal == ","
    assert find_amount("1.234", german).value == "1234"
    assert find_amount("1,234", german).value == "1.234"
    assert conventions(["1,234.50", "RM"]) == Conventions(True, ".", "MYR")
    assert conventions(["25.12.20", "1,234"]).decimal is None
    assert conventions(["$5", "EUR"]).currency is None


@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", ".")]),
)
def test_every_amount_survives_being_printed(amount, signs):
    thousands, decimal = signs
    printed = f"{amount:,.2f}".translate({ord(","): thousands, ord("."): decimal})
    assert Decimal(find_amount(printed).value) == amount
    assert Decimal(find_amount(f"EUR {printed}").value) == amount


@given(st.text())
def test_no_text_is_a_crash(text):
    find_date(text)
    find_amount(text)
    conventions([text])
