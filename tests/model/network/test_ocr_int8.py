"""The int8 form of an OCR model: every product replaced, close to the float32 graph, and nothing shared by a batch."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from layoutserve.model.errors import OcrError
from layoutserve.model.network.ocr_int8 import quantize_ocr
from layoutserve.model.ocr import int8
from layoutserve.model.ops import LIBRARY

CHANNELS, SYMBOLS = 96, 1200


def recognizer(path, channels=CHANNELS):
    """A small recognizer of PP-OCR's kind: stem, mixing block with a residual, gated depthwise block, head."""
    generator = np.random.default_rng(1)
    constants = []

    def weight(name, *shape):
        values = generator.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        constants.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def conv(x, y, out, kernel=(1, 1), channels=channels, **attributes):
        return helper.make_node(
            "Conv", [x, weight(f"{y}.w", out, channels, *kernel), weight(f"{y}.b", out)], [y], **attributes
        )

    constants += [
        numpy_helper.from_array(np.array(v, np.float32), n) for n, v in (("root", 2**0.5), ("1", 1), ("h", 0.5))
    ]
    nodes = [
        conv("x", "stem", channels, (8, 8), channels=3, strides=[8, 8]),
        conv("stem", "wide", 2 * channels),
        # GELU as it is written in opset 11.
        helper.make_node("Div", ["wide", "root"], ["g1"]),
        helper.make_node("Erf", ["g1"], ["g2"]),
        helper.make_node("Add", ["g2", "1"], ["g3"]),
        helper.make_node("Mul", ["wide", "g3"], ["g4"]),
        helper.make_node("Mul", ["g4", "h"], ["mixed"]),
        conv("mixed", "narrow", channels, channels=2 * channels),
        helper.make_node("Add", ["stem", "narrow"], ["sum"]),
        conv("sum", "even", channels),
        conv("even", "near", channels, (3, 3), channels=1, group=channels, strides=[2, 1], pads=[1, 1, 1, 1]),
        helper.make_node("ReduceMean", ["near"], ["mean"], axes=[2, 3]),
        conv("mean", "gate1", channels),
        helper.make_node("HardSigmoid", ["gate1"], ["gate"]),
        helper.make_node("Mul", ["near", "gate"], ["last"]),
        helper.make_node("ReduceMean", ["last"], ["row"], axes=[2], keepdims=0),
        helper.make_node("Transpose", ["row"], ["columns"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["columns", weight("symbols", channels, SYMBOLS)], ["scores"]),
        helper.make_node("Add", ["scores", weight("symbols.b", SYMBOLS)], ["biased"]),
        helper.make_node("Softmax", ["biased"], ["y"], axis=2),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["B", 3, 48, "W"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["B", "T", SYMBOLS])
    graph = helper.make_graph(nodes, "recognizer", [x], [y], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8), path)
    return path


def session(path):
    options = onnxruntime.SessionOptions()
    options.register_custom_ops_library(str(LIBRARY))
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recognizer")
    source = recognizer(folder / "inference.onnx")
    assert quantize_ocr(source, folder / int8.FILE) == 4
    return folder


@pytest.fixture
def lines():
    return np.random.default_rng(2).uniform(-1, 1, (3, 3, 48, 64)).astype(np.float32)


def test_every_product_is_of_integers(graphs):
    model = onnx.load(graphs / int8.FILE)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("FeedForwardAdd") == 1, "the mixing block, from its first product to its residual"
    assert kinds.count("ScoreSymbols") == 1
    assert kinds.count("MatMulInteger") == 1
    assert kinds.count("DequantizeRows") == 1
    assert "Add" not in kinds, "the residual is part of the product, and so is the head's bias"
    assert "MatMul" not in kinds and "FusedMatMul" not in kinds
    assert sum(kind in ("Conv", "FusedConv") for kind in kinds) == 2, "the stem, and what gates a block"
    assert kinds.count("DepthwiseConv") == 1
    assert kinds.count("Transpose") <= 6, "images are turned about where a node wants planes"
    assert "Softmax" not in kinds
    assert max(tensor.data_type == TensorProto.INT8 for tensor in model.graph.initializer)
    assert (graphs / int8.FILE).stat().st_size < 0.5 * (graphs / "inference.onnx").stat().st_size


def read(path, lines, symbol=7):
    graph = session(path)
    assert [value.name for value in graph.get_inputs()] == ["x", int8.SYMBOL]
    return graph.run(None, {"x": lines, int8.SYMBOL: np.array([symbol])})


def test_it_is_close_to_the_float_graph(graphs, lines):
    (expected,) = session(graphs / "inference.onnx").run(None, {"x": lines})
    best, probability, _ = read(graphs / int8.FILE, lines)
    assert best.shape == probability.shape == expected.shape[:2]
    largest = expected.max(-1)
    np.testing.assert_allclose(np.take_along_axis(expected, best[..., None], -1)[..., 0], largest, rtol=0.1)
    np.testing.assert_allclose(probability, largest, rtol=0.15)
    for symbol in (0, 7, SYMBOLS - 1):
        found = read(graphs / int8.FILE, lines, symbol)[2]
        np.testing.assert_allclose(np.log(found), np.log(expected[..., symbol]), atol=0.15)


def test_where_there_is_no_kernel_for_a_processor_the_bodies_run(graphs, lines, tmp_path):
    """Kernels of our own products are for some processors: under another name there is none."""
    model = onnx.load(graphs / int8.FILE)
    names = {function.name for function in model.functions}
    assert names == {"FeedForwardAdd", "ScoreSymbols"}
    renamed = [node for node in model.graph.node if node.op_type in names]
    assert len(renamed) == 2
    for node in renamed:
        node.op_type += "Body"
    for function in model.functions:
        function.name += "Body"
    onnx.save(model, tmp_path / int8.FILE)
    for native, of_bodies in zip(read(graphs / int8.FILE, lines), read(tmp_path / int8.FILE, lines), strict=True):
        np.testing.assert_allclose(of_bodies, native, rtol=1e-2)


def test_a_line_alone_and_in_a_batch_is_the_same(graphs, lines):
    together = read(graphs / int8.FILE, lines)
    for number in range(len(lines)):
        alone = read(graphs / int8.FILE, lines[number : number + 1])
        for of_all, of_one in zip(together, alone, strict=True):
            np.testing.assert_allclose(of_one[0], of_all[number], rtol=1e-5, atol=1e-8)


def test_a_model_that_scores_no_symbols_keeps_its_output(graphs, lines, tmp_path):
    model = onnx.load(graphs / "inference.onnx")
    while model.graph.node[-1].output[0] != "last":
        model.graph.node.pop()
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("last", TensorProto.FLOAT, ["B", CHANNELS, "H", "W"]))
    onnx.save(model, tmp_path / "inference.onnx")
    assert quantize_ocr(tmp_path / "inference.onnx", tmp_path / int8.FILE) == 3
    (expected,) = session(tmp_path / "inference.onnx").run(None, {"x": lines})
    (found,) = session(tmp_path / int8.FILE).run(None, {"x": lines})
    assert found.shape == expected.shape
    assert np.linalg.norm(found - expected) < 0.02 * np.linalg.norm(expected)


