"""From a page and perhaps a question to the arrays of the encoder, one Encoding per window.

A window is ``[CLS] words [SEP]`` or ``[CLS] question [SEP] words [SEP]`` (XLM-R: ``<s> words </s>`` and
``<s> question </s></s> words </s>``); which special tokens stand where, and their token types, is what the
tokenizer's own post-processor does with a pair. Boxes are integers 0-1000 of the page as it is read upright: each
token its word's, every separator four times 1000 (LayoutLMv3: 0), everything else zeros. As the processors of
transformers 5.23 do it, except that

- a window begins and ends with a whole word, so every word is seen whole at least once;
- text on the page that spells a special token ("[SEP]") is read as the characters it is;
- a word the tokenizer has no token for (a lone control character) becomes the unknown token and keeps its place.

Training encodes its examples with this module too: ``label_tokens`` and ``answer_tokens`` align its targets.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer

from layoutserve.model.bundle import LAYOUTLMV2, Channels, Inputs
from layoutserve.model.encoding.tensors import IMAGE_SIZE, Encoding, image_key
from layoutserve.model.errors import BundleError, RequestError
from layoutserve.model.page import Page
from layoutserve.model.page.geometry import thousandths, turned_boxes, turned_image

MAX_TOKENS = 512
STRIDE = 128
IGNORE = -100

_UNKNOWN = ("[UNK]", "<unk>")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class PageTokens:
    """A page ready to be cut into windows, shared by all questions about it.

    ids: int64 (tokens,). starts: int64 (words + 1,), where each word's tokens begin in ``ids``, and their end.
    bbox: int64 (words, 4), 0-1000. image: uint8 (3, 224, 224) with its digest, or none. clipped: how many words
    reached beyond the page and were cut to it.
    """

    index: int
    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    bbox: NDArray[np.int64]
    image: NDArray[np.uint8] | None
    image_key: bytes
    clipped: int = 0

    @property
    def nbytes(self) -> int:
        """What its arrays take in memory."""
        picture = 0 if self.image is None else self.image.nbytes
        return picture + self.ids.nbytes + self.starts.nbytes + self.bbox.nbytes


@dataclass(frozen=True, slots=True)
class _Template:
    """The special tokens around and between two sequences, and the token types of all parts."""

    before: tuple[tuple[int, int], ...]
    between: tuple[tuple[int, int], ...]
    after: tuple[tuple[int, int], ...]
    types: tuple[int, int]


class Encoder:
    """Encodes pages for one bundle's tokenizer. Holds no state of a request: share it between threads.

    ``inputs`` says what the network is given beside words, by default what LayoutLMv2 is. ``max_tokens`` counts the
    special tokens and the question in; ``stride`` is how many tokens the windows of a page overlap at most. Raises
    BundleError when the tokenizer is missing or cannot serve.
    """

    def __init__(
        self,
        tokenizer_json: Path,
        inputs: Inputs = LAYOUTLMV2,
        *,
        max_tokens: int = MAX_TOKENS,
        stride: int = STRIDE,
    ) -> None:
        if not tokenizer_json.is_file():
            raise BundleError(
                f"{tokenizer_json.parent} has no {tokenizer_json.name}: "
                "export the bundle again from a checkpoint that has one."
            )
        try:
            tokenizer = Tokenizer.from_file(str(tokenizer_json))
        except Exception as error:  # the binding raises a bare Exception
            raise BundleError(f"{tokenizer_json} cannot be read as a tokenizer ({error}).") from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._single = _template(tokenizer, tokenizer_json, pair=False)
        self._pair = _template(tokenizer, tokenizer_json, pair=True)
        self._unknown = next((i for i in map(tokenizer.token_to_id, _UNKNOWN) if i is not None), None)
        smallest = len(self._pair.before + self._pair.between + self._pair.after) + 2
        if max_tokens < smallest:
            raise ValueError(f"max_tokens must be at least {smallest}, not {max_tokens}.")
        self.inputs = inputs
        self.max_tokens = max_tokens
        self.stride = stride

    def encode(self, page: Page, index: int = 0, question: str | None = None) -> list[Encoding]:
        """Encode one page, at least one window; ``index`` is the page's among the pages of the request.

        Raises RequestError when the question is empty or takes more than half a window.
        """
        return self.windows(self.tokens(page, index), question)

    def tokens(self, page: Page, index: int = 0) -> PageTokens:
        """Tokenize a page's words and prepare its boxes and image, once for all questions about it."""
        words = page.words or ()
        encoded = self._tokenizer.encode([word.text for word in words], is_pretokenized=True, add_special_tokens=False)
        ids = np.asarray(encoded.ids, dtype=np.int64)
        counts = np.bincount(np.asarray(encoded.word_ids, dtype=np.int64), minlength=len(words))
        if self._unknown is not None and (counts == 0).any():
            ids = np.insert(ids, np.cumsum(counts)[counts == 0], self._unknown)
            counts = np.maximum(counts, 1)
        starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        bbox, clipped = normalized_boxes(page)
        if clipped:
            _log.warning("page %d: %d of %d words reach beyond the page; clipped.", page.number, clipped, len(words))
        channels = self.inputs.channels
        image = None if channels is None else model_image(page, channels)
        key = b"" if image is None else image_key(image)
        return PageTokens(index, ids, starts, bbox, image, key, clipped)

    def windows(self, page: PageTokens, question: str | None = None) -> list[Encoding]:
        """Cut a tokenized page into windows, each with the whole question in front of it."""
        template, asked = self._single, np.zeros(0, dtype=np.int64)
        if question is not None:
            template, asked = self._pair, self._question(question)
        specials = len(template.before) + len(template.between) + len(template.after)
        capacity = self.max_tokens - specials - len(asked)
        counts = np.minimum(np.diff(page.starts), capacity)
        return [self._window(page, counts, span, template, asked) for span in _spans(counts, capacity, self.stride)]

    def check_question(self, question: str) -> None:
        """Raise RequestError for a question that cannot be asked, before any page is read."""
        self._question(question)

    def _question(self, question: str) -> NDArray[np.int64]:
        encoded = self._tokenizer.encode(question.split(), is_pretokenized=True, add_special_tokens=False)
        if not encoded.ids:
            raise RequestError("The question is empty: write one.")
        if len(encoded.ids) > self.max_tokens // 2:
            raise RequestError(
                f"The question takes {len(encoded.ids)} tokens, at most {self.max_tokens // 2} leave room for the "
                "page: shorten it."
            )
        return np.asarray(encoded.ids, dtype=np.int64)

    def _window(
        self,
        page: PageTokens,
        counts: NDArray[np.int64],
        span: tuple[int, int],
        template: _Template,
        asked: NDArray[np.int64],
    ) -> Encoding:
        words = np.arange(*span, dtype=np.int64)
        # A word longer than a window is represented by as many of its first tokens as fit.
        word_index = np.repeat(words, counts[words])
        offset = np.arange(len(word_index)) - np.repeat(np.cumsum(counts[words]) - counts[words], counts[words])
        ids = page.ids[page.starts[word_index] + offset]
        before, between = len(template.before), len(template.between)
        text = before + len(asked) + between
        end = text + len(ids)
        length = end + len(template.after)
        input_ids, types = np.empty(length, dtype=np.int64), np.empty(length, dtype=np.int64)
        bbox = np.zeros((length, 4), dtype=np.int64)
        index = np.full(length, -1, dtype=np.int32)
        for start, special in ((0, template.before), (text - between, template.between), (end, template.after)):
            for position, (token, kind) in enumerate(special, start):
                input_ids[position], types[position] = token, kind
                bbox[position] = 0 if position == 0 else self.inputs.separator_box
        input_ids[before : before + len(asked)] = asked
        types[before : before + len(asked)] = template.types[0]
        input_ids[text:end], types[text:end] = ids, template.types[1]
        bbox[text:end], index[text:end] = page.bbox[word_index], word_index
        # Of LayoutLMv3 and LiLT all tokens are of one type, whatever their tokenizer says.
        types = np.minimum(types, self.inputs.token_types - 1)
        visual_tokens = self.inputs.visual_tokens
        return Encoding(input_ids, bbox, types, index, page.image, page.index, page.image_key, visual_tokens)


