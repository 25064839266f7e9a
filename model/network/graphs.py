"""The two graphs of a bundle, built from a network; ``model/encoding/tensors.py`` names their inputs and outputs.

What differs from the network, all of it exact: the 49 visual tokens come first in the encoder, so that padding is
always on the right (attention does not care, places enter by id; outputs are in the order of the text); the relative
bias is one operator that all layers share; batch norms are folded into convolutions; the pyramid's last convolution
is folded with the pooling after it. ``tests/model/network`` and every export compare the numbers.
"""

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor, nn

from layoutserve.model.encoding.tensors import IMAGE_SIZE, VISUAL_TOKENS
from layoutserve.model.errors import CheckpointError
from layoutserve.model.network.graph_builder import MICROSOFT, GraphBuilder, folded
from layoutserve.model.network.layoutlmv2 import Layer, LayoutLMv2, SelfAttention
from layoutserve.model.network.resnet_fpn import Conv, ResNetFPN
from layoutserve.model.ops import DOMAIN

# The stride of pyramid level p2, the finest.
_P2_STRIDE = 4


def visual_graph(network: LayoutLMv2) -> GraphBuilder:
    """Image uint8 (B, 3, 224, 224) BGR -> visual_embeddings float32 (B, V, D).

    Everything that does not depend on the text, LayerNorm included. Raises CheckpointError for a network that
    pools its visual features to another grid than 7 x 7.
    """
    model = network.layoutlmv2
    rows, columns = model.visual.pool_shape
    if rows * columns != VISUAL_TOKENS or rows != columns:
        raise CheckpointError(f"Only 7 x 7 visual tokens can be exported, not {rows} x {columns}.")
    g = GraphBuilder("visual")
    image = g.input("image", ir.DataType.UINT8, ["B", 3, IMAGE_SIZE, IMAGE_SIZE])
    pixels = g.op("Cast", image, to=int(ir.DataType.FLOAT))
    pixels = g.op("Sub", pixels, g.constant(model.visual.pixel_mean, "pixel_mean"))
    pixels = g.op("Div", pixels, g.constant(model.visual.pixel_std, "pixel_std"))
    backbone = model.visual.backbone
    features = _pooled_output(g, backbone, _top_down(g, backbone, _stages(g, backbone, pixels)), rows)
    with torch.no_grad():
        constant = model.embeddings.position_embeddings.weight[:VISUAL_TOKENS]
        constant = constant + model.embeddings.layout(model.visual_bbox)[0]
        if model.config.has_visual_segment_embedding:
            constant = constant + model.visual_segment_embedding
        # One addition for position, box and the projection's bias.
        constant = constant + model.visual_proj.bias
    embeddings = g.matmul(features, model.visual_proj, "visual_proj")
    embeddings = g.op("Add", embeddings, g.constant(constant, "visual_places"))
    embeddings = g.layer_norm(embeddings, model.visual_LayerNorm, "visual_LayerNorm")
    g.output("visual_embeddings", embeddings, ["B", VISUAL_TOKENS, model.config.hidden_size])
    return g


def _convolution(g: GraphBuilder, value: ir.Value, module: Conv, name: str) -> ir.Value:
    norm = getattr(module, "norm", None)
    group_norm = norm if isinstance(norm, nn.GroupNorm) else None
    weight, bias = folded(module.weight, None if group_norm else norm, module.bias)
    value = g.op(
        "Conv",
        value,
        g.constant(weight, f"{name}.weight"),
        None if bias is None else g.constant(bias, f"{name}.bias"),
        kernel_shape=list(module.kernel_size),
        strides=list(module.stride),
        pads=[int(padding) for padding in module.padding] * 2,
        dilations=list(module.dilation),
        group=module.groups,
    )
    return value if group_norm is None else _group_norm(g, value, group_norm, f"{name}.norm")


def _group_norm(g: GraphBuilder, value: ir.Value, norm: nn.GroupNorm, name: str) -> ir.Value:
    shape = g.op("Shape", value)
    grouped = g.op("Reshape", value, g.ints(0, norm.num_groups, -1))
    ones, zeros = np.ones(norm.num_groups, np.float32), np.zeros(norm.num_groups, np.float32)
    grouped = g.op("InstanceNormalization", grouped, g.constant(ones), g.constant(zeros), epsilon=norm.eps)
    value = g.op("Reshape", grouped, shape)
    value = g.op("Mul", value, g.constant(norm.weight.view(-1, 1, 1), f"{name}.weight"))
    return g.op("Add", value, g.constant(norm.bias.view(-1, 1, 1), f"{name}.bias"))


