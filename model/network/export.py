"""Checkpoint -> bundle: the two graphs, the tokenizer, a golden input, and the proof that the numbers are right.

    checkpoint --graphs--> visual.onnx, encoder.onnx --proof--> parity, selftest.npz --> manifest.json

A bundle appears in its folder whole and proved, or not at all.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from model import bundle as bundles
from model.bundle import MANIFEST, Bundle, Head, Manifest
from model.errors import BundleError, CheckpointError
from model.network.checkpoint import Checkpoint
from model.network.graphs import encoder_graph, visual_graph
from model.network.layoutlmv2 import Config, LayoutLMv2
from model.ops import LIBRARY
from model.session import Session
from model.tensors import IMAGE_SIZE

Graph = Literal["fused", "portable"]
Report = Callable[[str], None]

# Largest absolute difference between torch and the graphs; float32 stays a hundred times below it.
PARITY_BOUND = 1e-4


def export(
    checkpoint: Checkpoint,
    output: Path,
    *,
    graph: Graph = "fused",
    tokenizer: Path | None = None,
    name: str | None = None,
    version: str = "1",
    source: str | None = None,
    heads: Mapping[str, Head] | None = None,
    report: Report = lambda _: None,
) -> Bundle:
    """Export a checkpoint as a bundle in ``output``, which is made, or replaced if it is a bundle.

    graph: ``fused`` uses ONNX Runtime's own nodes, ``portable`` standard operators alone. tokenizer: a
    tokenizer.json, by default the checkpoint's. name: by default the folder's. source: what the manifest says of
    where the weights come from, by default what the checkpoint was loaded from. heads: labels with temperatures,
    fields and rules, by default the checkpoint's labels alone. report is told each step.

    Raises BundleError when ``output`` holds something else, CheckpointError when the network cannot be exported or
    the graphs do not compute what it computes.
    """
    if output.exists() and not (output / MANIFEST).is_file() and (output.is_file() or any(output.iterdir())):
        raise BundleError(f"{output} holds something else than a bundle; name a new or an empty folder.")
    tokenizer = tokenizer or checkpoint.tokenizer
    if tokenizer is not None and not tokenizer.is_file():
        raise CheckpointError(f"There is no tokenizer {tokenizer}; name a tokenizer.json.")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as work:
        folder = Path(work) / "bundle"
        folder.mkdir()
        report("Building the visual graph")
        visual_graph(checkpoint.network).save(folder / "visual.onnx")
        report("Building the encoder graph")
        encoder_graph(checkpoint.network, fused=graph == "fused").save(folder / "encoder.onnx")
        if tokenizer is not None:
            shutil.copyfile(tokenizer, folder / "tokenizer.json")
        manifest = Manifest(
            name=name or output.resolve().name,
            version=version,
            licence=checkpoint.licence,
            source=source or checkpoint.source,
            precision="fp32",
            graph=graph,
            heads=heads or {task: Head(labels=tuple(of)) for task, of in checkpoint.labels.items()},
            config=checkpoint.config.to_dict(),
            files={},
        )
        parity = _prove(checkpoint.network, Bundle(folder, manifest), report)
        bundles.write(folder, replace(manifest, parity=parity))
        if output.exists():
            shutil.rmtree(output)
        folder.replace(output)
    return bundles.load(output, verify=False)


def _prove(network: LayoutLMv2, bundle: Bundle, report: Report) -> dict[str, float]:
    """Run torch and the graphs on several shapes, natively too where the library is; the largest differences.

    Writes the smallest case as the bundle's golden input. Raises CheckpointError above PARITY_BOUND.
    """
    sessions = [Session(bundle, providers=["CPUExecutionProvider"], native_ops=False)]
    if LIBRARY.is_file():
        sessions.append(Session(bundle, providers=["CPUExecutionProvider"], native_ops=True))
    parity: dict[str, float] = {}
    for case, inputs in examples(network.config).items():
        report(f"Comparing with torch: {case.replace('_', ' ')}")
        with torch.no_grad():
            expected = {
                name: value.numpy()
                for name, value in network(**{k: torch.from_numpy(v) for k, v in inputs.items()}).items()
            }
        parity[case] = max(_difference(session, inputs, expected) for session in sessions)
        if case == "one_row":
            golden = {f"input.{key}": value for key, value in inputs.items()}
            golden |= {f"output.{key}": value for key, value in expected.items()}
            np.savez_compressed(bundle.path / "selftest.npz", allow_pickle=False, **golden)
    worst = max(parity.values())
    if not worst <= PARITY_BOUND:
        raise CheckpointError(
            f"The graphs differ from the network by {worst:.2g}, more than {PARITY_BOUND:g}; nothing was exported."
        )
    return {**parity, "bound": PARITY_BOUND}


def _difference(
    session: Session, inputs: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[np.float32]]
) -> float:
    arrays = dict(inputs)
    visual = session.visual(arrays.pop("image"))
    outputs = session.encoder({**arrays, "visual_embeddings": visual})
    return max(float(np.abs(outputs[name] - value).max()) for name, value in expected.items())


def examples(config: Config) -> dict[str, dict[str, NDArray[Any]]]:
    """Arrays of the network's inputs for one short row, a padded batch and a full row; always the same ones."""
    generator = np.random.default_rng(0)
    longest = config.max_position_embeddings

    def case(batch: int, length: int, padded: bool) -> dict[str, NDArray[Any]]:
        corners = np.sort(generator.integers(0, 1001, (batch, length, 2, 2)), axis=2)
        mask = np.ones((batch, length), np.int64)
        if padded:
            for row in range(1, batch):
                mask[row, length - row * length // batch :] = 0
        # Coarse squares look like a page to the network and compress well.
        squares = generator.integers(0, 256, (batch, 3, 14, 14), np.uint8)
        scale = IMAGE_SIZE // 14
        return {
            "input_ids": generator.integers(0, config.vocab_size, (batch, length)),
            "bbox": corners.reshape(batch, length, 4) * mask[:, :, None],
            "image": squares.repeat(scale, axis=2).repeat(scale, axis=3),
            "attention_mask": mask,
            "token_type_ids": generator.integers(0, config.type_vocab_size, (batch, length)),
        }

    return {
        "one_row": case(1, min(17, longest), padded=False),
        "padded_batch": case(3, min(40, longest), padded=True),
        "full_length": case(1, longest, padded=False),
    }
