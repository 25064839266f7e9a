"""Lines of Hebrew and Arabic: recognizers see characters from left to right, people read them from right to left."""

import numpy as np
from bidi.algorithm import get_display

from layoutserve.model.ocr.lines import Piece
from layoutserve.model.ocr.reader import _in_order
from layoutserve.model.page import Page

LINES = ["\u05d7\u05e9\u05d1\u05d5\u05e0\u05d9\u05ea \u05de\u05e1 12345", "\u05e1\u05d4\u05db Visa Gold 99.50"]


def seen(line, x, y):
    """Pieces from left to right, ten pixels a character."""
    found = []
    for word in get_display(line, base_dir="R").split():
        right = x + 10 * len(word)
        found.append(Piece(word, 0.9, ((x, y), (right, y), (right, y + 20), (x, y + 20))))
        x = right + 10
    return found


def test_words_come_as_they_were_written_and_lines_begin_at_the_right():
    page = Page(np.zeros((200, 800, 3), dtype=np.uint8))
    left, right = "\u05d0\u05d1\u05d2 \u05d3\u05d4", "\u05d5\u05d6\u05d7"
    lines = [seen(left, 20, 150), seen(right, 500, 152), seen(LINES[1], 300, 60), seen(LINES[0], 320, 10)]
    words = _in_order(lines, page, 0)
    assert [word.text for word in words] == " ".join([*LINES, right, left]).split()
    assert [word.line for word in words] == [0] * 3 + [1] * 4 + [2] * 3
    assert words[0].box.x0 > words[1].box.x0 > words[2].box.x0
    # Latin words keep their order, and the number behind them stays there.
    assert words[4].box.x0 < words[5].box.x0 < words[6].box.x0
