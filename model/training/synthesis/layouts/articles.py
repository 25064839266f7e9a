"""Pages of scientific articles."""

from collections.abc import Callable

from layoutserve.model.training.synthesis.content.prose import ARTICLE, RESUME, expand
from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.fonts import SERIF
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.sheet import Content, Piece, Sheet

_COUNTRIES = ("us", "gb", "de", "fr", "it", "nl", "es", "au", "in", "sg")
_JOURNALS = (
    "Journal of Applied Methods",
    "Annals of Computation",
    "Physics Notes",
    "International Review of Data",
    "Proceedings of the Workshop on Learning",
    "Letters in Material Science",
    "Transactions on Signals",
    "Acta Systematica",
    "Astronomy Reports",
    "arXiv preprint",
)


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return _COUNTRIES


def _article(values: Values, columns: int, *, numerals: str, boxed: bool = False) -> Sheet:
    """A page of an article: the first, with title and abstract, or a later one."""
    desk = Desk.load(
        values, sizes=(11.5, 13.5) if columns == 2 else (13, 16.5), families=(*SERIF, *SERIF, "source-sans")
    )
    desk.leading = desk.size * values.rng.uniform(1.14, 1.3)
    rng = values.rng
    journal = values.one(_JOURNALS)
    if values.chance(0.6):
        desk.sheet.write(
            desk.left,
            38,
            [Piece(journal, "journal"), values.digits("## (20##) ###-###")]
            if values.chance(0.6)
            else expand(rng, "title", ARTICLE),
            desk.font(0.85, italic=True),
        )
        desk.sheet.write(desk.right, 38, str(rng.randint(1, 900)), desk.font(0.85), anchor="r")
        desk.y = max(desk.y, 75)
    if values.chance(0.5):
        _title(desk, boxed=boxed)
    left, right, top = desk.left, desk.right, desk.y
    gap = 24
    wide = (right - left - gap * (columns - 1)) / columns
    number = rng.randint(1, 4)
    for column in range(columns):
        desk.left, desk.y = left + column * (wide + gap), top
        desk.right = desk.left + wide
        while desk.y < desk.sheet.height - 75:
            draw = rng.random()
            if draw < 0.2:
                desk.y += desk.leading * 0.5
                mark = {
                    "arabic": f"{number}",
                    "roman": ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")[
                        min(number, 12) - 1
                    ]
                    + ".",
                    "point": f"{number}.{rng.randint(1, 4)}",
                }[numerals]
                desk.line(
                    f"{mark} {expand(rng, 'section', ARTICLE)}", bold=True, scale=1.1 if numerals != "roman" else 1.0
                )
                number += 1
                desk.y += desk.leading * 0.3
            elif draw < 0.3:
                _formula(desk)
            elif draw < 0.38 and desk.y < desk.sheet.height - 330:
                _figure(desk, number)
            elif draw < 0.44 and desk.y < desk.sheet.height - 260:
                _small_table(desk, number)
            else:
                text = " ".join(expand(rng, "sentence", ARTICLE) for _ in range(rng.randint(3, 7)))
                room = int((desk.sheet.height - 60 - desk.y) / desk.leading)
                words = text.split()
                # What does not fit runs on to the next page.
                desk.line(" ".join(words[: max(6, int(room * wide / desk.size / 3.1))]))
    desk.left, desk.right = left, right
    if values.chance(0.5):
        desk.sheet.write(
            (left + right) / 2, desk.sheet.height - 25, str(rng.randint(1, 30)), desk.font(0.9), anchor="m"
        )
    return desk.sheet


