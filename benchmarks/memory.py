"""Resident memory of the service while thousands of distinct pages go through it.

Run ``python benchmarks/memory.py --pages 2000``. Most pages are small drawn tickets of every size, so that it takes
minutes and not half an hour; every tenth is a whole receipt, because memory grows with the largest. Four clients. The
cache of pages is so small that it is full after 500 of these: what grows after that is no cache.
"""

import argparse
import io
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table
from serving import Pages, service

MARKS = (50, 100, 200, 500, 1000, 1500, 2000)
CLIENTS = 4
CACHE_MIB = 16
WHOLE_EVERY = 10


def documents(count: int) -> Iterator[bytes]:
    """Tickets and receipts, no two alike."""
    whole, font, choice = Pages(), ImageFont.load_default(26), random.Random(0)
    for number in range(count):
        if number % WHOLE_EVERY == 0:
            yield whole.next()
            continue
        image = Image.new("RGB", (choice.randint(300, 560), choice.randint(160, 400)), "white")
        pen = ImageDraw.Draw(image)
        for row in range(choice.randint(2, 4)):
            pen.text((20, 20 + 40 * row), f"ITEM {number}-{row} {choice.random() * 100:.2f}", fill="black", font=font)
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=1)
        yield file.getvalue()


def measure(count: int, bundle: Path | None = None, marks: Sequence[int] = MARKS) -> dict[int, float]:
    """MiB after so many pages."""
    supply, found, done = documents(count), {}, 0
    with service(bundle, cache_mib=CACHE_MIB) as running:
        for mark in sorted({*(mark for mark in marks if mark < count), count}):
            while done < mark:
                part = [next(supply) for _ in range(min(50, mark - done))]
                running.post(part, CLIENTS)
                done += len(part)
            found[mark] = running.memory_mib
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--bundle", type=Path, help="a bundle (default: the starter bundle)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    found = measure(arguments.pages, arguments.bundle)
    if arguments.json:
        arguments.json.write_text(json.dumps(found))
    table = Table("pages", "resident MiB", title="Memory")
    for pages, memory in found.items():
        table.add_row(str(pages), f"{memory:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
