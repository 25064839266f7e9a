"""The encoder graph of a bundle, built from a network; ``model/encoding/tensors.py`` names its inputs and outputs.

What differs from the network, all of it exact: visual tokens come first, so that padding is always on the right
(attention does not care, places enter by id; outputs are in the order of the text); relative bias and mask are one
operator that all layers share; LiLT's two streams attend as one. ``tests/model/network`` and every export compare the
numbers.
"""

import numpy as np
import onnx_ir as ir
from torch import Tensor, nn

from layoutserve.model.bundle import inputs_of
from layoutserve.model.network.box_embeddings import BoxEmbeddings
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.graph_builder import GraphBuilder
from layoutserve.model.network.heads import DenseHead
from layoutserve.model.network.layer_graph import layer, tokens_from, two_stream_layer
from layoutserve.model.network.layoutlm import LayoutLM, LayoutLMModel
from layoutserve.model.network.layoutlmv2 import LayoutLMv2, LayoutLMv2Model
from layoutserve.model.network.layoutlmv3 import LayoutLMv3Model
from layoutserve.model.network.lilt import Lilt, TwoStreamLayer
from layoutserve.model.network.transformer import BiasedLayers, Layer
from layoutserve.model.ops import DOMAIN


class EncoderInputs:
    """The inputs of an encoder graph; ``visual`` is None for a network that looks at no picture."""

    def __init__(self, g: GraphBuilder, network: DocumentNetwork) -> None:
        self.input_ids = g.input("input_ids", ir.DataType.INT64, ["B", "L"])
        self.bbox = g.input("bbox", ir.DataType.INT64, ["B", "L", 4])
        self.attention_mask = g.input("attention_mask", ir.DataType.INT64, ["B", "L"])
        self.token_type_ids = g.input("token_type_ids", ir.DataType.INT64, ["B", "L"])
        self.visual_tokens = inputs_of(network.config.to_dict()).visual_tokens
        shape: list[int | str] = ["B", self.visual_tokens, network.config.hidden_size]
        self.visual = g.input("visual_embeddings", ir.DataType.FLOAT, shape) if self.visual_tokens else None


def encoder_graph(network: DocumentNetwork, *, fused: bool) -> GraphBuilder:
    """Tokens, boxes, mask, types and visual embeddings -> what every head says, dynamic in batch and length.

    fused: with ONNX Runtime's own nodes where they compute the same; else standard operators and our functions only.
    """
    g = GraphBuilder("encoder")
    inputs = EncoderInputs(g, network)
    if isinstance(network, Lilt):
        hidden = text = _two_streams(g, network, inputs, fused=fused)
    else:
        text, hidden = _one_stream(g, network, inputs, fused=fused)
    _heads(g, network, text, hidden, inputs)
    return g


def _one_stream(
    g: GraphBuilder, network: DocumentNetwork, inputs: EncoderInputs, *, fused: bool
) -> tuple[ir.Value, ir.Value]:
    """The last states of the text (B, L, D), and of all tokens (B, T, D), visual ones first.

    Where no head looks at visual tokens, the last layer makes nothing of them and both are those of the text.
    """
    model = network.body
    assert isinstance(model, LayoutLMModel | LayoutLMv2Model | LayoutLMv3Model)
    hidden = _text_embeddings(g, model, inputs)
    if inputs.visual is not None:
        hidden = g.op("Concat", inputs.visual, hidden, axis=1)
    bias = _attention_bias(g, model, inputs)
    at_visual = not network.heads or (isinstance(network, LayoutLMv2) and "classification" in network.heads)
    skipped = 0 if at_visual else inputs.visual_tokens
    layers = list(model.encoder.layer)
    for number, module in enumerate(layers):
        assert isinstance(module, Layer)
        of_last = skipped if module is layers[-1] else 0
        hidden = layer(g, module, hidden, bias, f"encoder.layer.{number}", fused=fused, skipped=of_last)
    return (tokens_from(g, hidden, inputs.visual_tokens) if at_visual and inputs.visual_tokens else hidden), hidden


