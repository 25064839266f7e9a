"""The distance of each part from the machine's limit: its operations, counted, against the rate of matrix products.

Run ``python benchmarks/limits.py``. The rates are those of ONNX Runtime's own MatMul (fp32) and MatMulInteger (uint8 by
int8) at the shapes of the base-size encoder, the fastest of them. The operations of a graph are those of the
convolutions, matrix products and attentions that ONNX Runtime ran, counted from the shapes in its profile, so fused
and quantized nodes count as what they are. What a part takes at least is its operations divided by the rates; beside
that stands what it took, the best of several runs. Everything else a graph does (norms, activations, copies) counts
as nothing, and shows as distance.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from machine import cores, describe
from numpy.typing import NDArray
from onnx import TensorProto, helper
from rich.console import Console
from rich.table import Table
from serving import Pages, base_bundle

from layoutserve.model.bundle import LAYOUTLMV2_VISUAL_TOKENS as VISUAL_TOKENS
from layoutserve.model.ocr import int8, store
from layoutserve.model.ops import LIBRARY

# (rows, depth, columns): windows of 128 and 512 text tokens times the matrices of the base-size encoder, and a cube.
SHAPES = ((177, 768, 3072), (561, 768, 3072), (561, 3072, 768), (1024, 1024, 1024))
RUNS = 7
HIDDEN = 768
# Operators that take float32 and multiply integers.
QUANTIZES_ITSELF = ("FeedForwardAdd", "ScoreSymbols")

Feeds = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """One graph on inputs of one size: thousand millions of operations, and the best time in seconds."""

    name: str
    threads: int
    fp32: float
    int8: float
    seconds: float

    def share(self, rates: Mapping[str, float]) -> float:
        """Part of its time that its operations would take at these rates (thousand millions a second)."""
        return (self.fp32 / rates["fp32"] + self.int8 / rates["int8"]) / self.seconds


def session(model: bytes | Path, threads: int, profile: Path | None = None) -> ort.InferenceSession:
    """A session with the options of the service."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if LIBRARY.is_file():
        options.register_custom_ops_library(str(LIBRARY))
    if profile is not None:
        options.enable_profiling, options.profile_file_prefix = True, str(profile)
        # Weights that are packed beforehand are missing from the profile, and blocked channels are filled up.
        options.add_session_config_entry("session.disable_prepacking", "1")
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def best_time(running: ort.InferenceSession, feeds: Feeds, runs: int = RUNS) -> float:
    """Seconds of the fastest of some runs, after one that warms up."""
    times = []
    for _ in range(runs + 1):
        begun = time.perf_counter()
        running.run(None, feeds)
        times.append(time.perf_counter() - begun)
    return min(times[1:])


def rates(threads: int) -> dict[str, float]:
    """Thousand millions of operations a second of the fastest product, fp32 and int8."""
    found = {"fp32": 0.0, "int8": 0.0}
    draw = np.random.default_rng(0)
    for rows, depth, columns in SHAPES:
        for kind in found:
            weights = draw.integers(-127, 128, (depth, columns))
            values = draw.integers(0, 256, (rows, depth))
            if kind == "fp32":
                model = product("MatMul", weights.astype(np.float32), rows)
                feeds = {"x": values.astype(np.float32)}
            else:
                model = product("MatMulInteger", weights.astype(np.int8), rows)
                feeds = {"x": values.astype(np.uint8)}
            seconds = best_time(session(model, threads), feeds)
            found[kind] = max(found[kind], 2e-9 * rows * depth * columns / seconds)
    return found


def product(operator: str, weights: NDArray[Any], rows: int) -> bytes:
    """A model of one matrix product with constant weights."""
    depth, columns = weights.shape
    integer = weights.dtype == np.int8
    taken, given = (TensorProto.UINT8, TensorProto.INT32) if integer else (TensorProto.FLOAT, TensorProto.FLOAT)
    stored = TensorProto.INT8 if integer else TensorProto.FLOAT
    constant = helper.make_tensor("w", stored, weights.shape, weights.tobytes(), raw=True)
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "w"], ["y"])],
        operator,
        [helper.make_tensor_value_info("x", taken, [rows, depth])],
        [helper.make_tensor_value_info("y", given, [rows, columns])],
        [constant],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    serialized: bytes = model.SerializeToString()
    return serialized


