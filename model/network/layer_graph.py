"""Transformer layers as ONNX nodes: attention, feed-forward, residuals.

fused: with ONNX Runtime's own nodes where they compute the same; else standard operators alone. Shapes: B windows, T
tokens, H heads, D hidden size; LiLT's layers have a second stream of E numbers a token.
"""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir
import torch
from torch import Tensor

from layoutserve.model.network.graph_builder import MICROSOFT, GraphBuilder
from layoutserve.model.network.lilt import TwoStreamLayer
from layoutserve.model.network.transformer import Intermediate, Layer, Residual, SelfAttention

_PARTS = ("query", "key", "value")


def tokens_from(g: GraphBuilder, hidden: ir.Value, first: int) -> ir.Value:
    """Without the tokens before ``first``."""
    return g.op("Slice", hidden, g.ints(first), g.ints(np.iinfo(np.int64).max), g.ints(1))


def layer(
    g: GraphBuilder, module: Layer, hidden: ir.Value, bias: ir.Value, name: str, *, fused: bool, skipped: int = 0
) -> ir.Value:
    """One layer; the first ``skipped`` tokens are attended to, but nothing more becomes of them."""
    attended = _self_attention(g, module.attention.self, hidden, bias, f"{name}.attention.self", fused=fused)
    if skipped:
        attended, hidden = (tokens_from(g, value, skipped) for value in (attended, hidden))
    hidden = _residual(g, attended, module.attention.output, hidden, f"{name}.attention.output", fused=fused)
    wide = _intermediate(g, hidden, module.intermediate, f"{name}.intermediate", fused=fused)
    return _residual(g, wide, module.output, hidden, f"{name}.output", fused=fused)


def two_stream_layer(
    g: GraphBuilder,
    module: TwoStreamLayer,
    text: ir.Value,
    layout: ir.Value,
    bias: ir.Value,
    name: str,
    *,
    fused: bool,
) -> tuple[ir.Value, ir.Value]:
    """One layer of LiLT: text (B, T, D) and layout (B, T, E) -> the same.

    Both streams attend by the same sum of scores, which is one product of heads that hold both streams' numbers; so
    they are one attention with wider heads.
    """
    attention, name_of = module.attention.self, f"{name}.attention.self"
    heads, size, layout_size = attention.heads, attention.head_size, attention.layout_head_size
    # The layout's scores have a scale of their own, which its query takes over.
    rescale = (size / layout_size) ** 0.5
    parts, biases = [], []
    for part, wide, narrow, factor in (
        ("query", attention.query, attention.layout_query, rescale),
        ("key", attention.key, attention.layout_key, 1.0),
        ("value", attention.value, attention.layout_value, 1.0),
    ):
        of_text = g.matmul(text, wide, f"{name_of}.{part}")
        of_layout = g.op("MatMul", layout, g.constant(narrow.weight.t() * factor, f"{name_of}.layout_{part}.weight"))
        split = [g.op("Reshape", value, g.ints(0, 0, heads, -1)) for value in (of_text, of_layout)]
        parts.append(g.op("Reshape", g.op("Concat", *split, axis=-1), g.ints(0, 0, -1)))
        both = [wide.bias.view(heads, -1), narrow.bias.view(heads, -1) * factor]
        biases.append(torch.cat(both, dim=-1).flatten())
    found = attend(g, parts, biases, bias, heads, size**-0.5, name_of, fused=fused)
    by_head = g.op("Reshape", found, g.ints(0, 0, heads, -1))
    of_text, of_layout = (
        g.op("Reshape", value, g.ints(0, 0, -1))
        for value in g.ops("Split", by_head, g.ints(size, layout_size), outputs=2, axis=-1)
    )
    text = _residual(g, of_text, module.attention.output, text, f"{name}.attention.output", fused=fused)
    wide_text = _intermediate(g, text, module.intermediate, f"{name}.intermediate", fused=fused)
    text = _residual(g, wide_text, module.output, text, f"{name}.output", fused=fused)
    output = module.attention.layout_output
    layout = _residual(g, of_layout, output, layout, f"{name}.attention.layout_output", fused=fused)
    wide_layout = _intermediate(g, layout, module.layout_intermediate, f"{name}.layout_intermediate", fused=fused)
    return text, _residual(g, wide_layout, module.layout_output, layout, f"{name}.layout_output", fused=fused)