def normalized_boxes(page: Page) -> tuple[NDArray[np.int64], int]:
    """Give the words' boxes as integers 0-1000 of the upright page, int64 (words, 4), and how many were clipped."""
    boxes = np.array([(w.box.x0, w.box.y0, w.box.x1, w.box.y1) for w in page.words or ()], dtype=np.float64).reshape(
        -1, 4
    )
    boxes = np.nan_to_num(boxes, posinf=np.inf, neginf=-np.inf)
    return thousandths(*turned_boxes(boxes, float(page.width), float(page.height), page.turn))


def model_image(page: Page, channels: Channels = "BGR") -> NDArray[np.uint8]:
    """Give the upright page as the visual graph wants it: bilinear 224x224, uint8 (3, 224, 224)."""
    upright = Image.fromarray(turned_image(page.image, page.turn))
    pixels = np.asarray(upright.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR), dtype=np.uint8)
    return np.ascontiguousarray((pixels if channels == "RGB" else pixels[:, :, ::-1]).transpose(2, 0, 1))


def label_tokens(encoding: Encoding, labels: Sequence[int]) -> NDArray[np.int64]:
    """Give the KIE targets of a window, int64 (L,): a word's label at its first token, -100 everywhere else."""
    index = encoding.word_index
    first = (index >= 0) & (index != np.concatenate((np.array([-1], dtype=np.int32), index[:-1])))
    targets = np.full(len(index), IGNORE, dtype=np.int64)
    targets[first] = np.asarray(labels, dtype=np.int64)[index[first]]
    return targets


