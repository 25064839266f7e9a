"""A depthwise convolution with its channels last: the native kernel, the definition and ONNX's own are one."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from layoutserve.model.ops.depthwise_conv import depthwise_conv

INPUTS = ("x", "weight", "bias")


@st.composite
def convolutions(draw):
    """Shapes and attributes of a convolution that is one."""
    kernel = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    pads = tuple(draw(st.integers(0, kernel[axis % 2] - 1)) for axis in range(4))
    size = [draw(st.integers(max(1, kernel[axis] - pads[axis] - pads[axis + 2]), 12)) for axis in (0, 1)]
    channels = draw(st.sampled_from([1, 7, 16, 40, 96, 115, 192]))
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    return (draw(st.integers(1, 2)), *size, channels), kernel, strides, pads


def arrays(shape, kernel):
    generator = np.random.default_rng(sum(shape))
    return {
        "x": generator.standard_normal(shape, dtype=np.float32),
        "weight": generator.standard_normal((*kernel, shape[-1]), dtype=np.float32),
        "bias": generator.standard_normal(shape[-1], dtype=np.float32),
    }


@settings(deadline=None)  # every example builds a graph
@given(convolutions())
def test_it_equals_its_definition(operator, isa, convolution):
    shape, kernel, strides, pads = convolution
    inputs = arrays(shape, kernel)
    (found,) = operator("DepthwiseConv", INPUTS, ["y"], strides=strides, pads=pads).run(None, inputs)
    np.testing.assert_allclose(found, depthwise_conv(**inputs, strides=strides, pads=pads), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 1, 1, 1), (2, 0, 1, 2)])
def test_the_definition_equals_the_convolution_of_onnx(strides, pads):
    inputs = arrays((2, 9, 14, 24), (3, 3))
    names = {"x": ["B", 24, "H", "W"], "weight": [24, 1, 3, 3], "bias": [24]}
    node = helper.make_node("Conv", list(names), ["y"], group=24, strides=strides, pads=pads)
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in names.items()]
    graph = helper.make_graph([node], "conv", values, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    planes = {
        "x": inputs["x"].transpose(0, 3, 1, 2),
        "weight": inputs["weight"].transpose(2, 0, 1)[:, None],
        "bias": inputs["bias"],
    }
    (expected,) = session.run(None, {name: np.ascontiguousarray(array) for name, array in planes.items()})
    found = depthwise_conv(**inputs, strides=strides, pads=pads)
    np.testing.assert_allclose(found.transpose(0, 3, 1, 2), expected, rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_is_refused(operator):
    inputs = arrays((1, 4, 4, 8), (3, 3))
    graph = operator("DepthwiseConv", INPUTS, ["y"], strides=(1, 1), pads=(0, 0, 0, 0))
    with pytest.raises(Exception, match="DepthwiseConv needs x"):
        graph.run(None, inputs | {"bias": np.zeros(7, np.float32)})
    with pytest.raises(Exception, match="as large as its kernel"):
        graph.run(None, inputs | {"x": inputs["x"][:, :2]})
    with pytest.raises(Exception, match="two strides"):
        operator("DepthwiseConv", INPUTS, ["y"], strides=(0, 1), pads=(0, 0, 0, 0))
