"""Building an ONNX graph node by node.

The graphs of a bundle are built from the network's parameters, not traced: an export takes seconds and no more
memory than the weights, every node is one we chose, and a value's name says where it comes from.
"""

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import onnx_ir as ir
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from layoutserve.model.ops import DOMAIN, VERSION
from layoutserve.model.ops.function_bodies import FUNCTION_BODIES, OPSET

MICROSOFT = "com.microsoft"
_IR_VERSION = 9
# Protocol buffers end at 2 GiB; larger weights go into a file beside the graph.
_LARGEST_FILE_BYTES = 1_800_000_000


class GraphBuilder:
    """A graph in the making. Values are ``ir.Value``; Python numbers and arrays become constants."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.inputs: list[ir.Value] = []
        self.outputs: list[ir.Value] = []
        self.nodes: list[ir.Node] = []
        self.constants: dict[str, ir.Value] = {}
        # Not the place among the nodes: quantization takes nodes out and puts others in.
        self._numbers = itertools.count()

    def input(self, name: str, dtype: ir.DataType, shape: Sequence[int | str]) -> ir.Value:
        """Declare an input; strings are dynamic sizes."""
        value = ir.Value(name=name, type=ir.TensorType(dtype), shape=ir.Shape(shape))
        self.inputs.append(value)
        return value

    def output(self, name: str, value: ir.Value, shape: Sequence[int | str]) -> None:
        """Declare ``value``, float32, as the output ``name``."""
        named = self.op("Identity", value)
        named.name, named.type, named.shape = name, ir.TensorType(ir.DataType.FLOAT), ir.Shape(shape)
        self.outputs.append(named)

    def constant(self, array: ArrayLike | Tensor, name: str | None = None) -> ir.Value:
        """A constant; without a name it is shared with every equal one."""
        values = np.asarray(array.detach().numpy() if isinstance(array, Tensor) else array, order="C")
        if name is None:
            digest = hashlib.blake2b(values.tobytes(), digest_size=8).hexdigest()
            name = f"constant_{values.dtype}_{'x'.join(map(str, values.shape))}_{digest}"
        if name not in self.constants:
            tensor = ir.tensor(values, name=name)
            self.constants[name] = ir.Value(
                name=name, type=ir.TensorType(tensor.dtype), shape=ir.Shape(values.shape), const_value=tensor
            )
        return self.constants[name]

    def ints(self, *values: int) -> ir.Value:
        """A constant int64 vector."""
        return self.constant(np.array(values, dtype=np.int64))

    def scalar(self, value: float) -> ir.Value:
        """A constant float32 scalar."""
        return self.constant(np.array(value, dtype=np.float32))

    def op(
        self,
        op_type: str,
        *inputs: ir.Value | None,
        domain: str = "",
        **attributes: int | float | str | Sequence[int] | Sequence[float],
    ) -> ir.Value:
        """Append a node and return its first output."""
        return self.ops(op_type, *inputs, outputs=1, domain=domain, **attributes)[0]

    def ops(
        self,
        op_type: str,
        *inputs: ir.Value | None,
        outputs: int,
        domain: str = "",
        **attributes: int | float | str | Sequence[int] | Sequence[float],
    ) -> Sequence[ir.Value]:
        """Append a node and return all of its outputs."""
        number = next(self._numbers)
        node = ir.node(op_type, inputs, attributes, domain=domain, num_outputs=outputs, name=f"{op_type}_{number}")
        for index, value in enumerate(node.outputs):
            value.name = f"{op_type}_{number}" + (f"_{index}" if outputs > 1 else "")
        self.nodes.append(node)
        return node.outputs

    def matmul(self, value: ir.Value, linear: nn.Linear, name: str) -> ir.Value:
        """``value`` times the weight of a linear layer, without its bias."""
        return self.op("MatMul", value, self.constant(linear.weight.t(), f"{name}.weight"))

    def linear(self, value: ir.Value, linear: nn.Linear, name: str) -> ir.Value:
        """A linear layer with a bias."""
        return self.op("Add", self.matmul(value, linear, name), self.constant(linear.bias, f"{name}.bias"))

    def layer_norm(self, value: ir.Value, norm: nn.LayerNorm, name: str) -> ir.Value:
        """A LayerNorm over the last axis."""
        weight, bias = self.constant(norm.weight, f"{name}.weight"), self.constant(norm.bias, f"{name}.bias")
        return self.op("LayerNormalization", value, weight, bias, axis=-1, epsilon=norm.eps)

    def gather(self, table: nn.Embedding, indices: ir.Value, name: str) -> ir.Value:
        """An embedding look-up."""
        return self.op("Gather", self.constant(table.weight, f"{name}.weight"), indices, axis=0)

    def save(self, path: Path) -> None:
        """Write the graph to ``path``, checked by ONNX; weights of 2 GiB and more lie in a file beside it."""
        used = {node.domain for node in self.nodes}
        imports = {"": OPSET}
        if DOMAIN in used:
            imports[DOMAIN] = VERSION
        if MICROSOFT in used:
            imports[MICROSOFT] = 1
        read = {value for node in self.nodes for value in node.inputs}
        constants = [value for value in self.constants.values() if value in read]
        graph = ir.Graph(
            self.inputs,
            self.outputs,
            nodes=self.nodes,
            initializers=constants,
            opset_imports=imports,
            name=self.name,
        )
        functions = _functions({node.op_type for node in self.nodes if node.domain == DOMAIN})
        model = ir.Model(graph, ir_version=_IR_VERSION, producer_name="layoutserve", functions=functions)
        size = sum(value.const_value.nbytes for value in constants if value.const_value)
        ir.save(model, path, external_data=f"{path.name}.data" if size > _LARGEST_FILE_BYTES else None)
        onnx.checker.check_model(str(path))


def _functions(used: set[str]) -> list[ir.Function]:
    """The bodies of our operators that a graph uses, and of those that they use."""
    bodies = [ir.serde.deserialize_function(onnx.parser.parse_function(text)) for text in FUNCTION_BODIES]
    wanted: set[str] = set()
    # A body only uses those before it.
    for body in reversed(bodies):
        if body.name in used | wanted:
            wanted |= {body.name} | {node.op_type for node in body if node.domain == DOMAIN}
    return [body for body in bodies if body.name in wanted]


@torch.no_grad()
def folded(weight: Tensor, norm: nn.Module | None, bias: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """A convolution's weight and bias with a batch norm of fixed statistics folded in, in double precision."""
    if norm is None:
        return weight, bias
    statistics = {name: value.double() for name, value in norm.state_dict().items()}
    scale = statistics["weight"] / torch.sqrt(statistics["running_var"] + float(getattr(norm, "eps")))  # noqa: B009
    start = bias.double() if bias is not None else torch.zeros_like(scale)
    shift = statistics["bias"] + (start - statistics["running_mean"]) * scale
    return (weight.double() * scale.view(-1, 1, 1, 1)).float(), shift.float()
