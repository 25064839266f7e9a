import onnx

from layoutserve.model.network.stack import main
from layoutserve.model.ops import STACK


def test_the_committed_graph_is_the_one_that_is_made(tmp_path):
    main(tmp_path / "stack.onnx")
    assert onnx.load(STACK) == onnx.load(tmp_path / "stack.onnx"), "run python -m layoutserve.model.network.stack"