def operations(operator: str, inputs: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]) -> int:
    """Multiplications and additions of a node; 0 for what is no convolution, product or attention."""
    if operator == "ConvTranspose":
        return 2 * math.prod(inputs[0]) * math.prod(inputs[1][1:])
    if operator == "DepthwiseConv":
        return 2 * math.prod(outputs[0]) * math.prod(inputs[1][:2])
    if "Conv" in operator:
        weights = inputs[3] if operator.startswith("QLinear") else inputs[1]
        return 2 * math.prod(outputs[0]) * math.prod(weights[1:])
    if operator == "MultiHeadAttention":
        batch, queries, width = inputs[0]
        return 4 * batch * queries * inputs[1][1] * width
    if operator == "DequantizeAttendQuantize":  # in 16 bits: half as many at a time as the integers it is counted with
        batch, tokens, width = inputs[0]
        return 2 * 4 * batch * tokens * tokens * width // 3
    if operator == "FeedForwardAdd":
        return 2 * 2 * math.prod(inputs[0]) * inputs[1][1]
    if operator == "ScoreSymbols":
        return 2 * math.prod(inputs[0]) * inputs[1][1]
    if "MatMul" in operator or "Gemm" in operator:
        return 2 * math.prod(outputs[0]) * inputs[0][-1]
    return 0


def counted(model: Path, feeds: Feeds) -> dict[str, float]:
    """Thousand millions of operations of one run, fp32 and int8."""
    found = {"fp32": 0.0, "int8": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        running = session(model, 1, Path(folder) / "profile")
        running.run(None, feeds)
        events = json.loads(Path(running.end_profiling()).read_text())
    for event in events:
        if event.get("cat") != "Node" or not event["name"].endswith("_kernel_time"):
            continue
        arguments = event["args"]
        kinds = [next(iter(value)) for value in arguments["input_type_shape"]]
        inputs = [next(iter(value.values())) for value in arguments["input_type_shape"]]
        outputs = [next(iter(value.values())) for value in arguments["output_type_shape"]]
        count = operations(arguments["op_name"], inputs, outputs)
        if count:
            inside = arguments["op_name"] in QUANTIZES_ITSELF
            found["fp32" if kinds[0] == "float" and not inside else "int8"] += count / 1e9
    return found


def part(name: str, model: Path, feeds: Feeds, threads: int) -> Part:
    """Count and time one graph."""
    count = counted(model, feeds)
    return Part(name, threads, count["fp32"], count["int8"], best_time(session(model, threads), feeds))


def window(tokens: int) -> Feeds:
    """A window of so many text tokens for the base-size encoder."""
    draw = np.random.default_rng(0)
    return {
        "input_ids": draw.integers(1000, 30000, (1, tokens)),
        "bbox": np.sort(draw.integers(0, 1001, (1, tokens, 2, 2)), axis=2).reshape(1, tokens, 4),
        "attention_mask": np.ones((1, tokens), np.int64),
        "token_type_ids": np.zeros((1, tokens), np.int64),
        "visual_embeddings": np.zeros((1, VISUAL_TOKENS, HIDDEN), np.float32),
    }


def ocr_graph(model: store.ModelFile) -> Path:
    """The graph that reads pages here: the int8 form where there is one and the native operators are built."""
    folder = store.default_folder() / model.folder
    quantized = folder / int8.FILE
    return quantized if quantized.is_file() and LIBRARY.is_file() else folder / "inference.onnx"


def measure(bundles: Path) -> tuple[dict[int, dict[str, float]], list[Part]]:
    """Rates by the number of threads, and the parts."""
    every = cores()
    base = base_bundle(bundles, Pages(count=8))
    draw = np.random.default_rng(0)
    page = {"x": draw.standard_normal((1, 3, 960, 512), np.float32)}
    line: dict[str, NDArray[Any]] = {"x": draw.standard_normal((1, 3, 48, 320), np.float32)}
    if ocr_graph(store.RECOGNITION).name == int8.FILE:
        line[int8.SYMBOL] = np.zeros(1, np.int64)
    image = {"image": draw.integers(0, 256, (1, 3, 224, 224)).astype(np.uint8)}
    parts = [
        part("detector, 960 x 512", ocr_graph(store.DETECTION), page, every),
        part("recognizer, a line of 320", ocr_graph(store.RECOGNITION), line, 1),
        part("visual graph, base int8", base / "visual.onnx", image, every),
        part("encoder, base int8, 128 tokens", base / "encoder.onnx", window(128), every),
        part("encoder, base int8, 512 tokens", base / "encoder.onnx", window(512), every),
    ]
    return {threads: rates(threads) for threads in sorted({1, every})}, parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundles", type=Path, default=Path("runs/bench"), help="where the base-size bundle is kept")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    found, parts = measure(arguments.bundles)
    if arguments.json:
        rows = [{**asdict(part), "share": part.share(found[part.threads])} for part in parts]
        arguments.json.write_text(json.dumps({"rates": found, "parts": rows}))
    table = Table(title="Share of the machine's limit", caption=", ".join(describe().values()))
    for column in ("part", "threads", "fp32 GFLOP", "int8 GOP", "ms", "share"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for threads, rate in found.items():
        table.add_row("matrix products, a second", str(threads), f"{rate['fp32']:.0f}", f"{rate['int8']:.0f}", "", "")
    for row in parts:
        share = row.share(found[row.threads])
        figures = (f"{row.fp32:.2f}", f"{row.int8:.2f}", f"{1000 * row.seconds:.1f}", f"{share:.0%}")
        table.add_row(row.name, str(row.threads), *figures)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
