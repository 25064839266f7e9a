"""What is laid on a PDF page: form fields, notes and stamps, made part of the page as a person sees them."""

import ctypes
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as c
from numpy.typing import NDArray

from layoutserve.model.page.characters import to_pixels
from layoutserve.model.page.elements import FieldKind, FormField, SelectionMark
from layoutserve.model.page.geometry import Box

# What PDFium calls links and pop-up windows is not drawn on the page.
_NOT_DRAWN = (c.FPDF_ANNOT_LINK, c.FPDF_ANNOT_POPUP)
_HIDDEN = c.FPDF_ANNOT_FLAG_HIDDEN | c.FPDF_ANNOT_FLAG_NOVIEW
_KINDS: dict[int, FieldKind] = {
    c.FPDF_FORMFIELD_TEXTFIELD: "text",
    c.FPDF_FORMFIELD_CHECKBOX: "checkbox",
    c.FPDF_FORMFIELD_RADIOBUTTON: "radio",
    c.FPDF_FORMFIELD_COMBOBOX: "choice",
    c.FPDF_FORMFIELD_LISTBOX: "choice",
    c.FPDF_FORMFIELD_SIGNATURE: "signature",
}
# Flags of text fields (ISO 32000-2, tables 226 and 231).
_MULTILINE, _PASSWORD, _COMB = 1 << 12, 1 << 13, 1 << 24
# A font size of 0 asks for one that fits: this share of the height, and at most the points.
_FITTING, _LARGEST = 0.7, 12.0
# Mean width of a character of Helvetica, and the step from line to line, in sizes.
_CHARACTER, _LEADING = 0.5, 1.15
_MARGIN = 2.0


@dataclass(slots=True)
class Laid:
    """What the annotations of a page say, in pixels of the page.

    typed: texts, each with its box, that are on the page although no text object draws them so, as in the cells of a
    comb. unless_seen: such texts of scripts that the standard fonts lack, which count where nothing is drawn.
    covered: boxes in which the page's own characters say nothing more.
    """

    fields: list[FormField] = field(default_factory=list)
    marks: list[SelectionMark] = field(default_factory=list)
    typed: list[tuple[str, Box]] = field(default_factory=list)
    unless_seen: list[tuple[str, Box]] = field(default_factory=list)
    covered: list[Box] = field(default_factory=list)


def has_any(page: pdfium.PdfPage) -> bool:
    """True if something is laid on a page that is drawn."""
    count = c.FPDFPage_GetAnnotCount(page)
    for index in range(count):
        with _annotation(page, index) as annotation:
            if annotation and c.FPDFAnnot_GetSubtype(annotation) not in _NOT_DRAWN:
                return True
    return False


def lay(document: pdfium.PdfDocument, page: pdfium.PdfPage, matrix: NDArray[np.float64]) -> Laid:
    """Read what is laid on a page and make it part of the page's content; load the page again afterwards.

    matrix: (3, 2), from page coordinates to pixels. The caller holds PDFium's lock.
    """
    laid = Laid()
    for annotation, box, edges in _annotations(page, matrix):
        kind = c.FPDFAnnot_GetSubtype(annotation)
        if kind == c.FPDF_ANNOT_FREETEXT:
            _draw_text(annotation, _text_of(annotation, "Contents"), box, edges, laid, several_lines=True)
        elif kind == c.FPDF_ANNOT_STAMP:
            # One without a picture of its own shows its name: NotApproved says NOT APPROVED.
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _text_of(annotation, "Name").removeprefix("SB")).upper()
            _draw_text(annotation, name or "DRAFT", box, edges, laid)
    if document.get_formtype() == c.FORMTYPE_NONE:
        _let_pdfium_draw(page)
    else:
        with _form(document, page) as form:
            _let_pdfium_draw(page)
            _read_form(page, form, matrix, laid)
    c.FPDFPage_Flatten(page, c.FLAT_NORMALDISPLAY)
    return laid


