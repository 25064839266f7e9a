"""PDF pages, rendered by PDFium, with the words of their text layer that a person sees."""

import ctypes
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as c
from numpy.typing import NDArray

from layoutserve.model.errors import DocumentTooLarge, InvalidDocument
from layoutserve.model.page import annotations, letter_shapes, text_layer, visibility
from layoutserve.model.page.annotations import Laid
from layoutserve.model.page.characters import CHECKBOXES, read_characters, repeated_objects, transform
from layoutserve.model.page.elements import KnownPart, Page, SelectionMark, Word
from layoutserve.model.page.geometry import Box

_POINTS_PER_INCH = 72.0
# Below this resolution, in dots per inch, ordinary text cannot be read.
LEAST_DPI = 36
# A layer of which a larger share of characters means nothing (unmapped, private use, control) is not believed.
_SENSELESS = 0.05
# The page twice, what PDFium blends, and what is judged of its ink; and the fonts and pictures of a usual page.
_BYTES_PER_PIXEL = 12
_PAGE_BYTES = 16 * 2**20

# PDFium is not thread-safe: nothing of it is used, or left to the garbage collector, outside this lock.
_PDFIUM = threading.Lock()


def fitting_dpi(size: tuple[float, float], dpi: int, max_pixels: int) -> int:
    """The resolution at which a page of this size, in points, is rendered: ``dpi``, or the highest within the limit.

    Raises DocumentTooLarge where even LEAST_DPI is beyond ``max_pixels``.
    """
    width, height = (max(side, 1.0) / _POINTS_PER_INCH for side in size)
    fitting = min(dpi, math.isqrt(int(max_pixels / (width * height))))
    while fitting and _pixels(size, fitting)[0] * _pixels(size, fitting)[1] > max_pixels:
        fitting -= 1
    if fitting < min(dpi, LEAST_DPI):
        raise DocumentTooLarge(
            f"A page of {width:.0f} x {height:.0f} inches has more than {max_pixels:,} pixels even at {LEAST_DPI} dpi."
            " Send it in parts."
        )
    return fitting


# Words, turn, known part and unread pixels, as a Page has them.
_Judged: TypeAlias = tuple[tuple[Word, ...] | None, int, KnownPart | None, NDArray[np.uint8] | None]


class PdfReader:
    """Reads the pages of a PDF.

    data: the file. dpi: resolution of the pages, which is lower for one that would have more than ``max_pixels``.
    ocr: whether to take words from the text layer (``auto``: those that a person sees; what they leave is for OCR;
    ``never``: those on or under something that is seen, and OCR does nothing) or to leave all to OCR (``always``).
    Raises InvalidDocument, DocumentTooLarge.
    """

    def __init__(self, data: bytes, *, dpi: int, max_pixels: int, ocr: Literal["auto", "always", "never"]) -> None:
        self._data = data
        self._dpi = dpi
        self._max_pixels = max_pixels
        self._ocr = ocr
        with self._open() as document:
            self.page_count = len(document)

    def read(self, index: int) -> Page:
        """Render one page, counted from 0, and read its text layer."""
        with self._open() as document, _load(document, index) as loaded:
            dpi = fitting_dpi(loaded.get_size(), self._dpi, self._max_pixels)
            width, height = _pixels(loaded.get_size(), dpi)
            with _laid(document, loaded, index, transform(loaded, width, height)) as (page, laid):
                image = _render(page, width, height)
                words, turn, known, unread = None, 0, None, None
                if self._ocr != "always":
                    layer = _Layer(page, image, dpi, laid)
                    if self._ocr == "never":
                        words, turn = layer.as_it_is()
                    else:
                        words, turn, known, unread = layer.as_it_is_seen()
        return Page(
            image,
            number=index + 1,
            dpi=float(dpi),
            turn=turn,
            words=words,
            known=known,
            unread=unread,
            selection_marks=tuple(laid.marks),
            form_fields=tuple(laid.fields),
        )

    def memory_bytes(self, index: int) -> int:
        """Most memory that rendering a page takes, as far as its size tells."""
        scale = self._dpi / _POINTS_PER_INCH
        with self._open() as document:
            try:
                width, height = document.get_page_size(index)
            except pdfium.PdfiumError:  # reading it says so
                return _PAGE_BYTES
        return _PAGE_BYTES + _BYTES_PER_PIXEL * int(min(self._max_pixels, width * height * scale**2))

    @contextmanager
    def _open(self) -> Iterator[pdfium.PdfDocument]:
        # Opened anew for each page: it reads the cross-reference table only, and nothing outlives the lock.
        with _PDFIUM:
            try:
                document = pdfium.PdfDocument(self._data)
            except pdfium.PdfiumError as error:
                if error.err_code == c.FPDF_ERR_PASSWORD:
                    raise InvalidDocument("The PDF is encrypted: remove its password and send it again.") from error
                raise InvalidDocument(f"The PDF is damaged or has no pages ({_reason(error)}).") from error
            try:
                yield document
            finally:
                document.close()


