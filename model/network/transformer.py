"""What the encoders of all relatives are made of: layers of attention and feed-forward, and relative biases.

Parameter names are Hugging Face's. Shapes: B windows, T tokens of a window (text first, then visual ones), H heads, d
size of a head, D hidden size.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from layoutserve.model.network.config import ACTIVATIONS, BiasedConfig, NetworkConfig
from layoutserve.model.ops.relative_attention_bias import bucket_table


class SelfAttention(nn.Module):
    """Multi-head attention whose scores carry an additive bias (B|1, H|1, T|1, T): relative positions and the mask.

    fast_qkv: query, key and value are one product, and the key has no bias.
    """

    def __init__(self, config: NetworkConfig, *, fast_qkv: bool = False) -> None:
        super().__init__()
        size = config.hidden_size
        self.heads, self.head_size = config.num_attention_heads, size // config.num_attention_heads
        self.fast_qkv = fast_qkv
        if fast_qkv:
            self.qkv_linear = nn.Linear(size, 3 * size, bias=False)
            self.q_bias = nn.Parameter(torch.zeros(1, 1, size))
            self.v_bias = nn.Parameter(torch.zeros(1, 1, size))
        else:
            self.query = nn.Linear(size, size)
            self.key = nn.Linear(size, size)
            self.value = nn.Linear(size, size)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def project(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, D) -> query, key and value, each (B, T, D)."""
        if self.fast_qkv:
            query, key, value = self.qkv_linear(hidden).chunk(3, dim=-1)
            return query + self.q_bias, key, value + self.v_bias
        return self.query(hidden), self.key(hidden), self.value(hidden)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """(B, T, D), bias (B|1, H|1, T|1, T) -> (B, T, D)."""
        query, key, value = (split_heads(part, self.heads) for part in self.project(hidden))
        scores: Tensor = (query / math.sqrt(self.head_size)) @ key.transpose(-1, -2) + bias  # (B, H, T, T)
        probabilities = self.dropout(scores.float().softmax(dim=-1).to(value.dtype))
        return join_heads(probabilities @ value)


def split_heads(rows: Tensor, heads: int) -> Tensor:
    """(B, T, H * d) -> (B, H, T, d)."""
    batch, tokens, size = rows.shape
    return rows.view(batch, tokens, heads, size // heads).transpose(1, 2)


def join_heads(rows: Tensor) -> Tensor:
    """(B, H, T, d) -> (B, T, H * d)."""
    batch, heads, tokens, size = rows.shape
    return rows.transpose(1, 2).reshape(batch, tokens, heads * size)


class Residual(nn.Module):
    """Linear, dropout, residual, LayerNorm: the tail of both halves of a layer."""

    def __init__(self, inputs: int, size: int, config: NetworkConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden: Tensor, residual: Tensor) -> Tensor:
        """(B, T, inputs), (B, T, size) -> (B, T, size)."""
        result: Tensor = self.LayerNorm(self.dropout(self.dense(hidden)) + residual)
        return result


class Intermediate(nn.Module):
    """Linear and GELU: the wide half of the feed-forward block."""

    def __init__(self, inputs: int, size: int, config: NetworkConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, size)
        self.approximate = ACTIVATIONS[config.hidden_act]

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, T, inputs) -> (B, T, size)."""
        return functional.gelu(self.dense(hidden), approximate=self.approximate)


class Attention(nn.Module):
    """Attention with its residual: (B, T, D) -> (B, T, D)."""

    def __init__(self, config: NetworkConfig, *, fast_qkv: bool) -> None:
        super().__init__()
        self.self = SelfAttention(config, fast_qkv=fast_qkv)
        self.output = Residual(config.hidden_size, config.hidden_size, config)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """(B, T, D), bias as in SelfAttention -> (B, T, D)."""
        result: Tensor = self.output(self.self(hidden, bias), hidden)
        return result


class Layer(nn.Module):
    """One transformer layer: (B, T, D) and the bias of SelfAttention -> (B, T, D)."""

    def __init__(self, config: NetworkConfig, *, fast_qkv: bool = False) -> None:
        super().__init__()
        self.attention = Attention(config, fast_qkv=fast_qkv)
        self.intermediate = Intermediate(config.hidden_size, config.intermediate_size, config)
        self.output = Residual(config.intermediate_size, config.hidden_size, config)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        hidden = self.attention(hidden, bias)
        result: Tensor = self.output(self.intermediate(hidden), hidden)
        return result


class Layers(nn.Module):
    """The layers of an encoder, one after the other, with one additive bias for all of them."""

    def __init__(self, config: NetworkConfig, *, fast_qkv: bool = False) -> None:
        super().__init__()
        self.gradient_checkpointing = False
        self.layer = nn.ModuleList(Layer(config, fast_qkv=fast_qkv) for _ in range(config.num_hidden_layers))

    def forward(self, hidden: Tensor, attention_mask: Tensor, relative: Tensor | None = None) -> Tensor:
        """(B, T, D), mask (B, T) of 1 and 0, relative bias (B|1, H, T, T) -> (B, T, D)."""
        bias = masked_bias(hidden, attention_mask, relative)
        for layer in self.layer:
            if self.gradient_checkpointing and self.training:
                hidden = checkpoint(layer, hidden, bias, use_reentrant=False)
            else:
                hidden = layer(hidden, bias)
        return hidden


def masked_bias(hidden: Tensor, attention_mask: Tensor, relative: Tensor | None = None) -> Tensor:
    """The relative bias, or none, with the least number of ``hidden``'s dtype wherever the mask (B, T) is 0."""
    bias = hidden.new_zeros(1, 1, 1, 1) if relative is None else relative.to(hidden.dtype)
    return bias.masked_fill(attention_mask[:, None, None, :] == 0, torch.finfo(hidden.dtype).min)


