"""LayoutLMv2 in plain PyTorch: text, layout and image in one encoder with spatial-aware self-attention.

Paper: arXiv 2012.14740. Config and parameter names are Hugging Face's, so public checkpoints load as they are.
Shapes: B windows, L text tokens, V = 49 visual tokens, T = L + V (text first), H heads, D hidden size, C labels.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from layoutserve.model.errors import CheckpointError
from layoutserve.model.network.box_embeddings import BoxEmbeddings, grid_boxes
from layoutserve.model.network.config import BiasedConfig
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.heads import DenseHead
from layoutserve.model.network.resnet_fpn import ResNetFPN, complete
from layoutserve.model.network.transformer import BiasedLayers, Pooler

# Hugging Face's defaults, for a config.json that does not describe the backbone.
_BACKBONE: dict[str, Any] = {
    "MODEL.PIXEL_STD": [57.375, 57.12, 58.395],
    "MODEL.RESNETS.DEPTH": 101,
    "MODEL.RESNETS.NUM_GROUPS": 32,
    "MODEL.RESNETS.WIDTH_PER_GROUP": 8,
    "MODEL.RESNETS.STRIDE_IN_1X1": False,
}


@dataclass(frozen=True, slots=True)
class Config(BiasedConfig):
    """The network's sizes and switches, under Hugging Face's names and with its defaults."""

    model_type: ClassVar[str] = "layoutlmv2"

    fast_qkv: bool = True
    has_visual_segment_embedding: bool = False
    image_feature_pool_shape: tuple[int, int, int] = (7, 7, 256)
    detectron2_config_args: Mapping[str, Any] = field(default_factory=lambda: dict(_BACKBONE))


class Embeddings(BoxEmbeddings):
    """Tokens, positions, types and layout of the text; positions and layout of the visual tokens."""

    def __init__(self, config: Config) -> None:
        super().__init__(config.max_2d_position_embeddings, config.coordinate_size, config.shape_size)
        size = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, size, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: Tensor, bbox: Tensor, token_type_ids: Tensor) -> Tensor:
        """(B, L), (B, L, 4), (B, L) -> (B, L, D)."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        embeddings = self.word_embeddings(input_ids) + self.position_embeddings(positions)
        embeddings = embeddings + self.layout(bbox) + self.token_type_embeddings(token_type_ids)
        result: Tensor = self.dropout(self.LayerNorm(embeddings))
        return result