@contextmanager
def _load(document: pdfium.PdfDocument, index: int) -> Iterator[pdfium.PdfPage]:
    try:
        page = document[index]
    except pdfium.PdfiumError as error:
        raise InvalidDocument(f"Page {index + 1} of the PDF is damaged ({_reason(error)}).") from error
    try:
        yield page
    finally:
        page.close()


@contextmanager
def _laid(
    document: pdfium.PdfDocument, page: pdfium.PdfPage, index: int, matrix: NDArray[np.float64]
) -> Iterator[tuple[pdfium.PdfPage, Laid]]:
    """The page with what is laid on it as part of its content."""
    if not annotations.has_any(page):
        yield page, Laid()
        return
    laid = annotations.lay(document, page, matrix)
    page.close()
    with _load(document, index) as flat:
        yield flat, laid


class _Layer:
    """The text layer of one page, compared with what the page shows. The caller holds the lock."""

    def __init__(self, page: pdfium.PdfPage, image: NDArray[np.uint8], dpi: int, laid: Laid) -> None:
        self._page = page
        self._image = image
        self._dpi = dpi
        self._laid = laid
        height, width = image.shape[:2]
        self._characters = read_characters(page, width, height)
        ink = self._characters.ink
        self._middles = (ink[:, :2] + ink[:, 2:]) / 2
        # From the top of the page downwards, so that those in a box are found without asking all.
        self._down = np.argsort(self._middles[:, 1], kind="stable")

    def as_it_is(self) -> tuple[tuple[Word, ...], int]:
        """Words, and their turn, of characters where the page shows anything: a scanner's are those of its picture."""
        characters = self._characters
        kept = visibility.over_ink(characters, self._image, self._dpi)
        kept &= ~self._covered()
        self._mark(kept)
        return self._words(kept, np.zeros(len(characters), dtype=np.bool_))

    def as_it_is_seen(self) -> _Judged:
        """Words and turn of a page that its layer says all of; else None, what it says if anything, and the rest."""
        characters, image = self._characters, self._image
        objects = frozenset(characters.objects[characters.objects != 0].tolist())
        objects |= repeated_objects(self._page, objects)
        base = self._without(objects)
        kept = visibility.seen(characters, image, base, self._dpi)
        senseless = characters.senseless & kept
        if np.count_nonzero(senseless) > _SENSELESS * np.count_nonzero(kept):
            return None, 0, None, None
        if senseless.any():
            bad = text_layer.unreadable_objects(characters, kept)
            kept &= ~np.isin(characters.objects, list(bad)) & ~senseless
            if bad:
                base = self._without(objects - bad)
        kept &= ~self._covered()
        self._mark(kept)
        if not kept.any() and not self._typed(kept):
            # Nothing is on the page, or all of it is for OCR.
            return (() if int(image.max()) - int(image.min()) <= visibility.CONTRAST else None), 0, None, None
        words, turn = self._words(kept, visibility.ruled_apart(characters, base))
        upright = np.flatnonzero(kept & (characters.turns == (360 - turn) % 360))
        doubtful = turn == 0 and letter_shapes.are_doubtful(
            [characters.texts[place] for place in upright], characters.ink[upright], characters.line[upright]
        )
        if doubtful:
            return None, 0, KnownPart(words, turn, True), None
        if visibility.has_writing(base, self._dpi):
            return None, 0, KnownPart(words, turn, False), base
        return words, turn, None, None

    def _mark(self, kept: NDArray[np.bool_]) -> None:
        """Take the checkboxes among the characters kept, bool (n,), as marks instead of words."""
        characters = self._characters
        for index in np.flatnonzero(np.isin(characters.texts, list(CHECKBOXES)) & kept).tolist():
            box = Box(*characters.ink[index].tolist())
            self._laid.marks.append(SelectionMark(box, CHECKBOXES[characters.texts[index]], ""))
            kept[index] = False

    def _words(self, kept: NDArray[np.bool_], apart: NDArray[np.bool_]) -> tuple[tuple[Word, ...], int]:
        direction = text_layer.direction_of(self._characters, kept)
        words = text_layer.words_of(self._characters, kept, direction, apart, self._typed(kept))
        # Text that runs downwards (turned by 90 degrees) is read upright once the page is turned back by 270.
        return words, (360 - direction) % 360

    def _covered(self) -> NDArray[np.bool_]:
        """Tell which characters stand where annotations say what is written or marked, bool (n,)."""
        covered = np.zeros(len(self._characters), dtype=np.bool_)
        for box in self._laid.covered:
            covered[self._inside(box)] = True
        return covered

    def _typed(self, kept: NDArray[np.bool_]) -> list[tuple[str, Box]]:
        """Texts that annotations say, without those whose characters are kept, bool (n,)."""
        unseen = [(text, box) for text, box in self._laid.unless_seen if not kept[self._inside(box)].any()]
        return self._laid.typed + unseen

    def _inside(self, box: Box) -> NDArray[np.intp]:
        """Indices of the characters whose middles lie in a box."""
        first, end = np.searchsorted(self._middles[self._down, 1], (box.y0, box.y1))
        members = self._down[first:end]
        x = self._middles[members, 0]
        return np.asarray(members[(x >= box.x0) & (x <= box.x1)], dtype=np.intp)

    def _without(self, objects: frozenset[int]) -> NDArray[np.uint8]:
        """The page as it is rendered without some of its text objects, given by address."""
        handles = [ctypes.cast(address, c.FPDF_PAGEOBJECT) for address in objects]
        for handle in handles:
            c.FPDFPageObj_SetIsActive(handle, 0)
        try:
            height, width = self._image.shape[:2]
            return _render(self._page, width, height)
        finally:
            for handle in handles:
                c.FPDFPageObj_SetIsActive(handle, 1)


def _pixels(size: tuple[float, float], dpi: int) -> tuple[int, int]:
    """Width and height in pixels of a page of this size in points."""
    width, height = (max(1, round(side * dpi / _POINTS_PER_INCH)) for side in size)
    return width, height


def _render(page: pdfium.PdfPage, width: int, height: int) -> NDArray[np.uint8]:
    """RGB pixels (height, width, 3) of a page on white."""
    pixels = np.full((height, width, 3), 255, dtype=np.uint8)
    buffer = pixels.ctypes.data_as(ctypes.c_void_p)
    bitmap = c.FPDFBitmap_CreateEx(width, height, c.FPDFBitmap_BGR, buffer, width * 3)
    if not bitmap:
        raise InvalidDocument(f"A page of {width} x {height} pixels could not be rendered.")
    try:
        flags = c.FPDF_ANNOT | c.FPDF_REVERSE_BYTE_ORDER
        c.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
    finally:
        c.FPDFBitmap_Destroy(bitmap)
    return pixels


def _reason(error: Exception) -> str:
    return str(error).rstrip(".")
