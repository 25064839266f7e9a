"""The native operators of two libraries side by side, at the sizes they have in the models: equal bits, and times.

Run ``python benchmarks/operators.py BEFORE.so AFTER.so`` after a change of ``model/ops/native``, with a copy of the
library from before. Both run in one process on one thread, by turns; the least time of each counts, which a busy
machine disturbs least. Ratios are the second library's time divided by the first's.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from machine import describe
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

from layoutserve.model.ops import DOMAIN, VERSION
from layoutserve.model.ops.function_bodies import OPSET

Arrays = dict[str, NDArray[Any]]
# Inputs that are part of the graph.
CONSTANT = {"wide", "narrow", "int8_weight"}
OUTPUT_TYPES = {"q": TensorProto.UINT8, "best": TensorProto.INT64}
SYMBOLS = ("best", "probability", "of_symbol")


def cases() -> list[tuple[str, Arrays, tuple[str, ...], dict[str, Any]]]:
    """Operator, inputs in their order, outputs and attributes."""
    generator = np.random.default_rng(0)

    def floats(*shape: int) -> NDArray[np.float32]:
        return generator.standard_normal(shape, dtype=np.float32)

    def positive(count: int, most: float) -> NDArray[np.float32]:
        return generator.random(count, dtype=np.float32) * np.float32(most)

    def weight(*shape: int) -> NDArray[np.int8]:
        return generator.integers(-127, 128, shape, dtype=np.int8)

    def sums(rows: int, columns: int, most: float = 1e-2) -> Arrays:
        return {
            "sums": generator.integers(-(2**20), 2**20, (1, rows, columns), dtype=np.int32),
            "row_scale": positive(rows, 1e-3).reshape(1, rows, 1),
            "column_scale": positive(columns, most),
            "bias": floats(columns),
        }

    def attention(tokens: int, heads: int, size: int) -> Arrays:
        return sums(tokens, 3 * heads * size, 3e-3) | {"attention_bias": floats(1, heads, tokens, tokens)}

    symbol = {"symbol": np.array([7])}
    norm = {"residual": floats(1, 300, 768), "gamma": floats(768), "beta": floats(768)}
    block = {
        "x": floats(1, 960, 192),
        "wide": weight(192, 384),
        "wide_scale": positive(384, 1e-3),
        "wide_bias": floats(384),
        "narrow": weight(384, 192),
        "narrow_scale": positive(192, 1e-3),
        "narrow_bias": floats(192),
    }
    head = {"x": floats(1, 80, 120), "int8_weight": weight(120, 18710)}
    head |= {"column_scale": positive(18710, 1e-2), "bias": floats(18710)}
    tokens = 305
    places = {
        "position_ids": np.arange(tokens)[None],
        "bbox": generator.integers(0, 1001, (1, tokens, 4)),
        "attention_mask": np.ones((1, tokens), np.int64),
        "bias_1d": floats(12, 257),
        "bias_x": floats(12, 513),
        "bias_y": floats(12, 513),
    }
    three = {"x": floats(1, 12, 160, 192), "weight": floats(3, 3, 192), "bias": floats(192)}
    five = {"x": floats(1, 40, 40, 40), "weight": floats(5, 5, 40), "bias": floats(40)}
    return [
        ("RelativeAttentionBias", places, ("bias_of_all",), {}),
        ("QuantizeRows", {"x": floats(1, 300, 768)}, ("q", "scale"), {}),
        ("DequantizeRows", sums(300, 768), ("y",), {}),
        ("DequantizeAdd", sums(300, 384) | {"residual": floats(1, 300, 384)}, ("y",), {}),
        ("DequantizeGeluQuantize", sums(300, 3072), ("q", "scale"), {}),
        ("DequantizeNormQuantize", sums(300, 768) | norm, ("y", "q", "scale"), {"epsilon": 1e-12}),
        ("DequantizeAttendQuantize", attention(tokens, 12, 64), ("q", "scale"), {"num_heads": 12, "scale": 0.125}),
        ("DequantizeAttendQuantize", attention(113, 4, 32), ("q", "scale"), {"num_heads": 4, "scale": 0.18}),
        ("FeedForwardAdd", block, ("y",), {}),
        ("ScoreSymbols", head | symbol, SYMBOLS, {}),
        ("BestSymbols", sums(40, 18710) | symbol, SYMBOLS, {}),
        ("DepthwiseConv", three, ("y",), {"strides": (1, 1), "pads": (1, 1, 1, 1)}),
        ("DepthwiseConv", five, ("y",), {"strides": (1, 1), "pads": (2, 2, 2, 2)}),
        ("PixelMean", {"x": floats(1, 48, 60, 384)}, ("y",), {}),
    ]


def session(
    library: Path, operator: str, inputs: Arrays, outputs: tuple[str, ...], attributes: dict[str, Any]
) -> onnxruntime.InferenceSession:
    """The operator alone, by the kernel of a library, on one thread."""
    node = helper.make_node(operator, list(inputs), outputs, domain=DOMAIN, **attributes)
    graph = helper.make_graph(
        [node],
        operator,
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), None)
            for name, array in inputs.items()
            if name not in CONSTANT
        ],
        [helper.make_tensor_value_info(name, OUTPUT_TYPES.get(name, TensorProto.FLOAT), None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in inputs.items() if name in CONSTANT],
    )
    versions = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, VERSION)]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.register_custom_ops_library(str(library.resolve()))
    model = helper.make_model(graph, opset_imports=versions, ir_version=9).SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--seconds", type=float, default=2.5, help="for each operator")
    arguments = parser.parse_args()
    table = Table(title="Native operators, milliseconds", caption=", ".join(describe().values()))
    for column in ("operator", "inputs", "before", "after", "ratio", "results", "rounds"):
        table.add_column(column)
    for operator, inputs, outputs, attributes in cases():
        sessions = [
            session(path, operator, inputs, outputs, attributes) for path in (arguments.before, arguments.after)
        ]
        feed = {name: array for name, array in inputs.items() if name not in CONSTANT}
        first, second = (one.run(None, feed) for one in sessions)
        same = all(map(np.array_equal, first, second))
        least, rounds, end = [float("inf")] * 2, 0, time.monotonic() + arguments.seconds
        while time.monotonic() < end:
            for which in (0, 1) if rounds % 2 else (1, 0):
                start = time.perf_counter()
                sessions[which].run(None, feed)
                least[which] = min(least[which], time.perf_counter() - start)
            rounds += 1
        shape = "x".join(map(str, next(iter(inputs.values())).shape))
        milliseconds = [f"{1000 * seconds:.3f}" for seconds in least]
        table.add_row(
            operator, shape, *milliseconds, f"{least[1] / least[0]:.3f}", "equal" if same else "differ", str(rounds)
        )
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