def answer_tokens(encoding: Encoding, first_word: int, last_word: int) -> tuple[int, int]:
    """Give the DocVQA targets of a window: the answer's first and last token, (0, 0) if it is not wholly inside."""
    first = np.flatnonzero(encoding.word_index == first_word)
    last = np.flatnonzero(encoding.word_index == last_word)
    return (int(first[0]), int(last[-1])) if len(first) and len(last) else (0, 0)


def _spans(counts: NDArray[np.int64], capacity: int, stride: int) -> list[tuple[int, int]]:
    """Cut words of ``counts`` tokens (each at most ``capacity``) into overlapping runs that fit, covering them all."""
    total = np.concatenate(([0], np.cumsum(counts)))
    overlap = min(stride, capacity // 2)
    spans, begin = [], 0
    while True:
        end = int(np.searchsorted(total, total[begin] + capacity, side="right")) - 1
        spans.append((begin, end))
        if end == len(counts):
            return spans
        # Step back as far as the overlap goes, but leave room for the word that did not fit: each window adds one.
        begin = int(np.searchsorted(total, max(total[end] - overlap, total[end + 1] - capacity), side="left"))


def _template(tokenizer: Tokenizer, path: Path, *, pair: bool) -> _Template:
    """Find out what the tokenizer's post-processor puts around a text or a pair of texts."""
    encoded = tokenizer.encode(["a"], ["a"] if pair else None, is_pretokenized=True)
    sides, parts = encoded.sequence_ids, list(zip(encoded.ids, encoded.type_ids, strict=True))
    question, words = (0, 1) if pair else (0, 0)
    if question not in sides or words not in sides:
        raise BundleError(f"{path} gives no token for a plain letter: it is no tokenizer of these networks.")
    if sides[0] is not None or sides[-1] is not None:
        raise BundleError(f"{path} adds no special tokens: a post-processor that frames the text is needed.")
    first, last = sides.index(question), len(sides) - 1 - sides[::-1].index(words)
    middle = [part for part, side in zip(parts[first:last], sides[first:last], strict=True) if side is None]
    types = (parts[first][1], parts[last][1])
    return _Template(tuple(parts[:first]), tuple(middle), tuple(parts[last + 1 :]), types)
