"""LayoutLMv3 in plain PyTorch: text with its places and patches of the picture in one encoder with relative biases.

Paper: arXiv 2204.08387. Config and parameter names are Hugging Face's, so public checkpoints load as they are.
Shapes: B windows, L text tokens, V visual tokens (one for the picture as a whole, then its patches row by row; 197 of
224 pixels in patches of 16), T = L + V (text first), H heads, D hidden size.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from layoutserve.model.errors import CheckpointError
from layoutserve.model.network.box_embeddings import PAGE, BoxEmbeddings, grid_boxes
from layoutserve.model.network.config import BiasedConfig
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.heads import DenseHead
from layoutserve.model.network.text_positions import positions_after_padding
from layoutserve.model.network.transformer import BiasedLayers

# From as many labels on, the head of kie has a second layer.
_DENSE_FROM_LABELS = 10
# The reference's, whatever layer_norm_eps says.
_PATCH_NORM_EPS = 1e-6
# Channels are RGB, 0-255; the reference divides by 255, subtracts 0.5 and divides by 0.5.
PIXEL_MEAN, PIXEL_STD = 127.5, 127.5


@dataclass(frozen=True, slots=True)
class Config(BiasedConfig):
    """What the network is, under Hugging Face's names and with its defaults."""

    model_type: ClassVar[str] = "layoutlmv3"

    vocab_size: int = 50265
    layer_norm_eps: float = 1e-5
    pad_token_id: int = 1
    visual_embed: bool = True
    input_size: int = 224
    num_channels: int = 3
    patch_size: int = 16
    classifier_dropout: float | None = None

    def check(self) -> None:
        """Raise CheckpointError where the entries describe no network of this kind."""
        BiasedConfig.check(self)
        if not self.extra.get("text_embed", True):
            raise CheckpointError("A LayoutLMv3 without text (text_embed is false) is not supported.")
        if self.num_channels != 3 or self.input_size % self.patch_size:
            raise CheckpointError("num_channels must be 3, and input_size a multiple of patch_size.")

    @property
    def side(self) -> int:
        """Patches of a row, and of a column."""
        return self.input_size // self.patch_size

    @property
    def head_dropout(self) -> float:
        """Dropout of heads with two layers."""
        return self.hidden_dropout_prob if self.classifier_dropout is None else self.classifier_dropout


class Embeddings(BoxEmbeddings):
    """Tokens, positions, types and places of the text."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.max_2d_position_embeddings, config.coordinate_size, config.shape_size)
        size, pad = config.hidden_size, config.pad_token_id
        self.word_embeddings = nn.Embedding(config.vocab_size, size, padding_idx=pad)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, size, padding_idx=pad)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.pad_token_id = pad

    def forward(self, input_ids: Tensor, bbox: Tensor, token_type_ids: Tensor) -> Tensor:
        """(B, L), (B, L, 4), (B, L) -> (B, L, D)."""
        positions = positions_after_padding(input_ids, self.pad_token_id)
        embeddings = self.word_embeddings(input_ids) + self.position_embeddings(positions)
        embeddings = embeddings + self.layout(bbox) + self.token_type_embeddings(token_type_ids)
        result: Tensor = self.dropout(self.LayerNorm(embeddings))
        return result


class PatchEmbedding(nn.Module):
    """Image (B, 3, S, S) -> patches (B, (S / patch_size) ** 2, D), row by row."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.proj = nn.Conv2d(config.num_channels, config.hidden_size, config.patch_size, stride=config.patch_size)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, V - 1, D)."""
        result: Tensor = self.proj(image).flatten(2).transpose(1, 2)
        return result


