"""The judgement of a text layer: which of its characters a person sees, and what it leaves to be read.

A page is rendered twice, as it is and without its text objects. A character that makes no difference is not seen,
whatever hides it: its colour, a shape or a picture over it, a clip, transparency, a layer that is off. What the page
without text still shows may be writing too, and is left to OCR if it looks like it.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from layoutserve.model.page.characters import Characters

Picture = NDArray[np.uint8]

# Difference that text makes to a channel's values (0-255) from which a person sees it: a faint watermark makes 17.
_SEEN = 10
# Difference of neighbouring pixels that is no noise of a scan.
CONTRAST = 20
# Rows of pixels that are compared at a time.
_STRIP = 256
# Share of its box that a glyph paints at least: thin strokes of a slash fill a tenth.
_PAINTED = 0.03
# Text lower than this, in points, is not read by anybody.
_SMALLEST = 1.5
# The same character this near, in heights of its line, is one that was drawn twice, as bold or with a shadow.
_TWICE = 0.15

# Share of twice a letter's height that a rule between two letters runs along.
_WHOLE_RULE = 0.9
# Height in pixels of the lowest rule that is looked for.
_RULE_PIXELS = 7
# Equal characters remembered of one cell of that width: no honest page has more.
_MOST_IN_CELL = 8

# Heights, in points, that a letter of a picture may have, and the most widths for a height.
_LETTER = (3.0, 60.0)
_WIDEST = 3.0
# ... and the most heights for a width: what is thinner is a rule.
_THINNEST = 8.0
# Letters of a word or a number in a picture: this many stand in a row, no further apart than this many heights.
_ROW = 3
_APART = 0.9
# Changes between edge and ground on a line through touching letters.
_CROSSINGS = 10
# Share of pixels in which a row of letters differs from the one above it, at least.
_UNLIKE = 0.02
# More letters than these need not be looked at for rows: there is something to read.
_MANY = 400


def seen(characters: Characters, image: Picture, without_text: Picture, dpi: float) -> NDArray[np.bool_]:
    """Tell which characters a person sees on ``image``, bool (n,); white space is never seen, twice drawn text once."""
    changed = _changed(image, without_text)
    heights = _heights(characters)
    shown = _share(changed, characters.ink) >= _PAINTED
    shown &= ~characters.white & (heights >= _SMALLEST * dpi / 72)
    shown[shown] &= ~_drawn_before(characters, np.flatnonzero(shown), heights)
    return shown


def _changed(image: Picture, other: Picture) -> Picture:
    """Mask (height, width), 255 where a person sees a difference between two pictures of a page."""
    changed = np.empty(image.shape[:2], dtype=np.uint8)
    # In strips: of a large page, each further copy takes 150 MB.
    for top in range(0, len(image), _STRIP):
        rows = slice(top, top + _STRIP)
        alike = cv2.inRange(cv2.absdiff(image[rows], other[rows]), np.zeros(3), np.full(3, float(_SEEN)))
        np.subtract(255, alike, out=changed[rows])
    return changed


def over_ink(characters: Characters, image: Picture, dpi: float) -> NDArray[np.bool_]:
    """Tell under or over which characters the page is not plain, bool (n,), as under the text of a scan."""
    shown = _share(_edges(_grey(image), CONTRAST), characters.ink) >= _PAINTED
    shown &= ~characters.white & (_heights(characters) >= _SMALLEST * dpi / 72)
    return shown


def ruled_apart(characters: Characters, without_text: Picture) -> NDArray[np.bool_]:
    """Tell between which characters, bool (n,), and the ones before them an upright rule of the page stands."""
    apart = np.zeros(len(characters), dtype=np.bool_)
    edges = _edges(_grey(without_text), CONTRAST)
    # Most pages have no upright rules at all.
    if len(characters) < 2 or not cv2.hasNonZero(cv2.erode(edges, np.ones((_RULE_PIXELS, 1), np.uint8))):
        return apart
    one, other = characters.ink[:-1], characters.ink[1:]
    height = np.maximum(one[:, 3] - one[:, 1], other[:, 3] - other[:, 1])
    middle = (one[:, 3] + one[:, 1]) / 2
    upright = (characters.turns[1:] == 0) & (characters.turns[:-1] == 0) & (height > 0)
    upright &= ~characters.white[1:] & ~characters.white[:-1]
    # A little into the glyphs, which rules may touch; as high as letters are, so that no underline looks like one.
    gap = np.stack([one[:, 2] - 1, middle - height, other[:, 0] + 1, middle + height], axis=1)
    upright &= (_share(edges, gap) > 0.1) & (gap[:, 2] > gap[:, 0])
    # On a patterned ground every gap is full of edges.
    upright &= _share(edges, one) < 0.1
    for index in np.flatnonzero(upright).tolist():
        x0, y0, x1, y1 = (max(0, round(edge)) for edge in gap[index].tolist())
        apart[index + 1] = bool(edges[y0:y1, x0 : x1 + 1].any(axis=1).mean() > _WHOLE_RULE)
    return apart


def has_writing(picture: Picture, dpi: float) -> bool:
    """True if a picture holds what looks like letters in a row, upright or along a margin."""
    grey = _grey(picture)
    low, high, _, _ = cv2.minMaxLoc(grey)
    if high - low <= CONTRAST:
        return False
    scale = min(1.0, 100 / dpi)
    small = grey
    if scale < 1:
        small = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    # Edges, not dark pixels: on a coloured band letters are seen by what they differ from.
    mask = _edges(small, 2 * CONTRAST)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = np.asarray(stats[1:, :4], dtype=np.int64)
    least, most = (points * dpi * scale / 72 for points in _LETTER)
    return _has_row(mask, boxes, least, most) or _has_row(mask.T, boxes[:, [1, 0, 3, 2]], least, most)


def _grey(picture: Picture) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _edges(grey: Picture, least: int) -> Picture:
    """Mask (height, width), 255 where neighbouring pixels differ by more than ``least``."""
    gradient = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
    return np.asarray(cv2.threshold(gradient, least, 255, cv2.THRESH_BINARY)[1], dtype=np.uint8)


def _has_row(mask: NDArray[np.uint8], boxes: NDArray[np.int64], least: float, most: float) -> bool:
    """True if some of the boxes (n, 4), x, y, width, height, of edges are a word, or side by side as letters are."""
    x, y, width, height = boxes.T
    boxes = boxes[(height >= least) & (height <= most)]
    if len(boxes) > _MANY:
        return True
    wide = boxes[:, 2] > boxes[:, 3]
    # Letters that touch are one component, which a line through it crosses many times; it crosses a frame four times.
    for x0, y0, across, down in boxes[wide].tolist():
        rows = mask[y0 + down // 4 : y0 + down - down // 4, x0 : x0 + across]
        crossings = np.count_nonzero(np.diff(rows, axis=1), axis=1).max(initial=0)
        # The cells of a comb are crossed as often, in every row alike.
        if crossings >= _CROSSINGS and np.count_nonzero(np.diff(rows, axis=0)) > _UNLIKE * rows.size:
            return True
    letters = boxes[(boxes[:, 2] <= _WIDEST * boxes[:, 3]) & (boxes[:, 3] <= _THINNEST * boxes[:, 2])]
    letters = letters[[not _is_frame(mask, *box) for box in letters.tolist()]]
    if len(letters) < _ROW:
        return False
    x, y, width, height = letters.T.astype(np.float64)
    taller = np.maximum(height[:, None], height)
    lower = np.minimum(height[:, None], height)
    apart = x - (x + width)[:, None]
    overlap = np.minimum((y + height)[:, None], y + height) - np.maximum(y[:, None], y)
    follows = (apart > -0.3 * lower) & (apart < _APART * taller) & (x > x[:, None])
    follows &= (overlap > 0.5 * lower) & (taller < 2.5 * lower)
    # A letter between two others of its row.
    return bool((follows.any(axis=0) & follows.any(axis=1)).any())


def _is_frame(mask: Picture, x: int, y: int, width: int, height: int) -> bool:
    """True if a component of edges is an empty square, as a checkbox is: ink in its corners and none within."""
    part = mask[y : y + height, x : x + width]
    corner = max(2, height // 6)
    corners = (part[:corner, :corner], part[:corner, -corner:], part[-corner:, :corner], part[-corner:, -corner:])
    inner = part[height // 3 : height - height // 3, width // 3 : width - width // 3]
    return max(width, height) < 1.3 * min(width, height) and all(c.any() for c in corners) and not inner.any()


def _share(mask: Picture, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share (n,) of each box (n, 4), cut to the page, where a mask (height, width) is 255; 0 for boxes beyond it."""
    height, width = mask.shape
    sums = cv2.integral(mask)
    low = np.floor(boxes[:, :2]).astype(np.int64)
    high = np.maximum(np.ceil(boxes[:, 2:]).astype(np.int64), low + 1)
    x0, y0 = np.clip(low[:, 0], 0, width), np.clip(low[:, 1], 0, height)
    x1, y1 = np.clip(high[:, 0], 0, width), np.clip(high[:, 1], 0, height)
    counts = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
    return np.asarray(counts / (255.0 * np.maximum((x1 - x0) * (y1 - y0), 1)), dtype=np.float64)


