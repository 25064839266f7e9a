"""The custom relative-bias operators: numpy definition, ONNX function bodies, native kernel."""

from pathlib import Path

from layoutserve.model.ops.definition import (
    DOMAIN,
    MASKED,
    VERSION,
    bucket_table,
    relative_attention_bias,
    relative_position_bucket,
)

# The native kernels, where they are built.
LIBRARY = Path(__file__).with_name("native") / "liblayoutserve_ops.so"
# A graph of the bias operator alone, to compare a library with the definition; model/network/probe.py makes it.
PROBE = Path(__file__).with_name("probe.onnx")
# A graph that joins arrays where they lie; model/network/stack.py makes it.
STACK = Path(__file__).with_name("stack.onnx")

__all__ = [
    "DOMAIN",
    "LIBRARY",
    "MASKED",
    "PROBE",
    "STACK",
    "VERSION",
    "bucket_table",
    "relative_attention_bias",
    "relative_position_bucket",
]
