"""The network alone, base size with random weights: torch eager beside the exported graphs, in one run.

Run ``make bench-model``, or ``python benchmarks/network.py --help``. Every round runs every contestant once, so that
whatever else the machine does falls on all of them alike; the median over the rounds counts. ``eager`` is this
repository's network in torch computing what the reference computes: all levels of the pyramid, nothing folded.
``--family`` measures a relative; those without a picture have no further question.
Ratios are eager's time divided by the contestant's. A *further question* has its page's visual features already. On a
machine that does other things too, ``--clock cpu --threads 1`` counts processor time instead.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import describe
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from layoutserve.model.bundle import Bundle, Manifest
from layoutserve.model.inference.session import Session
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.encoder_graph import encoder_graph
from layoutserve.model.network.families import FAMILIES
from layoutserve.model.network.layoutlmv2 import LayoutLMv2
from layoutserve.model.network.quantization import quantize_encoder, quantize_visual
from layoutserve.model.network.visual_graph import visual_graph
from layoutserve.model.ops import LIBRARY

Contestant = Callable[[dict[str, NDArray[np.int64]]], object]

FUSED = "fused, native"
INT8 = "int8, native"
FURTHER = "further question"
FURTHER_INT8 = "further, int8"
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
# What public base checkpoints say otherwise than the defaults.
PUBLIC = {
    "layoutlmv3": {"max_position_embeddings": 514, "type_vocab_size": 1},
    "lilt": {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1, "pad_token_id": 1},
}
# Largest difference of the logits from eager's: absolute for float32, relative for int8 with its random weights.
BOUND, INT8_BOUND = 1e-4, 0.15


def contestants(name: str, folder: Path, threads: int, *, few: bool = False) -> dict[str, Contestant]:
    """Every way to compute the same logits, by name, in the order of the report; a few: those that are in use."""
    torch.manual_seed(0)
    family = FAMILIES[name]
    network = family.network(family.config.from_dict(PUBLIC.get(name, {})), {"kie": 9}).eval()
    found: dict[str, Contestant] = {"eager": lambda inputs: eager(network, inputs)}
    sessions = {}
    for graph in ("fused",) if few else ("portable", "fused"):
        bundle = saved(network, folder / graph, fused=graph == "fused")
        for operators in ("native",) if few else ("functions", "native"):
            if operators == "native" and not LIBRARY.is_file():
                raise SystemExit("The native operators are not built; run make ops.")
            session = Session(bundle, threads=threads, native_ops=operators == "native")
            found[f"{graph}, {operators}"] = lambda inputs, session=session: onnx(session, inputs)
            sessions[f"{graph}, {operators}"] = session
    sessions[INT8] = Session(quantized(network, folder / "fused", folder / "int8"), threads=threads)
    looks = sessions[INT8].bundle.visual_graph is not None
    if looks:
        found[FURTHER] = lambda inputs: further(sessions[FUSED], inputs)
    found[INT8] = lambda inputs: onnx(sessions[INT8], inputs)
    if looks:
        found[FURTHER_INT8] = lambda inputs: further(sessions[INT8], inputs)
    return found


@torch.inference_mode()
def eager(network: DocumentNetwork, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
    """Logits of torch, as the reference computes them."""
    tensors = {name: torch.from_numpy(value) for name, value in inputs.items()}
    if not isinstance(network, LayoutLMv2):
        return network(**tensors)["kie_logits"].numpy()
    visual = network.layoutlmv2.visual_embeddings(tensors["image"], all_levels=True)
    text = network.layoutlmv2.text_embeddings(tensors["input_ids"], tensors["bbox"], tensors["token_type_ids"])
    hidden = network.layoutlmv2.encode(text, visual, tensors["bbox"], tensors["attention_mask"])
    return network.outputs(hidden, visual, text.shape[1])["kie_logits"].numpy()


def onnx(session: Session, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
    """Logits of the graphs, from pixels on."""
    arrays = {name: value for name, value in inputs.items() if name != "image"}
    if session.bundle.visual_graph is not None:
        arrays["visual_embeddings"] = session.visual(inputs["image"])
    return session.encoder(arrays)["kie_logits"]


def further(session: Session, inputs: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
    """Logits of the graphs for pages whose visual features are known."""
    arrays = {name: value for name, value in inputs.items() if name != "image"}
    known = np.zeros((len(inputs["image"]), session.bundle.manifest.inputs.visual_tokens, 768), np.float32)
    return session.encoder({**arrays, "visual_embeddings": known})["kie_logits"]


def saved(network: DocumentNetwork, folder: Path, *, fused: bool) -> Bundle:
    """The network's graphs on disk, without the proof that an export makes."""
    folder.mkdir()
    if (visual := visual_graph(network)) is not None:
        visual.save(folder / "visual.onnx")
    encoder_graph(network, fused=fused).save(folder / "encoder.onnx")
    return Bundle(folder, manifest_of(network, "fp32"))


