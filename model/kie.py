"""Key information: per-token logits become entities on the page, and entities the fields a document has.

Each word is labelled by its first sub-token, as in training. Labels are decoded for the page as a whole (Viterbi),
so that what comes out is always a valid BIO sequence: an entity begins with B or where nothing of its label stands
before it.

Reading order goes line by line across columns, so an address beside a date is read as address, date, address. Models
are trained to say I where such an entity goes on. The decoder therefore knows a third state beside B and I: *resume*,
which has I's logit, may follow anything, and costs ``RESUME``. A piece that begins with it is joined to the piece of
the same label that stands right above or before it; where there is none, it begins an entity of its own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from model import rules as decoding
from model import values
from model.bundle import FieldSpec, Head
from model.page import Box, Page, Polygon, Word
from model.tensors import Encoding, Logits
from model.values import Conventions
from model.windows import merge_words

RESUME = float(np.log(0.1))

_OUTSIDE = ("O", "")
# How many entities of its label a piece that resumes is compared with, the last ones first.
_JOINED = 20


@dataclass(frozen=True, slots=True)
class Entity:
    """A labelled span of words.

    text: its words, joined by spaces. score: probability that all its words are labelled right, as sure as the
    least sure of them. page: number from 1. box, polygon: page pixels. words: indices on the page, ascending.
    """

    label: str
    text: str
    score: float
    page: int
    box: Box
    polygon: Polygon
    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money: a decimal number ("1234.50") and its ISO 4217 currency, if the document tells."""

    amount: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """What a document says for a label of the schema.

    text: as it stands on the page. value: an ISO date, an amount, or the text again; None if it does not parse.
    """

    label: str
    text: str
    value: str | Amount | None
    score: float
    page: int
    box: Box
    words: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class KieResult:
    """entities: in reading order. fields: in the order of the schema; of a single label at most one."""

    entities: tuple[Entity, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PageEntities:
    """What one page contributes: its entities, and what the rules look at.

    words: the page's. bbox: int64 (words, 4), 0-1000 of the upright page. log_probs: float32 (words, C), what each
    word is labelled. number, turn: the page's.
    """

    entities: tuple[Entity, ...]
    words: tuple[Word, ...]
    bbox: NDArray[np.int64]
    log_probs: NDArray[np.float32]
    number: int = 1
    turn: int = 0


def decode_page(windows: Sequence[Encoding], logits: Sequence[Logits], page: Page, head: Head) -> PageEntities:
    """Find the entities of one page from all its windows."""
    words = page.words or ()
    rows = [found.kie for found in logits if found.kie is not None]
    if not words:
        nothing = np.zeros((0, len(head.labels)), dtype=np.float32)
        return PageEntities((), (), np.zeros((0, 4), dtype=np.int64), nothing, page.number, page.turn)
    log_probs = _log_softmax(merge_words(windows, rows, len(words)) / head.temperature)
    bbox = merge_words(windows, [window.bbox.astype(np.float32) for window in windows], len(words)).astype(np.int64)
    pieces = _join(_pieces(viterbi(log_probs, head.labels), head.labels, log_probs), bbox)
    entities = tuple(_entity(piece, page.number, page.turn, words) for piece in pieces)
    return PageEntities(entities, words, bbox, log_probs, page.number, page.turn)


def decode_document(pages: Sequence[PageEntities], head: Head, rules: Collection[str] | None = None) -> KieResult:
    """Choose the fields of a document from the entities of its pages.

    ``rules`` are the decoding rules that are on, the manifest's by default. Raises RequestError for an unknown one.
    """
    active = decoding.check_rules(head.rules if rules is None else rules)
    found = [(entity, page) for page in pages for entity in page.entities]
    conventions = values.conventions(word.text for page in pages for word in page.words)
    fields: list[Field] = []
    dropped: set[int] = set()
    for label, spec in head.fields.items():
        of_label = [(entity, page) for entity, page in found if entity.label == label]
        candidates = _allowed(label, spec, of_label, conventions, active)
        if not candidates and spec.single and decoding.GUESS_MISSING in active:
            guesses = ((_guess(label, page, head.labels), page) for page in pages)
            guessed = [(entity, page) for entity, page in guesses if entity is not None]
            candidates = _allowed(label, spec, guessed, conventions, active)
        if spec.single:
            candidates = sorted(candidates, key=lambda pair: -pair[0].score)[:1]
            if decoding.SINGLE_VALUED in active:
                kept = {id(entity) for entity, _ in candidates}
                dropped |= {id(entity) for entity, _ in of_label} - kept
        fields += [_field(label, spec, entity, conventions, active) for entity, _ in candidates]
    return KieResult(tuple(entity for entity, _ in found if id(entity) not in dropped), tuple(fields))


def viterbi(log_probs: NDArray[np.float32], labels: Sequence[str]) -> list[str]:
    """Decode the most probable valid sequence: for each word a label, or ``R-X`` where an entity X is resumed.

    log_probs: float32 (words, C) in the order of ``labels``, at least one word.
    """
    names, inside, penalty = _states(tuple(labels))
    emissions = np.concatenate((log_probs, log_probs[:, inside] + RESUME), axis=1).astype(np.float64)
    # The first word may be what may follow O.
    best = emissions[0] + penalty[0]
    back = np.zeros(emissions.shape, dtype=np.int64)
    for index in range(1, len(emissions)):
        paths = best[:, None] + penalty[1:]
        back[index] = paths.argmax(axis=0)
        best = paths.max(axis=0) + emissions[index]
    state = int(best.argmax())
    path = [state]
    for row in back[:0:-1]:
        state = int(row[state])
        path.append(state)
    return [names[state] for state in reversed(path)]


@lru_cache(maxsize=64)
def _states(labels: tuple[str, ...]) -> tuple[tuple[str, ...], list[int], NDArray[np.float64]]:
    """The decoder's states S: their names, from which columns the resuming ones take their logits, and what may follow.

    The penalty is float64 (1 + S, S): of a state (column) after the beginning (row 0) and after each state, 0 or -inf.
    """
    split = [_split(label) for label in labels]
    begun = {name for kind, name in split if kind == "B"}
    inside = [index for index, (kind, name) in enumerate(split) if kind == "I" and name in begun]
    states = [*split, *(("R", split[index][1]) for index in inside)]
    penalty = [
        [0.0 if _may_follow(before, after, begun) else -np.inf for after in states] for before in [_OUTSIDE, *states]
    ]
    return (*labels, *(f"R-{split[index][1]}" for index in inside)), inside, np.array(penalty)


def _split(label: str) -> tuple[str, str]:
    """What a label does (O outside, B begins, I goes on, R resumes) to an entity of which name.

    BIOES is read as BIO (E goes on, S begins); a label without a prefix goes on, and begins where there is none.
    """
    kind, dash, name = label.partition("-")
    if label.upper() in ("O", "OTHER"):
        return _OUTSIDE
    if dash and name and kind in ("B", "S", "U"):
        return "B", name
    if dash and name and kind in ("I", "E", "L", "R"):
        return ("R" if kind == "R" else "I"), name
    return "I", label


def _may_follow(before: tuple[str, str], after: tuple[str, str], begun: Collection[str]) -> bool:
    kind, name = after
    if kind == "R":
        return before[1] != name
    return kind != "I" or before[1] == name or name not in begun


@dataclass(slots=True)
class _Piece:
    """Words of one label that follow each other; ``score`` is the probability of the least sure of them."""

    name: str
    words: list[int]
    score: float
    resumed: bool


def _pieces(path: Sequence[str], labels: Sequence[str], log_probs: NDArray[np.float32]) -> list[_Piece]:
    probs = np.exp(log_probs.astype(np.float64))
    split = [_split(label) for label in labels]
    columns = {name: [i for i, other in enumerate(split) if other[1] == name] for _, name in split if name}
    going_on = {name: [i for i in columns[name] if split[i][0] == "I"] for name in columns}
    pieces: list[_Piece] = []
    current: _Piece | None = None
    for index, (kind, name) in enumerate(map(_split, path)):
        ended = current
        if current and kind == "I" and name == current.name:
            current.words.append(index)
            # A word inside is right if it goes on; the first one if it is of this label at all.
            current.score = min(current.score, float(probs[index, going_on[name]].sum()))
            continue
        current = None
        if ended:
            # An entity is also as sure as its end: that this word does not go on with it.
            ended.score = min(ended.score, 1.0 - float(probs[index, going_on[ended.name]].sum()))
        if name:
            current = _Piece(name, [index], float(probs[index, columns[name]].sum()), kind == "R")
            pieces.append(current)
    return pieces


def _join(pieces: Sequence[_Piece], bbox: NDArray[np.int64]) -> list[_Piece]:
    """Join pieces that resume to the last piece of their label that stands right above or before them."""
    joined: list[_Piece] = []
    by_name: dict[str, list[_Piece]] = {}
    for piece in pieces:
        earlier = by_name.setdefault(piece.name, [])
        near = (other for other in earlier[: -_JOINED - 1 : -1] if _adjacent(other, piece, bbox))
        if piece.resumed and (before := next(near, None)):
            before.words += piece.words
            before.score = min(before.score, piece.score)
        else:
            joined.append(piece)
            earlier.append(piece)
    return joined


def _guess(name: str, page: PageEntities, labels: Sequence[str]) -> Entity | None:
    """Find the most probable entity of a label that was not decoded: favour the label until one appears."""
    own = [index for index, label in enumerate(labels) if _split(label)[1] == name]
    others = [index for index in range(len(labels)) if index not in own]
    if not own or not others or not page.words:
        return None
    log_probs = page.log_probs
    lacking = log_probs[:, others].max(axis=1) - log_probs[:, own].max(axis=1)
    favoured = log_probs.copy()
    favoured[:, own] += lacking.min() + 1e-3
    pieces = [piece for piece in _pieces(viterbi(favoured, labels), labels, log_probs) if piece.name == name]
    best = max(pieces, key=lambda piece: piece.score, default=None)
    if best is None or best.score < decoding.LEAST_GUESS:
        return None
    return _entity(best, page.number, page.turn, page.words)


def _adjacent(above: _Piece, below: _Piece, bbox: NDArray[np.int64]) -> bool:
    upper, lower = bbox[above.words], bbox[below.words]
    first, last = lower[0], upper[-1]
    height = max(int(np.median(upper[:, 3] - upper[:, 1])), 1)
    gap = first[1] - upper[:, 3].max()
    stacked = (
        -0.5 * height < gap < 1.5 * height
        and lower[:, 0].min() < upper[:, 2].max()
        and upper[:, 0].min() < lower[:, 2].max()
    )
    same_line = abs((first[1] + first[3]) - (last[1] + last[3])) < height and first[0] >= last[0]
    return bool(stacked or same_line)


def _entity(piece: _Piece, number: int, turn: int, words: Sequence[Word]) -> Entity:
    chosen = [words[index] for index in piece.words]
    box = Box.around(point for word in chosen for point in ((word.box.x0, word.box.y0), (word.box.x1, word.box.y1)))
    return Entity(
        label=piece.name,
        text=" ".join(word.text for word in chosen),
        score=min(max(piece.score, 0.0), 1.0),
        page=number,
        box=box,
        polygon=_polygon(chosen, box, turn),
        words=tuple(piece.words),
    )


def _polygon(words: Sequence[Word], box: Box, turn: int) -> Polygon:
    """Corners in reading direction: along the words on one line, of the box over several."""
    first, last = words[0], words[-1]
    if all(word.line == first.line for word in words):
        return first.polygon[0], last.polygon[1], last.polygon[2], first.polygon[3]
    corners = ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1))
    # Turning the page clockwise brings its bottom left corner to the top left, where reading begins.
    start = -(turn // 90) % 4
    return corners[start], corners[(start + 1) % 4], corners[(start + 2) % 4], corners[(start + 3) % 4]


def _allowed(
    label: str,
    spec: FieldSpec,
    candidates: list[tuple[Entity, PageEntities]],
    conventions: Conventions,
    rules: Collection[str],
) -> list[tuple[Entity, PageEntities]]:
    if decoding.VALUES_PARSE in rules:
        candidates = [pair for pair in candidates if _found(spec, pair[0].text, conventions) or spec.type == "text"]
    preferred = []
    if decoding.TOTAL_NEAR_KEYWORD in rules and label.lower() in decoding.TOTAL_LABELS:
        for entity, page in candidates:
            keywords = page.bbox[decoding.total_keywords(page.words)]
            if decoding.near_keyword(_bounds(page.bbox[list(entity.words)]), keywords):
                preferred.append((entity, page))
    if decoding.COMPANY_IN_FIRST_LINES in rules and label.lower() in decoding.COMPANY_LABELS:
        for entity, page in candidates:
            if decoding.line_numbers(page.bbox)[entity.words[0]] < decoding.FIRST_LINES:
                preferred.append((entity, page))
    return preferred or candidates


def _bounds(bbox: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate((bbox[:, :2].min(axis=0), bbox[:, 2:].max(axis=0)))


def _field(label: str, spec: FieldSpec, entity: Entity, conventions: Conventions, rules: Collection[str]) -> Field:
    text, value = entity.text, _found(spec, entity.text, conventions)
    if decoding.TRIM_VALUES in rules:
        text = value.text if value else text.strip(" :;|*") or text
    normal: str | Amount | None = value.value if value else None
    if spec.type == "text":
        normal = " ".join(text.split())
    elif value and spec.type == "amount":
        normal = Amount(value.value, value.currency or conventions.currency)
    return Field(label, text, normal, entity.score, entity.page, entity.box, entity.words)


def _found(spec: FieldSpec, text: str, conventions: Conventions) -> values.Value | None:
    if spec.type == "text":
        return None
    return (values.find_date if spec.type == "date" else values.find_amount)(text, conventions)


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result
