"""From labelled pages to padded batches: thumbnails, windows with their targets, buckets of equal length.

Training encodes with ``model.encoding.encoder``, the code that serves. A page is kept as its 224x224 thumbnail with its
words in thumbnail pixels: boxes only matter as fractions of the page, and a corpus then fits in memory.

Shapes: B windows, L text tokens, C KIE labels.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from layoutserve.model.encoding.encoder import IGNORE, Encoder, answer_tokens, label_tokens
from layoutserve.model.encoding.tensors import IMAGE_SIZE, Encoding
from layoutserve.model.errors import DatasetError
from layoutserve.model.page import Page, Word
from layoutserve.model.training.data.example import Example, Question, scaled


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of the heads: entity names without prefix, and document classes."""

    entities: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def kie(self) -> tuple[str, ...]:
        """BIO labels in the order of the logits: O, B-X, I-X, ..."""
        return ("O", *(f"{prefix}-{name}" for name in self.entities for prefix in "BI"))


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A labelled page ready to be augmented and encoded.

    page: thumbnail with words. spans: (entity name, word indices); None where the source does not label entities.
    annotated: the entity names the source labels; a word without a label may still be one of the others.
    """

    page: Page
    spans: tuple[tuple[str, tuple[int, ...]], ...] | None
    annotated: frozenset[str]
    document_class: str | None
    questions: tuple[Question, ...]
    group: str

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of the page."""
        return self.page.words or ()


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One window and what the heads should say of it; None or -1 where nothing is known.

    kie: int64 (L,), IGNORE where there is no word's first token. unlabelled: bool (C,), labels that may hide behind
    O. document_class: index. answers: (start, end) of every place of the answer, ((0, 0),) where there is none.
    """

    encoding: Encoding
    kie: NDArray[np.int64] | None = None
    unlabelled: NDArray[np.bool_] | None = None
    document_class: int = -1
    answers: tuple[tuple[int, int], ...] = ()


def sheet(example: Example, annotated: Iterable[str] | None = None) -> Sheet:
    """Read the picture of an example and scale it down. ``annotated``: by default the names that its spans bear."""
    image = example.read_image()
    if example.words is None:
        raise DatasetError(f"{example.path}, page {example.page}: has no words; read the page first.")
    height, width = image.shape[:2]
    scale_x = IMAGE_SIZE / (example.width or width)
    scale_y = IMAGE_SIZE / (example.height or height)
    small = Image.fromarray(image).resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR)
    words = tuple(scaled(word, scale_x, scale_y) for word in example.words)
    spans = None if example.spans is None else tuple((s.label, s.words) for s in example.spans)
    names = {s.label for s in example.spans or ()} | set(example.values or ())
    return Sheet(
        page=Page(np.asarray(small, dtype=np.uint8), words=words),
        spans=spans,
        annotated=frozenset(names if annotated is None else annotated),
        document_class=example.document_class,
        questions=example.questions,
        group=example.group,
    )


def word_labels(page: Sheet, labels: Labels) -> NDArray[np.int64] | None:
    """Index of each word's BIO label, int64 (words,), or None where the page is not labelled for entities."""
    if page.spans is None:
        return None
    index = {name: i for i, name in enumerate(labels.kie)}
    result = np.zeros(len(page.words), dtype=np.int64)
    for name, words in page.spans:
        if f"B-{name}" in index:
            for position, word in enumerate(words):
                result[word] = index[f"I-{name}" if position else f"B-{name}"]
    return result


