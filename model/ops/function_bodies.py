"""The operators as ONNX functions, in ONNX's text format, which travel inside every exported model.

ONNX Runtime runs a body where no kernel of that name is registered: without the native library, and on a GPU.
Standard operators only. Parsed by the export alone, so the service needs no ``onnx``.
"""

OPSET = 20

_DISTANCE_BIAS = """
<domain: "layoutserve", opset_import: ["": 20]>
DistanceBias (places, table) => (bias)
{
    query_axis = Constant <value = int64[1] {2}> ()
    key_axis = Constant <value = int64[1] {1}> ()
    two = Constant <value = int64 {2}> ()
    query = Unsqueeze (places, query_axis)
    key = Unsqueeze (places, key_axis)
    distance = Sub (key, query)
    width = Shape <start = 1> (table)
    width_scalar = Squeeze (width)
    maximum = Div (width_scalar, two)
    minimum = Neg (maximum)
    clipped = Clip (distance, minimum, maximum)
    index = Add (clipped, maximum)
    bias = Gather <axis = 1> (table, index)
}
"""

_RELATIVE_ATTENTION_BIAS = """
<domain: "layoutserve", opset_import: ["": 20, "layoutserve": 1]>
RelativeAttentionBias (position_ids, bbox, attention_mask, bias_1d, bias_x, bias_y) => (bias)
{
    left_edge = Constant <value = int64 {0}> ()
    bottom_edge = Constant <value = int64 {3}> ()
    x0 = Gather <axis = 2> (bbox, left_edge)
    y1 = Gather <axis = 2> (bbox, bottom_edge)
    of_1d = layoutserve.DistanceBias (position_ids, bias_1d)
    of_x = layoutserve.DistanceBias (x0, bias_x)
    of_y = layoutserve.DistanceBias (y1, bias_y)
    of_1d_and_x = Add (of_1d, of_x)
    heads_first = Add (of_1d_and_x, of_y)
    unmasked = Transpose <perm = [1, 0, 2, 3]> (heads_first)
    zero = Constant <value = float {0}> ()
    masked = Constant <value = float {-10000}> ()
    attended = Cast <to = 9> (attention_mask)
    mask = Where (attended, zero, masked)
    head_and_query_axes = Constant <value = int64[2] {1, 2}> ()
    mask_of_keys = Unsqueeze (mask, head_and_query_axes)
    bias = Add (unmasked, mask_of_keys)
}
"""

_QUANTIZE_ROWS = """
<domain: "layoutserve", opset_import: ["": 20]>
QuantizeRows (x) => (q, scale)
{
    last = Constant <value = int64[1] {-1}> ()
    smallest = Constant <value = float {1e-20}> ()
    steps = Constant <value = float {127}> ()
    zero_point = Constant <value = float {128}> ()
    size = Abs (x)
    peak = ReduceMax <keepdims = 1> (size, last)
    positive = Max (peak, smallest)
    scale = Div (positive, steps)
    level = Div (x, scale)
    nearest = Round (level)
    shifted = Add (nearest, zero_point)
    q = Cast <to = 2> (shifted)
}
"""

# Abs changes nothing, scales are positive. Without it ONNX Runtime (seen in 1.31) takes the product of two scales for
# a pattern of its own (MatMulIntegerToFloatFusion), which knows one scale for the whole left matrix: wrong results.
_DEQUANTIZE_ROWS = """
<domain: "layoutserve", opset_import: ["": 20]>
DequantizeRows (sums, row_scale, column_scale, bias) => (y)
{
    levels = Cast <to = 1> (sums)
    product = Mul (row_scale, column_scale)
    scale = Abs (product)
    scaled = Mul (levels, scale)
    y = Add (scaled, bias)
}
"""

_DEQUANTIZE_GELU_QUANTIZE = """
<domain: "layoutserve", opset_import: ["": 20, "layoutserve": 1]>
DequantizeGeluQuantize (sums, row_scale, column_scale, bias) => (q, scale)
{
    x = layoutserve.DequantizeRows (sums, row_scale, column_scale, bias)
    y = Gelu (x)
    q, scale = layoutserve.QuantizeRows (y)
}
"""

