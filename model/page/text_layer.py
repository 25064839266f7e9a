"""The words a PDF page says of itself, and whether they are what is seen on it."""

import ctypes
import math
from dataclasses import dataclass

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as c
from numpy.typing import NDArray

from layoutserve.model.page.elements import Word
from layoutserve.model.page.geometry import Box, Polygon, turned
from layoutserve.model.page.reading_order import reading_order
from layoutserve.model.page.scripts import word_spans

# The text layer is trusted when its boxes cover this share of the page's ink, ...
_COVERED_INK = 0.5
# ... at most this share of its characters means nothing (private use, unmapped, control), ...
_SENSELESS = 0.05
# ... and at most this share is drawn invisibly, as OCR programs lay their reading over a scan.
_INVISIBLE = 0.5
# A gap of this many text heights ends a piece of a line.
_PIECE_GAP = 1.0


@dataclass(frozen=True, slots=True)
class TextLayer:
    """The words of a page in reading order, how it must be turned to read them, and shares of suspect characters."""

    words: tuple[Word, ...]
    turn: int
    senseless: float
    invisible: float


@dataclass(frozen=True, slots=True)
class _Span:
    """A character or a word in the frame of its reading direction.

    ``turn`` is that direction: 0 to the right, 90 downwards, 180, 270 upwards. ``along`` is where its ink begins and
    ends in that direction, ``across`` where the ink lies across it, ``line`` where the font's line lies.
    """

    text: str
    turn: int
    along: tuple[float, float]
    across: tuple[float, float]
    line: tuple[float, float]


