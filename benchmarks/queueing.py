"""Rate and delay of a service of a given size: a small simulation, and its check.

    python benchmarks/queueing.py check http://127.0.0.1:8080            measure a running service, then simulate it
    python benchmarks/queueing.py plan --page-s 0.6 --cores 2            what a million pages a day need

Pages arrive at random (Poisson), wait in one queue in their order, and are worked on by ``servers`` machines, one page
at a time each. Above ``most`` pages in work or waiting they are turned away, as the service does with 429. A page takes
longer than it keeps its machine: pages overlap where one alone leaves cores idle. So two things are measured: the
seconds of pages one after the other, and the rate of several clients, which says how long each keeps others waiting.
"""

import argparse
import heapq
import io
import itertools
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
from PIL import Image, ImageDraw, ImageFont
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

SECONDS_A_DAY = 86_400
WARM_UP = 2
WIDTH = 120


@dataclass(frozen=True, slots=True)
class Outcome:
    """Pages answered a second, pages turned away in 0-1, and times from arrival to answer in seconds."""

    rate: float
    turned_away: float
    times: tuple[float, ...]

    def quantile(self, share: float) -> float:
        """The time within which ``share`` of the answered pages were answered."""
        return sorted(self.times)[min(int(share * len(self.times)), len(self.times) - 1)] if self.times else 0.0


def simulate(
    arrivals: Sequence[float], works: Sequence[float], servers: int, most: int, seed: int = 0, beside: float = 0.0
) -> Outcome:
    """Let pages arrive at ``arrivals`` (seconds, rising) and be worked on for times drawn from ``works``.

    beside: seconds of a page during which others are worked on.
    """
    draw = random.Random(seed)
    free = [0.0] * servers  # when each server is done with what it has
    leaving: list[float] = []  # when each page in the house will leave
    times, turned_away = [], 0
    for now in arrivals:
        while leaving and leaving[0] <= now:
            heapq.heappop(leaving)
        if len(leaving) >= most:
            turned_away += 1
            continue
        end = max(heapq.heappop(free), now) + draw.choice(works)
        heapq.heappush(free, end)
        heapq.heappush(leaving, end + beside)
        times.append(end + beside - now)
    last = max(max(free) + beside, arrivals[-1])
    return Outcome(len(times) / (last - arrivals[0]), turned_away / len(arrivals), tuple(times))


def poisson(rate: float, pages: int, seed: int = 0) -> list[float]:
    """Times of ``pages`` arrivals, ``rate`` a second on average."""
    draw = random.Random(seed)
    return list(itertools.accumulate(draw.expovariate(rate) for _ in range(pages)))


def receipt(number: int) -> bytes:
    """A drawn receipt of twelve lines, another for each number."""
    image = Image.new("RGB", (640, 900), "white")
    pen, font, draw = ImageDraw.Draw(image), ImageFont.load_default(26), random.Random(number)
    lines = [f"ACME TRADING NO {number}", "Date 31/01/2024"]
    lines += [f"{draw.choice(('Coffee', 'Bread', 'Apples', 'Paper'))} {draw.uniform(1, 99):.2f}" for _ in range(9)]
    for row, text in enumerate([*lines, f"TOTAL {draw.uniform(1, 999):.2f}"]):
        pen.text((40, 30 + 70 * row), text, fill="black", font=font)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def measure(url: str, path: str, arrivals: Sequence[float], first: int) -> Outcome:
    """Post a page at each of ``arrivals``, whether or not the ones before it have been answered."""
    documents = [receipt(first + number) for number in range(len(arrivals))]
    began = time.perf_counter()
    with httpx.Client(base_url=url, timeout=300, limits=httpx.Limits(max_connections=None)) as client:

        def post(number: int) -> tuple[int, float, float]:
            time.sleep(max(began + arrivals[number] - time.perf_counter(), 0))
            answer = client.post(path, files={"file": documents[number]})
            now = time.perf_counter() - began
            return answer.status_code, now - arrivals[number], now

        with ThreadPoolExecutor(len(arrivals)) as pool:
            answers = list(pool.map(post, range(len(arrivals))))
    if others := {status for status, _, _ in answers} - {200, 429}:
        sys.exit(f"The service answered {others}.")
    times = tuple(seconds for status, seconds, _ in answers if status == 200)
    last = max(end for _, _, end in answers)
    return Outcome(len(times) / (last - arrivals[0]), 1 - len(times) / len(answers), times)


