"""Data sets on disk as examples: in our JSON lines (``jsonl``), or in the form their authors publish.

=========  ==========================================================================================================
sroie      ``img/*.jpg``, ``box/*.csv|txt`` (x1,y1,...,x4,y4,text a line) and ``entities|key/*.txt|json``; ICDAR 2019
funsd      ``annotations/*.json`` beside ``images/*.png``; labels HEADER, QUESTION, ANSWER
xfund      ``<language>.<split>.json`` (``documents``: img, document) beside the pictures or a folder of their name
kleister   ``in.tsv`` (first column the file's name) and ``expected.tsv`` (``key=value`` pairs), ``documents/*.pdf``;
           each page an example that carries the document's values
docvqa     ``*.json`` with ``data`` (question, image, answers) and ``ocr_results/*.json`` (Microsoft's layout)
cord       ``json/*.json`` (``valid_line``) beside ``image/*.png``; labels are CORD's categories
classes    one folder per class with pictures and PDFs in it; nothing is read from them yet
=========  ==========================================================================================================
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from layoutserve.model.errors import DatasetError
from layoutserve.model.page import Word, read_document
from layoutserve.model.training.data import jsonl
from layoutserve.model.training.data.example import Example, Question, Span, make_word, split_line

_PICTURES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")


def read(path: Path, layout: str = "auto") -> list[Example]:
    """The pages of a data set on disk in a published layout, or in ours.

    layout: ``jsonl``, ``sroie``, ``funsd``, ``xfund``, ``kleister``, ``docvqa``, ``cord``, ``classes`` (one
    folder per class), or ``auto``, which looks at what is there.
    """
    name = recognize(path) if layout == "auto" else layout
    if name not in LAYOUTS:
        raise DatasetError(f"There is no layout {name!r}; use one of {', '.join(sorted(LAYOUTS))}.")
    examples = list(LAYOUTS[name](path))
    if not examples:
        raise DatasetError(f"{path} holds no pages in the layout {name!r}.")
    return examples


def recognize(path: Path) -> str:
    """The layout of what lies at ``path``. Raises DatasetError where it is none of those known here."""
    if path.is_file():
        if path.suffix == ".json":
            return "docvqa" if "data" in _json(path) else "xfund"
        return "jsonl"
    tests = {
        "sroie": path / "box",
        "funsd": path / "annotations",
        "kleister": path / "in.tsv",
        "cord": path / "json",
    }
    for name, sign in tests.items():
        if sign.exists():
            return name
    if path.is_dir() and any(folder.is_dir() for folder in path.iterdir()):
        return "classes"
    raise DatasetError(f"{path} is no data set in a known layout; say which one it is, or convert it to JSON lines.")


def read_sroie(path: Path) -> Iterator[Example]:
    """ICDAR 2019 SROIE, tasks 1 and 3."""
    values_folder = next((path / name for name in ("entities", "key") if (path / name).is_dir()), None)
    for box in sorted((path / "box").iterdir()):
        picture = _picture(path / "img", box.stem)
        words: list[Word] = []
        for number, text in enumerate(box.read_text(encoding="utf-8", errors="replace").splitlines()):
            parts = text.split(",", 8)
            if len(parts) == 9:
                x, y = [float(v) for v in parts[0:8:2]], [float(v) for v in parts[1:8:2]]
                line = make_word("", (min(x), min(y), max(x), max(y)), number)
                words += split_line(parts[8], line.box, number)
        values = None
        if values_folder is not None:
            found = (values_folder / (box.stem + end) for end in (".txt", ".json"))
            file = next((f for f in found if f.is_file()), None)
            if file is not None:
                values = {label.upper(): (value,) for label, value in _json(file).items() if value}
        width, height = _size(picture)
        yield Example(
            path=picture,
            width=width,
            height=height,
            words=tuple(words),
            values=values,
            document_class="receipt",
            group=(values or {}).get("COMPANY", (box.stem,))[0],
        )


def read_funsd(path: Path) -> Iterator[Example]:
    """FUNSD: forms with words, labels and links."""
    for file in sorted((path / "annotations").glob("*.json")):
        picture = _picture(path / "images", file.stem)
        yield _form(_json(file)["form"], picture, file.stem)


def read_xfund(path: Path) -> Iterator[Example]:
    """XFUND: the same in other languages, all forms in one file."""
    for document in _json(path)["documents"]:
        name = document["img"]["fname"]
        folders = (path.parent, path.with_suffix(""), path.parent / "images")
        picture = next((f / name for f in folders if (f / name).is_file()), path.parent / name)
        yield _form(document["document"], picture, document["id"])


def _form(blocks: Sequence[Mapping[str, Any]], picture: Path, group: str) -> Example:
    words: list[Word] = []
    spans = []
    for number, block in enumerate(blocks):
        first = len(words)
        for word in block["words"]:
            if word["text"].strip():
                words.append(make_word(word["text"].strip(), word["box"], number))
        if block["label"] != "other" and len(words) > first:
            run = tuple(range(first, len(words)))
            spans.append(Span(block["label"].upper(), run, " ".join(words[i].text for i in run)))
    width, height = _size(picture)
    return Example(picture, 1, width, height, tuple(words), None, tuple(spans), "form", (), group)


def read_kleister(path: Path) -> Iterator[Example]:
    """Kleister-NDA and Kleister-Charity: every page of a document with the document's values."""
    names = [row.split("\t")[0] for row in _lines(path / "in.tsv")]
    file = path / "expected.tsv"
    expected = _lines(file) if file.is_file() else [""] * len(names)
    for name, text in zip(names, expected, strict=True):
        values: dict[str, tuple[str, ...]] = {}
        for pair in text.split():
            key, _, value = pair.partition("=")
            values[key.upper()] = (*values.get(key.upper(), ()), value.replace("_", " "))
        document = next(
            (p for p in (path / name, path / "documents" / name, path.parent / "documents" / name) if p.is_file()),
            None,
        )
        if document is None:
            raise DatasetError(f"{path / 'in.tsv'} names {name}, which is not in the folder documents beside it.")
        for page in read_document(document.read_bytes(), dpi=100, ocr="never"):
            yield Example(
                path=document,
                page=page.number,
                width=page.width,
                height=page.height,
                words=page.words,
                values=values,
                group=document.stem,
            )


