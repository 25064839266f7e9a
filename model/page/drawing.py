"""Words and boxes drawn over a page, for people who look and for tests that fail."""

import base64
import colorsys
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image, ImageDraw, ImageFont

from layoutserve.model.page import Box, Page, Polygon
from layoutserve.model.page.elements import Source
from layoutserve.model.page.geometry import middle, reading_direction

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something to draw: its corners in page pixels, in reading direction, and what is written beside it."""

    polygon: Polygon
    text: str
    colour: Colour


def colour_of(number: int) -> Colour:
    """A colour that differs clearly from those of the numbers near it."""
    # Steps of the golden ratio around the colour circle never come close to a recent one.
    red, green, blue = colorsys.hsv_to_rgb(number * 0.61803398875 % 1.0, 0.9, 0.75)
    return round(red * 255), round(green * 255), round(blue * 255)


# A word's source is told by its colour: blue, vermilion and green of Okabe and Ito, who chose them for all eyes.
SOURCE_COLOURS: dict[Source, Colour] = {"text_layer": (0, 114, 178), "ocr": (213, 94, 0), "given": (0, 158, 115)}
_MARK_COLOUR: Colour = (204, 121, 167)


def word_marks(page: Page) -> list[Mark]:
    """A mark for each word of a page, in reading order, coloured by its source, then for each selection mark."""
    words = [Mark(word.polygon, word.text, SOURCE_COLOURS[word.source]) for word in page.words or ()]
    states = [Mark(mark.box.corners, "x" if mark.selected else "o", _MARK_COLOUR) for mark in page.selection_marks]
    return words + states


def box_mark(box: Box, text: str, number: int = 0) -> Mark:
    """A mark for an upright box, such as an entity's or an answer's."""
    return Mark(box.corners, text, colour_of(number))


def draw_png(page: Page, marks: Sequence[Mark] | None = None, *, order: bool = True) -> bytes:
    """PNG of the page with its marks on the left, and their texts, in place, on the right.

    marks: the page's words if None. order: whether a thin line follows the marks from first to last.
    """
    marks = word_marks(page) if marks is None else marks
    width, height = page.width, page.height
    sheet = Image.new("RGB", (2 * width, height), "white")
    sheet.paste(Image.fromarray(page.image), (0, 0))
    draw = ImageDraw.Draw(sheet)
    stroke = max(1, round(max(width, height) / 800))
    followed = [mark for mark in marks if mark.colour != _MARK_COLOUR]
    if order and len(followed) > 1:
        draw.line([middle(mark.polygon) for mark in followed], fill=(150, 150, 150), width=stroke)
    for mark in marks:
        draw.polygon(mark.polygon, outline=mark.colour, width=stroke)
        _write(sheet, mark, width)
    file = io.BytesIO()
    sheet.save(file, format="PNG")
    return file.getvalue()


def draw_svg(page: Page, marks: Sequence[Mark] | None = None) -> str:
    """SVG of the page with its marks; a mark shows its text when it is pointed at.

    marks: the page's words if None. The page's pixels are inside, so that the file stands alone.
    """
    marks = word_marks(page) if marks is None else marks
    file = io.BytesIO()
    Image.fromarray(page.image).save(file, format="PNG")
    pixels = base64.b64encode(file.getvalue()).decode("ascii")
    size = f'width="{page.width}" height="{page.height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {page.width} {page.height}">',
        f'<image {size} href="data:image/png;base64,{pixels}"/>',
    ]
    for mark in marks:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in mark.polygon)
        colour = "#{:02x}{:02x}{:02x}".format(*mark.colour)
        lines.append(
            f'<polygon points="{points}" fill="{colour}" fill-opacity="0.15" stroke="{colour}">'
            f"<title>{escape(_printable(mark.text))}</title></polygon>"
        )
    return "\n".join([*lines, "</svg>", ""])


def _write(sheet: Image.Image, mark: Mark, offset: int) -> None:
    """Write a mark's text as large as it fits into its box, ``offset`` pixels to the right of it."""
    text = _drawable(mark.text)
    box = Box.around(mark.polygon)
    direction = reading_direction(mark.polygon)
    along, across = (box.width, box.height) if direction % 180 == 0 else (box.height, box.width)
    size = max(4.0, across)
    font = ImageFont.load_default(size)
    needed = max(font.getlength(text), 1.0)
    if needed > along:
        font = ImageFont.load_default(max(4.0, size * along / needed))
    left, top, right, bottom = font.getbbox(text)
    tile = Image.new("RGB", (max(1, round(right - left)), max(1, round(bottom - top))), "white")
    ImageDraw.Draw(tile).text((-left, -top), text, fill=mark.colour, font=font)
    # Pillow turns counter-clockwise.
    tile = tile.rotate(-direction, expand=True)
    sheet.paste(tile, (offset + round(box.x0), round(box.y0)))


def _drawable(text: str) -> str:
    """Text in letters that Pillow's own font has: accents go, other scripts show as boxes."""
    plain = unicodedata.normalize("NFKD", _printable(text))
    return "".join(character for character in plain if not unicodedata.combining(character))


def _printable(text: str) -> str:
    """Text without the control characters that neither a font nor XML can show."""
    return "".join(character if character.isprintable() else " " for character in text)
