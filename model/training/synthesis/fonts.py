"""Typefaces that come inside Python packages, so that a seed draws the same page on every machine.

Sources: matplotlib (DejaVu, STIX), PDFium's stand-ins for the standard PDF fonts (Helvetica, Times and Courier by
their looks), and single-family font packages (SIL OFL 1.1; Caladea and Roboto Apache-2.0). No system font is ever used.
PDFium is not safe to call from two threads at once: draw in processes, or nowhere else render PDFs meanwhile.
"""

import ctypes
import io
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Family:
    """The faces of one typeface as ``package:file``; ``pdfium:NAME`` is a standard PDF font."""

    regular: str
    bold: str
    italic: str


def _package(package: str, folder: str, regular: str, bold: str, italic: str) -> Family:
    return Family(*(f"{package}:{folder}/{file}" for file in (regular, bold, italic)))


_MATPLOTLIB = ("matplotlib", "mpl-data/fonts/ttf")

FAMILIES: dict[str, Family] = {
    "helvetica": Family("pdfium:Helvetica", "pdfium:Helvetica-Bold", "pdfium:Helvetica-Oblique"),
    "times": Family("pdfium:Times-Roman", "pdfium:Times-Bold", "pdfium:Times-Italic"),
    "courier": Family("pdfium:Courier", "pdfium:Courier-Bold", "pdfium:Courier-Oblique"),
    "dejavu-sans": _package(*_MATPLOTLIB, "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf"),
    "dejavu-serif": _package(*_MATPLOTLIB, "DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSerif-Italic.ttf"),
    "dejavu-mono": _package(
        *_MATPLOTLIB, "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf", "DejaVuSansMono-Oblique.ttf"
    ),
    "stix": _package(*_MATPLOTLIB, "STIXGeneral.ttf", "STIXGeneralBol.ttf", "STIXGeneralItalic.ttf"),
    "source-sans": _package(
        "font_source_sans_pro",
        "files",
        "SourceSansPro-Regular.ttf",
        "SourceSansPro-Bold.ttf",
        "SourceSansPro-It.ttf",
    ),
    "source-serif": _package(
        "font_source_serif_pro",
        "files",
        "SourceSerifPro-Regular.ttf",
        "SourceSerifPro-Bold.ttf",
        "SourceSerifPro-It.ttf",
    ),
    "caladea": _package("font_caladea", "files", "Caladea-Regular.ttf", "Caladea-Bold.ttf", "Caladea-Italic.ttf"),
    "hanken": _package(
        "font_hanken_grotesk",
        "files",
        "HankenGrotesk-Regular.otf",
        "HankenGrotesk-Bold.otf",
        "HankenGrotesk-Italic.otf",
    ),
    "manrope": _package("font_manrope", "files", "Manrope-Regular.ttf", "Manrope-Bold.ttf", "Manrope-Medium.ttf"),
    "lato": _package("font_lato", "files", "Lato-Regular.ttf", "Lato-Bold.ttf", "Lato-Italic.ttf"),
    "roboto": _package("font_roboto", "files", "Roboto-Regular.ttf", "Roboto-Bold.ttf", "Roboto-Italic.ttf"),
    "intuitive": _package("font_intuitive", "files", "Intuitive.ttf", "Intuitive.ttf", "Intuitive.ttf"),
    "amatic": _package("font_amatic_sc", "files", "AmaticSC-Bold.ttf", "AmaticSC-Bold.ttf", "AmaticSC-Bold.ttf"),
}
SANS = ("helvetica", "dejavu-sans", "source-sans", "hanken", "manrope", "helvetica")
SERIF = ("times", "dejavu-serif", "stix", "source-serif", "caladea", "times")
MONO = ("courier", "dejavu-mono", "dejavu-mono")
HAND = ("intuitive", "amatic")
"""Faces like a hand's writing."""
_missing: dict[tuple[str | None, str | None], dict[str, bool]] = {}


@lru_cache(maxsize=1024)
def font(family: str, size: float, *, bold: bool = False, italic: bool = False) -> Font:
    """A face of ``family`` (a key of FAMILIES) at ``size`` pixels an em; bold wins over italic."""
    faces = FAMILIES[family]
    face = faces.bold if bold else faces.italic if italic else faces.regular
    # The basic layout engine is always there; another one would place glyphs differently.
    return ImageFont.truetype(io.BytesIO(_data(face)), size, layout_engine=ImageFont.Layout.BASIC)


def covers(face: Font, text: str) -> bool:
    """Whether the face has a glyph for every character of ``text``."""
    known = _missing.setdefault(face.getname(), {" ": False})
    unknown = [char for char in text if char not in known]
    if unknown:
        # At one size, so that the answer does not depend on who asked first.
        large = face.font_variant(size=40)
        placeholder = _ink(large, "\U0010fffd")
        for char in unknown:
            # What a face lacks it draws as its placeholder, which no text asks for.
            known[char] = _ink(large, char) in (placeholder, None)
    return not any(known[char] for char in text)


def _ink(face: Font, char: str) -> tuple[float, bytes] | None:
    mask = face.getmask(char)
    return (face.getlength(char), bytes(mask)) if mask.getbbox() else None


@lru_cache(maxsize=64)
def _data(face: str) -> bytes:
    package, file = face.split(":")
    if package == "pdfium":
        return _pdfium(file)
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"Install the package {package}: its fonts draw synthetic pages.")
    return (Path(spec.submodule_search_locations[0]) / file).read_bytes()


def _pdfium(name: str) -> bytes:
    import pypdfium2.raw as pdfium

    document = pdfium.FPDF_CreateNewDocument()
    handle = pdfium.FPDFText_LoadStandardFont(document, name.encode())
    try:
        length = ctypes.c_size_t()
        pdfium.FPDFFont_GetFontData(handle, None, 0, ctypes.byref(length))
        buffer = (ctypes.c_uint8 * length.value)()
        pdfium.FPDFFont_GetFontData(handle, buffer, length.value, ctypes.byref(length))
        return bytes(buffer)
    finally:
        pdfium.FPDFFont_Close(handle)
        pdfium.FPDF_CloseDocument(document)
