import onnx

from layoutserve.model.network.probe import main
from layoutserve.model.ops import PROBE


def test_the_probe_is_of_the_operator_as_it_is_now(tmp_path):
    main(tmp_path / "probe.onnx")
    assert onnx.load(PROBE) == onnx.load(tmp_path / "probe.onnx"), "run python -m layoutserve.model.network.probe"
