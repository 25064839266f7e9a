"""Blocks of what a page is called, and of its numbers and dates."""

from collections.abc import Mapping

from layoutserve.model.training.synthesis.layouts.office import Area, Block, Fact, Office, piece
from layoutserve.model.training.synthesis.sheet import Piece

_MORE = ("due", "po", "customer", "terms", "delivery", "contact", "reference", "via")


def title(office: Office, area: Area, style: str) -> float:
    """What the page is: ``big``, ``band`` (across a dark band), ``number`` (with its number)."""
    values, desk = office.values, office.desk
    scale = values.rng.uniform(1.5, 2.8)
    if style == "band":
        top = area.y - desk.leading
        high = desk.size * scale * 1.7
        dark = values.chance(0.7)
        office.paper.frame(area.x0, top, area.x1, top + high, thickness=0, fill=office.dark if dark else 215)
        face = desk.font(scale, bold=True, family=desk.heading)
        x = {"l": area.x0 + 12, "r": area.x1 - 12}[area.anchor]
        office.paper.write(x, top + high * 0.68, office.title, face, anchor=area.anchor, ink=255 if dark else 0)
        return top + high + desk.leading * 1.3
    content: list[Piece | str] = [office.title]
    if style == "number":
        fact = office.facts.get("number") or office.facts["po"]
        scale = values.rng.uniform(1.1, 1.7)
        content = [piece(values.pick(fact[0] + "|" + office.title), fact[2]), Piece(fact[1], office.once(fact[2]))]
    y = area.y + desk.leading * (scale - 1) * 0.6
    return office.lines(
        Area(area.x0, area.x1, y, area.anchor), [content], scale=scale, bold=values.chance(0.8), heading=True
    )


def _chosen(office: Office, few: bool) -> list[Fact]:
    rng, facts = office.values.rng, office.facts
    first = [
        facts[name] for name in ("number", "po", "date") if name in facts and (name != "po" or "number" not in facts)
    ]
    names = [name for name in _MORE if name in facts and (name != "po" or "number" in facts)]
    weights = {"due": 3.0, "po": 1.2, "terms": 1.2, "customer": 1.2}
    names.sort(key=lambda name: rng.random() ** (1 / weights.get(name, 0.7)), reverse=True)
    chosen = first + [facts[name] for name in names[: rng.randint(1, 2 if few else 4)]]
    if rng.random() < 0.3:
        rng.shuffle(chosen)
    return [fact for fact in chosen if fact[2] not in office.said]


def meta(office: Office, area: Area, style: str) -> float:
    """Numbers and dates: tab, ends, run, boxes, above, below (value over its key), heads (a row of heads), dark."""
    values, desk, paper = office.values, office.desk, office.paper
    row = style in ("heads", "dark", "row")
    facts = _chosen(office, few=row)
    if not facts:
        return area.y
    bold = values.chance(0.4)
    if row:
        return _heads(office, area, facts, style)
    if style == "below":
        y = area.y
        for key, value, name in facts:
            paper.write(area.x0, y, Piece(value, office.once(name)), office.face(bold=True))
            paper.write(area.x0, y + desk.leading * 0.85, piece(key, name), office.face(0.75), ink=90)
            y += desk.leading * 2.1
        return y
    # Keys that would run into their values go above them.
    face = office.face(bold=bold)
    longest = max(face.getlength(f"{key}{office.colon}  {value}") for key, value, _ in facts)
    widest = max(face.getlength(key + office.colon) for key, _, _ in facts) + max(
        face.getlength(value) for _, value, _ in facts
    )
    if style != "above" and max(longest, widest + desk.size, area.width if style == "" else 0) > area.width:
        style = "above"
    half = max(face.getlength(text) for key, value, _ in facts for text in (key + office.colon, value))
    if style == "boxes" and half > area.width / 2 - 12:
        style = "tab"
    for _, _, name in facts:
        office.said.add(name)
    y = desk.pairs(area.x0, area.y, facts, style=style or "tab", width=area.width, colon=office.colon, bold=bold)
    return y + desk.leading * 0.3


def _heads(office: Office, area: Area, facts: list[Fact], style: str) -> float:
    desk, paper = office.desk, office.paper
    face, head = office.face(), office.face(0.9, bold=True)
    while facts:
        part = area.width / len(facts)
        if all(max(face.getlength(v), head.getlength(k)) < part - 10 for k, v, _ in facts):
            break
        facts = facts[:-1]
    if not facts:
        return area.y
    top, high = area.y - desk.leading * 0.9, desk.leading * 1.3
    if style != "row":
        fill = office.dark if style == "dark" else 225
        paper.frame(area.x0, top, area.x1, top + high, fill=fill)
        paper.frame(area.x0, top + high, area.x1, top + 2 * high)
    for k, (key, value, name) in enumerate(facts):
        x = area.x0 + part * k + 6
        field = office.once(name)
        paper.write(x, area.y, piece(key, field), head, ink=255 if style == "dark" and office.dark < 130 else 0)
        paper.write(x, area.y + high, Piece(value, field), face)
        if k and style != "row":
            paper.rule(x - 6, top, x - 6, top + 2 * high)
    return area.y + 2 * high + desk.leading * 0.5


BLOCKS: Mapping[str, Block] = {"title": title, "meta": meta}
