"""Blocks of who sells and who buys."""

from collections.abc import Mapping

from layoutserve.model.training.synthesis.layouts.office import Area, Block, Office, piece
from layoutserve.model.training.synthesis.sheet import Content, Piece


def _contact(office: Office) -> list[Content]:
    values = office.values
    lines: list[Content] = []
    if values.chance(0.75):
        lines.append([piece(values.say("contact", "phone"), "phone", values.pick("|:")), Piece(office.phone, "phone")])
    if values.chance(0.2):
        lines.append([values.say("contact", "fax"), values.phone()])
    if values.chance(0.6):
        label = values.say("contact", "email") if values.chance(0.5) else ""
        lines.append([label, Piece(office.email, "email")])
    if values.chance(0.3):
        lines.append(Piece("www." + values.domain(office.company), "website"))
    return lines


def _tax_id(office: Office) -> Content:
    key, number = office.tax_id
    name = office.once("tax_id")
    return [piece(key, name, office.values.pick(":|:|")), Piece(number, name)]


def seller(office: Office, area: Area, style: str) -> float:
    """The issuer: ``stack`` (name, address, contact), ``name``, ``address``, ``line`` (one small line), ``boxed``."""
    values = office.values
    name = Piece(office.company, office.once("company"))
    if style == "line":
        first = "address" not in office.said
        office.said.add("address")
        text: list[Piece | str] = [name]
        for part in office.address:
            text += [values.pick("·|-|,|•"), Piece(part, "address" if first else "")]
        end = office.lines(area, [text], scale=0.62)
        office.paper.rule(area.x0, end - office.desk.leading * 0.72, area.x1, end - office.desk.leading * 0.72)
        return end
    if style == "label":
        area = Area(
            area.x0,
            area.x1,
            office.lines(area, [piece(values.say("party", "seller"), "company")], bold=True),
            area.anchor,
        )
    y = area.y
    if style != "address":
        scale = 1.0 if style == "label" else values.rng.uniform(1.1, 1.9)
        y += office.desk.leading * (scale - 1) * 0.6
        y = office.lines(Area(area.x0, area.x1, y, area.anchor), [name], scale=scale, bold=True, heading=True)
        y -= office.desk.leading * (scale - 1) * 0.5
    if style == "name":
        return y
    lines: list[Content] = []
    if "address" not in office.said:
        office.said.add("address")
        lines += [Piece(line, "address") for line in office.address]
    else:
        lines += list(office.address)
    lines += _contact(office)
    if "tax_id" not in office.said and values.chance(0.45):
        lines.append(_tax_id(office))
    return office.lines(Area(area.x0, area.x1, y, area.anchor), lines)


def logo(office: Office, area: Area, style: str) -> float:
    """A mark or a picture; ``word`` writes the brand beside it."""
    rng = office.values.rng
    side = rng.uniform(38, 85)
    top = area.y - office.desk.leading
    x = area.x1 - side if area.anchor == "r" else area.x0
    if rng.random() < 0.5:
        office.desk.logo(x, top, side)
    else:
        wide = min(area.width, side * rng.uniform(1, 2.4))
        office.paper.picture(rng, area.x1 - wide if area.anchor == "r" else area.x0, top, wide, side)
        x += wide - side
    if style == "word":
        # A brand beside the mark, as a picture would have it: the registered name stands elsewhere.
        word = office.company.split()[0]
        face = office.desk.font(side * 0.42 / office.desk.size, bold=True)
        if x + side + 10 + face.getlength(word) > area.x1:
            face = office.face(0.8, bold=True)
        office.paper.write(x + side + 10, top + side * 0.68, word, face)
    return top + side + office.desk.leading * 1.4


def buyer(office: Office, area: Area, style: str) -> float:
    """Who buys: ``label`` above, ``window`` (an address without one), ``boxed``, ``beside``, ``keys``."""
    values, desk = office.values, office.desk
    order = "number" not in office.facts
    label = values.say("party", "vendor" if order else "buyer")
    name = "vendor" if order else "customer_name"
    lines = [Piece(line, "vendor_address" if order else "customer_address") for line in office.buyer_address]
    who: list[Content] = [Piece(office.buyer, name)]
    if values.chance(0.2):
        who.append([values.say("party", "attention"), values.person()])
    who += lines
    if values.chance(0.15):
        who.append(values.phone())
    if style == "window":
        return office.lines(area, who)
    if style == "beside":
        end = office.paper.write(area.x0, area.y, piece(label, name, ":"), office.face(bold=True)) + desk.size
        return office.lines(Area(end, max(area.x1, end + 150), area.y), who)
    if style == "boxed":
        high = desk.leading * (len(who) + 1.2)
        office.paper.frame(area.x0, area.y - desk.leading, area.x1, area.y - desk.leading + high)
        inner = Area(area.x0 + 8, area.x1 - 8, area.y, area.anchor)
        y = office.lines(inner, [piece(label, name)], bold=True)
        return max(office.lines(Area(inner.x0, inner.x1, y), who, scale=0.95), area.y + high) + desk.leading * 0.2
    y = office.lines(area, [piece(label, name)], bold=values.chance(0.7), scale=values.rng.choice((1.0, 0.9)))
    if style == "ruled":
        office.paper.rule(area.x0, y - desk.leading * 0.75, area.x1, y - desk.leading * 0.75)
    return office.lines(Area(area.x0, area.x1, y + (3 if style == "ruled" else 0), area.anchor), who)


def ship(office: Office, area: Area, style: str) -> float:
    """Where it is sent, on some pages."""
    values = office.values
    if values.chance(0.35):
        return area.y
    y = office.lines(area, [values.say("party", "ship")], bold=True)
    lines: list[Content] = [values.person(), *(office.buyer_address if values.chance(0.5) else values.address())]
    return office.lines(Area(area.x0, area.x1, y, area.anchor), lines)


BLOCKS: Mapping[str, Block] = {"seller": seller, "logo": logo, "buyer": buyer, "ship": ship}