def read_docvqa(path: Path) -> Iterator[Example]:
    """Single-page DocVQA: every page once, with all its questions."""
    questions: dict[str, list[Question]] = {}
    for row in _json(path)["data"]:
        questions.setdefault(row["image"], []).append(Question(row["question"], tuple(row.get("answers", ()))))
    for name, asked in questions.items():
        picture = path.parent / name
        read = path.parent / "ocr_results" / (picture.stem + ".json")
        words: list[Word] | None = None
        if read.is_file():
            words = []
            for number, line in enumerate(_json(read)["recognitionResults"][0]["lines"]):
                for word in line["words"]:
                    x, y = word["boundingBox"][0::2], word["boundingBox"][1::2]
                    words.append(make_word(word["text"], (min(x), min(y), max(x), max(y)), number))
        width, height = _size(picture)
        yield Example(
            path=picture,
            width=width,
            height=height,
            words=None if words is None else tuple(words),
            questions=tuple(asked),
            group=picture.stem.rsplit("_", 1)[0],
        )


def read_cord(path: Path) -> Iterator[Example]:
    """CORD: receipts whose words are grouped into categories such as ``menu.nm`` and ``total.total_price``."""
    for file in sorted((path / "json").glob("*.json")):
        picture = _picture(path / "image", file.stem)
        words: list[Word] = []
        spans = []
        for number, line in enumerate(_json(file)["valid_line"]):
            first = len(words)
            for word in line["words"]:
                quad = word["quad"]
                x, y = [quad[f"x{i}"] for i in range(1, 5)], [quad[f"y{i}"] for i in range(1, 5)]
                for text in word["text"].split():
                    words.append(make_word(text, (min(x), min(y), max(x), max(y)), number))
            run = tuple(range(first, len(words)))
            if run:
                spans.append(Span(line["category"].upper(), run, " ".join(words[i].text for i in run)))
        width, height = _size(picture)
        yield Example(picture, 1, width, height, tuple(words), None, tuple(spans), "receipt", (), file.stem)


def read_classes(path: Path) -> Iterator[Example]:
    """One folder per class; every page of a PDF is an example. Pages have no words unless the PDF has them."""
    for folder in sorted(p for p in path.iterdir() if p.is_dir()):
        for file in sorted(folder.iterdir()):
            if file.suffix.lower() in _PICTURES:
                yield Example(file, document_class=folder.name, group=file.stem)
            elif file.suffix.lower() == ".pdf":
                for page in read_document(file.read_bytes(), dpi=100):
                    yield Example(
                        path=file,
                        page=page.number,
                        width=page.width,
                        height=page.height,
                        words=page.words,
                        document_class=folder.name,
                        group=file.stem,
                    )


LAYOUTS: Mapping[str, Callable[[Path], Iterable[Example]]] = {
    "jsonl": jsonl.read_with_questions,
    "sroie": read_sroie,
    "funsd": read_funsd,
    "xfund": read_xfund,
    "kleister": read_kleister,
    "docvqa": read_docvqa,
    "cord": read_cord,
    "classes": read_classes,
}


def _json(path: Path) -> Any:  # noqa: ANN401 - JSON is any
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read as JSON: {error}.") from error


def _lines(path: Path) -> list[str]:
    return [row for row in path.read_text(encoding="utf-8").split("\n") if row]


def _picture(folder: Path, stem: str) -> Path:
    for end in _PICTURES:
        if (folder / (stem + end)).is_file():
            return folder / (stem + end)
    raise DatasetError(f"{folder} has no picture {stem} (.jpg, .png, .tif ...).")


_ORIENTATION = 0x0112


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            width, height = image.size
            # As ``model.page`` turns it: these orientations lie on their side.
            return (height, width) if image.getexif().get(_ORIENTATION) in (5, 6, 7, 8) else (width, height)
    except OSError as error:
        raise DatasetError(f"The picture {path} cannot be read: {error}.") from error
