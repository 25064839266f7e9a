"""Int8 graphs: near float32, and a row that never depends on its batch or padding."""

import numpy as np
import onnxruntime
import pytest
import torch

from layoutserve.model import ops
from layoutserve.model.bundle import LAYOUTLMV2_VISUAL_TOKENS as VISUAL_TOKENS
from layoutserve.model.network.encoder_graph import encoder_graph
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2
from layoutserve.model.network.quantization import quantize_encoder, quantize_visual
from layoutserve.model.network.visual_graph import visual_graph

LIBRARY = ops.LIBRARY


def network():
    torch.manual_seed(0)
    backbone = {
        "MODEL.RESNETS.DEPTH": 18,
        "MODEL.RESNETS.RES2_OUT_CHANNELS": 16,
        "MODEL.RESNETS.STEM_OUT_CHANNELS": 16,
        "MODEL.RESNETS.NORM": "BN",
        "MODEL.FPN.OUT_CHANNELS": 32,
        "MODEL.PIXEL_STD": [57.375, 57.12, 58.395],
    }
    config = Config(
        vocab_size=5000,
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=192,
        coordinate_size=16,
        shape_size=16,
        image_feature_pool_shape=(7, 7, 32),
        detectron2_config_args=backbone,
        initializer_range=0.1,
    )
    return LayoutLMv2(config, {"kie": 7, "docvqa": 2}).eval()


def session(path, native):
    options = onnxruntime.SessionOptions()
    if native:
        options.register_custom_ops_library(str(LIBRARY))
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def windows(rows, length):
    generator = np.random.default_rng(0)
    bbox = np.sort(generator.integers(0, 1001, (rows, length, 2, 2)), axis=2).reshape(rows, length, 4)
    return {
        "input_ids": generator.integers(1, 5000, (rows, length)),
        "bbox": bbox,
        "attention_mask": np.ones((rows, length), dtype=np.int64),
        "token_type_ids": np.zeros((rows, length), dtype=np.int64),
        "visual_embeddings": generator.standard_normal((rows, VISUAL_TOKENS, 96), dtype=np.float32),
    }


@pytest.fixture(scope="module", params=[True, False], ids=["fused", "portable"])
def encoders(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    plain, quantized = (encoder_graph(network(), fused=request.param) for _ in range(2))
    quantize_encoder(quantized)
    plain.save(folder / "float.onnx")
    quantized.save(folder / "int8.onnx")
    return folder


@pytest.mark.parametrize("native", [True, False], ids=["native", "bodies"])
def test_the_int8_encoder_is_near_float_and_a_third_of_its_size(encoders, native):
    inputs = windows(2, 60)
    expected = session(encoders / "float.onnx", native).run(["kie_logits"], inputs)[0]
    logits = session(encoders / "int8.onnx", native).run(["kie_logits"], inputs)[0]
    assert np.linalg.norm(logits - expected) / np.linalg.norm(expected) < 0.05
    assert not np.array_equal(logits, expected)
    assert (encoders / "int8.onnx").stat().st_size < 0.4 * (encoders / "float.onnx").stat().st_size


@pytest.mark.parametrize("native", [True, False], ids=["native", "bodies"])
def test_an_int8_row_alone_padded_or_batched_is_the_same(encoders, native):
    graph = session(encoders / "int8.onnx", native)
    names = ["kie_logits", "docvqa_start_logits"]
    batch = windows(3, 60)
    batch["attention_mask"][1, 41:] = 0
    # A neighbour with far larger values would change one scale for the whole batch.
    batch["visual_embeddings"][2] *= 100
    together = graph.run(names, batch)
    alone = {name: values[1:2] if name == "visual_embeddings" else values[1:2, :41] for name, values in batch.items()}
    for of_batch, of_row in zip(together, graph.run(names, alone), strict=True):
        np.testing.assert_allclose(of_batch[1, :41], of_row[0], atol=1e-4)


def test_layers_can_be_kept_in_float(tmp_path):
    g = encoder_graph(network(), fused=True)
    names = [name for name in g.constants if name.endswith("output.dense.weight")]
    quantize_encoder(g, keep=names)
    g.save(tmp_path / "some.onnx")
    operators = [node.op_type for node in g.nodes]
    assert operators.count("MatMulInteger") == 3 * 4
    assert session(tmp_path / "some.onnx", True).run(["kie_logits"], windows(1, 9))[0].shape == (1, 9, 7)


def test_the_int8_visual_graph_is_near_float_and_a_batch_shares_nothing(tmp_path):
    generator = np.random.default_rng(0)
    pages = [generator.integers(0, 256, (3, 224, 224), dtype=np.uint8) for _ in range(4)]
    visual_graph(network()).save(tmp_path / "float.onnx")
    quantize_visual(tmp_path / "float.onnx", tmp_path / "int8.onnx", pages)
    plain, quantized = (session(tmp_path / name, False) for name in ("float.onnx", "int8.onnx"))
    images = np.stack(pages)
    expected, embeddings = plain.run(None, {"image": images})[0], quantized.run(None, {"image": images})[0]
    assert np.linalg.norm(embeddings - expected) / np.linalg.norm(expected) < 0.1
    alone = quantized.run(None, {"image": images[2:3]})[0]
    np.testing.assert_allclose(alone[0], embeddings[2], atol=1e-5)


def test_a_fused_graph_has_one_pass_between_products():
    g = encoder_graph(network(), fused=True)
    quantize_encoder(g)
    operators = [node.op_type for node in g.nodes]
    layers = 3
    assert operators.count("DequantizeGeluQuantize") == layers
    assert operators.count("DequantizeNormQuantize") == 2 * layers
    assert operators.count("DequantizeAttendQuantize") == layers
    assert operators.count("MatMulInteger") == 4 * layers  # query, key and value are one
    assert operators.count("QuantizeRows") == 1  # the embeddings
    assert not {"BiasGelu", "SkipLayerNormalization", "MultiHeadAttention", "DequantizeRows"} & set(operators)


@pytest.mark.parametrize("part", ["self.value", "output.dense"])
def test_attention_between_float_products_stays_float(part, tmp_path):
    g = encoder_graph(network(), fused=True)
    quantize_encoder(g, keep=[f"encoder.layer.1.attention.{part}.weight"])
    operators = [node.op_type for node in g.nodes]
    assert operators.count("DequantizeAttendQuantize") == 2
    assert operators.count("MultiHeadAttention") == 1
    g.save(tmp_path / "some.onnx")
    assert session(tmp_path / "some.onnx", True).run(["kie_logits"], windows(1, 9))[0].shape == (1, 9, 7)
