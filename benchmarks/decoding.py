"""Reading a page in a process of its own beside reading it here: ``python benchmarks/decoding.py [TIMES]``.

A scan of A4 at 200 dpi as JPEG, PNG and PDF: until all its pixels have been looked at, medians of the time that passes
and, which other programs disturb less, of the processor time of all processes that took part.
"""

import io
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from layoutserve.model.allocator import keep_freed_memory
from layoutserve.model.page import DEFAULT_LIMITS, read_document
from layoutserve.service.sandbox.documents import Readers


def scan() -> Image.Image:
    image = Image.new("RGB", (1654, 2339), "white")
    draw = ImageDraw.Draw(image)
    for row in range(60):
        draw.text((100, 100 + 35 * row), "LayoutServe 2024-01-31 Total 12.50 " * 4, fill="black")
    return image


def here(data: bytes) -> None:
    for page in read_document(data):
        page.image.sum(dtype=np.uint64)


def apart(readers: Readers, data: bytes) -> float:
    document = readers.read_document(data, limits=DEFAULT_LIMITS).open()
    for page in document:
        page.image.sum(dtype=np.uint64)
    reader_ms = processor_ms(document.pid)
    document.close()
    return reader_ms


def processor_ms(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def milliseconds(work: Callable[[], float | None], helper: int) -> tuple[float, float]:
    began, before = time.perf_counter(), time.process_time() * 1000 + processor_ms(helper)
    of_others = work() or 0.0
    passed = (time.perf_counter() - began) * 1000
    return passed, time.process_time() * 1000 + processor_ms(helper) - before + of_others


def main(times: int) -> None:
    keep_freed_memory()
    readers = Readers()
    readers.start()
    pid = readers.process_id
    image = scan()
    for kind in ("JPEG", "PNG", "PDF"):
        file = io.BytesIO()
        image.save(file, kind, resolution=200)
        data = file.getvalue()
        # In turns, so that both have the same neighbours on the machine.
        pairs = [
            (milliseconds(partial(here, data), pid), milliseconds(partial(apart, readers, data), pid))
            for _ in range(times)
        ]
        for number, what in enumerate(("time", "processor time")):
            inside, outside = (
                statistics.median(timed[number] for timed in column) for column in zip(*pairs, strict=True)
            )
            print(f"{kind}, {what}: here {inside:.1f} ms, in a process of its own {outside - inside:+.1f} ms")
    readers.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
