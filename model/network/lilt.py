"""LiLT in plain PyTorch: a stream of text and a narrow stream of layout, which exchange their attention scores.

Paper: arXiv 2202.13669. Config and parameter names are Hugging Face's, so public checkpoints load as they are. The
layout stream learns from documents of one language; the text stream is any RoBERTa's, so another language is another
text stream. It looks at no picture. Shapes: B windows, L text tokens, H heads, D hidden size, E = D / r size of the
layout stream, r being ``channel_shrink_ratio``.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from layoutserve.model.errors import CheckpointError
from layoutserve.model.network.box_embeddings import BoxEmbeddings
from layoutserve.model.network.config import NetworkConfig
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.heads import DenseHead
from layoutserve.model.network.text_positions import positions_after_padding
from layoutserve.model.network.transformer import (
    Intermediate,
    Pooler,
    Residual,
    join_heads,
    masked_bias,
    split_heads,
)


@dataclass(frozen=True, slots=True)
class Config(NetworkConfig):
    """What the network is, under Hugging Face's names and with its defaults."""

    model_type: ClassVar[str] = "lilt"

    channel_shrink_ratio: int = 4
    classifier_dropout: float | None = None

    def check(self) -> None:
        """Raise CheckpointError where the entries describe no network of this kind."""
        NetworkConfig.check(self)
        if self.hidden_size % (self.num_attention_heads * self.channel_shrink_ratio) or self.hidden_size % 6:
            raise CheckpointError(
                "hidden_size must be a multiple of num_attention_heads * channel_shrink_ratio, and of 6."
            )

    @property
    def layout_size(self) -> int:
        """Numbers of a token in the layout stream."""
        return self.hidden_size // self.channel_shrink_ratio

    @property
    def head_dropout(self) -> float:
        """Dropout of heads."""
        return self.hidden_dropout_prob if self.classifier_dropout is None else self.classifier_dropout


class TextEmbeddings(nn.Module):
    """RoBERTa's: tokens, positions and types."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size, pad = config.hidden_size, config.pad_token_id
        self.word_embeddings = nn.Embedding(config.vocab_size, size, padding_idx=pad)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, size, padding_idx=pad)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: Tensor, positions: Tensor, token_type_ids: Tensor) -> Tensor:
        """Three of (B, L) -> (B, L, D)."""
        embeddings = self.word_embeddings(input_ids) + self.position_embeddings(positions)
        result: Tensor = self.dropout(self.LayerNorm(embeddings + self.token_type_embeddings(token_type_ids)))
        return result


class LayoutEmbeddings(BoxEmbeddings):
    """Places, made narrow, and positions."""

    def __init__(self, config: Config) -> None:
        part = config.hidden_size // 6
        super().__init__(config.max_2d_position_embeddings, part, part)
        size, pad = config.layout_size, config.pad_token_id
        self.box_position_embeddings = nn.Embedding(config.max_position_embeddings, size, padding_idx=pad)
        self.box_linear_embeddings = nn.Linear(config.hidden_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, bbox: Tensor, positions: Tensor) -> Tensor:
        """(B, L, 4), (B, L) -> (B, L, E)."""
        embeddings = self.box_linear_embeddings(self.layout(bbox)) + self.box_position_embeddings(positions)
        result: Tensor = self.dropout(self.LayerNorm(embeddings))
        return result


class TwoStreamSelfAttention(nn.Module):
    """Attention of both streams by one sum of scores: each finds in its own values what the sum points at."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size, layout = config.hidden_size, config.layout_size
        self.heads = config.num_attention_heads
        self.head_size, self.layout_head_size = size // self.heads, layout // self.heads
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.value = nn.Linear(size, size)
        self.layout_query = nn.Linear(layout, layout)
        self.layout_key = nn.Linear(layout, layout)
        self.layout_value = nn.Linear(layout, layout)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def forward(self, text: Tensor, layout: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, D), (B, L, E), bias (B|1, 1, 1, L) -> (B, L, D), (B, L, E)."""
        query, key, value = (split_heads(part(text), self.heads) for part in (self.query, self.key, self.value))
        narrow = (self.layout_query, self.layout_key, self.layout_value)
        layout_query, layout_key, layout_value = (split_heads(part(layout), self.heads) for part in narrow)
        scores = query @ key.transpose(-1, -2) / math.sqrt(self.head_size)
        scores = scores + layout_query @ layout_key.transpose(-1, -2) / math.sqrt(self.layout_head_size) + bias
        probabilities = scores.float().softmax(dim=-1).to(value.dtype)
        found = join_heads(self.dropout(probabilities) @ value)
        return found, join_heads(self.dropout(probabilities) @ layout_value)


class TwoStreamAttention(nn.Module):
    """Attention with the residual of each stream."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.self = TwoStreamSelfAttention(config)
        self.output = Residual(config.hidden_size, config.hidden_size, config)
        self.layout_output = Residual(config.layout_size, config.layout_size, config)

    def forward(self, text: Tensor, layout: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, D), (B, L, E), bias (B|1, 1, 1, L) -> (B, L, D), (B, L, E)."""
        found, layout_found = self.self(text, layout, bias)
        return self.output(found, text), self.layout_output(layout_found, layout)


class TwoStreamLayer(nn.Module):
    """One layer of both streams."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size, narrow = config.intermediate_size, config.intermediate_size // config.channel_shrink_ratio
        self.attention = TwoStreamAttention(config)
        self.intermediate = Intermediate(config.hidden_size, size, config)
        self.output = Residual(size, config.hidden_size, config)
        self.layout_intermediate = Intermediate(config.layout_size, narrow, config)
        self.layout_output = Residual(narrow, config.layout_size, config)

    def forward(self, text: Tensor, layout: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, D), (B, L, E), bias (B|1, 1, 1, L) -> (B, L, D), (B, L, E)."""
        text, layout = self.attention(text, layout, bias)
        return self.output(self.intermediate(text), text), self.layout_output(self.layout_intermediate(layout), layout)


class TwoStreamLayers(nn.Module):
    """The layers, one after the other."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.gradient_checkpointing = False
        self.layer = nn.ModuleList(TwoStreamLayer(config) for _ in range(config.num_hidden_layers))

    def forward(self, text: Tensor, layout: Tensor, attention_mask: Tensor) -> Tensor:
        """(B, L, D), (B, L, E), mask (B, L) of 1 and 0 -> text (B, L, D)."""
        bias = masked_bias(text, attention_mask)
        for layer in self.layer:
            if self.gradient_checkpointing and self.training:
                text, layout = checkpoint(layer, text, layout, bias, use_reentrant=False)
            else:
                text, layout = layer(text, layout, bias)
        return text


