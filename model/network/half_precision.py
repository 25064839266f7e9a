"""float32 graph -> float16 graph, for GPUs: weights and products in half precision, inputs and outputs as before.

The relative bias is computed in float32 and then halved: it is computed once, by a function that knows float32 alone.
What cannot be done in half precision, ONNX Runtime's converter keeps in float32.
"""

from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

from layoutserve.model.ops import DOMAIN


def halve(graph: Path) -> None:
    """Rewrite a graph in half precision, in its place."""
    proto = onnx.load(graph)
    own = [node for node in proto.graph.node if node.domain == DOMAIN]
    # Shapes are not inferred, so the converter must be told the types of what it does not know.
    proto.graph.value_info.extend(
        onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)
        for node in own
        for output in node.output
    )
    blocked = [*DEFAULT_OP_BLOCK_LIST, *{node.op_type for node in own}]
    half = convert_float_to_float16(proto, keep_io_types=True, disable_shape_infer=True, op_block_list=blocked)
    # A constant that several nodes keep in float32 is cast for each of them, under the same name.
    nodes = list({node.name or id(node): node for node in half.graph.node}.values())
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    onnx.save(half, graph)