def _heights(characters: Characters) -> NDArray[np.float64]:
    """Heights (n,) of the characters' lines in pixels, across the direction they are read in."""
    upright = characters.turns % 180 == 0
    extents = np.maximum(characters.line[:, 2:] - characters.line[:, :2], characters.ink[:, 2:] - characters.ink[:, :2])
    return np.where(upright, extents[:, 1], extents[:, 0])


def _drawn_before(characters: Characters, members: NDArray[np.intp], heights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which of the members (m,) repeat one before them that another object drew in nearly the same place."""
    repeated = np.zeros(len(members), dtype=np.bool_)
    middles = (characters.ink[members, :2] + characters.ink[members, 2:]) / 2
    reaches = _TWICE * heights[members]
    codes = np.array([ord(characters.texts[index]) for index in members.tolist()], dtype=np.int64)
    for cells in _overlapping_cells(codes, middles, reaches):
        _, cell_of, sizes = np.unique(cells, return_inverse=True, return_counts=True)
        kept: dict[int, list[int]] = {}
        # On most pages no cell has two.
        for place in np.flatnonzero(sizes[cell_of] > 1).tolist():
            if repeated[place]:
                continue
            others = kept.setdefault(int(cell_of[place]), [])
            for other in others:
                apart = np.abs(middles[other] - middles[place]).max()
                if apart < reaches[place] and characters.objects[members[other]] != characters.objects[members[place]]:
                    repeated[place] = True
                    break
            else:
                if len(others) < _MOST_IN_CELL:
                    others.append(place)
    return repeated


def _overlapping_cells(
    codes: NDArray[np.int64], middles: NDArray[np.float64], reaches: NDArray[np.float64]
) -> Iterator[NDArray[np.int64]]:
    """Numbers (m,) of cells, four times, in one of which equal characters within reach of each other are together."""
    # Rounded to a power of two, so that characters of one size share their cells.
    exponents = np.ceil(np.log2(np.maximum(reaches, 1e-3))).astype(np.int64) + 1
    for shift in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
        places = np.floor(middles / 2.0 ** exponents[:, None] + np.array(shift)).astype(np.int64) & 0xFFFFF
        yield (codes << 40) ^ (exponents << 58) ^ (places[:, 0] << 20) ^ places[:, 1]
