"""A graph of one operator, run by its function body or by its native kernel on an instruction set."""

import ctypes

import numpy as np
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


# The numbers of model/ops/native/processor.h.
FASTEST = -1
ISAS = {"baseline": 0, "avx2": 1, "avx512": 2, "amx": 3}
in_use = [FASTEST]


def use_isa(number):
    """Has native kernels run on one instruction set; False, and nothing changes, where the processor lacks it."""
    # Not a skip: without the library these tests would prove nothing. `make ops` builds it.
    assert LIBRARY.is_file(), "run make ops"
    choose = ctypes.CDLL(str(LIBRARY)).layoutserve_use_isa
    choose.restype = ctypes.c_bool
    if not choose(ctypes.c_int(number)):
        return False
    in_use[0] = number
    return True


def require_isa(name):
    if not use_isa(ISAS[name]):
        pytest.skip(f"this processor has no {name}")


@pytest.fixture(scope="module", params=ISAS)
def isa(request):
    """The name of the instruction set that native kernels run on."""
    require_isa(request.param)
    yield request.param
    use_isa(FASTEST)


@pytest.fixture(scope="module", params=["body", *ISAS])
def way(request):
    """The way to run the operator: "body", or the name of the instruction set that its native kernel runs on."""
    if request.param != "body":
        require_isa(request.param)
    yield request.param
    use_isa(FASTEST)


@pytest.fixture
def natively():
    """``natively("avx2")`` has native kernels run on an instruction set for the rest of the test."""
    before = in_use[0]
    yield require_isa
    use_isa(before)


@pytest.fixture(scope="session")
def sums_of():
    """``sums_of(rows, columns)``: the inputs of an operator that takes the sums of an integer product."""

    def example(rows, columns):
        generator = np.random.default_rng(1000 * rows + columns)
        return {
            "sums": generator.integers(-(2**20), 2**20, (2, rows, columns), dtype=np.int32),
            "row_scale": generator.random((2, rows, 1), dtype=np.float32) * 1e-3,
            "column_scale": generator.random(columns, dtype=np.float32) * 1e-2,
            "bias": generator.standard_normal(columns, dtype=np.float32),
        }

    return example


@pytest.fixture(scope="session")
def same_levels():
    """``same_levels(q, scale, expected_q, expected_scale)`` asserts that quantized rows are equal to rounding."""

    def check(q, scale, expected_q, expected_scale):
        # Rounding may move a value that lies between two levels to the other one, and the scale by its last places.
        np.testing.assert_allclose(scale, expected_scale, rtol=2e-6, atol=1e-8)
        difference = np.abs(q.astype(int) - expected_q.astype(int))
        assert difference.max() <= 1
        assert difference.mean() < 1e-3

    return check
