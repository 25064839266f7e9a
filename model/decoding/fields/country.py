"""The country that a document comes from: by addresses, telephone and tax numbers, tax words, language and names."""

import re
from collections.abc import Iterable, Mapping

from layoutserve.model.decoding.fields import cldr

# Orders of day, month and year where they are not day first; Canada writes all three.
_MONTH_FIRST = {"US": {"dmy": 0.02, "mdy": 0.97, "ymd": 0.01}, "PH": {"dmy": 0.2, "mdy": 0.79, "ymd": 0.01}}
_YEAR_FIRST = frozenset({"CN", "JP", "KR", "TW", "HU", "SE", "LT", "IR"})
_CANADA = {"dmy": 0.35, "mdy": 0.45, "ymd": 0.2}
_ORDER = {"dmy": 0.96, "mdy": 0.02, "ymd": 0.02}
_OF_YEAR_FIRST = {"dmy": 0.18, "mdy": 0.02, "ymd": 0.8}
# A vote makes a country this many times as probable.
_WEIGHT = 4.0
# Votes that a country needs to be the document's.
_ENOUGH = 2.0

LANGUAGE_OF = {"HR": "hr", "PL": "pl", "CZ": "cs", "FI": "fi", "LT": "lt"}
"""Languages of countries whose names of months mean other ones elsewhere."""
COUNTRY_OF_LANGUAGE = {
    "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "nl": "NL", "pt": "PT", "pl": "PL", "sv": "SE", "da": "DK",
    "nb": "NO", "no": "NO", "fi": "FI", "cs": "CZ", "sk": "SK", "hu": "HU", "ro": "RO", "tr": "TR", "hr": "HR",
    "sl": "SI", "el": "GR", "ru": "RU", "uk": "UA", "bg": "BG", "id": "ID", "ms": "MY", "et": "EE", "lv": "LV",
    "lt": "LT", "zh": "CN", "ja": "JP", "ko": "KR", "vi": "VN", "he": "IL",
}  # fmt: skip
"""The country that a language without one stands for; English stands for none."""

