"""Reports: a table or two of figures, and a few lines about them."""

from collections.abc import Callable

from layoutserve.model.training.synthesis.content.prose import expand
from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.sheet import Content, Piece, Sheet

_COUNTRIES = ("us", "gb", "de", "fr", "it", "nl", "es", "au", "in", "sg")


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return _COUNTRIES


def _report(values: Values, *, style: tuple[str, ...], side: bool = False) -> Sheet:
    """A table with figures for every row and column, under a title and between a few lines of text."""
    desk = Desk.load(values, sizes=(13, 17))
    rng = values.rng
    rows_of, columns_of = rng.choice(_TABLES)
    sort = values.pick("Annual|Monthly|Quarterly|Regional|Consolidated|Preliminary")
    title = f"{sort} {values.pick('Report|Statement|Summary|Statistics|Overview')}"
    desk.line(Piece(values.company(), "company"), anchor=values.pick("l|m"), bold=True, scale=1.2)
    desk.line(
        Piece(title, "title"), anchor=values.pick("l|m"), bold=True, scale=values.rng.uniform(1.2, 1.7), heading=True
    )
    desk.line(
        [
            values.pick("Period:|for the period|As of|Year ended"),
            Piece(values.day().strftime(values.pick("%B %Y|%d %B %Y|Q2 %Y|%Y")), "period"),
        ],
        anchor=values.pick("l|m"),
    )
    desk.y += desk.leading
    if values.chance(0.7):
        desk.line(" ".join(expand(rng, "comment", _COMMENTS) for _ in range(rng.randint(2, 4))))
        desk.y += desk.leading * 0.6
    for part in range(rng.randint(1, 2)):
        names = rng.sample(rows_of, rng.randint(4, min(11, len(rows_of))))
        heads = rng.sample(columns_of, rng.randint(2, min(5, len(columns_of))))
        places = rng.choice((0, 0, 1, 2))
        table: list[list[Content]] = []
        for r, name in enumerate(names):
            row: list[Content] = [name]
            for c, head in enumerate(heads):
                field = f"cell_{part}_{r}_{c}" if part == 0 else ""
                row.append(Piece(f"{rng.uniform(1, 10 ** rng.randint(2, 5)):,.{places}f}", field))
                if field:
                    desk.sheet.asked[field] = [
                        f"What is the {head} of {name}?",
                        f"What is the {head} for {name}?",
                        f"How much is the {head} of {name}?",
                        f"{name}: {head}?",
                        f"Which value does {name} have in the column {head}?",
                    ]
            table.append(row)
        left = desk.left + desk.room * 0.25 if side else desk.left
        if desk.y > desk.sheet.height - 250:
            break
        desk.table(
            [values.pick("|Item|Category|Name"), *heads],
            table,
            [1.7] + [1.0] * len(heads),
            "l" + "r" * len(heads),
            style=values.one(style),
            pad=rng.uniform(0.2, 0.8),
            left=left,
        )
        if values.chance(0.6) and not desk.full:
            desk.line(expand(rng, "comment", _COMMENTS), scale=0.95)
            desk.y += desk.leading * 0.8
    return desk.sheet


_TABLES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("North", "South", "East", "West", "Central", "Overseas", "Online", "Coast", "Valley", "Capital", "Islands"),
        ("Revenue", "Costs", "Profit", "Orders", "Customers", "Returns"),
    ),
    (
        (
            "Rent",
            "Salaries",
            "Travel",
            "Office supplies",
            "Insurance",
            "Marketing",
            "Energy",
            "Repairs",
            "Training",
            "Legal fees",
            "Telephone",
            "Postage",
        ),
        ("Budget", "Actual", "Variance", "Last year"),
    ),
    (
        (
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ),
        ("Sales", "Visits", "Output", "Sick days", "Complaints"),
    ),
    (
        ("Wheat", "Barley", "Maize", "Oats", "Rye", "Potatoes", "Sugar beet", "Rapeseed", "Peas", "Hops"),
        ("Area", "Yield", "Harvest", "Price", "Exports"),
    ),
    (
        (
            "Cash",
            "Receivables",
            "Inventory",
            "Buildings",
            "Machinery",
            "Goodwill",
            "Loans",
            "Payables",
            "Provisions",
            "Share capital",
            "Reserves",
        ),
        ("2019", "2020", "2021", "2022", "2023"),
    ),
    (
        ("Hammer", "Drill", "Saw", "Ladder", "Pump", "Valve", "Cable", "Switch", "Lamp", "Filter", "Gasket", "Bearing"),
        ("Stock", "Minimum", "Price", "Weight", "Sold"),
    ),
)
_COMMENTS = {
    "comment": "The figures below are {state} and have {audit} been audited.|"
    "Compared with the previous period the result has {moved}.|"
    "Amounts are given in thousands unless stated otherwise.|The table shows the development by {part}.|"
    "Higher {cause} were the main reason why the result has {moved}.|"
    "For details see the notes in the annex.|Rounding may lead to small differences in the sums.",
    "state": "preliminary|final|estimates",
    "audit": "not|not yet|already",
    "moved": "improved|worsened slightly|remained stable|doubled|fallen short of the plan",
    "part": "region|product|department|month",
    "cause": "energy prices|sales abroad|staff costs|material costs|interest payments",
}


LAYOUTS: dict[str, Callable[[Values], Sheet]] = {
    "report.ruled": lambda values: _report(values, style=("lines", "grid", "zebra")),
    "report.dark": lambda values: _report(values, style=("dark", "zebra")),
}
HELDOUT: dict[str, Callable[[Values], Sheet]] = {
    "report.plain": lambda values: _report(values, style=("plain",), side=True)
}