def manifest_of(network: DocumentNetwork, precision: str) -> Manifest:
    """As much of a manifest as a session reads."""
    family = network.config.model_type
    return Manifest("base", "1", "", "", precision, "", {}, network.config.to_dict(), {}, family=family)


def quantized(network: DocumentNetwork, exported: Path, folder: Path) -> Bundle:
    """The int8 form of the fused graphs, calibrated on images like those that are measured."""
    folder.mkdir()
    if (exported / "visual.onnx").is_file():
        quantize_visual(exported / "visual.onnx", folder / "visual.onnx", list(example(4, 1)["image"]))
    encoder = encoder_graph(network, fused=True)
    quantize_encoder(encoder)
    encoder.save(folder / "encoder.onnx")
    return Bundle(folder, manifest_of(network, "int8"))


def example(batch: int, tokens: int) -> dict[str, NDArray[np.int64]]:
    """Random rows without padding."""
    generator = np.random.default_rng(0)
    return {
        "input_ids": generator.integers(1000, 30000, (batch, tokens)),
        "bbox": np.sort(generator.integers(0, 1001, (batch, tokens, 2, 2)), axis=2).reshape(batch, tokens, 4),
        "image": generator.integers(0, 256, (batch, 3, 224, 224), np.uint8),
        "attention_mask": np.ones((batch, tokens), np.int64),
        "token_type_ids": np.zeros((batch, tokens), np.int64),
    }


def measure(
    found: dict[str, Contestant], inputs: dict[str, NDArray[np.int64]], rounds: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Median seconds of every contestant, once it is certain that all compute the same."""
    expected = np.asarray(found["eager"](inputs))
    for name, run in found.items():  # the warm-up
        logits = np.asarray(run(inputs))
        if name in (FURTHER, FURTHER_INT8):  # of another page
            continue
        error = float(np.abs(logits - expected).max())
        bound = BOUND
        if name == INT8:
            error, bound = float(np.linalg.norm(logits - expected) / np.linalg.norm(expected)), INT8_BOUND
        if not error < bound:
            raise SystemExit(f"{name} differs from eager by {error:.2g}; its time means nothing.")
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, run in found.items():
            start = clock()
            run(inputs)
            times[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--family", choices=FAMILIES, default="layoutlmv2")
    parser.add_argument("--tokens", type=int, nargs="+", default=[128, 256, 512])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=5, help="of a batch of one; larger batches get fewer")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--few", action="store_true", help="only eager and what is in use, in fp32 and int8")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        found = contestants(arguments.family, Path(folder), arguments.threads, few=arguments.few)
        figures: list[dict[str, object]] = []
        name = FAMILIES[arguments.family].architecture
        table = Table(title=f"{name} base, milliseconds ({arguments.clock}) a batch (times as fast as eager)")
        table.caption = ", ".join(describe().values())
        for column in ("tokens", "batch", *found):
            table.add_column(column, justify="right")
        for batch in arguments.batches:
            for tokens in arguments.tokens:
                rounds = arguments.rounds if batch == 1 else max(2, arguments.rounds // 2)
                times = measure(found, example(batch, tokens), rounds, CLOCKS[arguments.clock])
                figures.append({"tokens": tokens, "batch": batch, "seconds": times})
                cells = [
                    f"{1000 * seconds:.0f}" + ("" if name == "eager" else f" ({times['eager'] / seconds:.2f})")
                    for name, seconds in times.items()
                ]
                table.add_row(str(tokens), str(batch), *cells)
        Console(width=180).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
