"""Checkpoint -> bundle: its graphs, the tokenizer, a golden input, and the proof that the numbers are right.

    checkpoint --graphs--> visual.onnx, encoder.onnx --proof--> parity, selftest.npz --> manifest.json

A bundle appears in its folder whole and proved, or not at all.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from layoutserve.model import bundle as bundles
from layoutserve.model.bundle import MANIFEST, TASKS, Bundle, Head, Manifest, inputs_of
from layoutserve.model.encoding.tensors import IMAGE_SIZE
from layoutserve.model.errors import BundleError, CheckpointError
from layoutserve.model.inference.session import Session
from layoutserve.model.network import tokenizer as tokenizers
from layoutserve.model.network.checkpoint import Checkpoint
from layoutserve.model.network.config import NetworkConfig
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.encoder_graph import encoder_graph
from layoutserve.model.network.half_precision import halve
from layoutserve.model.network.quantization import quantize_encoder, quantize_visual
from layoutserve.model.network.relations_graph import relations_graph
from layoutserve.model.network.visual_graph import visual_graph
from layoutserve.model.ops import LIBRARY

Graph = Literal["fused", "portable"]
Outputs = Mapping[str, NDArray[np.float32]]
Precision = Literal["fp32", "fp16", "int8"]
Report = Callable[[str], None]

# Largest absolute difference between torch and the graphs; float32 stays a hundred times below it.
PARITY_BOUND = 1e-4
# Largest relative error (of the vector of all outputs) of int8 graphs; a graph quantized wrongly is near 1.
INT8_BOUND = 0.15
# The same of float16 graphs: eleven bits leave 5e-4 at each step, and a GPU adds them up in another order.
FP16_BOUND = 0.05


def export(
    checkpoint: Checkpoint,
    output: Path,
    *,
    graph: Graph = "fused",
    precision: Precision = "fp32",
    calibration: Sequence[NDArray[np.uint8]] = (),
    tokenizer: Path | None = None,
    name: str | None = None,
    version: str = "1",
    source: str | None = None,
    heads: Mapping[str, Head] | None = None,
    report: Report = lambda _: None,
) -> Bundle:
    """Export a checkpoint as a bundle in ``output``, which is made, or replaced if it is a bundle.

    graph: ``fused`` uses ONNX Runtime's own nodes, ``portable`` standard operators alone. precision: fp16 is for
    GPUs; int8 needs ``calibration`` where there is a visual graph: page images uint8 (3, 224, 224) of the kind to be
    served. tokenizer: in any of the forms of ``tokenizer.py``, by default the checkpoint's. name: by default the
    folder's. source: what the manifest says of where the weights come from, by default the checkpoint's hub id or the
    name of its folder. heads: labels with temperatures, fields and rules, by default the checkpoint's labels alone.
    report is told each step.

    Raises BundleError when ``output`` holds something else, CheckpointError when the network cannot be exported or
    the graphs do not compute what it computes.
    """
    if output.exists() and not (output / MANIFEST).is_file() and (output.is_file() or any(output.iterdir())):
        raise BundleError(f"{output} holds something else than a bundle; name a new or an empty folder.")
    visual = visual_graph(checkpoint.network)
    if precision == "int8" and visual is not None and not calibration:
        raise CheckpointError("int8 needs pages to calibrate the visual graph on; name a folder of them.")
    family = str(checkpoint.config.to_dict()["model_type"])
    separator_box = checkpoint.separator_box if tokenizer is None else tokenizers.separator_box(tokenizer, family)
    tokenizer = tokenizer or checkpoint.tokenizer
    if tokenizer is not None and not tokenizer.is_file():
        raise CheckpointError(f"There is no tokenizer {tokenizer}; name one of {', '.join(tokenizers.FORMS)}.")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as work:
        folder = Path(work) / "bundle"
        folder.mkdir()
        if visual is not None:
            report("Building the visual graph")
            visual.save(folder / "visual.onnx")
        report("Building the encoder graph")
        encoder = encoder_graph(checkpoint.network, fused=graph == "fused")
        if precision == "int8":
            report("Quantizing" + (f", calibrated on {len(calibration)} pages" if visual is not None else ""))
            quantize_encoder(encoder)
            if visual is not None:
                (folder / "visual.onnx").rename(Path(work) / "float.onnx")
                quantize_visual(Path(work) / "float.onnx", folder / "visual.onnx", calibration)
        encoder.save(folder / "encoder.onnx")
        if precision == "fp16":
            report("Turning to half precision")
            for path in folder.glob("*.onnx"):
                halve(path)
        # A few products of a few entities: they stay float32.
        relations = relations_graph(checkpoint.network)
        if relations is not None:
            relations.save(folder / "relations.onnx")
        if tokenizer is not None:
            tokenizers.write(tokenizer, folder / "tokenizer.json")
        manifest = Manifest(
            name=name or output.resolve().name,
            version=version,
            licence=checkpoint.licence,
            source=source or _origin(checkpoint.source),
            precision=precision,
            graph=graph,
            heads=heads or {task: Head(labels=tuple(of)) for task, of in checkpoint.labels.items() if task in TASKS},
            config=checkpoint.config.to_dict(),
            files={},
            family=family,
            separator_box=separator_box,
            relations=relations is not None,
        )
        parity = _prove(checkpoint.network, Bundle(folder, manifest), report)
        bundles.write(folder, replace(manifest, parity=parity))
        if output.exists():
            shutil.rmtree(output)
        folder.replace(output)
    return bundles.load(output, verify=False)


def _origin(source: str) -> str:
    """A hub id as it is, and of a folder its name: where it lies on this machine is nobody's business elsewhere."""
    folder = Path(source).expanduser()
    return folder.resolve().name if folder.is_dir() else source


