from datetime import date

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from layoutserve.model.decoding.fields.conventions import Conventions, Preference, conventions
from layoutserve.model.decoding.fields.dates import find_date

LOCALES = (
    "en_US", "en_GB", "en_IN", "en_AU", "en_CA", "de", "fr", "fr_CA", "es", "it", "nl", "pt", "pt_BR", "pl", "sv", "da",
    "nb", "fi", "cs", "sk", "hu", "ro", "tr", "hr", "sl", "el", "ru", "uk", "bg", "id", "ms", "et", "lv", "lt", "vi",
    "zh", "ja", "ko",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("25/12/2018", "2018-12-25"),
        ("12/25/2018", "2018-12-25"),
        ("03/04/2021", "2021-04-03"),
        ("Jun17'13", "2013-06-17"),
        ("DATE:-27-02-2014", "2014-02-27"),
        ("14/03/2024-10:22", "2024-03-14"),
        ("14/03/2024,10:22", "2024-03-14"),
        ("14/03/202410:22", "2024-03-14"),
        ("14.03.24/10:22", "2024-03-14"),
        ("2024-03-14T10:22:00", "2024-03-14"),
        ("7. Mai 2014", "2014-05-07"),
        ("14 maja 2024", "2024-05-14"),
        ("14 de mayo del 2024", "2024-05-14"),
        ("2024. május 14.", "2024-05-14"),
        ("ngày 14 tháng 5 năm 2024", "2024-05-14"),
        ("2024년 5월 14일", "2024-05-14"),
        ("14/3-2024", "2024-03-14"),
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


@pytest.mark.parametrize("locale", LOCALES)
@given(st.dates(min_value=date(1970, 1, 1), max_value=date(2069, 12, 31)))
def test_every_date_is_read_back_as_its_language_prints_it(locale, day):
    for form in ("short", "medium", "long", "full"):
        printed = format_date(day, form, locale=locale)
        found = find_date(printed, conventions([printed], Preference(locale=locale)))
        assert found and found.value == day.isoformat(), printed


def test_what_the_document_does_not_decide_stays_open():
    found = find_date("04/07/2017")
    assert (found.value, [day for day, _ in found.others]) == ("2017-07-04", ["2017-04-07"])
    assert found.share + sum(share for _, share in found.others) == pytest.approx(1)
    assert find_date("04/04/2017").others == () and find_date("25/12/2018").others == ()


def test_the_weekday_beside_it_decides_a_date():
    assert find_date("Tue 04/07/2017").value == "2017-07-04"
    assert find_date("Friday, 04/07/2017").value == "2017-04-07"
    assert find_date("04/07/2017 (vendredi)").value == "2017-04-07"
    assert find_date("Tuesday 04/07/2017").others == ()


def test_days_come_first_where_dots_stand():
    assert find_date("03.04.2021", Conventions(orders={"dmy": 0.02, "mdy": 0.97, "ymd": 0.01})).value == "2021-04-03"


def test_a_date_is_cut_out_of_its_text():
    assert find_date("DATE:25/12/2018 8:13").text == "25/12/2018"


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
    american = conventions([], Preference(date_order="mdy"))
    assert find_date(f"{day.month}/{day.day}/{day.year}", american).value == day.isoformat()


@given(st.text())
def test_no_text_is_a_crash(text):
    find_date(text)