def read_text_layer(page: pdfium.PdfPage, width: int, height: int) -> TextLayer:
    """Words of a page's text layer, in pixels of the page rendered as (height, width). The caller holds the lock."""
    textpage = page.get_textpage()
    try:
        characters, invisible = _characters(textpage, _transform(page, width, height), width, height)
    finally:
        textpage.close()
    visible = [character for character in characters if character is not None]
    if not visible:
        return TextLayer((), 0, 0.0, 0.0)
    turns = np.bincount([character.turn // 90 for character in visible], minlength=4)
    senseless = sum(_is_senseless(character.text) for character in visible) / len(visible)
    direction = 90 * int(turns.argmax())
    words = _in_order(_pieces(_words(characters)), direction)
    # Text that runs downwards (turned by 90 degrees) is read upright once the page is turned back by 270.
    return TextLayer(words, (360 - direction) % 360, senseless, invisible / len(visible))


def is_trusted(layer: TextLayer, image: NDArray[np.uint8]) -> bool:
    """Whether the layer's words are the page's words: seen, mapped to characters, and covering the ink."""
    if layer.senseless > _SENSELESS or layer.invisible > _INVISIBLE:
        return False
    ink = _ink(image)
    total = int(ink.sum())
    if total == 0:
        return True
    if not layer.words:
        return False
    covered = np.zeros_like(ink)
    for word in layer.words:
        margin = 0.15 * min(word.box.width, word.box.height) + 2
        x0, y0 = (max(0, int((edge - margin) / 2)) for edge in (word.box.x0, word.box.y0))
        x1, y1 = (math.ceil((edge + margin) / 2) for edge in (word.box.x1, word.box.y1))
        covered[y0:y1, x0:x1] = True
    return int((ink & covered).sum()) >= _COVERED_INK * total


def _ink(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels, at half resolution, that differ clearly from the most frequent grey value."""
    grey = image[::2, ::2, 1].astype(np.int16)
    background = int(np.bincount(grey.ravel(), minlength=256).argmax())
    return np.asarray(np.abs(grey - background) > 64)


def _is_senseless(text: str) -> bool:
    """Whether a character is unmapped, of private use, a control, or has its two bytes in the wrong order."""
    code = ord(text[0])
    return code == 0xFFFD or 0xE000 <= code <= 0xF8FF or code < 0x20 or (code > 0xFF and code & 0xFF == 0)


def _transform(page: pdfium.PdfPage, width: int, height: int) -> NDArray[np.float64]:
    """(3, 2) matrix from page coordinates (x, y, 1) to pixels."""
    # PDFium answers in whole pixels: ask for a page many times as large, and three points fix the map.
    factor = 64
    x, y = ctypes.c_int(), ctypes.c_int()
    points = [(0.0, 0.0), (1000.0, 0.0), (0.0, 1000.0)]
    mapped = []
    for point in points:
        c.FPDF_PageToDevice(page, 0, 0, width * factor, height * factor, 0, *point, x, y)
        mapped.append((x.value / factor, y.value / factor))
    known = np.array([[*point, 1.0] for point in points])
    return np.linalg.solve(known, np.array(mapped))


def _characters(
    textpage: pdfium.PdfTextPage, transform: NDArray[np.float64], width: int, height: int
) -> tuple[list[_Span | None], int]:
    """Characters of the page in content order, None where a line or a word ends, and how many are invisible."""
    characters: list[_Span | None] = []
    invisible = 0
    base = math.atan2(transform[0, 1], transform[0, 0])
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    loose = c.FS_RECTF()
    for index in range(textpage.count_chars()):
        code = c.FPDFText_GetUnicode(textpage, index)
        # PDFium writes U+0002 for the hyphen at a line's end.
        text = "-" if code == 2 else chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
        if text.isspace():
            characters.append(None)
            continue
        if not c.FPDFText_GetCharBox(textpage, index, left, right, bottom, top):
            continue
        ink = _to_pixels(transform, left.value, right.value, bottom.value, top.value)
        if not ink.meets(width, height):
            continue
        c.FPDFText_GetLooseCharBox(textpage, index, loose)
        line = _to_pixels(transform, loose.left, loose.right, loose.bottom, loose.top)
        # PDFium gives the angle clockwise as seen on the page before its own /Rotate, which is in ``base``.
        angle = base + c.FPDFText_GetCharAngle(textpage, index)
        turn = round(math.degrees(angle) / 90) * 90 % 360
        characters.append(_Span(text, turn, *_frame(ink, turn), _frame(line, turn)[1]))
        text_object = c.FPDFText_GetTextObject(textpage, index)
        if text_object and c.FPDFTextObj_GetTextRenderMode(text_object) == c.FPDF_TEXTRENDERMODE_INVISIBLE:
            invisible += 1
    return characters, invisible


def _to_pixels(transform: NDArray[np.float64], left: float, right: float, bottom: float, top: float) -> Box:
    corners = np.array([(x, y, 1.0) for x in (left, right) for y in (bottom, top)]) @ transform
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return Box(x0, y0, x1, y1)


def _frame(box: Box, turn: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Extent of a box along and across a reading direction, both growing as the text is read."""
    x, y = (box.x0, box.x1), (box.y0, box.y1)
    back_x, back_y = (-box.x1, -box.x0), (-box.y1, -box.y0)
    return {0: (x, y), 90: (y, back_x), 180: (back_x, back_y), 270: (back_y, x)}[turn]


def _corners(along: tuple[float, float], across: tuple[float, float], turn: int) -> Polygon:
    """The inverse of ``_frame``: corners in reading direction."""
    (a0, a1), (b0, b1) = along, across
    return turned(((a0, b0), (a1, b0), (a1, b1), (a0, b1)), turn)


def _words(characters: list[_Span | None]) -> list[_Span]:
    words: list[_Span] = []
    run: list[_Span] = []
    for character in [*characters, None]:
        if character is not None and (not run or run[-1].turn == character.turn):
            run.append(character)
            continue
        text = "".join(part.text[:1] for part in run)
        words += [
            _joined(run[first:last], "".join(p.text for p in run[first:last])) for first, last in word_spans(text)
        ]
        run = [character] if character is not None else []
    return words


def _joined(spans: list[_Span], text: str) -> _Span:
    def union(extents: list[tuple[float, float]]) -> tuple[float, float]:
        return min(low for low, _ in extents), max(high for _, high in extents)

    return _Span(
        text,
        spans[0].turn,
        union([span.along for span in spans]),
        union([span.across for span in spans]),
        union([span.line for span in spans]),
    )


def _pieces(words: list[_Span]) -> list[list[_Span]]:
    """Join words to parts of lines without large gaps."""
    pieces: list[list[_Span]] = []
    for word in words:
        last = pieces[-1][-1] if pieces else None
        if last is not None and last.turn == word.turn:
            height = max(min(word.line[1] - word.line[0], last.line[1] - last.line[0]), 1.0)
            overlap = min(word.line[1], last.line[1]) - max(word.line[0], last.line[0])
            gap = word.along[0] - last.along[1]
            if overlap > 0.5 * height and -0.5 * height < gap < _PIECE_GAP * height:
                pieces[-1].append(word)
                continue
        pieces.append([word])
    return pieces


def _in_order(pieces: list[list[_Span]], direction: int) -> tuple[Word, ...]:
    """Words in the order of a page whose text runs mostly in one direction."""
    words: list[Word] = []
    joined = [_joined(piece, "") for piece in pieces]
    outlines = [_corners(piece.along, piece.line, piece.turn) for piece in joined]
    rows = reading_order([turned(outline, (360 - direction) % 360) for outline in outlines])
    for line, row in enumerate(rows):
        for index in row:
            across = joined[index].across
            for span in pieces[index]:
                polygon = _corners(span.along, across, span.turn)
                words.append(Word(span.text, Box.around(polygon), 1.0, line, polygon))
    return tuple(words)
