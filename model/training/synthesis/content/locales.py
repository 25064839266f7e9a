"""How countries print money, dates and the names of companies."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from layoutserve.model.training.synthesis.content import vocabulary as v


@dataclass(frozen=True, slots=True)
class Locale:
    """How one country prints. ``symbols``: what stands before (or, ``after``, behind) an amount, "" for nothing."""

    faker: str
    symbols: tuple[str, ...]
    code: str
    tax: tuple[str, ...]
    rates: tuple[str, ...]
    dates: tuple[str, ...]
    suffixes: tuple[str, ...]
    decimal: str = "."
    thousands: str = ","
    after: bool = False


_EURO_SUFFIX = {
    "de": ("GmbH", "AG", "GmbH & Co. KG", "e.K.", "KG", "UG"),
    "fr": ("SARL", "SAS", "SA", "EURL", "& Fils"),
    "es": ("S.L.", "S.A.", "S.L.U."),
    "it": ("S.r.l.", "S.p.A.", "S.n.c."),
    "nl": ("B.V.", "N.V.", "V.O.F."),
}
LOCALES: dict[str, Locale] = {
    "my": Locale(
        "en_US",
        ("RM", "", "", "", "$"),
        "MYR",
        ("GST", "GST", "SST", "Service Tax"),
        ("6", "6", "6", "0", "10"),
        (
            "%d/%m/%Y",
            "%d/%m/%Y",
            "%d-%m-%Y",
            "%d/%m/%y",
            "%d %b %Y",
            "%d-%b-%Y",
            "%d.%m.%Y",
            "%d-%m-%y",
            "%Y-%m-%d",
            "%d %B %Y",
            "%d-%b-%y",
            "%Y/%m/%d",
            "%d%m%Y",
            "%b %d, %Y",
            "%-d/%-m/%Y",
            "%d.%m.%y",
        ),
        v.MALAY_SUFFIX,
    ),
    "us": Locale(
        "en_US",
        ("$", "$", "", "USD"),
        "USD",
        ("Tax", "Sales Tax", "State Tax", "TAX"),
        ("4.5", "6", "6.25", "7", "7.25", "8", "8.25", "8.875", "9.5"),
        (
            "%m/%d/%Y",
            "%m/%d/%y",
            "%m-%d-%Y",
            "%b %d, %Y",
            "%B %d, %Y",
            "%Y-%m-%d",
            "%-m/%-d/%Y",
            "%d-%b-%Y",
            "%a %m/%d/%Y",
        ),
        ("Inc.", "LLC", "Corp.", "Inc", "Co.", "Ltd.", "", "& Sons", "Corporation", "LLP", "& Co."),
    ),
    "gb": Locale(
        "en_GB",
        ("£", "£", "", "GBP"),
        "GBP",
        ("VAT", "VAT", "V.A.T."),
        ("20", "20", "5"),
        ("%d/%m/%Y", "%d/%m/%y", "%d %B %Y", "%d %b %Y", "%-d %B %Y", "%d-%m-%Y", "%d.%m.%y"),
        ("Ltd", "Limited", "PLC", "LLP", "& Sons", "& Co Ltd", ""),
    ),
    "au": Locale(
        "en_AU",
        ("$", "$", "AUD", "A$"),
        "AUD",
        ("GST",),
        ("10",),
        ("%d/%m/%Y", "%d %b %Y", "%d/%m/%y", "%-d %B %Y", "%d-%m-%Y"),
        ("Pty Ltd", "Pty. Ltd.", "Group", ""),
    ),
    "sg": Locale(
        "en_US",
        ("$", "S$", "", "SGD"),
        "SGD",
        ("GST",),
        ("7", "8", "9"),
        ("%d/%m/%Y", "%d %b %Y", "%d-%m-%Y", "%d/%m/%y", "%d-%b-%Y"),
        ("Pte Ltd", "Pte. Ltd.", "(S) Pte Ltd", "LLP"),
    ),
    "in": Locale(
        "en_IN",
        ("Rs.", "Rs", "INR", ""),
        "INR",
        ("GST", "IGST", "CGST+SGST"),
        ("5", "12", "18"),
        ("%d/%m/%Y", "%d-%m-%Y", "%d-%b-%Y", "%d %b %Y", "%d.%m.%Y"),
        ("Pvt Ltd", "Pvt. Ltd.", "Private Limited", "& Sons", "Traders", "Enterprises"),
    ),
    "de": Locale(
        "de_DE",
        ("EUR", "€", "", "EUR"),
        "EUR",
        ("VAT", "MwSt.", "USt."),
        ("19", "7"),
        ("%d.%m.%Y", "%d.%m.%y", "%Y-%m-%d", "%d.%m.%Y"),
        _EURO_SUFFIX["de"],
        ",",
        ".",
        True,
    ),
    "fr": Locale(
        "fr_FR",
        ("EUR", "€", "", "€"),
        "EUR",
        ("VAT", "TVA"),
        ("20", "10", "5.5"),
        ("%d/%m/%Y", "%d/%m/%y", "%d-%m-%Y", "%d.%m.%Y"),
        _EURO_SUFFIX["fr"],
        ",",
        ".",
        True,
    ),
    "es": Locale(
        "es_ES",
        ("EUR", "€", "", "€"),
        "EUR",
        ("VAT", "IVA"),
        ("21", "10"),
        ("%d/%m/%Y", "%d-%m-%Y", "%d/%m/%y"),
        _EURO_SUFFIX["es"],
        ",",
        ".",
        True,
    ),
    "it": Locale(
        "it_IT",
        ("EUR", "€", "", "€"),
        "EUR",
        ("VAT", "IVA"),
        ("22", "10", "4"),
        ("%d/%m/%Y", "%d-%m-%Y", "%d/%m/%y"),
        _EURO_SUFFIX["it"],
        ",",
        ".",
        True,
    ),
    "nl": Locale(
        "nl_NL",
        ("EUR", "€", "", "€"),
        "EUR",
        ("VAT", "BTW"),
        ("21", "9"),
        ("%d-%m-%Y", "%d/%m/%Y", "%d-%m-%y"),
        _EURO_SUFFIX["nl"],
        ",",
        ".",
        True,
    ),
}


def cents(amount: Decimal | str | int, step: str = "0.01") -> Decimal:
    """Round half up to a multiple of ``step`` (0.05 as Malaysian tills do)."""
    unit = Decimal(step)
    return ((Decimal(amount) / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit).quantize(Decimal("0.01"))


def number(amount: Decimal, locale: Locale, places: int = 2) -> str:
    """An amount without currency."""
    text = f"{amount:,.{places}f}"
    if locale.decimal == ",":
        text = text.translate(str.maketrans(",.", ".,"))
    return text if locale.thousands else text.replace(",", "")