class ScaledBiasLayers(BiasedLayers):
    """Relative biases that are divided by the square root of a head's size, as the scores are."""

    def tables(self) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """The biases by distance -M..M, (H, 2M + 1): of the text, of left edges, of bottom edges; None where off."""
        of_1d, of_x, of_y = BiasedLayers.tables(self)
        if of_1d is None:  # the reference uses the 2D biases only beside the 1D bias
            return None, None, None
        scale = math.sqrt(self.config.hidden_size // self.config.num_attention_heads)
        return of_1d / scale, None if of_x is None else of_x / scale, None if of_y is None else of_y / scale


class LayoutLMv3Model(nn.Module):
    """The encoder without a head, in the parts that the two exported graphs need."""

    visual_bbox: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        size = config.hidden_size
        self.embeddings = Embeddings(config)
        self.encoder = ScaledBiasLayers(config)
        self.looks = config.visual_embed
        if not self.looks:
            return
        self.patch_embed = PatchEmbedding(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, size))
        self.pos_embed = nn.Parameter(torch.zeros(1, config.side**2 + 1, size))
        self.norm = nn.LayerNorm(size, eps=_PATCH_NORM_EPS)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        whole = torch.tensor([[1, 1, PAGE - 1, PAGE - 1]])
        boxes = torch.cat([whole, grid_boxes(config.side, config.side)])
        self.register_buffer("visual_bbox", boxes[None], persistent=False)

    def visual_embeddings(self, image: Tensor) -> Tensor:
        """Image (B, 3, S, S) RGB, 0-255 -> (B, V, D); depends on nothing but the image."""
        patches = self.patch_embed((image.to(self.pos_embed.dtype) - PIXEL_MEAN) / PIXEL_STD)
        embeddings = torch.cat([self.cls_token.expand(len(image), -1, -1), patches], dim=1) + self.pos_embed
        result: Tensor = self.dropout(self.LayerNorm(self.norm(embeddings)))
        return result

    def text_embeddings(self, input_ids: Tensor, bbox: Tensor, token_type_ids: Tensor) -> Tensor:
        """(B, L), (B, L, 4), (B, L) -> (B, L, D), normalised once more where a picture stands beside it."""
        text: Tensor = self.embeddings(input_ids, bbox, token_type_ids)
        return self.dropout(self.LayerNorm(text)) if self.looks else text

    def encode(self, text: Tensor, visual: Tensor | None, bbox: Tensor, attention_mask: Tensor) -> Tensor:
        """text (B, L, D), visual (B, V, D), bbox (B, L, 4), mask (B, L) -> (B, L + V, D), text first."""
        batch, hidden, positions = len(text), text, torch.arange(text.shape[1])
        if visual is not None:
            hidden = torch.cat([text, visual], dim=1)
            positions = torch.cat([positions, torch.arange(visual.shape[1])])
            bbox = torch.cat([bbox, self.visual_bbox.expand(batch, -1, -1)], dim=1)
            attention_mask = torch.cat([attention_mask, attention_mask.new_ones(batch, visual.shape[1])], dim=1)
        relative = self.encoder.relative_bias(positions.to(text.device)[None], bbox)
        result: Tensor = self.encoder(hidden, attention_mask, relative)
        return result


class LayoutLMv3(DocumentNetwork):
    """LayoutLMv3 with any heads; those of classification and docvqa have two layers."""

    body_name = "layoutlmv3"
    config: Config

    def __init__(self, config: Config, heads: Mapping[str, int]) -> None:
        super().__init__(config, heads)
        self.layoutlmv3 = LayoutLMv3Model(config)
        self.add_heads()

    def head(self, task: str, labels: int) -> nn.Linear | DenseHead:
        """What makes ``labels`` logits of the features of a task."""
        if task == "kie" and labels < _DENSE_FROM_LABELS:
            return nn.Linear(self.config.hidden_size, labels)
        return DenseHead(self.config.hidden_size, labels, self.config.head_dropout)

    def states(
        self, input_ids: Tensor, bbox: Tensor, image: Tensor | None, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """States (B, L + V, D), text first, and visual embeddings (B, V, D)."""
        visual = None
        if self.config.visual_embed:
            if image is None:
                raise TypeError("LayoutLMv3 looks at an image.")
            visual = self.layoutlmv3.visual_embeddings(image)
        text = self.layoutlmv3.text_embeddings(input_ids, bbox, token_type_ids)
        return self.layoutlmv3.encode(text, visual, bbox, attention_mask), visual
