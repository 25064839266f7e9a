"""Everything that is measured, in one run and one report: ``make bench``, ten minutes on a quiet machine.

Each part is a script of this folder that runs in a process of its own and leaves its figures in ``runs/bench``. From
these the report is made: ``runs/bench/report.md`` with ``cost.svg``, both copied here by ``--publish``::

    python benchmarks/report.py                      everything, afresh
    python benchmarks/report.py --parts page cost    these again, and the report with what the others left
    python benchmarks/report.py --resume             only the parts of which nothing is left

Every page is distinct and the cache off unless a row says otherwise; what is compared took turns in one process.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from claims import claims
from machine import describe
from page import USUAL, Row

HERE = Path(__file__).parent
# Part -> its script, beside ``--json FILE``.
PARTS: dict[str, list[str]] = {
    "limits": ["limits.py"],
    "encoder": ["network.py", "--few", "--batches", "1"],
    "ocr": ["ocr.py"],
    "page": ["page.py"],
    "cost": ["cost.py"],
    "memory": ["memory.py"],
}
PLOT = "cost.svg"
BASE = "base"

Figures = Mapping[str, Any]


def run(part: str, folder: Path) -> None:
    """Measure one part; its figures are kept with what they were measured on. Exits where it fails."""
    print(f"== {part}", flush=True)
    script, *options = PARTS[part]
    if part == "cost":
        options += ["--plot", str(folder / PLOT)]
    if part in ("limits", "page", "cost"):
        options += ["--bundles", str(folder)]
    taken = folder / f"{part}.part"
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, str(HERE / script), *options, "--json", str(taken)], check=False)
    if done.returncode != 0 or not taken.is_file():
        raise SystemExit(f"{part} failed; the parts before it are kept: repeat with --resume.")
    stored = {
        "machine": describe(),
        "seconds": time.perf_counter() - begun,
        "figures": json.loads(taken.read_text()),
    }
    (folder / f"{part}.json").write_text(json.dumps(stored))
    taken.unlink()


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; the first column is text."""
    lines = ["| " + " | ".join(headings) + " |", "|---" + "|---:" * (len(headings) - 1) + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def ocr(figures: Sequence[Mapping[str, Any]]) -> str:
    """PaddleOCR's pipeline and ours."""
    fastest = min(row["seconds_a_page"] for row in figures[:-1])
    rows = [
        (
            row["name"],
            *(f"{row[name]:.3f}" for name in ("precision", "recall", "f1")),
            *(f"{row[name]:.2f}" for name in ("seconds_a_page", "cpu_seconds")),
            f"{fastest / row['seconds_a_page']:.2f}",
        )
        for row in figures
    ]
    headings = ("reader", "precision", "recall", "F1", "seconds a page", "CPU seconds", "times as fast")
    return (
        f"The {figures[0]['pages']} SROIE receipts named in the data folder's `ocr-benchmark.txt`; words are compared "
        "as multisets of upper-cased words. The readers, each a process, take turns, page by page.\n\n"
        + table(headings, rows)
    )


def encoder(figures: Sequence[Mapping[str, Any]]) -> str:
    """Milliseconds of each way to compute the same, and times as fast as eager."""
    rows = [
        (
            row["tokens"],
            *(
                f"{1000 * seconds:.0f}" + ("" if name == "eager" else f" ({row['seconds']['eager'] / seconds:.1f})")
                for name, seconds in row["seconds"].items()
            ),
        )
        for row in figures
    ]
    return (
        "Base size, random weights, one window: milliseconds, and in brackets times as fast as eager torch computing "
        "what the reference computes. A further question finds its page's visual features known.\n\n"
        + table(("text tokens", *figures[0]["seconds"]), rows)
    )


def whole_page(figures: Figures) -> str:
    """The service beside the usual stack."""
    rows = [Row(**row) for row in figures["rows"]]
    usual = next(row for row in rows if row.what == USUAL)
    lines = [
        (
            row.what,
            len(row.latencies),
            f"{row.pages_a_second:.2f}",
            f"{row.pages_a_second / usual.pages_a_second:.1f}",
            *(f"{row.latency(percent):.2f}" for percent in (50, 95, 99)),
            f"{row.memory_mib:.0f}",
        )
        for row in rows
    ]
    ready = ", ".join(f"{seconds:.1f} s ({name})" for name, seconds in figures["ready_s"].items())
    headings = ("what", "pages", "pages a second", "times as fast", "p50 s", "p95 s", "p99 s", "resident MiB")
    return (
        "Drawn receipts, one page a request; beside the service PaddleOCR and base-size LayoutLMv2 in torch, one page "
        f"after the other. All take turns in rounds.\n\n{table(headings, lines)}\n\n"
        f"Ready after its start: {ready}."
    )


def limits(figures: Figures) -> str:
    """Rates of the machine and the share of them that each part reaches."""
    rates = figures["rates"]
    said = "; ".join(
        f"{threads} thread{'s' if threads != '1' else ''}: {rate['fp32']:.0f} GFLOP/s in fp32, "
        f"{rate['int8']:.0f} GOP/s in int8"
        for threads, rate in rates.items()
    )
    rows = [
        (
            part["name"],
            part["threads"],
            f"{part['fp32']:.1f}",
            f"{part['int8']:.1f}",
            f"{1000 * part['seconds']:.1f}",
            f"{part['share']:.0%}",
        )
        for part in figures["parts"]
    ]
    headings = ("part", "threads", "GFLOP, fp32", "GOP, int8", "ms", "share of the limit")
    return (
        f"ONNX Runtime's fastest matrix products here, with {said}. The operations of each graph, counted, at these "
        f"rates, divided by the time it takes:\n\n{table(headings, rows)}"
    )


def memory(figures: Mapping[str, float]) -> str:
    """Resident memory by pages."""
    rows = [(pages, f"{mib:.0f}") for pages, mib in figures.items()]
    return (
        "The starter bundle, four clients, a cache of 16 MiB that is full after 500 pages; distinct pages, mostly "
        f"small tickets.\n\n{table(('pages so far', 'resident MiB'), rows)}"
    )


def cost(_: Figures) -> str:
    """The plot."""
    return f"![What a request costs against pages, tokens, questions and clients]({PLOT})"


SECTIONS = {
    "ocr": ("OCR", ocr),
    "encoder": ("Encoder with visual graph", encoder),
    "page": ("Whole pages over HTTP", whole_page),
    "cost": ("Cost against pages, tokens, questions and clients", cost),
    "memory": ("Memory", memory),
    "limits": ("How close to the machine's limit", limits),
}
CLOSING = """\
## Beside this report

`make bench` measures all of the above, `python benchmarks/report.py --help` says how to repeat parts of it. What has no
row here: `make starter-figures` measures every accuracy in the starter's card; `load.py` holds the answers of many
clients at once to those of one; `queueing.py` says how many machines a number of pages a day needs; `ablation.py` what
each part of the model is worth; `turns.py` how many words stay the same when a page is turned or slanted.
"""


def report(stored: Mapping[str, Figures]) -> str:
    """The whole report in Markdown, from what the parts left."""
    kept = {part: found["figures"] for part, found in stored.items()}
    machines = [found["machine"] for found in stored.values()]
    lines = ["# The last measurements", ""]
    for name in ("machine", "system", "versions", "commit"):
        values = dict.fromkeys(machine[name] for machine in machines)
        lines.append(f"- {name}: {'; '.join(values)}")
    lines.append(f"- date: {min(machine['date'] for machine in machines)}")
    minutes = ", ".join(f"{part} {found['seconds'] / 60:.1f}" for part, found in stored.items())
    lines += [f"- minutes: {minutes}", "", "## Asked and reached", ""]
    marks = {True: "yes", False: "**no**", None: ""}
    lines.append(
        table(("asked", "reached", ""), [(claim.asked, claim.reached, marks[claim.met]) for claim in claims(kept)])
    )
    for part, (title, section) in SECTIONS.items():
        lines += ["", f"## {title}: `{PARTS[part][0]}`", ""]
        lines.append(section(kept[part]) if part in kept else "Not measured.")
    return "\n".join([*lines, "", CLOSING])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS), help="measure only these")
    parser.add_argument("--resume", action="store_true", help="leave out the parts that have been measured")
    parser.add_argument("--folder", type=Path, default=Path("runs/bench"), help="where figures and report are kept")
    parser.add_argument("--publish", action="store_true", help="copy report and plot into this folder")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    files = {part: folder / f"{part}.json" for part in PARTS}
    chosen = [part for part in PARTS if part in arguments.parts and not (arguments.resume and files[part].is_file())]
    if len(chosen) == len(PARTS):
        for file in files.values():
            file.unlink(missing_ok=True)
        shutil.rmtree(folder / BASE, ignore_errors=True)
    for part in chosen:
        run(part, folder)
    stored = {part: json.loads(file.read_text()) for part, file in files.items() if file.is_file()}
    if not stored:
        raise SystemExit("Nothing has been measured yet: leave --parts out.")
    text = report(stored)
    (folder / "report.md").write_text(text)
    print(text)
    if arguments.publish:
        shutil.copy(folder / "report.md", HERE / "README.md")
        if (folder / PLOT).is_file():
            shutil.copy(folder / PLOT, HERE / PLOT)


if __name__ == "__main__":
    main()
