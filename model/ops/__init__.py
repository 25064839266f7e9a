"""The custom ONNX operators: one file each with its definition in numpy.

The definition is what tests hold the body and the native kernel to.
"""

from pathlib import Path

# The operators' domain in ONNX, and its version.
DOMAIN = "layoutserve"
VERSION = 1

# The native kernels, where they are built.
LIBRARY = Path(__file__).with_name("native") / "liblayoutserve_ops.so"
# A graph of the bias operator alone, to compare a library with the definition; model/network/probe.py makes it.
PROBE = Path(__file__).with_name("probe.onnx")
# A graph that joins arrays where they lie; model/network/stack.py makes it.
STACK = Path(__file__).with_name("stack.onnx")