def targets(page: Sheet, encoder: Encoder, labels: Labels, question: Question | None = None) -> list[Target]:
    """Every window of a page with its targets, asked ``question`` where there is one."""
    words = word_labels(page, labels)
    unlabelled = np.array([name[2:] not in page.annotated and name != "O" for name in labels.kie])
    kind = labels.classes.index(page.document_class) if page.document_class in labels.classes else -1
    result = []
    for encoding in encoder.encode(page.page, 0, None if question is None else question.text):
        answers: tuple[tuple[int, int], ...] = ()
        if question is not None:
            places = {answer_tokens(encoding, run[0], run[-1]) for run in question.spans or ()} - {(0, 0)}
            answers = tuple(sorted(places)) or ((0, 0),)
        result.append(
            Target(
                encoding=encoding,
                kie=None if words is None else label_tokens(encoding, words.tolist()),
                unlabelled=None if words is None else unlabelled,
                # A question's window is not what the classifier sees when it serves.
                document_class=kind if question is None else -1,
                answers=answers,
            )
        )
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Padded windows: input_ids, attention_mask, token_type_ids, kie int64 (B, L); bbox int64 (B, L, 4);
    image uint8 (B, 3, 224, 224), None for a network that looks at none; words bool (B, L), tokens of the page's words;
    unlabelled bool (B, C); document_class int64 (B,); starts and ends bool (B, L),
    every acceptable place; asked bool (B,), which rows carry a question.
    """

    input_ids: Tensor
    bbox: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    image: Tensor | None
    words: Tensor
    kie: Tensor
    unlabelled: Tensor
    document_class: Tensor
    starts: Tensor
    ends: Tensor
    asked: Tensor

    def __len__(self) -> int:
        return len(self.input_ids)

    def to(self, device: torch.device) -> "Batch":
        """The batch on another device."""
        parts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        moved: dict[str, Any] = {n: p if p is None else p.to(device, non_blocking=True) for n, p in parts.items()}
        return Batch(**moved)


def collate(rows: Sequence[Target], labels: int) -> Batch:
    """Pad windows to the longest of them; ``labels`` is the number of KIE labels."""
    size, length = len(rows), max(len(row.encoding) for row in rows)

    def padded(name: str, *shape: int) -> Tensor:
        out = np.zeros((size, length, *shape), dtype=np.int64)
        for i, row in enumerate(rows):
            value = getattr(row.encoding, name)
            out[i, : len(value)] = value
        return torch.from_numpy(out)

    images = [row.encoding.image for row in rows if row.encoding.image is not None]
    mask = np.zeros((size, length), dtype=np.int64)
    words = np.zeros((size, length), dtype=np.bool_)
    kie = np.full((size, length), IGNORE, dtype=np.int64)
    unlabelled = np.zeros((size, labels), dtype=np.bool_)
    starts, ends = np.zeros((size, length), dtype=np.bool_), np.zeros((size, length), dtype=np.bool_)
    for i, row in enumerate(rows):
        mask[i, : len(row.encoding)] = 1
        words[i, : len(row.encoding)] = row.encoding.word_index >= 0
        if row.kie is not None and row.unlabelled is not None:
            kie[i, : len(row.encoding)] = row.kie
            unlabelled[i] = row.unlabelled
        for start, end in row.answers:
            starts[i, start] = ends[i, end] = True
    return Batch(
        input_ids=padded("input_ids"),
        bbox=padded("bbox", 4),
        attention_mask=torch.from_numpy(mask),
        token_type_ids=padded("token_type_ids"),
        image=torch.from_numpy(np.stack(images)) if images else None,
        words=torch.from_numpy(words),
        kie=torch.from_numpy(kie),
        unlabelled=torch.from_numpy(unlabelled),
        document_class=torch.tensor([row.document_class for row in rows]),
        starts=torch.from_numpy(starts),
        ends=torch.from_numpy(ends),
        asked=torch.tensor([bool(row.answers) for row in rows]),
    )


class Encoded(Protocol):
    """Anything that carries a window."""

    @property
    def encoding(self) -> Encoding:
        """The window."""
        ...


Row = TypeVar("Row", bound=Encoded)


def buckets(rows: Iterable[Row], size: int, rng: np.random.Generator, *, pool: int = 32) -> Iterator[list[Row]]:
    """Batches of ``size`` rows of about equal length: ``pool`` batches are gathered, sorted, and drawn in any order."""
    source = iter(rows)
    while waiting := list(itertools.islice(source, size * pool)):
        waiting.sort(key=lambda row: len(row.encoding))
        groups = [waiting[i : i + size] for i in range(0, len(waiting), size)]
        for index in rng.permutation(len(groups)):
            yield groups[index]


def group_weights(pages: Sequence[Sheet]) -> NDArray[np.float64]:
    """Probability of drawing each page, so that a group of n pages weighs the square root of n; sums to 1."""
    sizes = Counter(page.group for page in pages)
    weights = np.array([sizes[page.group] ** -0.5 for page in pages])
    result: NDArray[np.float64] = weights / weights.sum()
    return result