def _two_streams(g: GraphBuilder, network: Lilt, inputs: EncoderInputs, *, fused: bool) -> ir.Value:
    """The last states of LiLT's text stream: (B, L, D). What the last layer makes of the layout, nobody reads."""
    model = network.lilt
    positions = _positions_after_padding(g, inputs.input_ids, network.config.pad_token_id)
    tables = model.embeddings
    text = g.gather(tables.word_embeddings, inputs.input_ids, "word_embeddings")
    text = g.op("Add", text, g.gather(tables.position_embeddings, positions, "position_embeddings"))
    text = g.op("Add", text, g.gather(tables.token_type_embeddings, inputs.token_type_ids, "token_type_embeddings"))
    text = g.layer_norm(text, tables.LayerNorm, "embeddings.LayerNorm")
    places = model.layout_embeddings
    layout = g.op("Concat", *_boxes(g, places, inputs.bbox), axis=-1)
    layout = g.linear(layout, places.box_linear_embeddings, "box_linear_embeddings")
    layout = g.op("Add", layout, g.gather(places.box_position_embeddings, positions, "box_position_embeddings"))
    layout = g.layer_norm(layout, places.LayerNorm, "layout_embeddings.LayerNorm")
    bias = _attention_bias(g, model, inputs)
    for number, module in enumerate(model.encoder.layer):
        assert isinstance(module, TwoStreamLayer)
        text, layout = two_stream_layer(g, module, text, layout, bias, f"encoder.layer.{number}", fused=fused)
    return text


def _positions_after_padding(g: GraphBuilder, input_ids: ir.Value, pad_token_id: int) -> ir.Value:
    """As ``text_positions.positions_after_padding``: int64 (B, L)."""
    pad = g.constant(np.array(pad_token_id, np.int64))
    there = g.op("Cast", g.op("Not", g.op("Equal", input_ids, pad)), to=int(ir.DataType.INT64))
    counted = g.op("CumSum", there, g.constant(np.array(1, np.int64)))
    return g.op("Add", g.op("Mul", counted, there), pad)


def _boxes(g: GraphBuilder, tables: BoxEmbeddings, bbox: ir.Value) -> list[ir.Value]:
    """As ``BoxEmbeddings.boxes``."""
    x0, y0, x1, y1 = (g.op("Gather", bbox, g.constant(np.array(edge, np.int64)), axis=2) for edge in range(4))
    return [
        g.gather(tables.x_position_embeddings, x0, "x_position_embeddings"),
        g.gather(tables.y_position_embeddings, y0, "y_position_embeddings"),
        g.gather(tables.x_position_embeddings, x1, "x_position_embeddings"),
        g.gather(tables.y_position_embeddings, y1, "y_position_embeddings"),
        g.gather(tables.h_position_embeddings, g.op("Sub", y1, y0), "h_position_embeddings"),
        g.gather(tables.w_position_embeddings, g.op("Sub", x1, x0), "w_position_embeddings"),
    ]


def _text_embeddings(
    g: GraphBuilder, model: LayoutLMModel | LayoutLMv2Model | LayoutLMv3Model, inputs: EncoderInputs
) -> ir.Value:
    tables = model.embeddings
    value = g.gather(tables.word_embeddings, inputs.input_ids, "word_embeddings")
    if isinstance(model, LayoutLMv3Model):
        positions = _positions_after_padding(g, inputs.input_ids, model.embeddings.pad_token_id)
        value = g.op("Add", value, g.gather(tables.position_embeddings, positions, "position_embeddings"))
    else:
        length = g.op("Shape", inputs.input_ids, start=1, end=2)
        table = g.constant(tables.position_embeddings.weight, "position_embeddings.weight")
        value = g.op("Add", value, g.op("Slice", table, g.ints(0), length, g.ints(0)))
    places = _boxes(g, tables, inputs.bbox)
    for part in places if isinstance(model, LayoutLMModel) else [g.op("Concat", *places, axis=-1)]:
        value = g.op("Add", value, part)
    types = g.gather(tables.token_type_embeddings, inputs.token_type_ids, "token_type_embeddings")
    value = g.layer_norm(g.op("Add", value, types), tables.LayerNorm, "embeddings.LayerNorm")
    if isinstance(model, LayoutLMv3Model) and inputs.visual is not None:
        value = g.layer_norm(value, model.LayerNorm, "LayerNorm")
    return value


