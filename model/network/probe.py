"""The probe of the native operators: a graph of the bias operator alone, kept as ``model/ops/probe.onnx``.

The service compares the native kernel with the numpy definition before it trusts a library (``layoutserve doctor``),
and cannot build graphs itself. After a change of the operator: ``python -m layoutserve.model.network.probe``.
"""

from pathlib import Path

import onnx_ir as ir

from layoutserve.model.network.graph_builder import GraphBuilder
from layoutserve.model.ops import DOMAIN, PROBE


def probe() -> GraphBuilder:
    """The operator's inputs by their names -> ``bias``."""
    g = GraphBuilder("probe")
    places = [
        g.input("position_ids", ir.DataType.INT64, ["P", "T"]),
        g.input("bbox", ir.DataType.INT64, ["B", "T", 4]),
        g.input("attention_mask", ir.DataType.INT64, ["B", "T"]),
    ]
    tables = [g.input(name, ir.DataType.FLOAT, ["H", f"{name}_size"]) for name in ("bias_1d", "bias_x", "bias_y")]
    g.output("bias", g.op("RelativeAttentionBias", *places, *tables, domain=DOMAIN), ["B", "H", "T", "T"])
    return g


def main(path: Path = PROBE) -> None:
    """Write the probe."""
    probe().save(path)


if __name__ == "__main__":
    main()
