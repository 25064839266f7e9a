import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layoutserve.model.decoding.fields.amounts import find_amount
from layoutserve.model.decoding.fields.conventions import Preference, check, conventions
from layoutserve.model.decoding.fields.dates import find_date
from layoutserve.model.errors import RequestError


def order(*lines, **preference):
    """The likeliest order of a date in figures, and how likely it is."""
    orders = conventions(lines, Preference(**preference)).orders
    return max(orders.items(), key=lambda pair: pair[1])


@pytest.mark.parametrize(
    ("lines", "likeliest"),
    [
        (["Due 12/31/2020", "01/02/2021"], "mdy"),
        (["31/12/2020"], "dmy"),
        (["123 Main Street", "Redmond, WA 98052"], "mdy"),
        (["CHICAGO, IL"], "mdy"),
        (["22 High Street", "London SW1A 1AA"], "dmy"),
        (["Rue de Paris", "FACTURE", "TVA 20 %"], "dmy"),
        (["12, Jalan Ampang, Kuala Lumpur", "Tel: 03-2161 1234"], "dmy"),
        (["Tel +44 20 7946 0000"], "dmy"),
        (["1 George St, Sydney NSW 2000", "ABN 12 345 678 901"], "dmy"),
        (["GSTIN 12ABCDE0123A1A2"], "dmy"),
        (["New York, NY 12210", "Due 26/02/2019"], "dmy"),
    ],
)
def test_the_page_tells_the_order_of_its_dates(lines, likeliest):
    found, probability = order(*lines)
    assert found == likeliest and probability > 0.8


def test_nothing_told_is_left_open():
    assert order("Total 9.00")[1] == pytest.approx(0.5)


def test_the_request_decides_before_the_page():
    american = ["Redmond, WA 98052", "Due 12/31/2020"]
    assert order(*american, date_order="dmy")[0] == "dmy"
    assert order(locale="en-US")[0] == "mdy" and order(locale="en-GB")[0] == "dmy" and order(locale="de")[0] == "dmy"
    assert order(locale="sv_SE")[0] == "ymd" and order(locale="zh-Hant-TW")[0] == "ymd"
    assert order(locale="en")[1] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("lines", "currency"),
    [
        (["RM 9.00"], "MYR"),
        (["PEN BLUE FINE 3.20", "TOTAL 10.10"], None),
        (["RED PEN 3.20", "TOTAL 10.10"], None),
        (["TRY OUR SOUP 4.50", "TOTAL 4.50"], None),
        (["CAD software licence 99.00", "TOTAL 99.00"], None),
        (["TOTAL PEN 25.35"], "PEN"),
        (["Arroz PEN 5.00", "Leche PEN 4.20"], "PEN"),
        (["TOTAL $10.10 CAD", "CASH $20.00"], "CAD"),
        (["$5.00", "100 King St, Toronto, ON M5X 1A9"], "CAD"),
        (["$5.00", "1 George St, Sydney NSW 2000"], "AUD"),
        (["$5.00", "Redmond, WA 98052"], "USD"),
        (["$5.00"], "USD"),
        (["$5.00", "All prices in NZD"], "NZD"),
        (["kr 50,00", "Tel +45 12 34 56 78", "CVR 12345678"], "DKK"),
        (["kr 50,00"], None),
        (["¥500", "上海", "Tel +86 21 1234 5678"], "CNY"),
        (["Price GBP", "12.00"], "GBP"),
        (["$5", "EUR"], None),
        (["9.00"], None),
    ],
)
def test_the_currency_is_that_which_money_names(lines, currency):
    assert conventions(lines).currency == currency


def test_decimal_signs_are_those_of_the_page():
    assert conventions(["12,50", "3,99"]).decimal == ","
    assert conventions(["1,234.50"]).decimal == "."
    assert conventions(["25.12.20", "1,234"]).decimal is None


def test_wrong_preferences_are_refused_with_what_to_do():
    with pytest.raises(RequestError, match="date_order must be one of dmy, mdy, ymd"):
        check(Preference(date_order="myd"))
    with pytest.raises(RequestError, match="such as en-GB"):
        check(Preference(locale="English (UK)"))
    check(Preference("dmy", "zh-Hant-TW"))


@given(st.lists(st.text()))
def test_no_text_is_a_crash(lines):
    assert sum(conventions(lines).orders.values()) == pytest.approx(1)


@pytest.mark.parametrize("unit", ["1 234 ", "1€", "é1", "+49 ", "www.", "1 Jan ", "12/12/", "USD ", "2024 m. "])
def test_a_long_text_is_read_in_proportion_to_its_length(unit):
    text = unit * (20_000 // len(unit))
    begun = time.process_time()
    find_amount(text)
    find_date(text)
    conventions([text])
    assert time.process_time() - begun < 2
