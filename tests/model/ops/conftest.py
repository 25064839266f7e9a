"""A graph of one operator, run by its native kernel or by its function body."""

import ctypes

import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

from layoutserve.model.ops import DOMAIN, LIBRARY, VERSION
from layoutserve.model.ops.function_bodies import FUNCTION_BODIES, OCR_BODIES, OPSET

# What is not float32, by the names that the operators' definitions use.
KINDS = {
    "sums": TensorProto.INT32,
    "q": TensorProto.UINT8,
    "symbol": TensorProto.INT64,
    "best": TensorProto.INT64,
    "wide": TensorProto.INT8,
    "narrow": TensorProto.INT8,
}


def session_of(operator, inputs, outputs, *, native=True, constants=None, **attributes):
    """A session of one thread; inputs, outputs: names. constants: arrays of the inputs that are part of the graph.

    Operators of the OCR models have bodies of native operators: theirs run under another name, which no kernel has.
    """
    constants = constants or {}
    functions = [parser.parse_function(body) for body in FUNCTION_BODIES]
    of_ocr = {function.name: function for function in map(parser.parse_function, OCR_BODIES)}
    if operator in of_ocr:
        of_ocr[operator].name += "" if native else "Body"
        functions.append(of_ocr[operator])
        operator, native = of_ocr[operator].name, True

    def values(names):
        return [helper.make_tensor_value_info(name, KINDS.get(name, TensorProto.FLOAT), None) for name in names]

    model = helper.make_model(
        helper.make_graph(
            [helper.make_node(operator, inputs, outputs, domain=DOMAIN, **attributes)],
            "operator",
            values(name for name in inputs if name not in constants),
            values(outputs),
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        ),
        functions=functions,
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


@pytest.fixture
def use_int8_kernel():
    """``use_int8_kernel(number)`` has products made by one kernel (1 AVX-512 VNNI, 2 AMX), or skips the test."""
    choose = ctypes.CDLL(str(LIBRARY)).layoutserve_use_int8_kernel
    choose.restype = ctypes.c_bool

    def use(number):
        if not choose(number):
            pytest.skip("this processor does not have that kernel")

    yield use
    choose(-1)
