"""Synthetic pages as files: JPEG pictures and one JSON-lines file, drawn by several processes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

import cv2

from layoutserve.model.training.data import jsonl
from layoutserve.model.training.synthesis.drawing import Layouts, generate
from layoutserve.model.training.synthesis.page import SyntheticPage
from layoutserve.model.training.synthesis.world import draw_page

Collection = Literal["first", "world"]
"""The layouts of the first release, exactly as they were drawn then; or those of the world."""

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
    collection: Collection = "first",
    locale: str | None = None,
    thumbnail: int | None = None,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Write ``count`` pages below ``output`` and return the path of the JSON-lines file, ``pages.jsonl``.

    ``kinds`` are drawn in turn; none means all, at random. ``locale`` is a country of the world's pages. Pictures are
    kept no longer than ``thumbnail`` pixels; sizes and boxes in the rows are those of the page all the same.
    ``progress`` is called with the number of pages written. The files do not depend on ``workers``. A file that is
    there is written anew. Raises ValueError for an unknown name.
    """
    if locale is not None and collection == "first":
        raise ValueError("Only the collection 'world' is drawn by locale.")
    (output / "images").mkdir(parents=True, exist_ok=True)
    draw = partial(_write, output, seed, tuple(kinds), layouts, collection, locale, thumbnail)
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


def _write(
    output: Path,
    seed: int,
    kinds: tuple[str, ...],
    layouts: Layouts,
    collection: Collection,
    locale: str | None,
    thumbnail: int | None,
    index: int,
) -> Row:
    kind = kinds[index % len(kinds)] if kinds else None
    page: SyntheticPage
    if collection == "first":
        page = generate(index, seed=seed, kind=kind, layouts=layouts)
    else:
        page = draw_page(index, seed=seed, kind=kind, layouts=layouts, locale=locale)
    name = f"images/{index:06}.jpg"
    image = cv2.cvtColor(page.image, cv2.COLOR_RGB2BGR)
    scale = thumbnail / max(image.shape) if thumbnail is not None else 1.0
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    (output / name).write_bytes(picture.tobytes())
    return page.record(name)
