"""Int8 graphs: the encoder with a scale per token, the visual graph with calibrated scales.

Encoder: every product with a weight matrix becomes QuantizeRows, MatMulInteger, DequantizeRows
(``model/ops/integer_product.py``), so a window's result depends on that window alone. Nothing needs calibration.
In a fused graph one operator stands between two products: DequantizeGeluQuantize, DequantizeNormQuantize, or
DequantizeAttendQuantize, whose query, key and value are then one product. Embedding tables are stored as int8 with a
scale per row. LayerNorm, the biases and the heads stay float32: the heads are a few rows or columns, and their
logits are what is calibrated.

Visual graph: ONNX Runtime's static quantization (uint8 activations, int8 weights with a scale per channel), its scales
calibrated on page images. A batch shares no scale with its members: all of them are constants.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from layoutserve.model.network.graph_builder import GraphBuilder
from layoutserve.model.ops import DOMAIN
from layoutserve.model.ops.integer_product import ZERO_POINT, quantize_columns

# Names of weights begin so in a layer; heads and embeddings stay float32.
_LAYER = "encoder."
# Narrower products gain nothing.
_FEWEST_COLUMNS = 64
# Smaller tables are not worth two more look-ups.
_FEWEST_TABLE_ROWS = 4096
_CALIBRATION_BATCH = 8


def quantize_encoder(g: GraphBuilder, *, keep: Iterable[str] = ()) -> None:
    """Turn an encoder graph in the making to int8, in place; weights named in ``keep`` stay float32."""
    kept = set(keep)
    nodes, g.nodes = g.nodes, []
    quantized: dict[ir.Value, Sequence[ir.Value]] = {}
    for node in nodes:
        weight = node.inputs[1] if node.op_type == "MatMul" else node.inputs[0] if node.op_type == "Gather" else None
        constant = g.constants.get(weight.name or "") if weight is not None else None
        if constant is None or constant.const_value is None or constant.name in kept:
            g.nodes.append(node)
            continue
        values = constant.const_value.numpy()
        in_layer = (constant.name or "").startswith(_LAYER)
        if node.op_type == "MatMul" and in_layer and values.ndim == 2 and values.shape[1] >= _FEWEST_COLUMNS:
            result = _product(g, node, values, quantized)
        elif node.op_type == "Gather" and values.ndim == 2 and values.shape[0] >= _FEWEST_TABLE_ROWS:
            result = _look_up(g, node, values)
        else:
            g.nodes.append(node)
            continue
        node.outputs[0].replace_all_uses_with(result)
    _fuse_attention(g)
    _fuse(g)


def _fuse_attention(g: GraphBuilder) -> None:
    """Join DequantizeRows, attention and QuantizeRows, and before them query, key and value into one product."""
    present = set(g.nodes)
    nodes, g.nodes = g.nodes, []
    dropped: set[ir.Node] = set()
    for node in nodes:
        if node.op_type == "MultiHeadAttention":
            sources = [_producer(value) for value in node.inputs[:3]]
            readers = _readers(node, present)
            # Of the last layer's tokens only some may go on.
            cut = readers if [reader.op_type for reader in readers] == ["Slice"] else []
            readers = _readers(cut[0], present) if cut else readers
            # Any of the four products may be kept in float32.
            if [part.op_type for part in (*sources, *readers)] == [*["DequantizeRows"] * 3, "QuantizeRows"]:
                products = [_producer(source.inputs[0]) for source in sources]
                rows = _join_attention(g, node, sources, products)
                rows = [g.op("Slice", value, *cut[0].inputs[1:]) for value in rows] if cut else rows
                for old, new in zip(readers[0].outputs, rows, strict=True):
                    old.replace_all_uses_with(new)
                dropped.update(sources, products, cut, readers, [node])
        if node not in dropped:
            g.nodes.append(node)
    g.nodes = [node for node in g.nodes if node not in dropped]


def _producer(value: ir.Value | None) -> ir.Node:
    node = value.producer() if value is not None else None
    assert node is not None
    return node


def _readers(node: ir.Node, present: set[ir.Node]) -> list[ir.Node]:
    return [use.node for use in node.outputs[0].uses() if use.node in present]


def _join_attention(
    g: GraphBuilder, node: ir.Node, sources: Sequence[ir.Node], products: Sequence[ir.Node]
) -> Sequence[ir.Value]:
    """The quantized rows of what is found, and their scales."""

    def side_by_side(parts: Sequence[ir.Value | None]) -> ir.Value:
        arrays = [part.const_value.numpy() for part in parts if part is not None and part.const_value is not None]
        name = parts[0].name if parts[0] is not None else None
        return g.constant(np.concatenate(arrays, axis=-1), name and name.replace("query", "query_key_value"))

    rows, _, zero_point = products[0].inputs
    weight = side_by_side([product.inputs[1] for product in products])
    column_scale = side_by_side([source.inputs[2] for source in sources])
    sums = g.op("MatMulInteger", rows, weight, zero_point)
    inputs = (sums, sources[0].inputs[1], column_scale, node.inputs[3], node.inputs[5])
    heads, scale = node.attributes["num_heads"].as_int(), node.attributes["scale"].as_float()
    return g.ops("DequantizeAttendQuantize", *inputs, outputs=2, domain=DOMAIN, num_heads=heads, scale=scale)


def _fuse(g: GraphBuilder) -> None:
    """Join DequantizeRows, the activation or the residual norm after it, and the QuantizeRows after that."""
    present = set(g.nodes)
    joined: dict[ir.Node, tuple[ir.Node, ir.Node | None]] = {}
    for node in g.nodes:
        if node.op_type not in ("BiasGelu", "SkipLayerNormalization"):
            continue
        source = node.inputs[0].producer() if node.inputs[0] is not None else None
        readers = _readers(node, present)
        quantizer = next((reader for reader in readers if reader.op_type == "QuantizeRows"), None)
        # An activation that is read as it is, too, must stay.
        if source is None or source.op_type != "DequantizeRows" or (node.op_type == "BiasGelu" and len(readers) != 1):
            continue
        if quantizer is not None or node.op_type == "SkipLayerNormalization":
            joined[node] = (source, quantizer)
    dropped = {part for parts in joined.values() for part in parts if part is not None}
    nodes, g.nodes = g.nodes, []
    for node in nodes:
        if node in joined:
            _join(g, node, *joined[node])
        elif node not in dropped:
            g.nodes.append(node)


def _join(g: GraphBuilder, node: ir.Node, source: ir.Node, quantizer: ir.Node | None) -> None:
    sums, row_scale, column_scale, _ = source.inputs  # its bias is the next node's
    scaled = (sums, row_scale, column_scale)
    if node.op_type == "BiasGelu":
        rows = g.ops("DequantizeGeluQuantize", *scaled, node.inputs[1], outputs=2, domain=DOMAIN)
    else:
        _, residual, gamma, beta, bias = node.inputs
        epsilon = node.attributes["epsilon"].as_float()
        inputs = (*scaled, bias, residual, gamma, beta)
        y, *rows = g.ops("DequantizeNormQuantize", *inputs, outputs=3, domain=DOMAIN, epsilon=epsilon)
        node.outputs[0].replace_all_uses_with(y)
    if quantizer is not None:
        for old, new in zip(quantizer.outputs, rows, strict=True):
            old.replace_all_uses_with(new)


def _product(
    g: GraphBuilder, node: ir.Node, weight: NDArray[np.float32], quantized: dict[ir.Value, Sequence[ir.Value]]
) -> ir.Value:
    x, name = node.inputs[0], node.inputs[1]
    assert x is not None and name is not None
    if x not in quantized:  # query, key and value read the same rows
        quantized[x] = g.ops("QuantizeRows", x, outputs=2, domain=DOMAIN)
    rows, row_scale = quantized[x]
    columns, column_scale = quantize_columns(weight)
    zero_point = g.constant(np.array(ZERO_POINT, dtype=np.uint8))
    sums = g.op("MatMulInteger", rows, g.constant(columns, f"{name.name}.int8"), zero_point)
    scale = g.constant(column_scale, f"{name.name}.scale")
    none = g.constant(np.zeros(weight.shape[1], dtype=np.float32))
    return g.op("DequantizeRows", sums, row_scale, scale, none, domain=DOMAIN)


def _look_up(g: GraphBuilder, node: ir.Node, table: NDArray[np.float32]) -> ir.Value:
    name, indices = node.inputs
    assert name is not None
    rows, scale = quantize_columns(table.T)
    levels = g.op("Gather", g.constant(rows.T, f"{name.name}.int8"), indices, axis=0)
    scales = g.op("Gather", g.constant(scale[:, None], f"{name.name}.scale"), indices, axis=0)
    return g.op("Mul", g.op("Cast", levels, to=int(ir.DataType.FLOAT)), scales)


class _Images:
    """Page images uint8 (3, 224, 224) BGR, a batch at a time, as ONNX Runtime's calibration reads them."""

    def __init__(self, images: Sequence[NDArray[np.uint8]]) -> None:
        batches = range(0, len(images), _CALIBRATION_BATCH)
        self._batches = iter([np.stack(images[start : start + _CALIBRATION_BATCH]) for start in batches])

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


def quantize_visual(float_graph: Path, output: Path, images: Sequence[NDArray[np.uint8]]) -> None:
    """Write the int8 form of the visual graph ``float_graph`` to ``output``.

    images: uint8 (3, 224, 224) BGR, as many pages of the kind to be served as can be had; a few dozen are enough.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(float_graph), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(output),
            _Images(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Relu", "Add", "MaxPool", "MatMul", "Resize"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
