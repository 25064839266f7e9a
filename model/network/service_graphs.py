"""Two graphs that the service needs beside a bundle's, and cannot build itself; they are kept in ``model/ops``.

``probe.onnx``: the bias operator alone. The service compares the native kernel with the numpy definition before it
trusts a library (``layoutserve doctor``). ``stack.onnx``: joins visual embeddings on a GPU, between the two graphs of a
bundle (``model/inference/device.py``). To write both after a change of either:
``python -m layoutserve.model.network.service_graphs``.
"""

import onnx_ir as ir

from layoutserve.model.inference.device import STACK_WIDTH
from layoutserve.model.network.graph_builder import GraphBuilder
from layoutserve.model.ops import DOMAIN, PROBE, STACK


def probe() -> GraphBuilder:
    """Build the probe: the operator's inputs by their names -> ``bias``."""
    g = GraphBuilder("probe")
    places = [
        g.input("position_ids", ir.DataType.INT64, ["P", "T"]),
        g.input("bbox", ir.DataType.INT64, ["B", "T", 4]),
        g.input("attention_mask", ir.DataType.INT64, ["B", "T"]),
    ]
    tables = [g.input(name, ir.DataType.FLOAT, ["H", f"{name}_size"]) for name in ("bias_1d", "bias_x", "bias_y")]
    g.output("bias", g.op("RelativeAttentionBias", *places, *tables, domain=DOMAIN), ["B", "H", "T", "T"])
    return g


def stack() -> GraphBuilder:
    """Build the stack: parts (N, V, D), each with its own N, one behind the other -> the ``rows`` (B,) of them."""
    g = GraphBuilder("stack")
    shape = ["V", "D"]
    parts = [g.input(f"part_{n}", ir.DataType.FLOAT, [f"N{n}", *shape]) for n in range(STACK_WIDTH)]
    rows = g.input("rows", ir.DataType.INT64, ["B"])
    g.output("stacked", g.op("Gather", g.op("Concat", *parts, axis=0), rows, axis=0), ["B", *shape])
    return g


def main() -> None:
    """Write both."""
    probe().save(PROBE)
    stack().save(STACK)


if __name__ == "__main__":
    main()
