"""Documents as pages: boxes, words, pages, and the way from bytes to pages.

All boxes are pixels of the decoded page (PDF pages at the stated dpi), after EXIF orientation and before any
turning of our own; x grows to the right, y downwards, the origin is the top left corner.
"""

from layoutserve.model.page.document import DEFAULT_LIMITS, Document, Limits, OcrMode, parse_pages, read_document
from layoutserve.model.page.elements import FormField, Page, SelectionMark, Word
from layoutserve.model.page.geometry import Box, Point, Polygon

__all__ = [
    "DEFAULT_LIMITS",
    "Box",
    "Document",
    "FormField",
    "Limits",
    "OcrMode",
    "Page",
    "Point",
    "Polygon",
    "SelectionMark",
    "Word",
    "parse_pages",
    "read_document",
]
