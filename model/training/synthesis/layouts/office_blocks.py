"""All blocks of invoices and orders by name; here those of paying, notes and the foot of the page."""

from collections.abc import Mapping

from layoutserve.model.training.synthesis.layouts.office import Area, Block, Fact, Office, piece
from layoutserve.model.training.synthesis.layouts.office_meta import BLOCKS as META
from layoutserve.model.training.synthesis.layouts.office_parties import BLOCKS as PARTIES
from layoutserve.model.training.synthesis.layouts.office_sums import BLOCKS as SUMS
from layoutserve.model.training.synthesis.layouts.office_table import BLOCKS as TABLE
from layoutserve.model.training.synthesis.sheet import Content, Piece

_INTRO = {
    "en": "We thank you for your order and charge as follows:|For our services we invoice as agreed:|Dear customer,",
    "de": "Für unsere Leistungen erlauben wir uns zu berechnen:|Sehr geehrte Damen und Herren, wir berechnen Ihnen:|"
    "Vielen Dank für Ihren Auftrag. Wir stellen in Rechnung:",
    "fr": "Nous vous prions de trouver ci-dessous le détail de nos prestations :|Madame, Monsieur,",
    "es": "Le detallamos a continuación los servicios prestados:|Estimado cliente:",
    "it": "Vi addebitiamo quanto segue:|Gentile cliente,",
    "nl": "Voor onze werkzaamheden brengen wij u in rekening:|Geachte klant,",
    "pt": "Segue o detalhe dos serviços prestados:|Estimado cliente,",
}


def bank(office: Office, area: Area, style: str) -> float:
    """Where to pay: pairs below a head, or one ``line``."""
    values = office.values
    if style != "always" and values.chance(0.2):
        return area.y
    name = f"{values.fake.last_name()} Bank"
    code_key, code = values.bank_code()
    account = (
        ("IBAN", office.iban, "iban")
        if office.iban
        else (values.say("bank", "account"), values.digits(values.pick(values.region.account)), "account")
    )
    pairs: list[Fact] = [(values.say("bank", "bank"), name, "bank"), account, (code_key, code, "bic")]
    if values.chance(0.3):
        pairs.insert(0, (values.say("bank", "holder"), office.company, "holder"))
    if style == "line":
        text: list[Piece | str] = []
        for key, value, field in pairs:
            text += [piece(key, field, ":"), Piece(value, office.once(field)), values.pick("|·|")]
        return office.lines(area, [text], scale=0.8)
    y = office.lines(area, [values.say("bank", "head")], bold=True)
    face = office.face()
    tight = max(face.getlength(f"{k}: {v}") for k, v, _ in pairs) + office.desk.size * 2 > area.width
    office.said.update(field for _, _, field in pairs)
    return office.desk.pairs(
        area.x0, y, pairs, style="above" if tight else values.pick("tab|run"), width=area.width, colon=":"
    )


def notes(office: Office, area: Area, style: str) -> float:
    """A sentence or three: terms, thanks; ``order`` for buyers."""
    values = office.values
    known = values.all_of("notes", style or "closing")
    lines = values.rng.sample(known, min(len(known), values.rng.randint(1, 3)))
    if (
        values.chance(0.35)
        and "payment_terms" in (fact[2] for fact in office.facts.values())
        and "payment_terms" not in office.said
    ):
        key, value, name = office.facts["terms"]
        office.lines(area, [[piece(key, name, ":"), Piece(value, office.once(name))]])
        area = Area(area.x0, area.x1, area.y + office.desk.leading * 1.6, area.anchor)
    days = str((office.due - office.day).days)
    return office.lines(area, [line.format(n=days, company=office.company) for line in lines], scale=0.9)


def footer(office: Office, area: Area, style: str) -> float:
    """Columns at the bottom of the sheet: who, how to reach them, bank, tax number; names are said again."""
    values, desk = office.values, office.desk
    y = office.paper.height - desk.leading * 0.75 * 5.5
    if area.y > y - desk.leading:
        return area.y
    office.paper.rule(desk.left, y - desk.leading, desk.right, y - desk.leading, ink=120)
    part = desk.room / 3
    who: list[Content] = [Piece(office.company, office.once("company"))]
    who += [Piece(line, "" if "address" in office.said else "address") for line in office.address]
    office.said.add("address")
    key, number = office.tax_id
    name = office.once("tax_id")
    reach: list[Content] = [
        [piece(values.say("contact", "phone"), "phone~2", ":"), Piece(office.phone, "phone~2")],
        office.email,
    ]
    reach.append([piece(key, name, ":"), Piece(number, name)])
    pay: list[Content] = []
    if office.iban:
        iban = office.once("iban")
        pay = [f"{values.fake.last_name()} Bank", [piece("IBAN", iban, ":"), Piece(office.iban, iban)]]
        code_key, code = values.bank_code()
        pay.append([code_key + ":", code])
    for k, lines in enumerate((who, reach, pay)):
        x = desk.left + part * k
        office.lines(Area(x, x + part - 12, y), lines, scale=0.7, ink=50)
    return area.y


def intro(office: Office, area: Area, style: str) -> float:
    """A sentence before the table."""
    values = office.values
    if values.region.language not in _INTRO or values.chance(0.3):
        return area.y
    return office.lines(area, [values.one(_INTRO[values.region.language].split("|"))])


def rule(office: Office, area: Area, style: str) -> float:
    """A line across."""
    y = area.y - office.desk.leading * 0.6
    office.paper.rule(area.x0, y, area.x1, y, thickness=office.values.rng.choice((1, 1, 2, 4)), ink=office.dark)
    return area.y


def gap(office: Office, area: Area, style: str) -> float:
    """Empty paper, three lines or what the address window of an envelope needs."""
    return max(area.y, 175.0) if style == "window" else area.y + office.desk.leading * 3


def strip(office: Office, area: Area, style: str) -> float:
    """A coloured band along the top edge of the sheet."""
    high = office.values.rng.uniform(8, 40)
    office.paper.frame(0, 0, office.paper.width, high, thickness=0, fill=office.dark)
    return max(area.y, high + office.desk.leading * 1.6)


BLOCKS: Mapping[str, Block] = {
    "bank": bank,
    "notes": notes,
    "footer": footer,
    "intro": intro,
    "rule": rule,
    "gap": gap,
    "strip": strip,
    **META,
    **PARTIES,
    **TABLE,
    **SUMS,
}
