"""From the labels of words to entities: valid sequences, pieces, and pieces that belong together.

Labels are decoded for a page as a whole (Viterbi), so that what comes out is always a valid BIO sequence: inside
labels go on with an entity of their own name and nothing else.

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

RESUME = float(np.log(0.1))

_OUTSIDE = ("O", "")
# How many entities of its label a piece that resumes is compared with, the last ones first.
_JOINED = 20


@dataclass(slots=True)
class Piece:
    """Words of one label that follow each other; ``score`` is the probability of the least sure of them."""

    name: str
    words: list[int]
    score: float
    resumed: bool


def entities(log_probs: NDArray[np.float32], bbox: NDArray[np.int64], labels: Sequence[str]) -> list[Piece]:
    """Find the entities of a page, in reading order.

    log_probs: float32 (words, C) in the order of ``labels``, at least one word. bbox: int64 (words, 4), 0-1000 of the
    upright page.
    """
    return _join(_pieces(viterbi(log_probs, labels), labels, log_probs), bbox)


def guess(name: str, log_probs: NDArray[np.float32], labels: Sequence[str]) -> Piece | None:
    """Find the most probable entity of a label that was not decoded: favour the label until one appears.

    log_probs: float32 (words, C), none too. Gives None for a label that there is not.
    """
    own = columns(name, labels)
    others = [index for index in range(len(labels)) if index not in own]
    if not own or not others or not len(log_probs):
        return None
    lacking = log_probs[:, others].max(axis=1) - log_probs[:, own].max(axis=1)
    favoured = log_probs.copy()
    favoured[:, own] += lacking.min() + 1e-3
    found = _pieces(viterbi(favoured, labels), labels, log_probs)
    return max((piece for piece in found if piece.name == name), key=lambda piece: piece.score, default=None)


def piece(name: str, words: list[int], log_probs: NDArray[np.float32], labels: Sequence[str]) -> Piece:
    """Make an entity of words that were chosen otherwise; log_probs: float32 (words of the page, C)."""
    probs = np.exp(log_probs[np.ix_(words, columns(name, labels))].astype(np.float64)).sum(axis=1)
    return Piece(name, words, float(probs.min()), False)


def names(labels: Sequence[str]) -> tuple[str, ...]:
    """Names of entities, in the order of the labels of words."""
    return tuple(dict.fromkeys(name for _, name in map(_split, labels) if name))


def columns(name: str, labels: Sequence[str]) -> list[int]:
    """The labels that are of an entity's name, whatever they do to it."""
    return [index for index, label in enumerate(labels) if _split(label)[1] == name]


def viterbi(log_probs: NDArray[np.float32], labels: Sequence[str]) -> list[str]:
    """Decode the most probable valid sequence: for each word a label, or ``R-X`` where an entity X is resumed.

    log_probs: float32 (words, C) in the order of ``labels``, at least one word.
    """
    states, inside, penalty = _states(tuple(labels))
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
    return [states[state] for state in reversed(path)]


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
    """Split a label: its kind (O outside, B begins, I goes on, R resumes) and the name of the entity.

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


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithms of the probabilities, float32 (words, C), of logits (words, C)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def _pieces(path: Sequence[str], labels: Sequence[str], log_probs: NDArray[np.float32]) -> list[Piece]:
    probs = np.exp(log_probs.astype(np.float64))
    split = [_split(label) for label in labels]
    of_name = {name: columns(name, labels) for _, name in split if name}
    going_on = {name: [i for i in own if split[i][0] == "I"] for name, own in of_name.items()}
    pieces: list[Piece] = []
    current: Piece | None = None
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
            current = Piece(name, [index], float(probs[index, of_name[name]].sum()), kind == "R")
            pieces.append(current)
    return pieces


def _join(pieces: Sequence[Piece], bbox: NDArray[np.int64]) -> list[Piece]:
    """Join pieces that resume to the last piece of their label that stands right above or before them."""
    joined: list[Piece] = []
    by_name: dict[str, list[Piece]] = {}
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


def _adjacent(above: Piece, below: Piece, bbox: NDArray[np.int64]) -> bool:
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
