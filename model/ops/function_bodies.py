"""The operators as ONNX functions, in ONNX's text format; each stands beside its operator's definition.

ONNX Runtime runs a function where no kernel of that name is registered. Parsed by the export alone, so that the service
needs no ``onnx``.
"""

from layoutserve.model.ops import (
    dequantize_attend_quantize,
    dequantize_gelu_quantize,
    dequantize_norm_quantize,
    dequantize_rows,
    feed_forward_add,
    quantize_rows,
    relative_attention_bias,
    score_symbols,
)

# The version of ONNX's operators that the functions of standard operators are written in.
OPSET = 20

# Of standard operators: they travel inside every exported model, which runs without the native library and on a GPU.
# A function calls none but those before it.
FUNCTION_BODIES = (
    relative_attention_bias.DISTANCE_BIAS,
    relative_attention_bias.BODY,
    quantize_rows.BODY,
    dequantize_rows.BODY,
    dequantize_gelu_quantize.BODY,
    dequantize_norm_quantize.BODY,
    dequantize_attend_quantize.BODY,
)

# Of our native operators: they travel inside the int8 OCR models, which need the native library.
OCR_BODIES = (feed_forward_add.BODY, score_symbols.BODY)
