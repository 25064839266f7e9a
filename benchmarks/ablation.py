"""What each part of the model is worth: the same short training with one part left out, side by side.

Pre-trains with all objectives, with each one left out, and not at all; fine-tunes from each with the whole model, and
from the full pre-training without picture, without layout, without spatial bias. One row each; the score is the mean
over the tasks on held-out pages, as early stopping uses it. ``python benchmarks/ablation.py --data FILE.jsonl``
"""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from model.training.command import PARTS, Options, pretrain, train
from model.training.loop import STATE, Schedule
from model.training.pretraining import OBJECTIVES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True, help="labelled pages")
    parser.add_argument("--output", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--pretraining-steps", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")

    starts: dict[str, str | None] = {"no pre-training": None}
    for name, objectives in {
        "all objectives": OBJECTIVES,
        **{f"without {left}": tuple(o for o in OBJECTIVES if o != left) for left in OBJECTIVES},
    }.items():
        schedule = Schedule(steps=arguments.pretraining_steps, learning_rate=2e-4, fresh_factor=2.5)
        folder = arguments.output / f"pretraining, {name}"
        starts[name] = str(
            pretrain(arguments.data, "auto", None, folder, schedule, objectives=objectives, device=arguments.device)
        )
    base = Options(
        data=tuple(arguments.data),
        output=arguments.output,
        patience=0,
        processes=arguments.processes,
        device=arguments.device,
    )
    variants = {f"pre-training: {name}": replace(base, checkpoint=start) for name, start in starts.items()}
    for part in PARTS:
        variants[f"without {part}"] = replace(base, checkpoint=starts["all objectives"], without=(part,))
    table = Table("variant", "score on held-out pages")
    for name, options in variants.items():
        folder = arguments.output / name.replace(":", ",")
        schedule = Schedule(steps=arguments.steps, learning_rate=2e-4, fresh_factor=2.5)
        train(replace(options, output=folder), schedule)
        table.add_row(name, f"{best(folder):.4f}")
    Console().print(table)


def best(folder: Path) -> float:
    """The best score of the run that was trained in ``folder``."""
    import torch

    return float(torch.load(folder / STATE, map_location="cpu", weights_only=True)["state"]["best"])


if __name__ == "__main__":
    main()