_DEQUANTIZE_NORM_QUANTIZE = """
<domain: "layoutserve", opset_import: ["": 20, "layoutserve": 1]>
DequantizeNormQuantize <epsilon> (sums, row_scale, column_scale, bias, residual, gamma, beta) => (y, q, scale)
{
    x = layoutserve.DequantizeRows (sums, row_scale, column_scale, bias)
    total = Add (x, residual)
    y = LayerNormalization <axis = -1, epsilon: float = @epsilon> (total, gamma, beta)
    q, scale = layoutserve.QuantizeRows (y)
}
"""

_DEQUANTIZE_ATTEND_QUANTIZE = """
<domain: "layoutserve", opset_import: ["": 20, "layoutserve": 1]>
DequantizeAttendQuantize <num_heads, scale> (sums, row_scale, column_scale, bias, attention_bias) => (q, scale_of_rows)
{
    rows = layoutserve.DequantizeRows (sums, row_scale, column_scale, bias)
    query_rows, key_rows, value_rows = Split <axis = -1, num_outputs = 3> (rows)
    kept = Constant <value = int64[2] {0, 0}> ()
    heads = Constant <value_int: int = @num_heads> ()
    rest = Constant <value = int64[1] {-1}> ()
    first = Constant <value = int64[1] {0}> ()
    heads_axis = Unsqueeze (heads, first)
    of_heads = Concat <axis = 0> (kept, heads_axis, rest)
    query_heads = Reshape (query_rows, of_heads)
    key_heads = Reshape (key_rows, of_heads)
    value_heads = Reshape (value_rows, of_heads)
    query = Transpose <perm = [0, 2, 1, 3]> (query_heads)
    key = Transpose <perm = [0, 2, 3, 1]> (key_heads)
    value = Transpose <perm = [0, 2, 1, 3]> (value_heads)
    factor = Constant <value_float: float = @scale> ()
    products = MatMul (query, key)
    scaled = Mul (products, factor)
    scores = Add (scaled, attention_bias)
    probabilities = Softmax <axis = -1> (scores)
    found = MatMul (probabilities, value)
    found_heads = Transpose <perm = [0, 2, 1, 3]> (found)
    joined = Concat <axis = 0> (kept, rest)
    y = Reshape (found_heads, joined)
    q, scale_of_rows = layoutserve.QuantizeRows (y)
}
"""

# Of the int8 form of the OCR models, which runs on the native operators alone: these are for processors on which ONNX
# Runtime's integer product is faster than ours would be.
_FEED_FORWARD_ADD = """
<domain: "layoutserve", opset_import: ["": 11, "layoutserve": 1]>
FeedForwardAdd (x, wide, wide_scale, wide_bias, narrow, narrow_scale, narrow_bias) => (y)
{
    zero_point = Constant <value = uint8 {128}> ()
    rows, row_scale = layoutserve.QuantizeRows (x)
    wide_sums = MatMulInteger (rows, wide, zero_point)
    between, between_scale = layoutserve.DequantizeGeluQuantize (wide_sums, row_scale, wide_scale, wide_bias)
    narrow_sums = MatMulInteger (between, narrow, zero_point)
    y = layoutserve.DequantizeAdd (narrow_sums, between_scale, narrow_scale, narrow_bias, x)
}
"""

_SCORE_SYMBOLS = """
<domain: "layoutserve", opset_import: ["": 11, "layoutserve": 1]>
ScoreSymbols (x, weight, column_scale, bias, symbol) => (best, probability, of_symbol)
{
    zero_point = Constant <value = uint8 {128}> ()
    rows, row_scale = layoutserve.QuantizeRows (x)
    sums = MatMulInteger (rows, weight, zero_point)
    best, probability, of_symbol = layoutserve.BestSymbols (sums, row_scale, column_scale, bias, symbol)
}
"""

OCR_BODIES = (_FEED_FORWARD_ADD, _SCORE_SYMBOLS)

# A body uses none but those before it.
FUNCTION_BODIES = (
    _DISTANCE_BIAS,
    _RELATIVE_ATTENTION_BIAS,
    _QUANTIZE_ROWS,
    _DEQUANTIZE_ROWS,
    _DEQUANTIZE_GELU_QUANTIZE,
    _DEQUANTIZE_NORM_QUANTIZE,
    _DEQUANTIZE_ATTEND_QUANTIZE,
)