@contextmanager
def _form(document: pdfium.PdfDocument, page: pdfium.PdfPage) -> Iterator[Any]:
    """PDFium's form-fill environment, which knows the fields of the page by name."""
    config = c.FPDF_FORMFILLINFO(version=2)
    form = c.FPDFDOC_InitFormFillEnvironment(document, config)
    c.FORM_OnAfterLoadPage(page, form)
    try:
        yield form
    finally:
        c.FORM_OnBeforeClosePage(page, form)
        c.FPDFDOC_ExitFormFillEnvironment(form)


def _read_form(page: pdfium.PdfPage, form: Any, matrix: NDArray[np.float64], laid: Laid) -> None:  # noqa: ANN401
    radios: dict[str, list[tuple[Box, str | None]]] = {}
    for annotation, box, edges in _annotations(page, matrix):
        if c.FPDFAnnot_GetSubtype(annotation) == c.FPDF_ANNOT_WIDGET:
            _widget(annotation, form, box, edges, laid, radios)
    for name, buttons in radios.items():
        on = [(place, value) for place, value in buttons if value is not None]
        place, value = on[0] if on else (Box.union(place for place, _ in buttons), None)
        laid.fields.append(FormField(name, "radio", value, place))


def _annotations(
    page: pdfium.PdfPage, matrix: NDArray[np.float64]
) -> Iterator[tuple[Any, Box, tuple[float, float, float, float]]]:
    """The annotations that are not hidden, with their boxes in pixels, and left, right, bottom, top on the page."""
    for index in range(c.FPDFPage_GetAnnotCount(page)):
        with _annotation(page, index) as annotation:
            if not annotation or c.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
                continue
            rectangle = c.FS_RECTF()
            c.FPDFAnnot_GetRect(annotation, rectangle)
            edges = (rectangle.left, rectangle.right, rectangle.bottom, rectangle.top)
            yield annotation, Box(*to_pixels(matrix, np.array([edges], dtype=np.float64))[0].tolist()), edges


def _let_pdfium_draw(page: pdfium.PdfPage) -> None:
    """Have PDFium make appearances for what it knows to draw; it does so when it renders."""
    bitmap = c.FPDFBitmap_Create(1, 1, 0)
    try:
        c.FPDF_RenderPageBitmap(bitmap, page, 0, 0, 1, 1, 0, c.FPDF_ANNOT)
    finally:
        c.FPDFBitmap_Destroy(bitmap)


def _widget(
    annotation: Any,  # noqa: ANN401
    form: Any,  # noqa: ANN401
    box: Box,
    edges: tuple[float, float, float, float],
    laid: Laid,
    radios: dict[str, list[tuple[Box, str | None]]],
) -> None:
    kind = _KINDS.get(c.FPDFAnnot_GetFormFieldType(form, annotation))
    if kind is None:
        return
    name = _wide(partial(c.FPDFAnnot_GetFormFieldName, form, annotation))
    if kind in ("checkbox", "radio"):
        selected = bool(c.FPDFAnnot_IsChecked(form, annotation))
        export = _wide(partial(c.FPDFAnnot_GetFormFieldExportValue, form, annotation))
        state = (export or "Yes") if selected else None
        laid.marks.append(SelectionMark(box, selected, name))
        laid.covered.append(box)
        if kind == "radio":
            radios.setdefault(name, []).append((box, state))
        else:
            laid.fields.append(FormField(name, kind, state, box))
        return
    flags = c.FPDFAnnot_GetFormFieldFlags(form, annotation)
    value = _wide(partial(c.FPDFAnnot_GetFormFieldValue, form, annotation))
    if kind == "choice":
        value = _chosen(annotation, form) or value
    if kind == "text" and flags & _PASSWORD:
        # It is seen as asterisks, and nobody's business.
        value = ""
    if kind != "signature":
        several_lines = bool(kind == "text" and flags & _MULTILINE)
        _draw_text(annotation, value, box, edges, laid, several_lines=several_lines)
        if value and not _is_latin(value):
            laid.unless_seen.append((value, _written(value, box)))
        if kind == "text" and flags & _COMB and value:
            laid.typed.append((value, box))
            laid.covered.append(box)
    laid.fields.append(FormField(name, kind, value or None, box))


