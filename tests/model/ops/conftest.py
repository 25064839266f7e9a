"""A graph of one operator, run by its native kernel or by its function body."""

import onnxruntime
import pytest
from onnx import TensorProto, helper, parser

from model.ops import DOMAIN, LIBRARY, VERSION
from model.ops.function_bodies import FUNCTION_BODIES, OPSET

# What is not float32, by the names that the operators' definitions use.
KINDS = {"sums": TensorProto.INT32, "q": TensorProto.UINT8, "symbol": TensorProto.INT64, "best": TensorProto.INT64}


def session_of(operator, inputs, outputs, *, native=True, **attributes):
    """A session of one thread; inputs, outputs: names."""

    def values(names):
        return [helper.make_tensor_value_info(name, KINDS.get(name, TensorProto.FLOAT), None) for name in names]

    model = helper.make_model(
        helper.make_graph(
            [helper.make_node(operator, inputs, outputs, domain=DOMAIN, **attributes)],
            "operator",
            values(inputs),
            values(outputs),
        ),
        functions=[parser.parse_function(body) for body in FUNCTION_BODIES],
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, VERSION)],
        ir_version=9,
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if native:
        options.register_custom_ops_library(str(LIBRARY))
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="session")
def operator():
    """``operator(name, inputs, outputs, native=..., **attributes)`` gives a session of the operator alone."""
    return session_of
