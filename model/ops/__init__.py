"""The custom ONNX operators, one a file: its definition in numpy, and its ONNX function body where it has one.

Tests hold body and native kernel to the definition. docs/operators.md says why the operators are there.

The encoder's bias: relative_attention_bias.
Rows around an integer product: integer_product (the product, and how weights become int8), quantize_rows,
dequantize_rows, dequantize_add.
Between two integer products, in one pass: dequantize_gelu_quantize, dequantize_norm_quantize,
dequantize_attend_quantize.
The int8 OCR models: feed_forward_add, best_symbols, score_symbols, depthwise_conv, pixel_mean.
All bodies in the order in which a model needs them: function_bodies.
The kernels in C++: native/. A new operator is one file here, one there, and one line in function_bodies for its body.
"""

from pathlib import Path

# The operators' domain in ONNX, and its version.
DOMAIN = "layoutserve"
VERSION = 1

# The native kernels, where they are built.
LIBRARY = Path(__file__).with_name("native") / "liblayoutserve_ops.so"
# Two graphs that the service cannot build itself; model/network/service_graphs.py makes them.
# The bias operator alone, to compare a library with the definition.
PROBE = Path(__file__).with_name("probe.onnx")
# Arrays joined where they lie, on a device.
STACK = Path(__file__).with_name("stack.onnx")
