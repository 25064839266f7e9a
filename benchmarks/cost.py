"""The cost of a request against its pages, tokens and questions, and the rate against clients, as a plot.

Run ``python benchmarks/cost.py``. Over HTTP, with the starter bundle and a base-size int8 bundle of random weights;
every page distinct and the cache off. For the cost of tokens the words come with the request, so that nothing is read.
Each point is the median of ``--rounds`` requests, of which one of each kind follows the other.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table
from serving import QUESTIONS, Pages, Service, base_bundle, service

PAGES = (1, 2, 4, 8)
WORDS = (64, 128, 256, 480, 960)
ASKED = (1, 2, 5, 10)
CLIENTS = (1, 2, 4, 8, 16)
# Measured on three clients' worth of pages, at least so many.
PAGES_OF_CLIENTS = 12
# Panel -> what is on its axes.
AXES = {
    "pages": ("pages of a document", "seconds"),
    "tokens": ("words given, a token each", "seconds"),
    "questions": ("questions on a page", "seconds"),
    "clients": ("clients", "pages a second"),
}

# Panel -> service -> [(x, y), ...], y in seconds of a request, or pages a second for clients.
Curves = dict[str, dict[str, list[tuple[int, float]]]]


def words(count: int) -> str:
    """So many words of one token, in rows of eight down the page, as the service takes them."""
    rows = -(-count // 8)
    boxes = ((n % 8 / 8, n // 8 / rows, (n % 8 + 0.8) / 8, (n // 8 + 0.8) / rows) for n in range(count))
    return json.dumps([{"text": "total", "box": box} for box in boxes])


def measure(pages: Pages, bundles: Path, rounds: int) -> Curves:
    """All curves."""
    curves: Curves = {panel: {} for panel in AXES}
    with ExitStack() as stack:
        bundle = base_bundle(bundles, pages)
        running = {
            "starter": stack.enter_context(service()),
            "base int8": stack.enter_context(service(bundle)),
        }
        for found in running.values():
            found.post([pages.next() for _ in range(4)], 2, QUESTIONS[:2])  # warm
        requests: dict[str, tuple[Sequence[int], Callable[[Service, int], float]]] = {
            "pages": (PAGES, lambda found, count: found.post([pages.document(count)], 1).elapsed),
            "tokens": (WORDS, lambda found, count: found.post([pages.next()], 1, fields=given(count)).elapsed),
            "questions": (ASKED, lambda found, count: found.post([pages.next()], 1, QUESTIONS[:count]).elapsed),
        }
        for panel, (xs, seconds) in requests.items():
            times: Mapping[str, dict[int, list[float]]] = {name: {x: [] for x in xs} for name in running}
            for _ in range(rounds):
                for x in xs:
                    for name, found in running.items():
                        times[name][x].append(seconds(found, x))
            for name, values in times.items():
                curves[panel][name] = [(x, statistics.median(found)) for x, found in values.items()]
        for name, found in running.items():
            curves["clients"][name] = []
            for clients in CLIENTS:
                documents = [pages.next() for _ in range(max(PAGES_OF_CLIENTS, 2 * clients))]
                load = found.post(documents, clients)
                curves["clients"][name].append((clients, len(documents) / load.elapsed))
    return curves


def given(count: int) -> dict[str, str]:
    """Fields of a request that brings its words."""
    return {"words": words(count), "words_unit": "fractions"}


def plot(curves: Curves, path: Path) -> None:
    """Draw the four panels as SVG."""
    import matplotlib

    matplotlib.use("Agg")
    # The same figures give the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "layoutserve", "font.size": 9})
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(AXES), figsize=(11, 2.8), layout="constrained")
    for axes, (panel, (x_label, y_label)) in zip(panels, AXES.items(), strict=True):
        for name, points in curves[panel].items():
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, linewidth=1.2, label=name)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.set_xlim(0)
        axes.set_ylim(0)
        axes.grid(alpha=0.3, linewidth=0.5)
    panels[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="requests of each point (default: 3)")
    parser.add_argument("--bundles", type=Path, default=Path("runs/bench"), help="where the base-size bundle is kept")
    parser.add_argument("--plot", type=Path, default=Path("runs/bench/cost.svg"))
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    arguments.plot.parent.mkdir(parents=True, exist_ok=True)
    curves = measure(Pages(), arguments.bundles, arguments.rounds)
    if arguments.json:
        arguments.json.write_text(json.dumps(curves))
    plot(curves, arguments.plot)
    table = Table(title="Cost")
    for column in ("against", "unit", "service", "points"):
        table.add_column(column)
    for panel, found in curves.items():
        for name, points in found.items():
            table.add_row(AXES[panel][0], AXES[panel][1], name, ", ".join(f"{x}: {y:.2f}" for x, y in points))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
