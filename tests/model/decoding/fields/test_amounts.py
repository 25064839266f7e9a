from decimal import Decimal

import pytest
from babel.numbers import format_currency, get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from layoutserve.model.decoding.fields.amounts import find_amount
from layoutserve.model.decoding.fields.conventions import Conventions, Preference, conventions


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
        # Never a prefix of a number.
        ("Rs.1,500/-", "1500", "INR"),
        ("Rs.750/ -", "750", "INR"),
        ("KSh 1,500/=", "1500", "KES"),
        ("$5.99/lb", "5.99", "USD"),
        ("$12.49/kg", "12.49", "USD"),
        ("1 234%", None, None),
        ("3 038,40", "3038.40", None),
        ("R1,010.00", "1010.00", "ZAR"),
        ("R 1 010,00", "1010.00", "ZAR"),
        ("T1,010.00", "1010.00", None),
        ("Rs 1939", "1939", "INR"),
        # Never a percentage.
        ("20,5%", None, None),
        ("%18", None, None),
        ("KDV %18 5,40", "5.40", None),
        ("19 v.H.", None, None),
        ("8.25 percent", None, None),
        ("20 % 506,40", "506.40", None),
        # Nor a date, an address, a code, a weight.
        ("31.12.2018", None, None),
        ("192.168.0.10", None, None),
        ("INV-1234", None, None),
        ("500ml", None, None),
        # Money named before, behind and within.
        ("CAD $10.10", "10.10", "USD"),
        ("12€50", "12.50", "EUR"),
        ("50,00 EURO", "50.00", "EUR"),
        ("1'234.-", "1234", None),
        ("Fr. 12.50", "12.50", "CHF"),
        ("12,- €", "12", "EUR"),
        ("C$ 5", "5", "CAD"),
        ("R$ 1.234,56", "1234.56", "BRL"),
        ("1.500.000 đ", "1500000", "VND"),
        ("₹ 12,34,567.89", "1234567.89", "INR"),
        ("PEN 3.20", "3.20", None),
        ("1.234.56", "1234.56", None),
    ],
)
def test_amounts(text, value, currency):
    found = find_amount(text)
    assert (found and found.value) == value
    assert (found and found.currency) == currency


def test_an_amount_keeps_the_currency_it_is_printed_with():
    assert find_amount("TOTAL:RM9.00").text == "RM9.00"


def test_the_decimal_sign_follows_the_document():
    german = Conventions(decimal=",")
    assert find_amount("1.234", german).value == "1234"
    assert find_amount("1,234", german).value == "1.234"
    assert find_amount("$143.749", Conventions(decimal=".")).value == "143.749"


@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", ".")]),
)
def test_every_amount_survives_being_printed(amount, signs):
    thousands, decimal = signs
    printed = f"{amount:,.2f}".translate({ord(","): thousands, ord("."): decimal})
    assert Decimal(find_amount(printed).value) == amount
    assert Decimal(find_amount(f"EUR {printed}").value) == amount


# Locales of the 40 largest economies, and their currencies.
LOCALES = {
    "en_US": "USD", "zh_CN": "CNY", "ja_JP": "JPY", "de_DE": "EUR", "en_IN": "INR", "en_GB": "GBP", "fr_FR": "EUR",
    "it_IT": "EUR", "pt_BR": "BRL", "en_CA": "CAD", "fr_CA": "CAD", "ru_RU": "RUB", "ko_KR": "KRW", "es_MX": "MXN",
    "en_AU": "AUD", "es_ES": "EUR", "id_ID": "IDR", "tr_TR": "TRY", "nl_NL": "EUR", "ar_SA": "SAR", "de_CH": "CHF",
    "pl_PL": "PLN", "zh_TW": "TWD", "nl_BE": "EUR", "es_AR": "ARS", "sv_SE": "SEK", "en_IE": "EUR", "ar_AE": "AED",
    "en_SG": "SGD", "de_AT": "EUR", "he_IL": "ILS", "th_TH": "THB", "nb_NO": "NOK", "en_PH": "PHP", "vi_VN": "VND",
    "bn_BD": "BDT", "ms_MY": "MYR", "da_DK": "DKK", "es_CO": "COP", "en_ZA": "ZAR", "zh_HK": "HKD", "ar_EG": "EGP",
    "fa_IR": "IRR", "en_NZ": "NZD", "cs_CZ": "CZK", "ro_RO": "RON", "hu_HU": "HUF", "fi_FI": "EUR", "pt_PT": "EUR",
    "en_PK": "PKR", "es_CL": "CLP", "es_PE": "PEN", "uk_UA": "UAH", "bg_BG": "BGN",
}  # fmt: skip


@pytest.mark.parametrize(("locale", "currency"), LOCALES.items())
@given(st.integers(min_value=0, max_value=10**10))
def test_every_amount_is_read_back_as_its_country_prints_it(locale, currency, hundredths):
    digits = get_currency_precision(currency)
    amount = Decimal(hundredths).scaleb(-2).quantize(Decimal(1).scaleb(-digits))
    printed = format_currency(amount, currency, locale=locale)
    found = find_amount(f"x: {printed}", conventions([printed], Preference(locale=locale)))
    assert (Decimal(found.value), found.currency) == (amount, currency), printed
    below = format_currency(-amount - 1, currency, locale=locale)
    assert Decimal(find_amount(below, conventions([below], Preference(locale=locale))).value) == -amount - 1, below


@given(st.text())
def test_no_text_is_a_crash(text):
    find_amount(text)
    find_amount(text, conventions([text]))
