import onnx
import pytest

from layoutserve.model.network import service_graphs
from layoutserve.model.ops import PROBE, STACK


@pytest.mark.parametrize(("path", "build"), [(PROBE, service_graphs.probe), (STACK, service_graphs.stack)])
def test_the_graphs_that_are_kept_are_those_that_are_built(tmp_path, path, build):
    build().save(tmp_path / path.name)
    made = onnx.load(tmp_path / path.name)
    assert onnx.load(path) == made, "run python -m layoutserve.model.network.service_graphs"