_STATES = (
    "A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[TA]|"
    "W[AVIY]"
)
# Every evidence votes once for a document, however often it stands there.
_FORMS: tuple[tuple[re.Pattern[str], Mapping[str, float]], ...] = tuple(
    (re.compile(pattern), votes)
    for pattern, votes in (
        (rf"\b(?:{_STATES})\W{{1,2}}\d{{5}}(?:-\d{{4}})?\b", {"US": 3.0}),
        (rf"[a-z]{{2,}},\s?(?:{_STATES})(?!\w)", {"US": 2.0}),
        (rf"[A-Z]{{3,}},\s?(?:{_STATES})(?!\w)", {"US": 1.5}),
        (r"(?<![\d+-])(?:1[-. ])?\(?[2-9]\d{2}\)?[-. ]{1,2}\d{3}[-.]\d{4}(?!\d)", {"US": 1.0, "CA": 1.0}),
        (r"\b[ABCEGHJ-NPRSTVXY]\d[A-Z]\s?\d[A-Z]\d\b", {"CA": 3.0}),
        (r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[ABD-HJLNP-UW-Z]{2}\b", {"GB": 3.0}),
        (r"\bGB\s?\d{3}\s?\d{4}\s?\d{2}\b", {"GB": 1.0}),
        (r"\b(?:NSW|VIC|QLD|TAS|ACT)\b[ ,]+\d{4}\b", {"AU": 3.0}),
        (r"\bS(?:ingapore)?\s?\(?\d{6}\b", {"SG": 2.0}),
        (r"\bR\.F\.C\.|\bC\.P\.\s?\d{5}", {"MX": 2.5}),
        (r"[\u3040-\u30ff]", {"JP": 2.5}),
        (r"[\uac00-\ud7af]", {"KR": 2.5}),
    )
)
# Words of which a document needs one: in capitals those that mean something else in small letters.
_WORDS: tuple[tuple[frozenset[str], Mapping[str, float]], ...] = tuple(
    (frozenset(words.split()), votes)
    for words, votes in (
        ("california texas florida illinois pennsylvania ohio michigan massachusetts oregon minnesota", {"US": 1.5}),
        ("HST QST TVQ TPS toronto ontario montreal québec quebec vancouver calgary ottawa", {"CA": 2.0}),
        ("VAT", {"GB": 0.5, "IE": 0.5, "ZA": 0.5, "AE": 0.5}),
        ("ABN sydney brisbane adelaide", {"AU": 3.0}),
        ("NZBN auckland christchurch", {"NZ": 2.5}),
        ("GSTIN CGST SGST IGST", {"IN": 3.0}),
        ("mumbai delhi bengaluru bangalore chennai hyderabad kolkata pune lakh crore", {"IN": 2.0}),
        ("sdn bhd berhad jalan selangor johor penang melaka perak taman", {"MY": 3.0}),
        ("PTE singapore", {"SG": 3.0}),
        ("kowloon", {"HK": 3.0}),
        ("taipei taiwan", {"TW": 2.5}),
        ("RFC CDMX méxico", {"MX": 2.5}),
        ("NIT bogotá medellín", {"CO": 2.0}),
        ("CUIT AFIP", {"AR": 3.0}),
        ("RUT", {"CL": 2.0}),
        ("CNPJ CPF", {"BR": 3.0}),
        ("TRN dubai sharjah", {"AE": 2.5}),
        ("johannesburg durban pretoria", {"ZA": 2.5}),
        ("manila quezon makati cebu", {"PH": 2.5}),
        ("mwst ust steuernummer rechnung umsatzsteuer rechnungsdatum rechnungsnummer quittung", {"DE": 2.0}),
        ("tva facture siret siren TTC", {"FR": 2.0}),
        ("fattura iva scontrino imponibile", {"IT": 2.0}),
        ("factura fecha importe NIF CIF", {"ES": 1.5}),
        ("btw factuur kvk totaal factuurdatum", {"NL": 2.0}),
        ("fatura contribuinte emissão", {"PT": 1.5}),
        ("faktura paragon sprzedawca NIP suma", {"PL": 1.5}),
        ("moms", {"SE": 1.0, "DK": 1.0}),
        ("fakturadatum förfallodatum kvitto", {"SE": 2.0}),
        ("fakturadato forfaldsdato CVR", {"DK": 2.0}),
        ("mva forfallsdato", {"NO": 2.0}),
        ("kdv fiş tutar", {"TR": 2.0}),
        ("ppn faktur npwp", {"ID": 2.0}),
        ("ičo dič", {"CZ": 1.5, "SK": 1.5}),
        ("adószám számla", {"HU": 2.0}),
        ("ИНН КПП", {"RU": 2.0}),
    )
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_PREFIX = re.compile(r"(?:\+|\b00)(\d{2,3})[ (.-]")
_OF_PREFIX = {
    "44": "GB", "49": "DE", "33": "FR", "39": "IT", "34": "ES", "31": "NL", "351": "PT", "48": "PL", "46": "SE",
    "45": "DK", "47": "NO", "358": "FI", "41": "CH", "43": "AT", "32": "BE", "353": "IE", "61": "AU", "64": "NZ",
    "65": "SG", "852": "HK", "886": "TW", "91": "IN", "60": "MY", "62": "ID", "63": "PH", "66": "TH", "84": "VN",
    "86": "CN", "81": "JP", "82": "KR", "52": "MX", "57": "CO", "54": "AR", "56": "CL", "55": "BR", "27": "ZA",
    "90": "TR", "971": "AE", "966": "SA", "972": "IL", "20": "EG", "92": "PK", "880": "BD", "94": "LK", "420": "CZ",
    "421": "SK", "36": "HU", "40": "RO", "385": "HR", "386": "SI", "30": "GR", "380": "UA", "359": "BG", "370": "LT",
}  # fmt: skip
_DOMAIN = re.compile(
    r"(?:www\.|@)[\w.-]{1,60}\.(?:com?\.)?(uk|de|fr|it|es|nl|pt|pl|se|dk|no|fi|ch|at|be|ie|au|nz|sg|hk|tw|in|my|id|ph|th|vn|cn|"
    r"jp|kr|mx|co|ar|cl|br|za|tr|ae|il|ca|us)\b",
    re.IGNORECASE,
)


def votes(lines: Iterable[str]) -> dict[str, float]:
    """Count what speaks for each country in the lines of a document."""
    text = "\n".join(lines)
    found: dict[str, float] = {}
    words = set(_WORD.findall(text))
    words |= {word.lower() for word in words}
    told = [countries for pattern, countries in _FORMS if pattern.search(text)]
    told += [countries for known, countries in _WORDS if not known.isdisjoint(words)]
    for countries in told:
        for country, weight in countries.items():
            found[country] = found.get(country, 0.0) + weight
    for country in {_OF_PREFIX[prefix] for prefix in _PREFIX.findall(text) if prefix in _OF_PREFIX}:
        found[country] = found.get(country, 0.0) + 2.0
    for country in {domain.upper().replace("UK", "GB") for domain in _DOMAIN.findall(text)}:
        found[country] = found.get(country, 0.0) + 1.5
    for country in _named(text):
        found[country] = found.get(country, 0.0) + 1.5
    return found


def best(found: Mapping[str, float]) -> str | None:
    """The country with the most votes, if these are enough and no other has as many."""
    first, second, *_ = [*sorted(found.items(), key=lambda pair: -pair[1]), ("", 0.0), ("", 0.0)]
    return first[0] if first[1] >= _ENOUGH and first[1] > second[1] else None


def orders(found: Mapping[str, float], unknown: Mapping[str, float]) -> dict[str, float]:
    """Probabilities of the orders of day, month and year, by the votes; ``unknown`` are those without any."""
    weights = {country: _WEIGHT**count - 1.0 for country, count in found.items() if country}
    whole = 1.0 + sum(weights.values())
    result = {order: share / whole for order, share in unknown.items()}
    for country, weight in weights.items():
        for order, share in _orders_of(country).items():
            result[order] += weight * share / whole
    return result


def _orders_of(country: str) -> Mapping[str, float]:
    if country == "CA":
        return _CANADA
    return _MONTH_FIRST.get(country) or (_OF_YEAR_FIRST if country in _YEAR_FIRST else _ORDER)


def _named(text: str) -> set[str]:
    """Countries whose names stand alone at the end of a line or behind a comma, as in addresses."""
    names = cldr.countries()
    parts = (part.strip(" .;:|") for line in text.split("\n") for part in line.split(","))
    found = set()
    for part in parts:
        for last in (part, part.rsplit(" ", 1)[-1]) if len(part) < 60 else ():
            if 3 < len(last) < 30 and last[0].isupper() and (country := names.get(cldr.plain(last))):
                found.add(country)
    return found
