"""``layoutserve pretrain``: LayoutLMv2's three objectives on pages with words."""

import argparse
from pathlib import Path

HELP = "Pre-train on unlabelled pages: hidden words, covered lines, pictures that do not match."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--data", type=Path, action="append", required=True, metavar="PATH", help="pages; may be repeated"
    )
    parser.add_argument("--layout", default="auto", help="jsonl, sroie, funsd, xfund, kleister, docvqa, cord, classes")
    parser.add_argument("--checkpoint", metavar="DIR_OR_ID", help="start here instead of all-MiniLM-L6-v2")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="checkpoint, state and log")
    parser.add_argument(
        "--objective", action="append", choices=("mvlm", "tia", "tim"), help="may be repeated (default: all three)"
    )
    parser.add_argument("--steps", type=int, default=10_000, help="optimiser steps (default 10000)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after this many minutes")
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--fp32", action="store_true", help="no bfloat16")


def run(arguments: argparse.Namespace) -> int:
    """Pre-train and write a checkpoint without heads."""
    import logging

    from layoutserve.model.training.stages.loop import Schedule
    from layoutserve.model.training.stages.pretraining import OBJECTIVES
    from layoutserve.model.training.train import pretrain

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    schedule = Schedule(
        steps=arguments.steps,
        minutes=arguments.minutes,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
        # What has no weights to start from is in a hurry, the biases of attention most of all.
        fresh_factor=1.0 if arguments.checkpoint else 5.0,
        bias_factor=1.0 if arguments.checkpoint else 50.0,
        bf16=not arguments.fp32,
        seed=arguments.seed,
    )
    folder = pretrain(
        arguments.data,
        arguments.layout,
        arguments.checkpoint,
        arguments.output,
        schedule,
        objectives=tuple(arguments.objective or OBJECTIVES),
        max_tokens=arguments.max_tokens,
        device=arguments.device,
    )
    print(folder)
    return 0