class LiltModel(nn.Module):
    """The encoder without a head; ``pooler`` is there for those who have none."""

    def __init__(self, config: Config, *, pooler: bool) -> None:
        super().__init__()
        self.pad_token_id = config.pad_token_id
        self.embeddings = TextEmbeddings(config)
        self.layout_embeddings = LayoutEmbeddings(config)
        self.encoder = TwoStreamLayers(config)
        if pooler:
            self.pooler = Pooler(config)

    def forward(self, input_ids: Tensor, bbox: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """(B, L), (B, L, 4), (B, L), (B, L) -> (B, L, D)."""
        positions = positions_after_padding(input_ids, self.pad_token_id)
        text = self.embeddings(input_ids, positions, token_type_ids)
        result: Tensor = self.encoder(text, self.layout_embeddings(bbox, positions), attention_mask)
        return result


class Lilt(DocumentNetwork):
    """LiLT with any heads; the one of classification has two layers."""

    body_name = "lilt"
    config: Config

    def __init__(self, config: Config, heads: Mapping[str, int]) -> None:
        super().__init__(config, heads)
        self.lilt = LiltModel(config, pooler=not heads)
        self.add_heads()

    def head(self, task: str, labels: int) -> nn.Linear | DenseHead:
        """What makes ``labels`` logits of the features of a task."""
        if task == "classification":
            return DenseHead(self.config.hidden_size, labels, self.config.head_dropout)
        return nn.Linear(self.config.hidden_size, labels)

    def states(
        self, input_ids: Tensor, bbox: Tensor, image: Tensor | None, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """States of the text (B, L, D), and nothing of a picture."""
        return self.lilt(input_ids, bbox, attention_mask, token_type_ids), None

    def bare(self, hidden: Tensor) -> dict[str, Tensor]:
        """States and what the pooler makes of them."""
        return {"last_hidden_state": hidden, "pooler_output": self.lilt.pooler(hidden)}
