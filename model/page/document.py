"""Bytes of an image, a TIFF or a PDF become pages, one at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from layoutserve.model.errors import FORMATS, DocumentTooLarge, InvalidDocument, RequestError, UnsupportedDocument
from layoutserve.model.page.elements import Page
from layoutserve.model.page.images import ImageReader
from layoutserve.model.page.pdf import LEAST_DPI, PdfReader

OcrMode = Literal["auto", "always", "never"]

MIN_DPI, MAX_DPI = LEAST_DPI, 600


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may cost: bytes as sent, pixels of one decoded page, pages read of one document."""

    max_bytes: int = 50_000_000
    max_pixels: int = 64_000_000
    max_pages: int = 100


DEFAULT_LIMITS = Limits()


class _Reader(Protocol):
    page_count: int

    def read(self, index: int) -> Page: ...

    def memory_bytes(self, index: int) -> int: ...


class Document:
    """A document whose pages are decoded one by one while they are iterated over.

    ``page_count`` is how many pages the file has, ``numbers`` which of them (from 1) are read; ``len`` counts these.
    Iterating may raise InvalidDocument or DocumentTooLarge for a page that turns out damaged or too large.
    """

    def __init__(self, reader: _Reader, numbers: tuple[int, ...]) -> None:
        self._reader = reader
        self.numbers = numbers
        self.page_count = reader.page_count

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Page]:
        return (self._reader.read(number - 1) for number in self.numbers)

    def memory_bytes(self, number: int) -> int:
        """Most memory that decoding a page takes if its header tells the truth; raises what iterating would."""
        return self._reader.memory_bytes(number - 1)


def read_document(
    data: bytes,
    *,
    pages: str | None = None,
    dpi: int = 200,
    limits: Limits = DEFAULT_LIMITS,
    ocr: OcrMode = "auto",
) -> Document:
    """Open a document; the type is told from the content.

    pages: such as ``1-3,5`` or ``2-``, None for all. dpi: at which PDF pages are rendered. ocr: whether words come
    from a PDF's own text layer: where it covers the page's ink (``auto``), not at all (``always``), or as it is
    (``never``: pages without a text layer, images too, then have no words).

    Raises DocumentTooLarge, UnsupportedDocument, InvalidDocument, RequestError (pages, dpi).
    """
    if len(data) > limits.max_bytes:
        raise DocumentTooLarge(
            f"The document has {len(data):,} bytes; at most {limits.max_bytes:,} are read. Send a smaller file."
        )
    if not MIN_DPI <= dpi <= MAX_DPI:
        raise RequestError(f"dpi must be {MIN_DPI} to {MAX_DPI}, not {dpi}.")
    reader: _Reader
    kind = _kind(data)
    if kind == "PDF":
        reader = PdfReader(data, dpi=dpi, max_pixels=limits.max_pixels, ocr=ocr)
    else:
        reader = ImageReader(data, kind, max_pixels=limits.max_pixels, ocr=ocr)
    numbers = parse_pages(pages, reader.page_count)
    if len(numbers) > limits.max_pages:
        raise DocumentTooLarge(
            f"{len(numbers)} pages were to be read; at most {limits.max_pages} are. Choose some with pages=1-"
            f"{limits.max_pages}."
        )
    return Document(reader, numbers)


def parse_pages(pages: str | None, page_count: int) -> tuple[int, ...]:
    """Page numbers, from 1 and in ascending order, that ``1-3,5`` or ``2-`` means; None means all.

    Raises RequestError for another form or for a page that the document does not have.
    """
    if pages is None:
        return tuple(range(1, page_count + 1))
    chosen: set[int] = set()
    for part in pages.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*(-\s*(\d{1,9})?)?\s*", part, re.ASCII)
        if not match:
            raise RequestError(f"pages must look like 1-3,5 or 2-, not {pages!r}.")
        first = int(match[1])
        last = int(match[3]) if match[3] else page_count if match[2] else first
        if first > last >= 1:
            raise RequestError(f"pages={pages} counts down: write {last}-{first}, pages come in their order.")
        if not 1 <= first <= last <= page_count:
            raise RequestError(f"pages={pages} asks for pages that are not there: the document has {page_count}.")
        chosen.update(range(first, last + 1))
    return tuple(sorted(chosen))


def _kind(data: bytes) -> str:
    """Name of the document's type, as Pillow calls it, or PDF."""
    if not data:
        raise InvalidDocument("The document is empty (0 bytes).")
    for kind, signature in _SIGNATURES:
        if re.match(signature, data, re.DOTALL):
            return kind
    if (kind_ := _of_iso_media(data)) is not None:
        return kind_
    # The PDF header may come after up to 1,024 bytes of something else (ISO 32000-2, Annex I).
    if b"%PDF-" in data[:1024]:
        return "PDF"
    raise UnsupportedDocument(f"The document is of a type that is not read here: send {FORMATS}.")


def _of_iso_media(data: bytes) -> str | None:
    """HEIF or AVIF by the brands that a file of ISO base media names (ISO/IEC 14496-12, 4.3), else None."""
    length = int.from_bytes(data[:4])
    if data[4:8] != b"ftyp" or not 16 <= length <= 1024:
        return None
    brands = {data[8:12], *(data[place : place + 4] for place in range(16, length, 4))}
    if brands & _AVIF:
        return "AVIF"
    return "HEIF" if brands & _HEIF else None


_SIGNATURES = (
    ("JPEG", rb"\xff\xd8\xff"),
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("WEBP", rb"RIFF....WEBP"),
    ("GIF", rb"GIF8[79]a"),
    ("TIFF", rb"II\*\0|MM\0\*|II\+\0|MM\0\+"),
    ("BMP", rb"BM.{12}[\x0c\x28\x40\x6c\x7c]\0\0\0"),
)
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