def is_int8(folder, **how):
    opened = int8.open_either(folder, onnxruntime.SessionOptions(), **how)
    return int8.SOURCE in opened.get_modelmeta().custom_metadata_map


def test_a_session_is_opened_for_the_same_model_only(graphs, tmp_path, caplog):
    assert is_int8(graphs)
    assert not is_int8(graphs, exact=True)
    recognizer(tmp_path / "inference.onnx", channels=104)
    assert not is_int8(tmp_path)
    assert not caplog.records
    (tmp_path / int8.FILE).write_bytes((graphs / int8.FILE).read_bytes())
    assert not is_int8(tmp_path)
    assert "made from another model" in caplog.text


def test_without_the_native_operators_float32_reads(graphs, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(int8, "LIBRARY", tmp_path / "missing.so")
    assert not is_int8(graphs)
    assert "native operators" in caplog.text


def test_without_any_graph_there_is_an_error(tmp_path):
    with pytest.raises(OcrError, match="could not be loaded"):
        is_int8(tmp_path)


def test_what_gains_nothing_is_refused(tmp_path):
    recognizer(tmp_path / "small.onnx", channels=40)
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(OcrError, match="can be read"):
        quantize_ocr(tmp_path / "text.onnx", tmp_path / "out.onnx")
    model = onnx.load(tmp_path / "small.onnx")
    del model.graph.node[-10:]
    model.graph.output[0].name = "even"
    onnx.save(model, tmp_path / "small.onnx")
    with pytest.raises(OcrError, match="no layers"):
        quantize_ocr(tmp_path / "small.onnx", tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()