def _attention_bias(g: GraphBuilder, model: nn.Module, inputs: EncoderInputs) -> ir.Value:
    """What is added to the attention scores of every layer, the mask included: (B, H, T, T), or (B, 1, T, T)."""
    length = g.op("Shape", inputs.bbox, start=1, end=2)
    positions = g.op("Range", g.constant(np.array(0)), g.op("Squeeze", length, g.ints(0)), g.constant(np.array(1)))
    bbox, mask, visual_tokens = inputs.bbox, inputs.attention_mask, inputs.visual_tokens
    if visual_tokens:
        assert isinstance(model, LayoutLMv2Model | LayoutLMv3Model)
        batch = g.op("Shape", bbox, start=0, end=1)
        positions = g.op("Concat", g.constant(np.arange(visual_tokens)), positions, axis=0)
        visual_bbox = g.constant(model.visual_bbox, "visual_bbox")
        visual_bbox = g.op("Expand", visual_bbox, g.op("Concat", batch, g.ints(visual_tokens, 4), axis=0))
        bbox = g.op("Concat", visual_bbox, bbox, axis=1)
        visual_mask = g.constant(np.ones((1, visual_tokens), np.int64), "visual_mask")
        visual_mask = g.op("Expand", visual_mask, g.op("Concat", batch, g.ints(visual_tokens), axis=0))
        mask = g.op("Concat", visual_mask, mask, axis=1)
    positions = g.op("Unsqueeze", positions, g.ints(0))  # (1, T)
    encoder = model.get_submodule("encoder")
    tables: tuple[Tensor | None, ...] = encoder.tables() if isinstance(encoder, BiasedLayers) else (None, None, None)
    # A network without any bias has one table row for all heads: the mask is all that is left.
    rows = max((len(table) for table in tables if table is not None), default=1)
    none = g.constant(np.zeros((rows, 1), np.float32), "no_bias")
    named = [
        none if table is None else g.constant(table, name)  # (H, 2M + 1)
        for table, name in zip(tables, ("rel_pos_bias", "rel_pos_x_bias", "rel_pos_y_bias"), strict=True)
    ]
    return g.op("RelativeAttentionBias", positions, bbox, mask, *named, domain=DOMAIN)


def _heads(g: GraphBuilder, network: DocumentNetwork, text: ir.Value, hidden: ir.Value, inputs: EncoderInputs) -> None:
    """Declare the outputs of every head.

    text: (B, L, D), what the last layer makes of the text. hidden: (B, T, D), of all tokens, the visual ones first,
    where a head looks at them.
    """
    heads, size = network.heads, network.config.hidden_size
    if "kie" in heads:
        g.output("kie_logits", _logits(g, text, network.kie.classifier, "kie"), ["B", "L", heads["kie"]])
    if "classification" in heads:
        features = _features(g, network, text, hidden, inputs)
        logits = _logits(g, features, network.classification.classifier, "classification")
        g.output("classification_logits", logits, ["B", heads["classification"]])
    if "docvqa" in heads:
        logits = _logits(g, text, network.docvqa.qa_outputs, "docvqa")
        for index, name in enumerate(("docvqa_start_logits", "docvqa_end_logits")):
            which = g.constant(np.array(index, np.int64))
            g.output(name, g.op("Gather", logits, which, axis=2), ["B", "L"])
    if "relations" in heads:
        g.output("text_states", text, ["B", "L", size])
    if not heads:
        if inputs.visual is not None:
            first_visual = g.op("Slice", hidden, g.ints(0), g.ints(inputs.visual_tokens), g.ints(1))
            hidden = g.op("Concat", text, first_visual, axis=1)
        g.output("last_hidden_state", hidden, ["B", "T", size])
        if not isinstance(network.body, LayoutLMv3Model):
            g.output("pooler_output", _pooled(g, network.body, _first(g, text)), ["B", size])


def _logits(g: GraphBuilder, features: ir.Value, head: nn.Linear | DenseHead, name: str) -> ir.Value:
    if isinstance(head, nn.Linear):
        return g.linear(features, head, name)
    dense = g.op("Tanh", g.linear(features, head.dense, f"{name}.dense"))
    return g.linear(dense, head.out_proj, f"{name}.out_proj")


def _first(g: GraphBuilder, text: ir.Value) -> ir.Value:
    """The CLS state: (B, D)."""
    return g.op("Gather", text, g.constant(np.array(0, np.int64)), axis=1)


def _pooled(g: GraphBuilder, model: nn.Module, cls: ir.Value) -> ir.Value:
    dense = model.get_submodule("pooler.dense")
    assert isinstance(dense, nn.Linear)
    return g.op("Tanh", g.linear(cls, dense, "pooler.dense"))


def _features(
    g: GraphBuilder, network: DocumentNetwork, text: ir.Value, hidden: ir.Value, inputs: EncoderInputs
) -> ir.Value:
    """What the head of classification looks at, as ``features`` of each network."""
    cls = _first(g, text)
    if isinstance(network, LayoutLM):
        return _pooled(g, network.body, cls)
    if isinstance(network, LayoutLMv2):
        assert inputs.visual is not None
        last_visual = g.op("Slice", hidden, g.ints(0), g.ints(inputs.visual_tokens), g.ints(1))
        means = [g.op("ReduceMean", value, g.ints(1), keepdims=0) for value in (inputs.visual, last_visual)]
        return g.op("Concat", cls, *means, axis=-1)
    return cls
