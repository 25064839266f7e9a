"""The int8 form of PP-OCR's models: a scale per pixel, nothing to calibrate.

Nine tenths of a recognizer's work, and half of a detector's, are pointwise (1x1) convolutions and the head, which
scores every symbol for every column: products of rows (pixels or columns, their channels) with a weight matrix. Most of
them come in pairs, with GELU between and a residual behind: such a mixing block becomes FeedForwardAdd, and the head
ScoreSymbols, which writes down only what is asked for. Products that stand alone become QuantizeRows, MatMulInteger and
DequantizeRows, as in the encoder (``model/ops/integer_product.py``). Between two mixing blocks stands DepthwiseConv,
which takes pixels as they come. Other layers stay float32. Graphs without such layers are refused.

A line's result depends on that line alone, and nothing is calibrated: one scale for a whole tensor cost eight points of
word F1 (benchmarks/LOG.md).
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper, parser

from layoutserve.model.errors import OcrError
from layoutserve.model.ocr import int8
from layoutserve.model.ops import DOMAIN, VERSION
from layoutserve.model.ops.function_bodies import OCR_BODIES
from layoutserve.model.ops.integer_product import ZERO_POINT, quantize_columns

# Pixels with fewer channels than this take longer to quantize than the integer product saves.
_FEWEST_INPUTS = 96
_FEWEST_OUTPUTS = 64
# A product with this number of columns, or more, scores symbols.
_FEWEST_SYMBOLS = 1000

# What is done to every value of an image by itself.
_UNARY = {"Gelu", "HardSigmoid", "HardSwish", "QuickGelu", "Relu", "Sigmoid"}
# What makes images.
_IMAGES = {"AveragePool", "Conv", "ConvTranspose", "FusedConv", "GlobalAveragePool", "HardSigmoid", "MaxPool"}


def quantize_ocr(source: Path, target: Path) -> int:
    """Write the int8 form of the model ``source`` (float32, NCHW) to ``target``; return the number of int8 products.

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
    model.metadata_props.add(key=int8.SOURCE, value=int8.source(content))
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
    """A graph while its products are replaced; nodes stay in an order in which they can run.

    Images have two forms: planes (NCHW), under the name they always had, and channels last, under another. Whatever
    can goes on in the form that its input has, and the other form is made where something asks for it.
    """

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
        # Names of what is already there: channels-last form, and integer rows with their scales, of an image.
        self._last: dict[str, str] = {}
        self._rows: dict[str, tuple[str, ...]] = {}
        # Images of which there are no planes yet.
        self._only_last: set[str] = set()
        self.products = 0

    def quantize(self) -> int:
        """Replace what can be; return the number of products."""
        joined: set[str] = set()  # outputs of nodes that became part of another one
        for node in self._model.graph.node:
            if node.output[0] in joined:
                continue
            if (following := self._feed_forward(node)) is not None:
                joined |= following
            elif self._is_pointwise(node):
                joined |= self._convolution(node)
            elif (following := self._head(node)) is not None:
                joined |= following
            elif not self._goes_on(node):
                for name in node.input:
                    self._planes(name)
                self._nodes.append(node)
        for output in self._model.graph.output:
            self._planes(output.name)
        return self.products

    def model(self) -> onnx.ModelProto:
        """The model as it is now."""
        graph = self._model.graph
        used = {name for node in self._nodes for name in node.input}
        constants = [tensor for tensor in (*graph.initializer, *self._constants) if tensor.name in used]
        del graph.node[:], graph.initializer[:]
        graph.node.extend(self._nodes)
        graph.initializer.extend(constants)
        self._model.opset_import.append(helper.make_opsetid(DOMAIN, VERSION))
        for body in OCR_BODIES:
            function = parser.parse_function(body)
            # A function may not ask for another version of the standard operators than the graph has.
            del function.opset_import[:]
            function.opset_import.extend(self._model.opset_import)
            self._model.functions.append(function)
        return self._model

    def _is_pointwise(self, node: onnx.NodeProto) -> bool:
        """Tell whether a node is a 1x1 convolution of many channels over more than one pixel."""
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
        product = self._product(y, self._quantized(x), *self._weight_and_bias(node))
        reader = self._only_reader(y)
        if reader is not None and reader.op_type == "Gelu":
            following = self._only_reader(reader.output[0])
            if following is not None and self._is_pointwise(following):
                z = reader.output[0]
                self._rows[z] = self._add("DequantizeGeluQuantize", product, f"{z}.rows", f"{z}.scale", domain=DOMAIN)
                return {z}
        self._add("DequantizeRows", product, self._new_last(y), domain=DOMAIN)
        return set()

    def _feed_forward(self, node: onnx.NodeProto) -> set[str] | None:
        """Put a mixing block, from its first convolution to its residual, as one; the outputs of what follows.

        None, and nothing done, where the node does not begin one.
        """
        if not self._is_pointwise(node):
            return None
        gelu = self._only_reader(node.output[0])
        second = self._only_reader(gelu.output[0]) if gelu is not None and gelu.op_type == "Gelu" else None
        if gelu is None or second is None or not self._is_pointwise(second):
            return None
        x, total = node.input[0], self._only_reader(second.output[0])
        if total is None or total.op_type != "Add" or sorted(total.input) != sorted((x, second.output[0])):
            return None
        wide, narrow = self._weight_and_bias(node), self._weight_and_bias(second)
        if wide[0].shape != narrow[0].shape[::-1]:
            return None
        constants = (*self._levels(node.output[0], *wide), *self._levels(second.output[0], *narrow))
        y = total.output[0]
        outputs = self._add("FeedForwardAdd", (self._channels_last(x), *constants), self._new_last(y), domain=DOMAIN)
        # Where the body runs, nothing else says the type.
        values = self._model.graph.value_info
        values.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs)
        return {gelu.output[0], second.output[0], y}

    def _weight_and_bias(self, node: onnx.NodeProto) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weight (K, N) and bias (N,) of a pointwise convolution, as a product of rows."""
        weight = self._weights[node.input[1]][:, :, 0, 0].T
        bias = self._weights[node.input[2]] if len(node.input) > 2 else np.zeros(weight.shape[1], dtype=np.float32)
        return weight, bias

    def _head(self, node: onnx.NodeProto) -> set[str] | None:
        """Put the product that scores the symbols and what follows it as one; the outputs of what follows.

        None, and nothing done, for other nodes. The graph then has another input, the symbol whose probability is
        wanted beside the likeliest's, and says no other ones.
        """
        weight = self._weights.get(node.input[1]) if node.op_type in ("MatMul", "FusedMatMul") else None
        attributes = _attributes(node)
        if weight is None or weight.ndim != 2 or weight.shape[1] < _FEWEST_SYMBOLS:
            return None
        if attributes.get("transB", 0) or attributes.get("alpha", 1.0) != 1.0:
            return None
        graph = self._model.graph
        bias = self._only_reader(node.output[0])
        softmax = None if bias is None else self._only_reader(bias.output[0])
        if bias is None or softmax is None or (bias.op_type, softmax.op_type) != ("Add", "Softmax"):
            return None
        added = [self._weights[name] for name in bias.input if name in self._weights]
        if len(added) != 1 or [output.name for output in graph.output] != list(softmax.output):
            return None
        columns = node.input[0]
        self._planes(columns)
        if attributes.get("transA", 0):
            (columns,) = self._add("Transpose", (columns,), f"{columns}.columns", perm=(0, 2, 1))
        constants = self._levels(node.output[0], weight, added[0])
        outputs = ("best", "probability", "of_symbol")
        self._add("ScoreSymbols", (columns, *constants, int8.SYMBOL), *outputs, domain=DOMAIN)
        graph.input.append(helper.make_tensor_value_info(int8.SYMBOL, onnx.TensorProto.INT64, [1]))
        del graph.output[:]
        kinds = {
            "best": onnx.TensorProto.INT64,
            "probability": onnx.TensorProto.FLOAT,
            "of_symbol": onnx.TensorProto.FLOAT,
        }
        graph.output.extend(helper.make_tensor_value_info(name, kinds[name], ["lines", "columns"]) for name in outputs)
        return {bias.output[0], softmax.output[0]}

    def _goes_on(self, node: onnx.NodeProto) -> bool:
        """Put a node that need not have planes in the channels-last form of its input; False where it needs them."""
        inputs = [name for name in node.input if name]
        if not any(name in self._last for name in inputs):
            return False
        attributes = _attributes(node)
        if self._is_depthwise(node):
            self._depthwise(node)
        elif node.op_type in _UNARY and len(inputs) == 1:
            self._copy(node, (self._last[inputs[0]],))
        elif node.op_type in ("Add", "Mul") and all(self._is_image(name) or self._is_single(name) for name in inputs):
            self._copy(node, [name if self._is_single(name) else self._channels_last(name) for name in inputs])
        elif _is_mean_of_pixels(node):
            self._add("PixelMean", (self._last[inputs[0]],), self._new_last(node.output[0]), domain=DOMAIN)
        elif node.op_type == "Concat" and attributes["axis"] == 1 and all(name in self._last for name in inputs):
            self._copy(node, [self._last[name] for name in inputs], axis=3)
        else:
            return False
        return True

    def _is_depthwise(self, node: onnx.NodeProto) -> bool:
        weight = self._weights.get(node.input[1]) if node.op_type == "Conv" else None
        attributes = _attributes(node)
        return (
            weight is not None
            and weight.ndim == 4
            and attributes.get("group", 1) == len(weight)
            and weight.shape[1] == 1
            and all(step == 1 for step in attributes.get("dilations", ()))
            and attributes.get("auto_pad", b"NOTSET") == b"NOTSET"
            and max(attributes.get("pads", (0,))) < min(weight.shape[2:])
        )

    def _depthwise(self, node: onnx.NodeProto) -> None:
        y, attributes = node.output[0], _attributes(node)
        weight = self._weights[node.input[1]][:, 0].transpose(1, 2, 0)
        bias = self._weights[node.input[2]] if len(node.input) > 2 else np.zeros(weight.shape[2], dtype=np.float32)
        weights = self._constant(f"{y}.depthwise", weight), self._constant(f"{y}.bias", bias)
        self._add(
            "DepthwiseConv",
            (self._last[node.input[0]], *weights),
            self._new_last(y),
            domain=DOMAIN,
            strides=attributes.get("strides", (1, 1)),
            pads=attributes.get("pads", (0, 0, 0, 0)),
        )

    def _copy(self, node: onnx.NodeProto, inputs: Iterable[str], **changed: object) -> None:
        """The same node on channels-last inputs."""
        made = onnx.NodeProto()
        made.CopyFrom(node)
        del made.input[:], made.output[:], made.attribute[:]
        made.name = f"{node.output[0]}.nhwc"
        made.input.extend(inputs)
        made.output.append(self._new_last(node.output[0]))
        attributes = _attributes(node) | changed
        made.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self._nodes.append(made)

    def _is_image(self, name: str) -> bool:
        producer = self._producers.get(name)
        return name in self._last or (producer is not None and producer.op_type in _IMAGES)

    def _is_single(self, name: str) -> bool:
        return name in self._weights and self._weights[name].size == 1

    def _product(
        self, name: str, rows: tuple[str, ...], weight: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> tuple[str, ...]:
        """Integer product of rows with a weight matrix (K, N): what DequantizeRows takes."""
        levels, scale, bias_name = self._levels(name, weight, bias)
        (sums,) = self._add("MatMulInteger", (rows[0], levels, self._zero_point), f"{name}.sums")
        return sums, rows[1], scale, bias_name

    def _levels(self, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> tuple[str, str, str]:
        """Constants of a product: a weight matrix (K, N) in int8, its columns' scales and its bias (N,)."""
        self.products += 1
        columns, scale = quantize_columns(weight)
        return (
            self._constant(f"{name}.weight", columns),
            self._constant(f"{name}.column_scale", scale),
            self._constant(f"{name}.bias", bias),
        )

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

    def _new_last(self, x: str) -> str:
        """The name of the channels-last form of an image that is about to be made in it."""
        self._only_last.add(x)
        self._last[x] = f"{x}.nhwc"
        return self._last[x]

    def _planes(self, x: str) -> None:
        """Make sure that an image's planes are there."""
        if x in self._only_last:
            self._only_last.remove(x)
            self._add("Transpose", (self._last[x],), x, perm=(0, 3, 1, 2))

    def _only_reader(self, name: str) -> onnx.NodeProto | None:
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 else None

    def _add(
        self, operator: str, inputs: Iterable[str], *outputs: str, domain: str = "", **attributes: int | Iterable[int]
    ) -> tuple[str, ...]:
        node = helper.make_node(operator, list(inputs), list(outputs), domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self._nodes.append(node)
        return outputs

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _is_mean_of_pixels(node: onnx.NodeProto) -> bool:
    attributes = _attributes(node)
    of_both_axes = attributes.get("axes") == [2, 3] and attributes.get("keepdims", 1) == 1
    return node.op_type == "GlobalAveragePool" or (node.op_type == "ReduceMean" and of_both_axes)


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
