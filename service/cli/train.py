"""``layoutserve train``: fine-tune a checkpoint, or the small network to start from, on labelled pages."""

import argparse
from pathlib import Path

HELP = "Fine-tune a model on labelled pages: key information, classes, questions, or several together."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--data", type=Path, action="append", required=True, metavar="PATH", help="pages; may be repeated"
    )
    parser.add_argument("--dev", type=Path, metavar="PATH", help="pages for early stopping (default: 15 %% by group)")
    parser.add_argument("--layout", default="auto", help="jsonl, sroie, funsd, xfund, kleister, docvqa, cord, classes")
    parser.add_argument(
        "--task", action="append", choices=("kie", "classification", "docvqa"), metavar="TASK", help="may be repeated"
    )
    parser.add_argument("--checkpoint", metavar="DIR_OR_ID", help="start here instead of all-MiniLM-L6-v2")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="checkpoint, state and log")
    parser.add_argument("--steps", type=int, default=2000, help="optimiser steps (default 2000)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after this many minutes")
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--no-augmentation", action="store_true", help="train on the pages as they are")
    parser.add_argument("--patience", type=int, default=5, help="validations without gain before stopping (0: never)")
    parser.add_argument("--processes", type=int, default=1, help="processes that average their gradients")
    parser.add_argument(
        "--without",
        action="append",
        choices=("image", "layout", "spatial-bias"),
        help="leave this out, to see what it is worth; may be repeated",
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--fp32", action="store_true", help="no bfloat16")


def run(arguments: argparse.Namespace) -> int:
    """Train and write a checkpoint that ``layoutserve export`` takes."""
    import logging

    from layoutserve.model.training.stages.loop import Schedule
    from layoutserve.model.training.train import Options, train

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = Options(
        data=tuple(arguments.data),
        dev=arguments.dev,
        layout=arguments.layout,
        tasks=tuple(arguments.task or ()),
        checkpoint=arguments.checkpoint,
        output=arguments.output,
        max_tokens=arguments.max_tokens,
        augment=not arguments.no_augmentation,
        patience=arguments.patience,
        processes=arguments.processes,
        device=arguments.device,
        without=tuple(arguments.without or ()),
    )
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
    print(train(options, schedule))
    return 0
