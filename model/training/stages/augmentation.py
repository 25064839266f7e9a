"""Making a labelled page different without making its labels wrong: values, words, boxes and the picture.

The few companies of a small data set are learnt by heart unless their names change: ``swap_values`` puts other
values of the same kind in their places, line by line. ``noisy_words`` makes the mistakes of an OCR engine,
``shift`` moves and stretches the page with its picture, ``drop_lines`` leaves lines out.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from layoutserve.model.encoding.tensors import IMAGE_SIZE
from layoutserve.model.page import Box, Page, Word
from layoutserve.model.training.data.example import Question, scaled, split_line
from layoutserve.model.training.stages.batches import Sheet

_CONFUSED = {
    "0": "O",
    "O": "0",
    "1": "I",
    "I": "1",
    "5": "S",
    "S": "5",
    "8": "B",
    "B": "8",
    "2": "Z",
    "6": "G",
    "D": "O",
    "E": "F",
    "M": "N",
    "H": "N",
    ",": ".",
    ".": ",",
    ":": ".",
    "L": "I",
}


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Amounts of each kind of change: probabilities 0-1, and sizes as fractions of the page."""

    swap: float = 0.5
    words: float = 0.5
    characters: float = 0.03
    lines: float = 0.4
    shift: float = 0.8
    jitter: float = 0.003
    picture: float = 0.7

    def __call__(self, page: Sheet, rng: random.Random, pool: Mapping[str, Sequence[str]]) -> Sheet:
        """A different page with the same kind of labels. ``pool``: other values by entity name."""
        page = swap_values(page, rng, pool, self.swap)
        if rng.random() < self.lines:
            page = drop_lines(page, rng, rng.uniform(0.05, 0.7))
        if rng.random() < self.words:
            page = noisy_words(page, rng, self.characters)
        if rng.random() < self.shift:
            page = shift(page, rng, self.jitter)
        if rng.random() < self.picture:
            page = replace(page, page=replace(page.page, image=_picture(page.page.image, rng)))
        return page


def swap_values(page: Sheet, rng: random.Random, pool: Mapping[str, Sequence[str]], probability: float) -> Sheet:
    """Other values in the places of some entities; questions about them and equal words elsewhere follow."""
    for position in range(len(page.spans or ())):
        assert page.spans is not None
        name, _ = page.spans[position]
        texts = pool.get(name, ())
        if texts and rng.random() < probability:
            page = _swapped(page, position, rng.choice(texts))
    return page


def _swapped(page: Sheet, position: int, value: str) -> Sheet:
    """``value`` spread over the lines on which the span stands, in proportion to their lengths."""
    assert page.spans is not None
    _, span = page.spans[position]
    old = page.words
    lines: dict[int, list[int]] = {}
    for i in span:
        lines.setdefault(old[i].line, []).append(i)
    if any(run != list(range(run[0], run[0] + len(run))) for run in lines.values()):
        return page
    parts = value.split()
    if len(parts) < len(lines):
        return page
    before = " ".join(old[i].text for i in span)
    unit = len(value) / max(len(before), 1)
    new_runs: dict[int, list[Word]] = {}
    taken = 0
    for order, (line, run) in enumerate(lines.items()):
        left = len(lines) - order - 1
        wanted = sum(len(old[i].text) + 1 for i in run) * unit
        text: list[str] = []
        while taken < len(parts) - left and (not text or left == 0 or len(" ".join(text)) < wanted - 2):
            text.append(parts[taken])
            taken += 1
        first, last = old[run[0]].box, old[run[-1]].box
        width = (last.x1 - first.x0) * len(" ".join(text)) / max(len(" ".join(old[i].text for i in run)), 1)
        middle = (first.x0 + last.x1) / 2
        low, high = (middle - width / 2, middle + width / 2) if len(lines) > 1 else (first.x0, first.x0 + width)
        box = Box(max(low, 0.0), first.y0, min(max(high, low + 1), IMAGE_SIZE - 0.5), last.y1)
        new_runs[run[0]] = split_line(" ".join(text), box, line)
    words: list[Word] = []
    moved: dict[int, list[int]] = {}
    replaced = set(span)
    for i, word in enumerate(old):
        if i in new_runs:
            moved[i] = list(range(len(words), len(words) + len(new_runs[i])))
            words.extend(new_runs[i])
        elif i not in replaced:
            moved[i] = [len(words)]
            words.append(word)
    keep = replace(page, page=replace(page.page, words=tuple(words)))
    return _reindexed(keep, page, moved, complete={position})


