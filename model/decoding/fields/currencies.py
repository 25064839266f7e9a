"""Signs and codes of money: how the largest economies write theirs, and which currency a sign means on a page."""

import re
from collections.abc import Collection, Sequence

_OF_SIGN = {
    "us$": "USD", "u$s": "USD", "ca$": "CAD", "c$": "CAD", "cad$": "CAD", "cdn$": "CAD", "au$": "AUD", "a$": "AUD",
    "nz$": "NZD", "s$": "SGD", "sg$": "SGD", "hk$": "HKD", "nt$": "TWD", "mx$": "MXN", "ar$": "ARS", "co$": "COP",
    "col$": "COP", "clp$": "CLP", "cl$": "CLP", "r$": "BRL", "€": "EUR", "euro": "EUR", "euros": "EUR", "cn¥": "CNY",
    "jp¥": "JPY", "元": "CNY", "円": "JPY", "₩": "KRW", "￦": "KRW", "원": "KRW", "₹": "INR", "৳": "BDT", "tk": "BDT",
    "₺": "TRY", "tl": "TRY", "₽": "RUB", "\u0440\u0443\u0431": "RUB", "₴": "UAH", "грн": "UAH",
    "zł": "PLN", "zl": "PLN",
    "kč": "CZK", "ft": "HUF", "lei": "RON", "лв": "BGN", "chf": "CHF", "sfr": "CHF", "fr": "CHF", "₪": "ILS",
    "nis": "ILS", "ש״ח": "ILS", 'ש"ח': "ILS", "฿": "THB", "บาท": "THB", "₫": "VND", "đ": "VND", "vnđ": "VND",
    "₱": "PHP", "php": "PHP", "rm": "MYR", "rp": "IDR", "₦": "NGN", "ksh": "KES", "s/": "PEN", "aed": "AED",
    "dhs": "AED", "dh": "AED", "د.إ": "AED", "ر.س": "SAR", "\u20c1": "SAR", "sr": "SAR", "ج.م": "EGP", "le": "EGP",
    "e£": "EGP", "egp": "EGP", "ریال": "IRR", "﷼": "IRR", "irr": "IRR", "e€": "EUR", "r": "ZAR",
}  # fmt: skip
# Signs of several currencies: whose it is by country, and which it is where none is known.
_SHARED: dict[str, tuple[dict[str, str], str | None]] = {
    "$": (
        {
            "US": "USD", "CA": "CAD", "AU": "AUD", "NZ": "NZD", "SG": "SGD", "HK": "HKD", "TW": "TWD", "MX": "MXN",
            "AR": "ARS", "CL": "CLP", "CO": "COP",
        },
        "USD",
    ),
    "£": ({"GB": "GBP", "EG": "EGP"}, "GBP"),
    "¥": ({"JP": "JPY", "CN": "CNY"}, "JPY"),
    "￥": ({"JP": "JPY", "CN": "CNY"}, "CNY"),
    "kr": ({"SE": "SEK", "NO": "NOK", "DK": "DKK", "IS": "ISK"}, None),
    "rs": ({"IN": "INR", "PK": "PKR", "LK": "LKR"}, "INR"),
    "₨": ({"IN": "INR", "PK": "PKR", "LK": "LKR"}, "INR"),
}  # fmt: skip
_CODES = (
    "aed", "ars", "aud", "bdt", "bgn", "brl", "cad", "chf", "clp", "cny", "cop", "czk", "dkk", "egp", "eur", "gbp",
    "hkd", "huf", "idr", "ils", "inr", "irr", "isk", "jpy", "kes", "krw", "kwd", "lkr", "mad", "mxn", "myr", "ngn",
    "nok", "nzd", "pen", "php", "pkr", "pln", "qar", "ron", "rub", "sar", "sek", "sgd", "thb", "try", "twd", "uah",
    "usd", "vnd", "zar",
)  # fmt: skip
WORDS = frozenset({"CAD", "COP", "MAD", "PEN", "RON", "RUB", "TRY"})
"""Codes that are words, too: they are money only where a page uses them as such."""

