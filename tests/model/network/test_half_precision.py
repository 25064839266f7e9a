"""Half-precision bundles of the golden network, run on the CPU, which computes what it has no half-precision kernel for
in float32 between casts: the graphs are the ones a GPU gets."""

import onnx
import pytest
from onnx import TensorProto

from layoutserve.model import bundle as bundles
from layoutserve.model.inference.session import Session
from layoutserve.model.network import checkpoint
from layoutserve.model.network.export import export
from layoutserve.model.ops import DOMAIN


@pytest.fixture(scope="module")
def half(tmp_path_factory, golden_sets):
    folder = tmp_path_factory.mktemp("half")
    token = checkpoint.load(golden_sets / "tiny-token")
    return export(token, folder / "fp32"), export(token, folder / "fp16", precision="fp16")


def test_it_has_proved_that_it_stays_near_the_network(half):
    _, fp16 = half
    assert fp16.manifest.precision == "fp16"
    differences = {case: value for case, value in fp16.manifest.parity.items() if case != "bound"}
    assert differences
    # Relative errors: more than nothing, or it is not half precision; and what rounding to eleven bits leaves.
    assert 1e-6 < max(differences.values()) < 5e-3
    session = Session(bundles.load(fp16.path))
    assert session.selftest() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", ["visual.onnx", "encoder.onnx"])
def test_weights_are_halved_and_arrays_at_the_border_are_not(half, name):
    graphs = [onnx.load(bundle.path / name).graph for bundle in half]

    def size(graph):
        return sum(len(tensor.raw_data) for tensor in graph.initializer)

    assert size(graphs[1]) < 0.6 * size(graphs[0])
    for value, other in zip([*graphs[0].input, *graphs[0].output], [*graphs[1].input, *graphs[1].output], strict=True):
        assert (value.name, value.type.tensor_type.elem_type) == (other.name, other.type.tensor_type.elem_type)


def test_the_relative_bias_is_computed_in_single_precision(half):
    graph = onnx.load(half[1].path / "encoder.onnx").graph
    (bias,) = [node for node in graph.node if node.domain == DOMAIN]
    made = {output: node for node in graph.node for output in node.output}
    casts = [made[name] for name in bias.input if made[name].op_type == "Cast"]
    assert [cast.attribute[0].i for cast in casts] == [TensorProto.FLOAT] * 3
    (cast,) = [node for node in graph.node if bias.output[0] in node.input]
    assert (cast.op_type, cast.attribute[0].i) == ("Cast", TensorProto.FLOAT16)
