"""Words, selection marks and form fields, and the page that holds them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.page.geometry import Box, Polygon

# From which a word was taken: a PDF's own text, OCR, or the request.
Source = Literal["text_layer", "ocr", "given"]
FieldKind = Literal["text", "checkbox", "radio", "choice", "signature"]


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters between white space, with its place.

    ``polygon`` holds the four corners in reading direction (top left, top right, bottom right, bottom left as the
    text is read), which differs from ``box`` where the text is slanted or turned. ``line`` numbers the text line
    from 0 in reading order. ``score`` is the recognizer's probability, 1.0 for a PDF's own text; ``source`` says which
    of the two it is.
    """

    text: str
    box: Box
    score: float
    line: int
    polygon: Polygon
    source: Source = "ocr"

    @classmethod
    def from_box(cls, text: str, box: Box, *, score: float = 1.0, line: int = 0, source: Source = "ocr") -> "Word":
        """A word whose place is known as an upright box only, as a caller's own OCR gives it."""
        return cls(text, box, score, line, box.corners, source)


@dataclass(frozen=True, slots=True)
class SelectionMark:
    """A checkbox or a radio button of a PDF: its place in page pixels, its state, the name of its field.

    One that is written, as a character and not as a field, has the name "".
    """

    box: Box
    selected: bool
    name: str


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a PDF's form (AcroForm) that a person sees on a page.

    name: fully qualified, its parts joined by points. value: the text typed or chosen; of checkboxes and radio buttons
    the name of the state that is on; None where there is none. box: in page pixels, of a radio field the button that is
    on, else around all of them.
    """

    name: str
    kind: FieldKind
    value: str | None
    box: Box


@dataclass(frozen=True, slots=True)
class KnownPart:
    """What a PDF says of a page that OCR has yet to read in part.

    words: of its text layer, in reading order. turn: how they are read upright. doubtful: their letters may not be the
    ink's, so that OCR must look at them too.
    """

    words: tuple[Word, ...]
    turn: int
    doubtful: bool


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One decoded page.

    ``image`` is uint8 (height, width, 3) RGB. ``number`` counts from 1 in the document. ``dpi`` is the rendering
    resolution of a PDF page, else None. ``turn`` is how many degrees clockwise the page had to be turned to be
    read upright (0, 90, 180, 270); boxes are not turned. ``words`` is None until the page has been read; an empty
    tuple means that it has no words. ``known`` is what needs no OCR of a page whose words are None, and ``unread`` the
    page without it, pixels as in ``image``, or None where OCR has to look at all of the page. ``selection_marks`` and
    ``form_fields`` are those of a PDF, in the order of the file.
    """

    image: NDArray[np.uint8]
    number: int = 1
    dpi: float | None = None
    turn: int = 0
    words: tuple[Word, ...] | None = None
    known: KnownPart | None = None
    unread: NDArray[np.uint8] | None = None
    selection_marks: tuple[SelectionMark, ...] = ()
    form_fields: tuple[FormField, ...] = ()

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.image.shape[0])