_LETTERS = sorted({sign for sign in (*_OF_SIGN, *_SHARED) if sign.isalpha() and sign.isascii()} | {"zł", "kč"} - {"r"})
_SIGNS = sorted((sign for sign in (*_OF_SIGN, *_SHARED) if sign not in (*_LETTERS, "r")), key=len, reverse=True)
_ALONE = rf"(?<![^\W\d_])(?:{'|'.join(sorted({*_LETTERS, *_CODES}, key=len, reverse=True))})(?![^\W\d_])"
# A sign with letters is none at the end of a word; the Rand's is a capital before a figure.
MARKER = (
    rf"(?:(?<![^\W\d_])(?:{'|'.join(re.escape(sign) for sign in _SIGNS if sign[0].isalpha())})(?![^\W\d_])"
    rf"|{'|'.join(re.escape(sign) for sign in _SIGNS if not sign[0].isalpha())}"
    rf"|{_ALONE}|(?<![^\W\d_])(?-i:R)(?=\s?-?\d))"
)
"""A sign or a code of money, for a regular expression that ignores case."""
_MARKER = re.compile(MARKER, re.IGNORECASE)
# What no mark of money is without: a sign that is no plain letter, or one of these words.
_IN_SIGNS = frozenset("".join(_SIGNS)) - frozenset('abcdefghijklmnopqrstuvwxyz./"')
_ALONES = frozenset({*_LETTERS, *_CODES, "r", *(sign.rstrip("/") for sign in _SIGNS)})
_WORD = re.compile(r"[^\W\d_]+")

COUNTRY_OF = {
    "AED": "AE", "ARS": "AR", "AUD": "AU", "BDT": "BD", "BRL": "BR", "CAD": "CA", "CHF": "CH", "CLP": "CL",
    "CNY": "CN", "COP": "CO", "CZK": "CZ", "DKK": "DK", "EGP": "EG", "GBP": "GB", "HKD": "HK", "HUF": "HU",
    "IDR": "ID", "ILS": "IL", "INR": "IN", "JPY": "JP", "KRW": "KR", "MXN": "MX", "MYR": "MY", "NGN": "NG",
    "NOK": "NO", "NZD": "NZ", "PEN": "PE", "PHP": "PH", "PKR": "PK", "PLN": "PL", "RON": "RO", "RUB": "RU",
    "SAR": "SA", "SEK": "SE", "SGD": "SG", "THB": "TH", "TRY": "TR", "TWD": "TW", "UAH": "UA", "VND": "VN",
    "ZAR": "ZA",
}  # fmt: skip
"""The country whose money a currency is, where it is that of one among those that decoding knows."""


def markers(text: str) -> list[str]:
    """The signs and codes of money in a text."""
    return _MARKER.findall(text) if has_markers(text) else []


def has_markers(text: str) -> bool:
    """Say quickly if there may be signs or codes of money in a text."""
    return not _IN_SIGNS.isdisjoint(text) or any(word.lower() in _ALONES for word in _WORD.findall(text))


def is_shared(marker: str) -> bool:
    """Say if a sign is that of several currencies."""
    return marker.lower() in _SHARED


def currency(
    marked: Sequence[str], country: str | None, words: Collection[str] = (), dollar: str | None = None
) -> str | None:
    """The ISO 4217 code that the marks beside a number mean, None if they do not say.

    words: codes that are words, too, and are money on this page. dollar: the page's own, where it names one.
    A code or an unmistakable sign goes before a shared one ("$5 CAD").
    """
    shared = None
    for mark in marked:
        lower = mark.lower()
        if lower in _SHARED:
            by_country, default = _SHARED[lower]
            shared = shared or (dollar if lower == "$" and dollar else by_country.get(country or "", default))
        elif (code := mark.upper()) in WORDS:
            if mark == code and code in words:
                return code
        else:
            return _OF_SIGN.get(lower, code)
    return shared


def dollars(codes: Collection[str]) -> list[str]:
    """Those of the codes whose sign is the dollar's."""
    return sorted({*codes} & {*_SHARED["$"][0].values()})