class VisualBackbone(nn.Module):
    """Image (B, 3, 224, 224) BGR, 0-255, uint8 or float -> (B, V, channels), row by row."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        args = complete(config.detectron2_config_args)
        self.backbone = ResNetFPN(args)
        self.pool_shape = config.image_feature_pool_shape[:2]
        channels = args["MODEL.FPN.OUT_CHANNELS"]
        if channels != config.image_feature_pool_shape[2]:
            raise CheckpointError(
                f"image_feature_pool_shape says {config.image_feature_pool_shape[2]} channels, "
                f"MODEL.FPN.OUT_CHANNELS says {channels}; they must agree."
            )
        for name in ("pixel_mean", "pixel_std"):
            values = torch.tensor(args[f"MODEL.{name.upper()}"], dtype=torch.float32)
            self.register_buffer(name, values.view(-1, 1, 1), persistent=False)

    def forward(self, image: Tensor, *, all_levels: bool = False) -> Tensor:
        """Return (B, V, channels); ``all_levels`` as in ResNetFPN."""
        image = (image.to(self.pixel_mean.dtype) - self.pixel_mean) / self.pixel_std
        features = self.backbone(image, all_levels=all_levels)
        return functional.adaptive_avg_pool2d(features, self.pool_shape).flatten(2).transpose(1, 2)


class LayoutLMv2Model(nn.Module):
    """The encoder without a head, in the parts that the two exported graphs and the trainers need."""

    visual_bbox: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.visual = VisualBackbone(config)
        self.visual_proj = nn.Linear(config.image_feature_pool_shape[-1], config.hidden_size)
        if config.has_visual_segment_embedding:
            self.visual_segment_embedding = nn.Parameter(torch.empty(config.hidden_size).normal_())
        self.visual_LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.visual_dropout = nn.Dropout(config.hidden_dropout_prob)
        self.embeddings = Embeddings(config)
        self.encoder = BiasedLayers(config, fast_qkv=config.fast_qkv)
        self.pooler = Pooler(config)
        rows, columns = config.image_feature_pool_shape[:2]
        self.register_buffer("visual_bbox", grid_boxes(rows, columns)[None], persistent=False)

    def visual_embeddings(self, image: Tensor, *, all_levels: bool = False) -> Tensor:
        """Image (B, 3, 224, 224) BGR, 0-255 -> (B, V, D); depends on nothing but the image."""
        embeddings = self.visual_proj(self.visual(image, all_levels=all_levels))
        positions = torch.arange(embeddings.shape[1], device=embeddings.device)
        embeddings = embeddings + self.embeddings.position_embeddings(positions)
        embeddings = embeddings + self.embeddings.layout(self.visual_bbox)
        if self.config.has_visual_segment_embedding:
            embeddings = embeddings + self.visual_segment_embedding
        result: Tensor = self.visual_dropout(self.visual_LayerNorm(embeddings))
        return result

    def text_embeddings(self, input_ids: Tensor, bbox: Tensor, token_type_ids: Tensor) -> Tensor:
        """(B, L), (B, L, 4), (B, L) -> (B, L, D)."""
        result: Tensor = self.embeddings(input_ids, bbox, token_type_ids)
        return result

    def encode(self, text: Tensor, visual: Tensor, bbox: Tensor, attention_mask: Tensor) -> Tensor:
        """text (B, L, D), visual (B, V, D), bbox (B, L, 4), mask (B, L) -> (B, L + V, D), text first."""
        batch, length, visual_length = text.shape[0], text.shape[1], visual.shape[1]
        positions = torch.cat([torch.arange(length), torch.arange(visual_length)]).to(text.device)[None]
        all_bbox = torch.cat([bbox, self.visual_bbox.expand(batch, -1, -1)], dim=1)
        mask = torch.cat([attention_mask, attention_mask.new_ones(batch, visual_length)], dim=1)
        relative = self.encoder.relative_bias(positions, all_bbox)
        result: Tensor = self.encoder(torch.cat([text, visual], dim=1), mask, relative)
        return result


class LayoutLMv2(DocumentNetwork):
    """LayoutLMv2, and LayoutXLM, which differs in its vocabulary alone."""

    body_name = "layoutlmv2"
    config: Config

    def __init__(self, config: Config, heads: Mapping[str, int]) -> None:
        if "docvqa" in heads:
            # The reference's question-answering model has this embedding whatever its config says.
            config = dataclasses.replace(config, has_visual_segment_embedding=True)
        super().__init__(config, heads)
        self.layoutlmv2 = LayoutLMv2Model(config)
        self.add_heads()

    def head(self, task: str, labels: int) -> nn.Linear | DenseHead:
        """What makes ``labels`` logits of the features of a task: (D, or 3 * D for classification) -> labels."""
        return nn.Linear((3 if task == "classification" else 1) * self.config.hidden_size, labels)

    def states(
        self, input_ids: Tensor, bbox: Tensor, image: Tensor | None, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """States (B, L + V, D), text first, and visual embeddings (B, V, D)."""
        if image is None:
            raise TypeError("LayoutLMv2 looks at an image.")
        visual = self.layoutlmv2.visual_embeddings(image)
        text = self.layoutlmv2.text_embeddings(input_ids, bbox, token_type_ids)
        return self.layoutlmv2.encode(text, visual, bbox, attention_mask), visual

    def features(self, text: Tensor, hidden: Tensor, visual: Tensor | None) -> Tensor:
        """The CLS state and the mean visual embedding before and after the encoder: (B, 3 * D)."""
        assert visual is not None
        last_visual = hidden[:, text.shape[1] :]
        return torch.cat([text[:, 0], visual.mean(dim=1), last_visual.mean(dim=1)], dim=-1)

    def bare(self, hidden: Tensor) -> dict[str, Tensor]:
        """States and what the pooler makes of them."""
        return {"last_hidden_state": hidden, "pooler_output": self.layoutlmv2.pooler(hidden)}