def _prove(network: DocumentNetwork, bundle: Bundle, report: Report) -> dict[str, float]:
    """Run torch and the graphs on several shapes, natively too where the library is; the largest differences.

    They are absolute for fp32, else relative. Writes the smallest case as the bundle's golden input, with torch's
    outputs for fp32 and otherwise its own. Raises CheckpointError above the bound.
    """
    exact = bundle.manifest.precision == "fp32"
    measure = _absolute_difference if exact else _relative_difference
    cases = examples(network.config, entities="relations" in network.heads)
    expected = {}
    for case, inputs in cases.items():
        report(f"Computing in torch: {case.replace('_', ' ')}")
        with torch.no_grad():
            tensors = network(**{name: torch.from_numpy(value) for name, value in inputs.items()})
        expected[case] = {name: value.numpy() for name, value in tensors.items()}
    golden = expected["one_row"]
    parity: dict[str, float] = dict.fromkeys(cases, 0.0)
    for native in (False, True) if LIBRARY.is_file() else (False,):
        # One session at a time, for the memory of large models.
        session = Session(bundle, providers=["CPUExecutionProvider"], native_ops=native)
        report(f"Comparing with torch: {session.operators} operators")
        for case, inputs in cases.items():
            result = _outputs(session, inputs)
            # numpy's maximum, because a comparison with nan must not pass
            parity[case] = float(np.maximum(parity[case], measure(result, expected[case])))
            if case == "one_row" and not exact:
                golden = result
        del session
    stored = {f"input.{name}": value for name, value in cases["one_row"].items()}
    stored |= {f"output.{name}": value for name, value in golden.items()}
    np.savez_compressed(bundle.path / "selftest.npz", allow_pickle=False, **stored)
    bounds: dict[str, float] = {"fp32": PARITY_BOUND, "fp16": FP16_BOUND, "int8": INT8_BOUND}
    worst, bound = float(np.max(list(parity.values()))), bounds[bundle.manifest.precision]
    if not worst <= bound:
        raise CheckpointError(
            f"The graphs differ from the network by {worst:.2g}, more than {bound:g}; nothing was exported."
        )
    return {**parity, "bound": bound}


def _outputs(session: Session, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
    arrays = dict(inputs)
    return session.read(arrays)


def _absolute_difference(result: Outputs, expected: Outputs) -> float:
    return float(np.max([np.abs(result[name] - value).max() for name, value in expected.items()]))


def _relative_difference(result: Outputs, expected: Outputs) -> float:
    errors = [np.linalg.norm(result[name] - value) / np.linalg.norm(value) for name, value in expected.items()]
    return float(np.max(errors))


def examples(config: NetworkConfig, *, entities: bool = False) -> dict[str, dict[str, NDArray[Any]]]:
    """Arrays of the network's inputs for one short row, a padded batch and a full row; always the same ones."""
    generator = np.random.default_rng(0)
    inputs = inputs_of(config.to_dict())
    longest = inputs.max_tokens

    def case(batch: int, length: int, padded: bool) -> dict[str, NDArray[Any]]:
        corners = np.sort(generator.integers(0, 1001, (batch, length, 2, 2)), axis=2)
        mask = np.ones((batch, length), np.int64)
        if padded:
            for row in range(1, batch):
                mask[row, length - row * length // batch :] = 0
        # Coarse squares look like a page to the network and compress well.
        squares = generator.integers(0, 256, (batch, 3, 14, 14), np.uint8)
        scale = IMAGE_SIZE // 14
        arrays: dict[str, NDArray[Any]] = {
            "input_ids": generator.integers(0, config.vocab_size, (batch, length)),
            "bbox": corners.reshape(batch, length, 4) * mask[:, :, None],
            "image": squares.repeat(scale, axis=2).repeat(scale, axis=3),
            "attention_mask": mask,
            "token_type_ids": generator.integers(0, config.type_vocab_size, (batch, length)),
        }
        if inputs.channels is None:
            del arrays["image"]
        if entities:
            arrays["entity_start"] = np.where(
                generator.random((batch, 7)) < 0.2, -1, generator.integers(0, length, (batch, 7))
            )
            arrays["entity_label"] = generator.integers(0, 3, (batch, 7))
        return arrays

    return {
        "one_row": case(1, min(17, longest), padded=False),
        "padded_batch": case(3, min(40, longest), padded=True),
        "full_length": case(1, longest, padded=False),
    }
