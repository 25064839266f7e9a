"""Results drawn over the picture of a page. Needs Pillow."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from layoutserve_client.documents import Document, read
from layoutserve_client.errors import DocumentUnreadable
from layoutserve_client.results import (
    AnalyzeResponse,
    Answered,
    Box,
    DocvqaResult,
    KieResult,
)

if TYPE_CHECKING:
    from PIL.Image import Image

# Okabe and Ito's colours, which people with every kind of colour vision can tell apart (black and yellow left out).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
WORD_COLOUR = "#8a8a8a"


@dataclass(frozen=True, slots=True)
class _Mark:
    box: Box
    name: str
    page: int


def draw(response: Answered, document: Document, number: int) -> Image:
    """Draw what was found on page ``number``; see ``Answered.draw``."""
    try:
        from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise ImportError("Drawing needs Pillow: pip install 'layoutserve-client[draw]'") from error
    page = next((page for page in response.pages if page.number == number), None)
    if page is None:
        raise ValueError(f"Page {number} was not read; it was {', '.join(str(p.number) for p in response.pages)}.")
    try:
        # Boxes are in pixels after the EXIF orientation, which Pillow does not apply by itself.
        picture = ImageOps.exif_transpose(Image.open(io.BytesIO(read(document).data))).convert("RGB")
    except UnidentifiedImageError:
        raise DocumentUnreadable("This is not a picture. For a PDF, draw its page first and give that.") from None
    across, down = picture.width / page.width, picture.height / page.height
    thick = max(2, round(picture.width / 500))
    font = ImageFont.load_default(size=max(11, picture.width / 70))
    canvas = ImageDraw.Draw(picture)
    marks = [mark for mark in _marks(response) if mark.page == number]
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(dict.fromkeys(m.name for m in marks))}
    for box, name, colour in [(mark.box, mark.name, colours[mark.name]) for mark in marks] or [
        (word.box, "", WORD_COLOUR) for word in page.words
    ]:
        edges = (box.x0 * across, box.y0 * down, box.x1 * across, box.y1 * down)
        canvas.rectangle(edges, outline=colour, width=thick)
        if name:
            _, _, wide, high = canvas.textbbox((0, 0), name, font=font)
            top = edges[1] - high - 4 if edges[1] >= high + 4 else edges[3]
            left = max(0.0, min(edges[0], picture.width - wide - 6))
            canvas.rectangle((left, top, left + wide + 6, top + high + 4), fill=colour)
            canvas.text((left + 3, top + 1), name, fill="white", font=font)
    return picture


def _marks(response: Answered) -> Iterator[_Mark]:
    found: list[object] = [response]
    if isinstance(response, AnalyzeResponse):
        found = [response.kie, response.docvqa]
    for result in found:
        if isinstance(result, KieResult):
            for entity in result.entities:
                yield _Mark(entity.box, entity.label, entity.page)
        if isinstance(result, DocvqaResult):
            for asked in result.answers:
                for box in asked.best.boxes if asked.best else []:
                    yield _Mark(box, asked.question, asked.best.page if asked.best else 0)