def _reindexed(new: Sheet, old: Sheet, moved: Mapping[int, list[int]], complete: Collection[int] = ()) -> Sheet:
    """Spans and questions of ``old`` with the indices of ``new``; a span or answer that lost words goes.

    ``complete``: positions of spans whose words were replaced as a whole; answers that stood there follow them.
    """
    spans: list[tuple[str, tuple[int, ...]]] = []
    followed: dict[tuple[int, ...], tuple[int, ...]] = {}
    for position, (name, words) in enumerate(old.spans or ()):
        now = tuple(j for i in words for j in moved.get(i, ()))
        if position in complete:
            followed[words] = now
            spans.append((name, now))
        elif all(i in moved for i in words) or (now and len(now) >= 0.6 * len(words) and len(words) > 3):
            spans.append((name, now))
    questions = []
    for question in old.questions:
        runs = []
        for run in question.spans or ():
            if run in followed:
                runs.append(followed[run])
            elif all(i in moved for i in run) and not any(set(run) & set(w) for w in followed):
                runs.append(tuple(j for i in run for j in moved[i]))
        if bool(runs) == bool(question.answers):
            texts = tuple(dict.fromkeys(" ".join(new.words[i].text for i in run) for run in runs))
            questions.append(Question(question.text, texts, tuple(runs)))
    return replace(new, spans=None if old.spans is None else tuple(spans), questions=tuple(questions))


def drop_lines(page: Sheet, rng: random.Random, share: float) -> Sheet:
    """Leave lines without a label out; questions whose answer was there go with them."""
    labelled = {page.words[i].line for _, span in page.spans or () for i in span}
    gone = {line for line in {word.line for word in page.words} - labelled if rng.random() < share}
    moved: dict[int, list[int]] = {}
    words: list[Word] = []
    for i, word in enumerate(page.words):
        if word.line not in gone:
            moved[i] = [len(words)]
            words.append(word)
    if not words:
        return page
    return _reindexed(replace(page, page=replace(page.page, words=tuple(words))), page, moved)


def noisy_words(page: Sheet, rng: random.Random, rate: float) -> Sheet:
    """Characters mistaken for others or lost, at ``rate`` a character; indices stay."""
    words = []
    for word in page.words:
        text = word.text
        if len(text) > 1 and rng.random() < rate * len(text):
            at = rng.randrange(len(text))
            other = _CONFUSED.get(text[at].upper(), "" if text[at].isalpha() else text[at])
            text = text[:at] + other + text[at + 1 :] or word.text
        words.append(replace(word, text=text))
    return replace(page, page=replace(page.page, words=tuple(words)))


def shift(page: Sheet, rng: random.Random, jitter: float) -> Sheet:
    """Stretch and move the page in its frame, and every word a little."""
    x, y = rng.uniform(0.8, 1.05), rng.uniform(0.8, 1.05)
    dx, dy = ((1 - s) * IMAGE_SIZE * rng.random() for s in (x, y))
    noise = jitter * IMAGE_SIZE
    words = tuple(
        _inside(scaled(word, x, y, dx + rng.gauss(0, noise), dy + rng.gauss(0, noise))) for word in page.words
    )
    image = Image.fromarray(page.page.image)
    paper = int(np.median(page.page.image))
    # PIL wants the inverse: where in the old picture a new pixel comes from.
    moved = image.transform(
        image.size,
        Image.Transform.AFFINE,
        (1 / x, 0, -dx / x, 0, 1 / y, -dy / y),
        resample=Image.Resampling.BILINEAR,
        fillcolor=(paper, paper, paper),
    )
    return replace(page, page=Page(np.asarray(moved, dtype=np.uint8), words=words))


def _inside(word: Word) -> Word:
    def clip(value: float) -> float:
        return min(max(value, 0.0), float(IMAGE_SIZE))

    box = Box(clip(word.box.x0), clip(word.box.y0), clip(word.box.x1), clip(word.box.y1))
    return replace(word, box=box)


def _picture(image: NDArray[np.uint8], rng: random.Random) -> NDArray[np.uint8]:
    """Light, contrast, blur, noise and a tint, as cameras and scanners add them."""
    picture = Image.fromarray(image)
    picture = ImageEnhance.Brightness(picture).enhance(rng.uniform(0.7, 1.15))
    picture = ImageEnhance.Contrast(picture).enhance(rng.uniform(0.6, 1.4))
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.0)))
    result = np.asarray(picture, dtype=np.float64)
    if rng.random() < 0.5:
        noise = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.uniform(2, 12), result.shape[:2])
        result = result + noise[..., None]
    if rng.random() < 0.3:
        result = result * [rng.uniform(0.85, 1.0) for _ in range(3)]
    return np.clip(result, 0, 255).astype(np.uint8)
