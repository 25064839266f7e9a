"""Synthetic pages as files: JPEG pictures and one JSON-lines file, drawn by several processes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2

from layoutserve.model.training.data import jsonl
from layoutserve.model.training.synthesis.drawing import Layouts, generate

_AHEAD = 64
"""Pages handed to a worker at once."""
Row = dict[str, object]


def write_pages(
    output: Path,
    count: int,
    *,
    seed: int,
    kinds: Sequence[str] = (),
    layouts: Layouts = "train",
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Write ``count`` pages below ``output`` and return the path of the JSON-lines file, ``pages.jsonl``.

    ``kinds`` are drawn in turn; none means all, at random. ``progress`` is called with the number of pages written.
    The files do not depend on ``workers``. A file that is there is written anew.
    """
    (output / "images").mkdir(parents=True, exist_ok=True)
    draw = partial(_write, output, seed, tuple(kinds), layouts)
    path = output / "pages.jsonl"

    def drawn() -> Iterator[Row]:
        for done, row in enumerate(_map(draw, count, workers), start=1):
            yield row
            if progress is not None:
                progress(done)

    jsonl.write_rows(path, drawn())
    return path


def _map(draw: Callable[[int], Row], count: int, workers: int) -> Iterator[Row]:
    if workers == 1:
        yield from map(draw, range(count))
        return
    # Spawned, not forked: whoever calls this may have threads of its own.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)
    ) as pool:
        yield from pool.map(draw, range(count), chunksize=max(1, min(_AHEAD, count // (4 * workers))))


def _write(output: Path, seed: int, kinds: tuple[str, ...], layouts: Layouts, index: int) -> Row:
    kind = kinds[index % len(kinds)] if kinds else None
    page = generate(index, seed=seed, kind=kind, layouts=layouts)
    name = f"images/{index:06}.jpg"
    picture = cv2.imencode(".jpg", cv2.cvtColor(page.image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    (output / name).write_bytes(picture.tobytes())
    return page.record(name)
