"""The int8 form of PP-OCR's recognizers: a scale per pixel, nothing to calibrate.

Nine tenths of a recognizer's work are pointwise (1x1) convolutions and the head, which scores every symbol for every
column: products of rows (pixels or columns, their channels) with a weight matrix. They become QuantizeRows,
MatMulInteger and DequantizeRows (``model/ops/row_quantization.py``), as in the encoder; between the two convolutions of
a mixing block lies a single pass (``model/ops/fused_rows.py``). A line's result depends on that line alone, and no page
has to be looked at first: one scale for a whole tensor, calibrated, cost eight points of word F1.
Other layers stay float32. Graphs without such layers are refused.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from model.errors import OcrError
from model.ocr.int8 import SOURCE
from model.ops import DOMAIN, VERSION
from model.ops.row_quantization import ZERO_POINT, quantize_columns

# Pixels with fewer channels than this take longer to quantize than the integer product saves.
_FEWEST_INPUTS = 96
_FEWEST_OUTPUTS = 64
# A product with so many columns scores symbols.
_FEWEST_SYMBOLS = 1000


def quantize_recognizer(source: Path, target: Path) -> int:
    """Write the int8 form of the recognizer ``source`` (float32, NCHW) to ``target``; how many products are int8.

    The file appears whole or not at all. Raises OcrError when the graph cannot be read or has nothing to gain.
    """
    try:
        content = source.read_bytes()
        graph = _Graph(_simplified(content))
    except Exception as error:  # ONNX Runtime and protobuf have no common base for theirs
        raise OcrError(f"{source} is not an ONNX graph that can be read ({error}): name another one.") from error
    count = graph.quantize()
    if count == 0:
        raise OcrError(f"{source} has no layers that would be faster in int8: use it as it is.")
    model = graph.model()
    model.metadata_props.add(key=SOURCE, value=hashlib.sha256(content).hexdigest())
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        partial.write_bytes(model.SerializeToString())
        partial.replace(target)
    except OSError as error:
        raise OcrError(f"{target} cannot be written ({error.strerror}): choose a folder that can.") from error
    return count


def _simplified(content: bytes) -> onnx.ModelProto:
    """The graph with constants folded and GELU in one node, as ONNX Runtime does it for every processor."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "simplified.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(path)
        options.log_severity_level = 3
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return onnx.load(path)