class BiasedLayers(Layers):
    """Layers that share relative biases: of positions in the text (1D), of left and of bottom edges (2D)."""

    buckets_1d: Tensor
    buckets_2d: Tensor

    def __init__(self, config: BiasedConfig, *, fast_qkv: bool = False) -> None:
        super().__init__(config, fast_qkv=fast_qkv)
        self.config = config
        heads = config.num_attention_heads
        if config.has_relative_attention_bias:
            self.rel_pos_bias = nn.Linear(config.rel_pos_bins, heads, bias=False)
            table = torch.from_numpy(bucket_table(config.rel_pos_bins, config.max_rel_pos))
            self.register_buffer("buckets_1d", table, persistent=False)
        if config.has_spatial_attention_bias:
            self.rel_pos_x_bias = nn.Linear(config.rel_2d_pos_bins, heads, bias=False)
            self.rel_pos_y_bias = nn.Linear(config.rel_2d_pos_bins, heads, bias=False)
            table = torch.from_numpy(bucket_table(config.rel_2d_pos_bins, config.max_rel_2d_pos))
            self.register_buffer("buckets_2d", table, persistent=False)

    def tables(self) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """The biases by distance -M..M, (H, 2M + 1): of the text, of left edges, of bottom edges; None where off."""
        biased = self.config.has_relative_attention_bias
        of_1d = self.rel_pos_bias.weight[:, self.buckets_1d] if biased else None
        if not self.config.has_spatial_attention_bias:
            return of_1d, None, None
        return of_1d, self.rel_pos_x_bias.weight[:, self.buckets_2d], self.rel_pos_y_bias.weight[:, self.buckets_2d]

    def relative_bias(self, position_ids: Tensor, bbox: Tensor) -> Tensor | None:
        """position_ids int64 (B|1, T), bbox int64 (B, T, 4) -> (B|1, H, T, T), or None when both biases are off.

        Gradients reach the tables (the reference cuts them off, so that its biases never train).
        """
        places = (position_ids, bbox[..., 0], bbox[..., 3])
        terms = [by_distance(table, at) for table, at in zip(self.tables(), places, strict=True) if table is not None]
        return sum(terms[1:], start=terms[0]) if terms else None


def by_distance(table: Tensor, coordinates: Tensor) -> Tensor:
    """Table (H, 2M + 1), coordinates int64 (B, T) -> (B, H, T, T): what the table says of key minus query."""
    limit = table.shape[1] // 2
    distance = coordinates[:, None, :] - coordinates[:, :, None]
    # An embedding look-up, because its backward pass is a sum over rows, not a scatter over (B, H, T, T).
    return functional.embedding(distance.clamp(-limit, limit) + limit, table.t()).permute(0, 3, 1, 2)


class Pooler(nn.Module):
    """The first token's state through a linear layer and tanh: (B, T, D) -> (B, D)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, T, D) -> (B, D)."""
        return torch.tanh(self.dense(hidden[:, 0]))
