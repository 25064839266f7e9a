"""The worth of each part of the model: the same short training with one part left out, side by side.

Pre-trains with all objectives, with each one left out, and not at all, and fine-tunes from each; and from the full
pre-training without picture, without layout, without spatial bias. Every row has the same budget, seed and pages: KIE
(or what ``--task`` names) on the pages of ``--data`` with a part of the companies held out, on which it is scored. The
budget is small and the seed is one, so that differences of two or three points say little. A row that is done is kept
and not done again.

``python benchmarks/ablation.py --data ../shared/data/sroie/train.jsonl``
"""

import argparse
import json
import logging
import resource
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from layoutserve.model.training.stages.loop import STATE, Schedule
from layoutserve.model.training.stages.pretraining import OBJECTIVES
from layoutserve.model.training.train import PARTS, Options, pretrain, train


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: the objectives it is pre-trained with, and the part that is left out afterwards."""

    name: str
    objectives: tuple[str, ...] = OBJECTIVES
    without: tuple[str, ...] = ()


def rows() -> Iterator[Row]:
    """The whole model first, then with one thing less each."""
    yield Row("everything")
    for part in PARTS:
        yield Row(f"without {part.replace('-', ' ')}", without=(part,))
    for left in OBJECTIVES:
        yield Row(f"pre-trained without {left}", tuple(o for o in OBJECTIVES if o != left))
    yield Row("not pre-trained", ())


def main() -> None:
    """Do the rows that are not done yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True, help="labelled pages")
    parser.add_argument("--output", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--task", action="append", choices=("kie", "classification", "docvqa"), help="default: kie")
    parser.add_argument("--pretraining-steps", type=int, default=100)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    table = Table("", "score on held-out pages", "processor seconds")
    for row in rows():
        result = done(row, arguments)
        table.add_row(row.name, f"{result['score']:.3f}", f"{result['processor_s']:.0f}")
        logging.info("%s: %s", row.name, result)
    Console().print(table)


def done(row: Row, arguments: argparse.Namespace) -> dict[str, float]:
    """The result of a row, from its folder or by training: the best score, and the time of its fine-tuning."""
    folder = arguments.output / row.name.replace(" ", "-")
    kept = folder / "result.json"
    if not kept.is_file():
        start = _start(row.objectives, arguments) if row.objectives else None
        before = _processor_s()
        options = Options(
            data=tuple(arguments.data),
            output=folder,
            tasks=tuple(arguments.task or ("kie",)),
            checkpoint=start,
            max_tokens=arguments.max_tokens,
            patience=0,
            device=arguments.device,
            without=row.without,
        )
        train(options, _schedule(arguments.steps))
        state = torch.load(folder / STATE, map_location="cpu", weights_only=True)["state"]
        kept.write_text(json.dumps({"score": state["best"], "processor_s": _processor_s() - before}) + "\n")
        (folder / STATE).unlink()
    found: dict[str, float] = json.loads(kept.read_text())
    return found


def _start(objectives: tuple[str, ...], arguments: argparse.Namespace) -> str:
    folder = arguments.output / f"pre-trained-{'-'.join(objectives)}"
    checkpoint = folder / "checkpoint"
    if not (checkpoint / "model.safetensors").is_file():
        schedule = replace(_schedule(arguments.pretraining_steps), warmup=0.06)
        pretrain(
            arguments.data,
            "auto",
            None,
            folder,
            schedule,
            objectives=objectives,
            max_tokens=arguments.max_tokens,
            device=arguments.device,
        )
    return str(checkpoint)


def _schedule(steps: int) -> Schedule:
    return Schedule(steps=steps, learning_rate=2e-4, fresh_factor=2.5, bias_factor=40.0)


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