def attend(
    g: GraphBuilder,
    parts: Sequence[ir.Value],
    biases: Sequence[Tensor],
    bias: ir.Value,
    heads: int,
    scale: float,
    name: str,
    *,
    fused: bool,
) -> ir.Value:
    """Query, key and value (B, T, H * d) without their biases (H * d,) -> what every query finds (B, T, H * d)."""
    if fused:
        packed = g.constant(torch.cat(list(biases)), f"{name}.bias")
        inputs = (*parts, packed, None, bias)
        return g.op("MultiHeadAttention", *inputs, domain=MICROSOFT, num_heads=heads, scale=scale)
    query, key, value = (
        g.op("Reshape", g.op("Add", part, g.constant(shift, f"{name}.{which}.bias")), g.ints(0, 0, heads, -1))
        for which, part, shift in zip(_PARTS, parts, biases, strict=True)
    )  # (B, T, H, d)
    query = g.op("Mul", query, g.scalar(scale))
    scores = g.op("MatMul", g.op("Transpose", query, perm=[0, 2, 1, 3]), g.op("Transpose", key, perm=[0, 2, 3, 1]))
    probabilities = g.op("Softmax", g.op("Add", scores, bias), axis=-1)  # (B, H, T, T)
    value = g.op("MatMul", probabilities, g.op("Transpose", value, perm=[0, 2, 1, 3]))
    return g.op("Reshape", g.op("Transpose", value, perm=[0, 2, 1, 3]), g.ints(0, 0, -1))


def _self_attention(
    g: GraphBuilder, attention: SelfAttention, hidden: ir.Value, bias: ir.Value, name: str, *, fused: bool
) -> ir.Value:
    """Attention of one stream: (B, T, D) -> (B, T, D)."""
    weights, biases = _projections(attention)
    parts = [
        g.op("MatMul", hidden, g.constant(weight.t(), f"{name}.{part}.weight"))
        for part, weight in zip(_PARTS, weights, strict=True)
    ]
    return attend(g, parts, biases, bias, attention.heads, attention.head_size**-0.5, name, fused=fused)


def _projections(attention: SelfAttention) -> tuple[list[Tensor], list[Tensor]]:
    """Weights (D, D) and biases (D,) of query, key and value, whichever way the checkpoint holds them."""
    if attention.fast_qkv:
        query, value = attention.q_bias.flatten(), attention.v_bias.flatten()
        return list(attention.qkv_linear.weight.chunk(3)), [query, torch.zeros_like(query), value]
    parts = (attention.query, attention.key, attention.value)
    return [part.weight for part in parts], [part.bias for part in parts]


def _intermediate(g: GraphBuilder, hidden: ir.Value, module: Intermediate, name: str, *, fused: bool) -> ir.Value:
    """Linear and GELU."""
    product = g.matmul(hidden, module.dense, f"{name}.dense")
    bias = g.constant(module.dense.bias, f"{name}.dense.bias")
    if fused:
        return g.op("BiasGelu" if module.approximate == "none" else "FastGelu", product, bias, domain=MICROSOFT)
    return g.op("Gelu", g.op("Add", product, bias), approximate=module.approximate)


def _residual(
    g: GraphBuilder, value: ir.Value, module: Residual, hidden: ir.Value, name: str, *, fused: bool
) -> ir.Value:
    """Linear, residual, LayerNorm."""
    dense, norm = module.dense, module.LayerNorm
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
