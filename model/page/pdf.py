"""PDF pages, rendered by PDFium, with the words of their text layer where these can be trusted."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as c
from numpy.typing import NDArray

from layoutserve.model.errors import DocumentTooLarge, InvalidDocument
from layoutserve.model.page.elements import Page, Word
from layoutserve.model.page.text_layer import is_trusted, read_text_layer

_POINTS_PER_INCH = 72.0

# PDFium is not thread-safe: nothing of it is used, or left to the garbage collector, outside this lock.
_PDFIUM = threading.Lock()


class PdfReader:
    """Reads the pages of a PDF.

    data: the file. dpi: resolution of the pages. max_pixels: limit on a page's width times height, checked before
    it is rendered. ocr: whether to take words from the text layer (``auto``: if it can be trusted, ``never``: in any
    case) or to leave them to OCR (``always``).
    Raises InvalidDocument, DocumentTooLarge.
    """

    def __init__(self, data: bytes, *, dpi: int, max_pixels: int, ocr: str) -> None:
        self._data = data
        self._dpi = dpi
        self._max_pixels = max_pixels
        self._ocr = ocr
        with self._open() as document:
            self.page_count = len(document)

    def read(self, index: int) -> Page:
        """Render one page, counted from 0, and read its text layer."""
        scale = self._dpi / _POINTS_PER_INCH
        with self._open() as document, _load(document, index) as page:
            width, height = (max(1, round(side * scale)) for side in page.get_size())
            if width * height > self._max_pixels:
                raise DocumentTooLarge(
                    f"Page {index + 1} would have {width} x {height} pixels at {self._dpi} dpi; at most"
                    f" {self._max_pixels:,} are read. Ask for a lower dpi."
                )
            image = _render(page, width, height)
            words: tuple[Word, ...] | None = None
            turn = 0
            if self._ocr != "always":
                layer = read_text_layer(page, width, height)
                if self._ocr == "never" or is_trusted(layer, image):
                    words, turn = layer.words, layer.turn
        return Page(image, number=index + 1, dpi=float(self._dpi), turn=turn, words=words)

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
        if document.get_formtype() != c.FORMTYPE_NONE:
            # What was typed into form fields becomes part of the page, for the renderer and for the text layer.
            c.FPDFPage_Flatten(page, c.FLAT_NORMALDISPLAY)
            page.close()
            page = document[index]
        yield page
    finally:
        page.close()


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