def _title(desk: Desk, *, boxed: bool) -> None:
    values, rng = desk.values, desk.values.rng
    anchor = "l" if boxed else values.pick("m|m|l")
    desk.line(
        Piece(expand(rng, "title", ARTICLE), "title"),
        anchor=anchor,
        scale=rng.uniform(1.5, 2.0),
        bold=values.chance(0.6),
    )
    desk.y += desk.leading * 0.6
    authors = ", ".join(str(values.fake.name()) for _ in range(rng.randint(1, 4)))
    desk.line(Piece(authors, "authors"), anchor=anchor)
    institute = values.pick("Department of|Institute of|School of")
    desk.line(
        [f"{institute} {expand(rng, 'field', RESUME)},", Piece(expand(rng, "university", RESUME), "university")],
        anchor=anchor,
        italic=True,
        scale=0.9,
    )
    if values.chance(0.4):
        desk.line(
            [
                "(" + values.pick("Received|Dated:|Submitted"),
                Piece(values.day().strftime("%d %B %Y"), "date"),
                ")",
            ],
            anchor=anchor,
            scale=0.85,
        )
    desk.y += desk.leading
    indent = 0 if boxed else desk.room * rng.uniform(0, 0.1)
    desk.left, desk.right = desk.left + indent, desk.right - indent
    desk.line("Abstract", anchor="l" if boxed else values.pick("m|l"), bold=True)
    desk.line(" ".join(expand(rng, "sentence", ARTICLE) for _ in range(rng.randint(4, 7))), scale=0.93)
    if values.chance(0.5):
        words = ", ".join(expand(rng, "subject", ARTICLE) for _ in range(3))
        desk.line([Piece("Keywords:", key="keywords"), Piece(words, "keywords")], scale=0.93)
    desk.left, desk.right = desk.left - indent, desk.right + indent
    desk.y += desk.leading


def _formula(desk: Desk) -> None:
    rng = desk.values.rng
    a, b, c = (rng.choice(("x", "k", "n", "E", "T", "p", "q", "f(x)", "g(t)", "S")) for _ in range(3))
    text = rng.choice(
        (
            f"{a} = {b} + {c}^2",
            f"{a} = ({b} - {c}) / {rng.randint(2, 9)}",
            f"{a} = exp(-{b}/{c})",
            f"{a}({b}) = {c} log {b}",
            f"{a} <= {b} + {rng.randint(1, 9)}{c}",
        )
    )
    desk.y += desk.leading * 0.4
    desk.sheet.write((desk.left + desk.right) / 2, desk.y, text, desk.font(italic=True), anchor="m")
    desk.sheet.write(desk.right, desk.y, f"({rng.randint(1, 40)})", desk.font(), anchor="r")
    desk.y += desk.leading * 1.4


def _figure(desk: Desk, number: int) -> None:
    rng = desk.values.rng
    high = rng.uniform(120, 210)
    x0, y0, x1, y1 = desk.left + 25, desk.y, desk.right - 15, desk.y + high
    desk.sheet.frame(x0, y0, x1, y1)
    for _ in range(rng.randint(1, 3)):
        level, points = rng.random(), []
        for k in range(24):
            level = min(0.97, max(0.03, level + rng.uniform(-0.12, 0.12)))
            points.append((x0 + (x1 - x0) * k / 23, y1 - high * level))
        desk.sheet.draw.line(points, fill=rng.randint(0, 150), width=2)
    face = desk.font(0.7)
    for k in range(4):
        desk.sheet.write(
            x0 + (x1 - x0) * k / 3, y1 + face.size * 1.2, str(k * rng.choice((1, 2, 5, 10))), face, anchor="m"
        )
    desk.y = y1 + desk.leading * 2.2
    desk.line(f"{rng.choice(('Figure', 'Fig.', 'FIG.'))} {number}: {expand(rng, 'sentence', ARTICLE)}", scale=0.88)
    desk.y += desk.leading * 0.6


def _small_table(desk: Desk, number: int) -> None:
    values, rng = desk.values, desk.values.rng
    desk.line(f"{values.pick('Table|TABLE')} {number}. {expand(rng, 'sentence', ARTICLE)}", scale=0.88)
    count = rng.randint(2, 4)
    heads: list[Content] = [
        values.pick("Method|Sample|Model|Type"),
        *(expand(rng, "variable", ARTICLE).split()[0] for _ in range(count)),
    ]
    rows: list[list[Content]] = [
        [values.digits(values.pick("?#|??-#|Run #")), *(f"{rng.uniform(0, 99):.2f}" for _ in range(count))]
        for _ in range(rng.randint(2, 6))
    ]
    desk.table(
        heads, rows, [1.2] + [1.0] * count, "l" + "r" * count, style=values.pick("plain|lines"), scale=0.85, pad=0.15
    )


LAYOUTS: dict[str, Callable[[Values], Sheet]] = {
    "scientific_article.two_columns": lambda values: _article(values, 2, numerals="roman"),
    "scientific_article.one_column": lambda values: _article(values, 1, numerals="arabic"),
}
HELDOUT: dict[str, Callable[[Values], Sheet]] = {
    "scientific_article.points": lambda values: _article(
        values, values.rng.choice((1, 2)), numerals="point", boxed=True
    ),
}