class _Graph:
    """A graph while its products are replaced; nodes stay in an order in which they can run."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self._producers = {name: node for node in model.graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._zero_point = self._constant("int8.zero_point", np.array(ZERO_POINT, dtype=np.uint8))
        # Names of what is already there: NHWC form, and integer rows with their scales, of a float NCHW value.
        self._last: dict[str, str] = {}
        self._rows: dict[str, tuple[str, ...]] = {}

    def quantize(self) -> int:
        """Replace what can be; how many products that were."""
        count = 0
        joined: set[str] = set()  # outputs of nodes that became part of another one
        for node in self._model.graph.node:
            if node.output[0] in joined:
                continue
            if self._is_pointwise(node):
                joined |= self._convolution(node)
                count += 1
            elif (bias := self._head_bias(node)) is not None:
                self._head(node, bias)
                joined.add(bias.output[0])
                count += 1
            else:
                self._nodes.append(node)
        return count

    def model(self) -> onnx.ModelProto:
        """The model as it is now."""
        graph = self._model.graph
        used = {name for node in self._nodes for name in node.input}
        constants = [tensor for tensor in (*graph.initializer, *self._constants) if tensor.name in used]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(self._nodes)
        graph.initializer.extend(constants)
        self._model.opset_import.append(helper.make_opsetid(DOMAIN, VERSION))
        return self._model

    def _is_pointwise(self, node: onnx.NodeProto) -> bool:
        """Whether a node is a 1x1 convolution of many channels over more than one pixel."""
        weight = self._weights.get(node.input[1]) if node.op_type == "Conv" else None
        if weight is None or weight.shape[2:] != (1, 1) or weight.dtype != np.float32:
            return False
        attributes = _attributes(node)
        before = self._producers.get(node.input[0])
        return (
            attributes.get("group", 1) == 1
            and all(stride == 1 for stride in attributes.get("strides", ()))
            and not any(attributes.get("pads", ()))
            and weight.shape[0] >= _FEWEST_OUTPUTS
            and weight.shape[1] >= _FEWEST_INPUTS
            and (before is None or before.op_type not in ("ReduceMean", "GlobalAveragePool"))
        )

    def _convolution(self, node: onnx.NodeProto) -> set[str]:
        """Put a pointwise convolution as integer rows; the outputs of the nodes that this makes superfluous."""
        x, y = node.input[0], node.output[0]
        weight = self._weights[node.input[1]][:, :, 0, 0]
        bias = self._weights[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight), dtype=np.float32)
        product = self._product(y, self._quantized(x), weight.T, bias)
        reader = self._only_reader(y)
        if reader is not None and reader.op_type == "Gelu":
            following = self._only_reader(reader.output[0])
            if following is not None and self._is_pointwise(following):
                z = reader.output[0]
                self._rows[z] = self._add("DequantizeGeluQuantize", product, f"{z}.rows", f"{z}.scale", domain=DOMAIN)
                return {z}
        (self._last[y],) = self._add("DequantizeRows", product, f"{y}.nhwc", domain=DOMAIN)
        if reader is not None and reader.op_type == "Add" and not any(name in self._weights for name in reader.input):
            # The residual is added to the rows, so that only the sum goes back to NCHW.
            other, z = next(name for name in reader.input if name != y), reader.output[0]
            (self._last[z],) = self._add("Add", (self._channels_last(other), self._last[y]), f"{z}.nhwc")
            self._add("Transpose", (self._last[z],), z, perm=(0, 3, 1, 2))
            return {z}
        self._add("Transpose", (self._last[y],), y, perm=(0, 3, 1, 2))
        return set()

    def _head_bias(self, node: onnx.NodeProto) -> onnx.NodeProto | None:
        """The Add after the product that scores the symbols, whose weights (K, N) are wide; None for other nodes."""
        if node.op_type not in ("MatMul", "FusedMatMul"):
            return None
        attributes, weight = _attributes(node), self._weights.get(node.input[1])
        if weight is None or weight.ndim != 2 or weight.shape[1] < _FEWEST_SYMBOLS:
            return None
        if attributes.get("transB", 0) or attributes.get("alpha", 1.0) != 1.0:
            return None
        reader = self._only_reader(node.output[0])
        found = reader is not None and reader.op_type == "Add" and any(name in self._weights for name in reader.input)
        return reader if found else None

    def _head(self, node: onnx.NodeProto, bias: onnx.NodeProto) -> None:
        y, columns = node.output[0], node.input[0]
        if _attributes(node).get("transA", 0):
            (columns,) = self._add("Transpose", (columns,), f"{y}.columns", perm=(0, 2, 1))
        rows = self._add("QuantizeRows", (columns,), f"{y}.rows", f"{y}.scale", domain=DOMAIN)
        values = next(self._weights[name] for name in bias.input if name in self._weights)
        product = self._product(y, rows, self._weights[node.input[1]], values)
        self._add("DequantizeRows", product, bias.output[0], domain=DOMAIN)

    def _product(
        self, name: str, rows: tuple[str, ...], weight: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> tuple[str, ...]:
        """Integer product of rows with a weight matrix (K, N): what DequantizeRows takes."""
        columns, scale = quantize_columns(weight)
        levels = self._constant(f"{name}.weight", columns)
        (sums,) = self._add("MatMulInteger", (rows[0], levels, self._zero_point), f"{name}.sums")
        return sums, rows[1], self._constant(f"{name}.column_scale", scale), self._constant(f"{name}.bias", bias)

    def _quantized(self, x: str) -> tuple[str, ...]:
        if x not in self._rows:
            self._rows[x] = self._add(
                "QuantizeRows", (self._channels_last(x),), f"{x}.rows", f"{x}.scale", domain=DOMAIN
            )
        return self._rows[x]

    def _channels_last(self, x: str) -> str:
        if x not in self._last:
            (self._last[x],) = self._add("Transpose", (x,), f"{x}.nhwc", perm=(0, 2, 3, 1))
        return self._last[x]

    def _only_reader(self, name: str) -> onnx.NodeProto | None:
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 else None

    def _add(
        self, operator: str, inputs: Iterable[str], *outputs: str, domain: str = "", perm: tuple[int, ...] = ()
    ) -> tuple[str, ...]:
        node = helper.make_node(operator, list(inputs), list(outputs), domain=domain)
        if perm:
            node.attribute.append(helper.make_attribute("perm", perm))
        self._nodes.append(node)
        return outputs

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