def _chosen(annotation: Any, form: Any) -> str:  # noqa: ANN401
    """The labels of the options that are chosen."""
    chosen = [
        index
        for index in range(max(0, c.FPDFAnnot_GetOptionCount(form, annotation)))
        if c.FPDFAnnot_IsOptionSelected(form, annotation, index)
    ]
    return ", ".join(_wide(partial(c.FPDFAnnot_GetOptionLabel, form, annotation, index)) for index in chosen)


def _draw_text(
    annotation: Any,  # noqa: ANN401
    text: str,
    box: Box,
    edges: tuple[float, float, float, float],
    laid: Laid,
    *,
    several_lines: bool = False,
) -> None:
    """Give an annotation that says something, and has no appearance, one of plain text."""
    left, right, bottom, top = edges
    if not text.strip() or _appearance(annotation).strip():
        return
    found = re.search(r"([\d.]+)\s+Tf", _text_of(annotation, "DA"))
    size = float(found[1]) if found and found[1].count(".") < 2 and found[1] != "." else 0.0
    lines = _wrapped(text, right - left, size or _LARGEST) if several_lines else [" ".join(text.split())]
    if not size:
        fitting = (right - left - 2 * _MARGIN) / max(_CHARACTER * max(map(len, lines)), 1)
        size = max(min(_FITTING * (top - bottom) / len(lines), _LARGEST, max(fitting, 4.0)), 1.0)
    step = _LEADING * size
    first = top - _MARGIN - size if several_lines else (bottom + top) / 2 - 0.35 * size
    shown = []
    for number, line in enumerate(lines):
        if not _is_latin(line):
            share = box.height / len(lines)
            y0 = box.y0 + number * share
            laid.unless_seen.append((line, _written(line, Box(box.x0, y0, box.x1, y0 + share))))
            continue
        letters = line.encode("cp1252").hex()
        shown.append(f"1 0 0 1 {left + _MARGIN:.2f} {first - number * step:.2f} Tm <{letters}> Tj")
    if shown:
        content = f"q BT /Helv {size:.2f} Tf 0 g {' '.join(shown)} ET Q"
        value = (c.FPDF_WCHAR * (len(content) + 1))(*map(ord, content), 0)
        c.FPDFAnnot_SetAP(annotation, c.FPDF_ANNOT_APPEARANCEMODE_NORMAL, value)


def _is_latin(text: str) -> bool:
    """True for text that the standard fonts have the letters of."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _written(text: str, box: Box) -> Box:
    """The part of a box that a line of text takes, about."""
    return Box(box.x0, box.y0, min(box.x1, box.x0 + _CHARACTER * len(text) * box.height), box.y1)


def _wrapped(text: str, width: float, size: float) -> list[str]:
    """Lines of a text that fit into a width in points, about."""
    most = max(1, int((width - 2 * _MARGIN) / (_CHARACTER * size)))
    lines: list[str] = []
    for paragraph in re.split(r"\r\n|\r|\n", text):
        line = ""
        for word in paragraph.split():
            if line and len(line) + 1 + len(word) > most:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        lines.append(line)
    return lines


def _appearance(annotation: Any) -> str:  # noqa: ANN401
    return _wide(partial(c.FPDFAnnot_GetAP, annotation, c.FPDF_ANNOT_APPEARANCEMODE_NORMAL))


def _text_of(annotation: Any, key: str) -> str:  # noqa: ANN401
    return _wide(partial(c.FPDFAnnot_GetStringValue, annotation, key.encode()))


def _wide(call: Callable[[Any, int], int]) -> str:
    """Text that PDFium writes as UTF-16 into a buffer; ``call`` is given the buffer and its bytes, and gives theirs."""
    size = call(None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    call(ctypes.cast(buffer, ctypes.POINTER(c.FPDF_WCHAR)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", errors="replace")


@contextmanager
def _annotation(page: pdfium.PdfPage, index: int) -> Iterator[Any]:
    annotation = c.FPDFPage_GetAnnot(page, index)
    try:
        yield annotation
    finally:
        if annotation:
            c.FPDFPage_CloseAnnot(annotation)