def check(arguments: argparse.Namespace) -> None:
    """Measure a lone client, then several, then random arrivals from few to too many, each beside its simulation."""
    alone: list[float] = []
    stages: Counter[str] = Counter()
    with httpx.Client(base_url=arguments.url, timeout=300) as client:

        def post(number: int) -> httpx.Response:
            return client.post(arguments.path, files={"file": receipt(number)}).raise_for_status()

        for number in range(arguments.alone + WARM_UP):
            began = time.perf_counter()
            answer = post(number)
            if number >= WARM_UP:
                alone.append(time.perf_counter() - began)
                stages.update(answer.json()["timings_ms"])
        began = time.perf_counter()
        with ThreadPoolExecutor(arguments.clients) as pool:
            list(pool.map(post, range(100, 100 + arguments.pages)))
        rate = arguments.pages / (time.perf_counter() - began)
    mean = statistics.mean(alone)
    console = Console(width=WIDTH)
    console.print(_stages(stages, len(alone)))
    console.print(f"One page alone: {mean:.2f} s (standard deviation {statistics.stdev(alone):.2f} s).")
    console.print(f"{arguments.clients} clients: {rate:.2f} pages/s; plan with --page-s {1 / rate:.2f}.")
    table = _table("arrivals, pages/s", "", "answered, pages/s", "turned away", "mean s", "50 % s", "95 % s")
    busy = 1 / rate / mean
    for turn, load in enumerate(arguments.loads):
        arrivals = poisson(load * rate, arguments.pages, seed=turn)
        found = measure(arguments.url, arguments.path, arrivals, first=1000 * (turn + 1))
        works, beside = [seconds * busy for seconds in alone], max(mean * (1 - busy), 0.0)
        expected = [simulate(arrivals, works, 1, arguments.max_documents, seed, beside) for seed in range(200)]
        table.add_row(f"{load * rate:.2f}", "measured", *_figures(found))
        rows = zip(*([float(text.rstrip("%")) for text in _figures(outcome)] for outcome in expected), strict=True)
        means = [statistics.mean(row) for row in rows]
        table.add_row("", "simulated", f"{means[0]:.2f}", f"{means[1]:.0f}%", *(f"{value:.1f}" for value in means[2:]))
    console.print(table)


def plan(arguments: argparse.Namespace) -> None:
    """Machines and cores for pages a day that come in bursts, so that 95 of 100 are answered in time."""
    table = _table("pages a day", "at peak, pages/s", "machines", "cores", "used at peak", "95 % s", "turned away")
    spread = [arguments.page_s * factor for factor in (0.4, 0.6, 0.8, 1.0, 1.2, 2.0)]
    for pages in arguments.pages_a_day:
        rate = pages / SECONDS_A_DAY * arguments.peak
        machines = max(int(rate * arguments.page_s), 1)
        # The busiest hour.
        arrivals = poisson(rate, max(int(rate * 3600), 20_000))
        while (outcome := simulate(arrivals, spread, machines, 32 * machines)).quantile(0.95) > arguments.within_s or (
            outcome.turned_away > 0.001
        ):
            machines += max(machines // 50, 1)
        used = rate * arguments.page_s / machines
        table.add_row(
            f"{pages:,}",
            f"{rate:.1f}",
            f"{machines}",
            f"{machines * arguments.cores}",
            f"{used:.0%}",
            f"{outcome.quantile(0.95):.1f}",
            f"{outcome.turned_away:.1%}",
        )
    Console(width=WIDTH).print(table)


def _stages(milliseconds: Mapping[str, float], pages: int) -> Table:
    """Time of each stage of a lone page."""
    table, total = _table("stage", "ms", "share"), milliseconds["total"]
    for stage, value in milliseconds.items():
        if stage != "total":
            table.add_row(stage, f"{value / pages:.0f}", f"{value / total:.0%}")
    return table


def _table(*headings: str) -> Table:
    """A table to be pasted into a document."""
    table = Table(box=MARKDOWN)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("", "stage") else "right", no_wrap=True)
    return table


def _figures(outcome: Outcome) -> tuple[str, ...]:
    mean = statistics.mean(outcome.times)
    times = (mean, outcome.quantile(0.5), outcome.quantile(0.95))
    return f"{outcome.rate:.2f}", f"{outcome.turned_away:.0%}", *(f"{value:.1f}" for value in times)


def main() -> None:
    """Choose what to do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    checking = commands.add_parser("check", help="a running service beside its simulation (page cache off)")
    checking.add_argument("url")
    checking.add_argument("--path", default="/v1/kie")
    checking.add_argument("--alone", type=int, default=12, help="pages posted one after the other first")
    checking.add_argument("--pages", type=int, default=60, help="pages of each load")
    checking.add_argument("--clients", type=int, default=8, help="clients that post one after the other, for the rate")
    checking.add_argument("--loads", type=float, nargs="+", default=[0.3, 0.6, 0.9, 2.0], help="arrivals, in that rate")
    checking.add_argument("--max-documents", type=int, default=32, help="the service's setting")
    checking.set_defaults(run=check)
    planning = commands.add_parser("plan", help="machines for pages a day")
    planning.add_argument(
        "--page-s", type=float, required=True, help="seconds for which a page keeps a machine: 1 / its rate"
    )
    planning.add_argument("--cores", type=int, required=True, help="cores of that machine")
    planning.add_argument("--peak", type=float, default=3.0, help="busiest hour, in mean hours")
    planning.add_argument("--within-s", type=float, default=5.0, help="time within which 95 of 100 are answered")
    planning.add_argument("--pages-a-day", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    planning.set_defaults(run=plan)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
