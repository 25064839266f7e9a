"""The visual graph of a bundle, built from a network: what becomes of a picture before the encoder sees it.

LayoutLMv2: batch norms are folded into convolutions, and the pyramid's last convolution is folded with the pooling
after it. LayoutLMv3: patches are one convolution, and scaling pixels is folded into it. All of it is exact.
"""

import numpy as np
import onnx_ir as ir
import torch
from torch import nn

from layoutserve.model.bundle import LAYOUTLMV2_VISUAL_TOKENS as VISUAL_TOKENS
from layoutserve.model.encoding.tensors import IMAGE_SIZE
from layoutserve.model.errors import CheckpointError
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.graph_builder import GraphBuilder, folded
from layoutserve.model.network.layoutlmv2 import LayoutLMv2
from layoutserve.model.network.layoutlmv3 import PIXEL_MEAN, PIXEL_STD, LayoutLMv3
from layoutserve.model.network.resnet_fpn import Conv, ResNetFPN

# The stride of pyramid level p2, the finest.
_P2_STRIDE = 4


def visual_graph(network: DocumentNetwork) -> GraphBuilder | None:
    """Image uint8 (B, 3, 224, 224) -> visual_embeddings float32 (B, V, D), None for a network that looks at none.

    Everything that does not depend on the text, LayerNorm included. Raises CheckpointError for a network whose
    pictures are of another size, or which pools its visual features to another grid than 7 x 7.
    """
    if isinstance(network, LayoutLMv2):
        return _pyramid_graph(network)
    if isinstance(network, LayoutLMv3) and network.config.visual_embed:
        return _patch_graph(network)
    return None


def _patch_graph(network: LayoutLMv3) -> GraphBuilder:
    """Image RGB -> a token for the whole picture, then one for each patch."""
    model, config = network.layoutlmv3, network.config
    if config.input_size != IMAGE_SIZE:
        raise CheckpointError(f"Only pictures of {IMAGE_SIZE} pixels can be exported, not {config.input_size}.")
    g = GraphBuilder("visual")
    image = g.input("image", ir.DataType.UINT8, ["B", 3, IMAGE_SIZE, IMAGE_SIZE])
    pixels = g.op("Cast", image, to=int(ir.DataType.FLOAT))
    projection, side, size = model.patch_embed.proj, config.patch_size, config.hidden_size
    assert projection.bias is not None
    with torch.no_grad():
        weight = projection.weight.double() / PIXEL_STD
        # What the mean of all pixels of a patch would make of it, and the place of each patch.
        shift = projection.bias.double() - PIXEL_MEAN * weight.sum(dim=(1, 2, 3))
        places = (model.pos_embed[0, 1:].double() + shift).float()
        first = (model.cls_token[0] + model.pos_embed[0, :1])[None]
    weights = g.constant(weight.float(), "patch_embed.proj.weight")
    patches = g.op("Conv", pixels, weights, kernel_shape=[side, side], strides=[side, side])
    patches = g.op("Transpose", g.op("Reshape", patches, g.ints(0, size, config.side**2)), perm=[0, 2, 1])
    patches = g.op("Add", patches, g.constant(places, "pos_embed"))
    batch = g.op("Shape", image, start=0, end=1)
    whole = g.op("Expand", g.constant(first, "cls_token"), g.op("Concat", batch, g.ints(1, size), axis=0))
    embeddings = g.layer_norm(g.op("Concat", whole, patches, axis=1), model.norm, "norm")
    embeddings = g.layer_norm(embeddings, model.LayerNorm, "LayerNorm")
    g.output("visual_embeddings", embeddings, ["B", config.side**2 + 1, size])
    return g


def _pyramid_graph(network: LayoutLMv2) -> GraphBuilder:
    """Image BGR -> 7 x 7 tokens."""
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
