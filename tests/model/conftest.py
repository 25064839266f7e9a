import numpy as np
import pytest

from layoutserve.model.network import checkpoint, export
from layoutserve.model.page import Box, Word


@pytest.fixture(scope="session")
def exported(tmp_path_factory, golden_sets):
    """Export a golden set once; ``exported("tiny-token")`` returns its bundle."""
    made = {}

    def bundle_of(name):
        if name not in made:
            folder = tmp_path_factory.mktemp("bundles") / name
            made[name] = export.export(checkpoint.load(golden_sets / name), folder)
        return made[name]

    return bundle_of


@pytest.fixture(scope="session")
def words_of():
    """``words_of(line, ...)`` sets lines in type and gives the words and their bbox, int64 (words, 4)."""

    def set_lines(*lines):
        """Ten pixels a letter, twenty a line; a line is a text, or texts with their left ends."""
        words = []
        for row, line in enumerate(lines):
            for left, text in [(0, line)] if isinstance(line, str) else line:
                x = float(left)
                for word in text.split():
                    words.append(Word.from_box(word, Box(x, 20.0 * row, x + 10 * len(word), 20.0 * row + 16), line=row))
                    x += 10 * (len(word) + 1)
        bbox = np.array([[w.box.x0, w.box.y0, w.box.x1, w.box.y1] for w in words]).astype(np.int64).reshape(-1, 4)
        return words, bbox

    return set_lines
