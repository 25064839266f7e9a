"""The graph that joins visual embeddings on a device, kept as ``model/ops/stack.onnx``.

The service binds it between the two graphs of a bundle on a GPU (``model/inference/device.py``) and cannot build
graphs itself. After a change: ``python -m layoutserve.model.network.stack``.
"""

from pathlib import Path

import onnx_ir as ir

from layoutserve.model.inference.device import STACK_WIDTH
from layoutserve.model.network.graph_builder import GraphBuilder
from layoutserve.model.ops import STACK


def stack() -> GraphBuilder:
    """Parts (N, V, D), of as many rows each as they like, one behind the other; ``rows`` (B,) of them."""
    g = GraphBuilder("stack")
    shape = ["V", "D"]
    parts = [g.input(f"part_{n}", ir.DataType.FLOAT, [f"N{n}", *shape]) for n in range(STACK_WIDTH)]
    rows = g.input("rows", ir.DataType.INT64, ["B"])
    g.output("stacked", g.op("Gather", g.op("Concat", *parts, axis=0), rows, axis=0), ["B", *shape])
    return g


def main(path: Path = STACK) -> None:
    """Write the graph."""
    stack().save(path)


if __name__ == "__main__":
    main()