def _stages(g: GraphBuilder, backbone: ResNetFPN, pixels: ir.Value) -> list[ir.Value]:
    """res2..res5 of the ResNet, finest first."""
    value = g.op("Relu", _convolution(g, pixels, backbone.bottom_up.stem.conv1, "stem.conv1"))
    value = g.op("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    stages = []
    for stage in ("res2", "res3", "res4", "res5"):
        for number, block in backbone.bottom_up.get_submodule(stage).named_children():
            value = _block(g, value, block, f"{stage}.{number}")
        stages.append(value)
    return stages


def _block(g: GraphBuilder, value: ir.Value, block: nn.Module, name: str) -> ir.Value:
    """A residual block: conv1, conv2 and, in a bottleneck, conv3."""
    convolutions = {key: module for key, module in block.named_children() if isinstance(module, Conv)}
    shortcut = convolutions.pop("shortcut", None)
    residual = value if shortcut is None else _convolution(g, value, shortcut, f"{name}.shortcut")
    for index, (key, module) in enumerate(sorted(convolutions.items())):
        value = g.op("Relu", value) if index else value
        value = _convolution(g, value, module, f"{name}.{key}")
    return g.op("Relu", g.op("Add", value, residual))


def _top_down(g: GraphBuilder, backbone: ResNetFPN, stages: list[ir.Value]) -> ir.Value:
    """The pyramid's finest map before its 3x3 output convolution: (B, C, 56, 56)."""
    above: ir.Value | None = None
    for level in (5, 4, 3, 2):
        lateral = backbone.get_submodule(f"fpn_lateral{level}")
        assert isinstance(lateral, Conv)
        value = _convolution(g, stages[level - 2], lateral, f"fpn_lateral{level}")
        if above is not None:
            scales = g.constant(np.array([1, 1, 2, 2], np.float32))
            nearest = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            value = g.op("Add", value, g.op("Resize", above, None, scales, **nearest))
            value = g.op("Mul", value, g.scalar(0.5)) if backbone.average else value
        above = value
    assert above is not None
    return above


def _pooled_output(g: GraphBuilder, backbone: ResNetFPN, merged: ir.Value, grid: int) -> ir.Value:
    """The 3x3 output convolution of p2 and the average pooling to ``grid`` x ``grid``: (B, V, C).

    Both are linear, so the pooling may come first: nine averages, one for each tap of the convolution, over windows
    shifted by the tap, then one small matrix product. The averages are one convolution with nine constant filters,
    channel by channel; its padding is the zero padding of the 3x3 convolution.
    """
    output = backbone.get_submodule("fpn_output2")
    assert isinstance(output, Conv)
    pool = IMAGE_SIZE // _P2_STRIDE // grid
    channels = output.in_channels
    if isinstance(getattr(output, "norm", None), nn.GroupNorm):  # not linear
        value = _convolution(g, merged, output, "fpn_output2")
        value = g.op("AveragePool", value, kernel_shape=[pool, pool], strides=[pool, pool])
        return g.op("Transpose", g.op("Reshape", value, g.ints(0, 0, grid * grid)), perm=[0, 2, 1])
    weight, bias = folded(output.weight, getattr(output, "norm", None), output.bias)
    averages = torch.zeros(9, 1, pool + 2, pool + 2)
    for tap in range(9):
        y, x = divmod(tap, 3)
        averages[tap, 0, y : y + pool, x : x + pool] = 1 / pool**2
    side = IMAGE_SIZE // _P2_STRIDE
    value = g.op("Reshape", merged, g.ints(-1, 1, side, side))  # (B * C, 1, 56, 56)
    value = g.op(
        "Conv",
        value,
        g.constant(averages, "fpn_output2.averages"),
        kernel_shape=[pool + 2, pool + 2],
        strides=[pool, pool],
        pads=[1, 1, 1, 1],
    )
    value = g.op("Reshape", value, g.ints(-1, channels * 9, grid * grid))
    value = g.op("Transpose", value, perm=[0, 2, 1])  # (B, V, C * 9)
    taps = weight.reshape(output.out_channels, channels * 9).t()
    value = g.op("MatMul", value, g.constant(taps, "fpn_output2.weight"))
    return value if bias is None else g.op("Add", value, g.constant(bias, "fpn_output2.bias"))


def encoder_graph(network: LayoutLMv2, *, fused: bool) -> GraphBuilder:
    """Build the encoder: tokens, boxes, mask, types and visual embeddings -> logits of every head.

    Batch and length are dynamic.

    fused: with ONNX Runtime's own nodes where they compute the same; else standard operators and our functions only.
    """
    model, config = network.layoutlmv2, network.config
    g = GraphBuilder("encoder")
    size = config.hidden_size
    input_ids = g.input("input_ids", ir.DataType.INT64, ["B", "L"])
    bbox = g.input("bbox", ir.DataType.INT64, ["B", "L", 4])
    attention_mask = g.input("attention_mask", ir.DataType.INT64, ["B", "L"])
    token_type_ids = g.input("token_type_ids", ir.DataType.INT64, ["B", "L"])
    visual = g.input("visual_embeddings", ir.DataType.FLOAT, ["B", VISUAL_TOKENS, size])

    text = _text_embeddings(g, network, input_ids, bbox, token_type_ids)
    hidden = g.op("Concat", visual, text, axis=1)  # (B, T, D)
    bias = _attention_bias(g, network, bbox, attention_mask)
    layers = list(model.encoder.layer)
    # What the last layer would make of the visual tokens, only classification and the bare encoder look at.
    text_alone = bool(network.heads) and "classification" not in network.heads
    for number, layer in enumerate(layers):
        assert isinstance(layer, Layer)
        skipped = VISUAL_TOKENS if text_alone and layer is layers[-1] else 0
        hidden = _layer(g, layer, hidden, bias, f"encoder.layer.{number}", fused=fused, skipped=skipped)
    text = hidden if text_alone else _tokens_from(g, hidden, VISUAL_TOKENS)
    _heads(g, network, text, hidden, visual)
    return g


def _tokens_from(g: GraphBuilder, hidden: ir.Value, first: int) -> ir.Value:
    """Without the tokens before ``first``."""
    return g.op("Slice", hidden, g.ints(first), g.ints(np.iinfo(np.int64).max), g.ints(1))


def _text_embeddings(
    g: GraphBuilder, network: LayoutLMv2, input_ids: ir.Value, bbox: ir.Value, token_type_ids: ir.Value
) -> ir.Value:
    tables = network.layoutlmv2.embeddings
    length = g.op("Shape", input_ids, start=1, end=2)
    positions = g.constant(tables.position_embeddings.weight, "position_embeddings.weight")
    value = g.gather(tables.word_embeddings, input_ids, "word_embeddings")
    value = g.op("Add", value, g.op("Slice", positions, g.ints(0), length, g.ints(0)))
    x0, y0, x1, y1 = (g.op("Gather", bbox, g.constant(np.array(edge, np.int64)), axis=2) for edge in range(4))
    places = [
        g.gather(tables.x_position_embeddings, x0, "x_position_embeddings"),
        g.gather(tables.y_position_embeddings, y0, "y_position_embeddings"),
        g.gather(tables.x_position_embeddings, x1, "x_position_embeddings"),
        g.gather(tables.y_position_embeddings, y1, "y_position_embeddings"),
        g.gather(tables.h_position_embeddings, g.op("Sub", y1, y0), "h_position_embeddings"),
        g.gather(tables.w_position_embeddings, g.op("Sub", x1, x0), "w_position_embeddings"),
    ]
    value = g.op("Add", value, g.op("Concat", *places, axis=-1))
    value = g.op("Add", value, g.gather(tables.token_type_embeddings, token_type_ids, "token_type_embeddings"))
    return g.layer_norm(value, tables.LayerNorm, "embeddings.LayerNorm")


def _attention_bias(g: GraphBuilder, network: LayoutLMv2, bbox: ir.Value, attention_mask: ir.Value) -> ir.Value:
    """Add the operator that makes the bias of all layers, the mask included: (B, H, T, T), or (B, 1, T, T)."""
    encoder, config = network.layoutlmv2.encoder, network.config
    batch = g.op("Shape", bbox, start=0, end=1)
    length = g.op("Shape", bbox, start=1, end=2)
    text_positions = g.op("Range", g.constant(np.array(0)), g.op("Squeeze", length, g.ints(0)), g.constant(np.array(1)))
    visual_positions = g.constant(np.arange(VISUAL_TOKENS))
    positions = g.op("Concat", visual_positions, text_positions, axis=0)
    positions = g.op("Unsqueeze", positions, g.ints(0))  # (1, T)
    visual_bbox = g.constant(network.layoutlmv2.visual_bbox, "visual_bbox")
    visual_bbox = g.op("Expand", visual_bbox, g.op("Concat", batch, g.ints(VISUAL_TOKENS, 4), axis=0))
    visual_mask = g.constant(np.ones((1, VISUAL_TOKENS), np.int64), "visual_mask")
    visual_mask = g.op("Expand", visual_mask, g.op("Concat", batch, g.ints(VISUAL_TOKENS), axis=0))

    def table(weight: Tensor, buckets: Tensor, name: str) -> ir.Value:
        return g.constant(weight[:, buckets], name)  # (H, 2M + 1)

    # A model without any bias has one table row for all heads: the mask is all that is left.
    biased = config.has_relative_attention_bias or config.has_spatial_attention_bias
    none = g.constant(np.zeros((config.num_attention_heads if biased else 1, 1), np.float32), "no_bias")
    of_1d = of_x = of_y = none
    if config.has_relative_attention_bias:
        of_1d = table(encoder.rel_pos_bias.weight, encoder.buckets_1d, "rel_pos_bias")
    if config.has_spatial_attention_bias:
        of_x = table(encoder.rel_pos_x_bias.weight, encoder.buckets_2d, "rel_pos_x_bias")
        of_y = table(encoder.rel_pos_y_bias.weight, encoder.buckets_2d, "rel_pos_y_bias")
    return g.op(
        "RelativeAttentionBias",
        positions,
        g.op("Concat", visual_bbox, bbox, axis=1),
        g.op("Concat", visual_mask, attention_mask, axis=1),
        of_1d,
        of_x,
        of_y,
        domain=DOMAIN,
    )


def _layer(
    g: GraphBuilder, layer: Layer, hidden: ir.Value, bias: ir.Value, name: str, *, fused: bool, skipped: int
) -> ir.Value:
    """One layer; the first ``skipped`` tokens are attended to, but nothing more becomes of them."""
    attended = _attention(g, layer.attention.self, hidden, bias, f"{name}.attention.self", fused=fused)
    if skipped:
        attended, hidden = (_tokens_from(g, value, skipped) for value in (attended, hidden))
    output = layer.attention.output
    hidden = _residual(g, attended, output.dense, output.LayerNorm, hidden, f"{name}.attention.output", fused=fused)
    dense = layer.intermediate.dense
    exact = layer.intermediate.approximate == "none"
    product = g.matmul(hidden, dense, f"{name}.intermediate.dense")
    dense_bias = g.constant(dense.bias, f"{name}.intermediate.dense.bias")
    if fused:
        wide = g.op("BiasGelu" if exact else "FastGelu", product, dense_bias, domain=MICROSOFT)
    else:
        wide = g.op("Gelu", g.op("Add", product, dense_bias), approximate=layer.intermediate.approximate)
    output_norm = layer.output.LayerNorm
    return _residual(g, wide, layer.output.dense, output_norm, hidden, f"{name}.output", fused=fused)


def _residual(
    g: GraphBuilder,
    value: ir.Value,
    dense: nn.Linear,
    norm: nn.LayerNorm,
    hidden: ir.Value,
    name: str,
    *,
    fused: bool,
) -> ir.Value:
    """Linear, residual, LayerNorm."""
    if not fused:
        value = g.op("Add", g.linear(value, dense, f"{name}.dense"), hidden)
        return g.layer_norm(value, norm, f"{name}.LayerNorm")
    return g.op(
        "SkipLayerNormalization",
        g.matmul(value, dense, f"{name}.dense"),
        hidden,
        g.constant(norm.weight, f"{name}.LayerNorm.weight"),
        g.constant(norm.bias, f"{name}.LayerNorm.bias"),
        g.constant(dense.bias, f"{name}.dense.bias"),
        domain=MICROSOFT,
        epsilon=norm.eps,
    )


def _attention(
    g: GraphBuilder, attention: SelfAttention, hidden: ir.Value, bias: ir.Value, name: str, *, fused: bool
) -> ir.Value:
    """Spatial-aware self-attention: (B, T, D) -> (B, T, D)."""
    heads = attention.heads
    weights, biases = _projections(attention)
    parts = [
        g.op("MatMul", hidden, g.constant(weight.t(), f"{name}.{part}.weight"))
        for part, weight in zip(("query", "key", "value"), weights, strict=True)
    ]
    if fused:
        packed = g.constant(torch.cat(biases), f"{name}.bias")
        scale = attention.head_size**-0.5
        inputs = (*parts, packed, None, bias)
        return g.op("MultiHeadAttention", *inputs, domain=MICROSOFT, num_heads=heads, scale=scale)
    query, key, value = (
        g.op("Reshape", g.op("Add", part, g.constant(shift, f"{name}.{which}.bias")), g.ints(0, 0, heads, -1))
        for which, part, shift in zip(("query", "key", "value"), parts, biases, strict=True)
    )  # (B, T, H, d)
    query = g.op("Mul", query, g.scalar(attention.head_size**-0.5))
    scores = g.op("MatMul", g.op("Transpose", query, perm=[0, 2, 1, 3]), g.op("Transpose", key, perm=[0, 2, 3, 1]))
    probabilities = g.op("Softmax", g.op("Add", scores, bias), axis=-1)  # (B, H, T, T)
    value = g.op("MatMul", probabilities, g.op("Transpose", value, perm=[0, 2, 1, 3]))
    return g.op("Reshape", g.op("Transpose", value, perm=[0, 2, 1, 3]), g.ints(0, 0, -1))


def _projections(attention: SelfAttention) -> tuple[list[Tensor], list[Tensor]]:
    """Weights (D, D) and biases (D,) of query, key and value, whichever way the checkpoint holds them."""
    if attention.fast_qkv:
        query, value = attention.q_bias.flatten(), attention.v_bias.flatten()
        return list(attention.qkv_linear.weight.chunk(3)), [query, torch.zeros_like(query), value]
    parts = (attention.query, attention.key, attention.value)
    return [part.weight for part in parts], [part.bias for part in parts]


def _heads(g: GraphBuilder, network: LayoutLMv2, text: ir.Value, hidden: ir.Value, visual: ir.Value) -> None:
    """Declare the outputs of every head.

    text: (B, L, D), what the last layer makes of the text. hidden: (B, T, D), of all tokens, the visual ones first,
    where a head looks at them.
    """
    heads, size = network.heads, network.config.hidden_size
    cls = g.op("Gather", text, g.constant(np.array(0, np.int64)), axis=1)  # (B, D)
    if "kie" in heads:
        g.output("kie_logits", g.linear(text, network.kie.classifier, "kie"), ["B", "L", heads["kie"]])
    if "classification" in heads:
        last_visual = g.op("Slice", hidden, g.ints(0), g.ints(VISUAL_TOKENS), g.ints(1))
        means = [g.op("ReduceMean", value, g.ints(1), keepdims=0) for value in (visual, last_visual)]
        logits = g.linear(g.op("Concat", cls, *means, axis=-1), network.classification.classifier, "classification")
        g.output("classification_logits", logits, ["B", heads["classification"]])
    if "docvqa" in heads:
        logits = g.linear(text, network.docvqa.qa_outputs, "docvqa")
        for index, name in enumerate(("docvqa_start_logits", "docvqa_end_logits")):
            which = g.constant(np.array(index, np.int64))
            g.output(name, g.op("Gather", logits, which, axis=2), ["B", "L"])
    if not heads:
        first_visual = g.op("Slice", hidden, g.ints(0), g.ints(VISUAL_TOKENS), g.ints(1))
        g.output("last_hidden_state", g.op("Concat", text, first_visual, axis=1), ["B", "T", size])
        pooled = g.op("Tanh", g.linear(cls, network.layoutlmv2.pooler.dense, "pooler.dense"))
        g.output("pooler_output", pooled, ["B", size])
