"""The public documents beside SROIE that the starter model learns classes and plain language from.

``../shared/data`` (or a user's copy of it) holds contracts (Kleister-NDA), US public filings and political ad buys
(VRDU) as PDFs, and pages of scientific articles (DocBank). All become pages in our JSON-lines format, rendered in
grey, so that no class can be told by the way its files came.

Classes: a Kleister document is a ``contract``, a FARA filing a ``form``, a DocBank page a ``scientific_article``. Of
the ad buys, those whose first page says INVOICE are an ``invoice``, all others (orders, broadcast contracts and
their confirmations, which have one layout and one purpose) an ``order``.
"""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from layoutserve.model.errors import LayoutServeError
from layoutserve.model.page import Page, Word, read_document
from layoutserve.model.training.data import jsonl
from layoutserve.model.training.data.example import Example, make_word

_log = logging.getLogger(__name__)

DPI = 80


def collect(data: Path, folder: Path, *, pages: int = 2) -> list[Example]:
    """All pages, at most ``pages`` of a document, kept in ``folder`` so that the next call is fast."""
    index = folder / "pages.jsonl"
    if not index.is_file():
        (folder / "images").mkdir(parents=True, exist_ok=True)
        jsonl.write(index, _kept(data, folder, pages))
    return list(jsonl.read(index))


def _kept(data: Path, folder: Path, pages: int) -> Iterator[Example]:
    """The pages, each once its picture is in ``folder``."""
    for number, (page, kind, group) in enumerate(_all(data, pages)):
        path = folder / "images" / f"{number:05}.jpg"
        Image.fromarray(page.image).convert("L").save(path, quality=85)
        yield Example(
            path=path,
            width=page.width,
            height=page.height,
            words=page.words,
            document_class=kind,
            group=group,
        )


def _all(data: Path, pages: int) -> Iterator[tuple[Page, str, str]]:
    for path in sorted((data / "kleister-nda" / "documents").glob("*.pdf")):
        for page in _pages(path, pages):
            yield page, "contract", f"kleister/{path.stem}"
    for row in jsonl.read_rows(data / "vrdu" / "documents.jsonl"):
        path = data / "vrdu" / row["document"]
        found = list(_pages(path, pages))
        if not found:
            continue
        if row["type"] == "ad buy":
            says = " ".join(word.text for word in found[0].words or ())
            kind, group = ("invoice" if "INVOICE" in says else "order"), f"station/{_station(says)}"
        else:
            kind, group = "form", f"fara/{row.get('registrant') or path.stem}"
        for page in found:
            yield page, kind, group
    for path in sorted((data / "docbank" / "images").glob("*.jpg")):
        yield _docbank(path), "scientific_article", f"arxiv/{path.stem.rsplit('_', 1)[0]}"


def _pages(path: Path, count: int) -> Iterator[Page]:
    try:
        document = read_document(path.read_bytes(), dpi=DPI, ocr="never")
        for number, page in enumerate(document):
            if number == count:
                return
            if page.words:
                yield page
    except LayoutServeError as error:
        _log.warning("%s is left out: %s", path.name, error)


def _docbank(path: Path) -> Page:
    """A page whose tokens come tab-separated as text, x0, y0, x1, y1 (0-1000), colour, font, region."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    picture.thumbnail((900, 900))
    words: list[Word] = []
    line, last = -1, None
    for row in path.with_suffix(".txt").read_text(encoding="utf-8").splitlines():
        text, x0, y0, x1, y1, *_ = row.split("\t")
        if not text.strip() or text.startswith("##LTLine"):
            continue
        box = (int(x0), int(y0), int(x1), int(y1))
        if last is None or abs(box[1] - last[1]) > 6 or box[0] < last[0]:
            line += 1
        last = box
        scaled = [v * s / 1000 for v, s in zip(box, picture.size * 2, strict=True)]
        words.append(make_word(text.strip(), scaled, line))
    return Page(np.asarray(picture), words=tuple(words))


def _station(text: str) -> str:
    """The call sign a page names most often: the issuer of an ad buy."""
    signs = Counter(re.findall(r"\b[WK][A-Z]{2,3}\b", text))
    return signs.most_common(1)[0][0] if signs else text[:40]
