"""The characters of a PDF page, as PDFium finds them: arrays of their places, in content order."""

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as c
from numpy.typing import NDArray

# Bullets, ticks and boxes of the fonts Symbol and Wingdings, which word processors leave in the private use area.
_SYMBOLS = {0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "➢", 0xF0FC: "✓", 0xF02D: "-", 0xF0E0: "→"}
_SYMBOLS |= dict.fromkeys((0xF06F, 0xF070, 0xF071, 0xF072, 0xF0A8), "☐") | {0xF0FD: "☒", 0xF0FE: "☑"}
# Characters that are checkboxes, and their states.
CHECKBOXES = {"☐": False, "☑": True, "☒": True}
# Where a text begins that has no object: a space or a line break that PDFium made up.
_NO_OBJECT = 0
_SPACE = 0x20


@dataclass(frozen=True, slots=True, eq=False)
class Characters:
    """n characters of a page, in content order.

    texts: one character each, a space where a word ends. white: bool (n,), these spaces. senseless: bool (n,), those
    that are unmapped, of private use, a control, or have their two bytes in the wrong order. ink, line: float64 (n, 4),
    the box of the glyph and that of its font's line, x0, y0, x1, y1 in pixels. turns: int64 (n,), the direction it is
    read in, in degrees clockwise. objects: int64 (n,), the text object that draws it, 0 for spaces.
    """

    texts: list[str]
    white: NDArray[np.bool_]
    senseless: NDArray[np.bool_]
    ink: NDArray[np.float64]
    line: NDArray[np.float64]
    turns: NDArray[np.int64]
    objects: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.texts)


def read_characters(page: pdfium.PdfPage, width: int, height: int) -> Characters:
    """Characters of a page rendered as (height, width) pixels. The caller holds PDFium's lock."""
    textpage = page.get_textpage()
    try:
        return _read(textpage, transform(page, width, height))
    finally:
        textpage.close()


def repeated_objects(page: pdfium.PdfPage, known: frozenset[int]) -> frozenset[int]:
    """Text objects, by address, that repeat one of the ``known`` in its very place: PDFium leaves their text out."""
    places: dict[tuple[int, ...], list[int]] = {}
    for parent, address, handle in _text_objects(page):
        edges = [ctypes.c_float() for _ in range(4)]
        if c.FPDFPageObj_GetBounds(handle, *edges):
            places.setdefault((parent, *(round(2 * edge.value) for edge in edges)), []).append(address)
    repeated = (address for same in places.values() if not known.isdisjoint(same) for address in same)
    return frozenset(repeated) - known


def _text_objects(page: pdfium.PdfPage) -> Iterator[tuple[int, int, Any]]:
    """The text objects of a page and of the forms on it: the form's address, their own, and their handle."""
    waiting: list[tuple[int, Any]] = [
        (_NO_OBJECT, c.FPDFPage_GetObject(page, index)) for index in range(c.FPDFPage_CountObjects(page))
    ]
    while waiting:
        parent, handle = waiting.pop()
        kind = c.FPDFPageObj_GetType(handle)
        if kind not in (c.FPDF_PAGEOBJ_TEXT, c.FPDF_PAGEOBJ_FORM):
            continue
        address = ctypes.cast(handle, ctypes.c_void_p).value or _NO_OBJECT
        if kind == c.FPDF_PAGEOBJ_TEXT:
            yield parent, address, handle
        else:
            inside = range(c.FPDFFormObj_CountObjects(handle))
            waiting += [(address, c.FPDFFormObj_GetObject(handle, index)) for index in inside]


def transform(page: pdfium.PdfPage, width: int, height: int) -> NDArray[np.float64]:
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


def to_pixels(matrix: NDArray[np.float64], rectangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (n, 4) in pixels of rectangles (n, 4), left, right, bottom, top in page coordinates."""
    # Left, bottom and right, top are opposite corners, whichever way the page is turned by quarters.
    ends = np.stack([rectangles[:, [0, 2]], rectangles[:, [1, 3]]], axis=1) @ matrix[:2] + matrix[2]
    return np.concatenate([ends.min(axis=1), ends.max(axis=1)], axis=1)


def _read(textpage: pdfium.PdfTextPage, matrix: NDArray[np.float64]) -> Characters:
    base = math.atan2(matrix[0, 1], matrix[0, 0])
    raw = textpage.raw
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    loose = c.FS_RECTF()
    texts: list[str] = []
    ink: list[tuple[float, float, float, float]] = []
    line: list[tuple[float, float, float, float]] = []
    angles: list[float] = []
    objects: list[int] = []
    angle_of: dict[int, float] = {}
    nowhere = (0.0, 0.0, 0.0, 0.0)
    for index in range(textpage.count_chars()):
        text = _character(c.FPDFText_GetUnicode(raw, index))
        if text.isspace() or not c.FPDFText_GetCharBox(raw, index, left, right, bottom, top):
            texts.append(" ")
            ink.append(nowhere)
            line.append(nowhere)
            angles.append(0.0)
            objects.append(_NO_OBJECT)
            continue
        c.FPDFText_GetLooseCharBox(raw, index, loose)
        drawn_by = ctypes.cast(c.FPDFText_GetTextObject(raw, index), ctypes.c_void_p).value or _NO_OBJECT
        if drawn_by not in angle_of:
            angle_of[drawn_by] = c.FPDFText_GetCharAngle(raw, index)
        texts.append(text)
        ink.append((left.value, right.value, bottom.value, top.value))
        line.append((loose.left, loose.right, loose.bottom, loose.top))
        angles.append(angle_of[drawn_by])
        objects.append(drawn_by)
    # PDFium gives the angle clockwise as seen on the page before its own /Rotate, which is in ``base``.
    turns = np.rint(np.degrees(base + np.array(angles, dtype=np.float64)) / 90).astype(np.int64) * 90 % 360
    codes = np.array(list(map(ord, texts)), dtype=np.int64)
    return Characters(
        texts,
        codes == _SPACE,
        _are_senseless(codes) & (codes != _SPACE),
        to_pixels(matrix, np.array(ink, dtype=np.float64).reshape(-1, 4)),
        to_pixels(matrix, np.array(line, dtype=np.float64).reshape(-1, 4)),
        turns,
        np.array(objects, dtype=np.int64),
    )


def _character(code: int) -> str:
    # PDFium writes U+0002 for the hyphen at a line's end.
    if code == 2:
        return "-"
    if code in _SYMBOLS:
        return _SYMBOLS[code]
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _are_senseless(codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    private = (codes >= 0xE000) & (codes <= 0xF8FF)
    swapped = (codes > 0xFF) & (codes & 0xFF == 0)
    return np.asarray((codes == 0xFFFD) | private | (codes < 0x20) | swapped, dtype=np.bool_)
