"""LayoutLMv2 in plain PyTorch: text, layout and image in one encoder with spatial-aware self-attention.

Paper: arXiv 2012.14740. Config and parameter names are Hugging Face's, so public checkpoints load as they are.
Shapes: B windows, L text tokens, V = 49 visual tokens, T = L + V (text first), H heads, D hidden size, C labels.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from layoutserve.model.errors import CheckpointError
from layoutserve.model.network.resnet_fpn import ResNetFPN, complete
from layoutserve.model.ops.relative_attention_bias import bucket_table

# Hugging Face's defaults, for a config.json that does not describe the backbone.
_BACKBONE: dict[str, Any] = {
    "MODEL.PIXEL_STD": [57.375, 57.12, 58.395],
    "MODEL.RESNETS.DEPTH": 101,
    "MODEL.RESNETS.NUM_GROUPS": 32,
    "MODEL.RESNETS.WIDTH_PER_GROUP": 8,
    "MODEL.RESNETS.STRIDE_IN_1X1": False,
}
_ACTIVATIONS = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}


@dataclass(frozen=True, slots=True)
class Config:
    """The network's sizes and switches, under Hugging Face's names and with its defaults; ``extra`` keeps the rest."""

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    max_2d_position_embeddings: int = 1024
    coordinate_size: int = 128
    shape_size: int = 128
    has_relative_attention_bias: bool = True
    rel_pos_bins: int = 32
    max_rel_pos: int = 128
    has_spatial_attention_bias: bool = True
    rel_2d_pos_bins: int = 64
    max_rel_2d_pos: int = 256
    fast_qkv: bool = True
    has_visual_segment_embedding: bool = False
    image_feature_pool_shape: tuple[int, int, int] = (7, 7, 256)
    detectron2_config_args: Mapping[str, Any] = field(default_factory=lambda: dict(_BACKBONE))
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> Self:
        """Read a Hugging Face ``config.json``. Raises CheckpointError for a network this one is not."""
        names = {entry.name for entry in dataclasses.fields(cls)} - {"extra"}
        known = {name: value for name, value in config.items() if name in names}
        if "image_feature_pool_shape" in known:
            known["image_feature_pool_shape"] = tuple(known["image_feature_pool_shape"])
        self = cls(**known, extra={name: value for name, value in config.items() if name not in names})
        if self.hidden_act not in _ACTIVATIONS:
            raise CheckpointError(
                f"hidden_act {self.hidden_act!r} is not supported; use one of {sorted(_ACTIVATIONS)}."
            )
        if self.hidden_size % self.num_attention_heads:
            raise CheckpointError("hidden_size must be a multiple of num_attention_heads.")
        if 4 * self.coordinate_size + 2 * self.shape_size != self.hidden_size:
            raise CheckpointError("4 * coordinate_size + 2 * shape_size must equal hidden_size.")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the entries of a Hugging Face ``config.json``, those this network does not know included."""
        own = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self) if entry.name != "extra"}
        own["image_feature_pool_shape"] = list(self.image_feature_pool_shape)
        own["detectron2_config_args"] = dict(self.detectron2_config_args)
        return {**self.extra, **own}


class Embeddings(nn.Module):
    """Tokens, positions, types and layout of the text; positions and layout of the visual tokens."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, size, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, size)
        self.x_position_embeddings = nn.Embedding(config.max_2d_position_embeddings, config.coordinate_size)
        self.y_position_embeddings = nn.Embedding(config.max_2d_position_embeddings, config.coordinate_size)
        self.h_position_embeddings = nn.Embedding(config.max_2d_position_embeddings, config.shape_size)
        self.w_position_embeddings = nn.Embedding(config.max_2d_position_embeddings, config.shape_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def layout(self, bbox: Tensor) -> Tensor:
        """Bbox int64 (B, N, 4), 0-1000 -> (B, N, D): x0, y0, x1, y1, height and width side by side."""
        x0, y0, x1, y1 = bbox.unbind(-1)
        return torch.cat(
            [
                self.x_position_embeddings(x0),
                self.y_position_embeddings(y0),
                self.x_position_embeddings(x1),
                self.y_position_embeddings(y1),
                self.h_position_embeddings(y1 - y0),
                self.w_position_embeddings(x1 - x0),
            ],
            dim=-1,
        )

    def forward(self, input_ids: Tensor, bbox: Tensor, token_type_ids: Tensor) -> Tensor:
        """(B, L), (B, L, 4), (B, L) -> (B, L, D)."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        embeddings = self.word_embeddings(input_ids) + self.position_embeddings(positions)
        embeddings = embeddings + self.layout(bbox) + self.token_type_embeddings(token_type_ids)
        result: Tensor = self.dropout(self.LayerNorm(embeddings))
        return result


class SelfAttention(nn.Module):
    """Multi-head attention whose scores carry an additive bias (B|1, H, T, T): relative positions and the mask."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size = config.hidden_size
        self.heads, self.head_size = config.num_attention_heads, size // config.num_attention_heads
        self.fast_qkv = config.fast_qkv
        if config.fast_qkv:
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
        """(B, T, D), bias (B|1, H, T, T) -> (B, T, D)."""
        batch, tokens, size = hidden.shape
        query, key, value = (
            part.view(batch, tokens, self.heads, self.head_size).transpose(1, 2)  # (B, H, T, d)
            for part in self.project(hidden)
        )
        scores: Tensor = (query / math.sqrt(self.head_size)) @ key.transpose(-1, -2) + bias  # (B, H, T, T)
        probabilities = self.dropout(scores.float().softmax(dim=-1).to(value.dtype))
        context: Tensor = (probabilities @ value).transpose(1, 2).reshape(batch, tokens, size)
        return context


class _Residual(nn.Module):
    """Linear, dropout, residual, LayerNorm: the tail of both halves of a layer."""

    def __init__(self, inputs: int, config: Config) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden: Tensor, residual: Tensor) -> Tensor:
        result: Tensor = self.LayerNorm(self.dropout(self.dense(hidden)) + residual)
        return result


class _Attention(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.self = SelfAttention(config)
        self.output = _Residual(config.hidden_size, config)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        result: Tensor = self.output(self.self(hidden, bias), hidden)
        return result


class _Intermediate(nn.Module):
    def __init__(self, config: Config) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)
        self.approximate = _ACTIVATIONS[config.hidden_act]

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.gelu(self.dense(hidden), approximate=self.approximate)


class Layer(nn.Module):
    """One transformer layer: (B, T, D) and bias (B|1, H, T, T) -> (B, T, D)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.attention = _Attention(config)
        self.intermediate = _Intermediate(config)
        self.output = _Residual(config.intermediate_size, config)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        hidden = self.attention(hidden, bias)
        result: Tensor = self.output(self.intermediate(hidden), hidden)
        return result


class Encoder(nn.Module):
    """The layers and the relative-bias tables they share."""

    buckets_1d: Tensor
    buckets_2d: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.gradient_checkpointing = False
        self.layer = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
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

    def relative_bias(self, position_ids: Tensor, bbox: Tensor) -> Tensor | None:
        """position_ids int64 (B|1, T), bbox int64 (B, T, 4) -> (B|1, H, T, T), or None when both biases are off.

        Gradients reach the tables (the reference cuts them off, so that its biases never train).
        """
        terms = []
        if self.config.has_relative_attention_bias:
            terms.append(_bias(self.rel_pos_bias.weight, self.buckets_1d, position_ids))
        if self.config.has_spatial_attention_bias:
            terms.append(_bias(self.rel_pos_x_bias.weight, self.buckets_2d, bbox[..., 0]))
            terms.append(_bias(self.rel_pos_y_bias.weight, self.buckets_2d, bbox[..., 3]))
        return sum(terms[1:], start=terms[0]) if terms else None

    def forward(self, hidden: Tensor, position_ids: Tensor, bbox: Tensor, attention_mask: Tensor) -> Tensor:
        """(B, T, D), (1, T), (B, T, 4), mask (B, T) of 1 and 0 -> (B, T, D)."""
        relative = self.relative_bias(position_ids, bbox)
        bias = hidden.new_zeros(1, 1, 1, 1) if relative is None else relative.to(hidden.dtype)
        bias = bias.masked_fill(attention_mask[:, None, None, :] == 0, torch.finfo(hidden.dtype).min)
        for layer in self.layer:
            if self.gradient_checkpointing and self.training:
                hidden = checkpoint(layer, hidden, bias, use_reentrant=False)
            else:
                hidden = layer(hidden, bias)
        return hidden


def _bias(weight: Tensor, buckets: Tensor, coordinates: Tensor) -> Tensor:
    """weight (H, bins), buckets int64 (2M + 1,), coordinates int64 (B, T) -> (B, H, T, T)."""
    limit = len(buckets) // 2
    distance = coordinates[:, None, :] - coordinates[:, :, None]  # key minus query
    # An embedding look-up, because its backward pass is a sum over rows, not a scatter over (B, H, T, T).
    by_distance = weight.t()[buckets]  # (2M + 1, H)
    return functional.embedding(distance.clamp(-limit, limit) + limit, by_distance).permute(0, 3, 1, 2)


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


class Pooler(nn.Module):
    """The first token's state through a linear layer and tanh: (B, T, D) -> (B, D)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, T, D) -> (B, D)."""
        return torch.tanh(self.dense(hidden[:, 0]))


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
        self.encoder = Encoder(config)
        self.pooler = Pooler(config)
        self.register_buffer("visual_bbox", visual_bbox(config), persistent=False)

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
        result: Tensor = self.encoder(torch.cat([text, visual], dim=1), positions, all_bbox, mask)
        return result


class TokenClassification(nn.Module):
    """Head of kie: (B, L, D) -> (B, L, C)."""

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, labels)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, L, D) -> (B, L, C)."""
        result: Tensor = self.classifier(self.dropout(hidden))
        return result


class SequenceClassification(nn.Module):
    """Head of classification: the CLS state and the mean visual embedding before and after the encoder."""

    def __init__(self, config: Config, labels: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(3 * config.hidden_size, labels)

    def forward(self, cls: Tensor, first_visual: Tensor, last_visual: Tensor) -> Tensor:
        """(B, D), (B, V, D), (B, V, D) -> (B, C)."""
        features = torch.cat([cls, first_visual.mean(dim=1), last_visual.mean(dim=1)], dim=-1)
        result: Tensor = self.classifier(self.dropout(features))
        return result


class QuestionAnswering(nn.Module):
    """Head of docvqa: (B, L, D) -> start and end logits, each (B, L)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.qa_outputs = nn.Linear(config.hidden_size, 2)

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, D) -> (B, L), (B, L)."""
        start, end = self.qa_outputs(hidden).unbind(-1)
        return start, end


class LayoutLMv2(nn.Module):
    """One encoder with any of the heads kie, classification and docvqa.

    ``heads`` maps a task to its number of labels (2 for docvqa). Without a head the network returns the states.
    """

    def __init__(self, config: Config, heads: Mapping[str, int]) -> None:
        super().__init__()
        if "docvqa" in heads:
            # The reference's question-answering model has this embedding whatever its config says.
            config = dataclasses.replace(config, has_visual_segment_embedding=True)
        self.config = config
        self.heads = dict(heads)
        self.layoutlmv2 = LayoutLMv2Model(config)
        if "kie" in heads:
            self.kie = TokenClassification(config, heads["kie"])
        if "classification" in heads:
            self.classification = SequenceClassification(config, heads["classification"])
        if "docvqa" in heads:
            self.docvqa = QuestionAnswering(config)
        self.apply(self._initialise)

    def forward(
        self,
        input_ids: Tensor,
        bbox: Tensor,
        image: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """(B, L), (B, L, 4), (B, 3, 224, 224), (B, L), (B, L) -> the outputs named in model/encoding/tensors.py."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        visual = self.layoutlmv2.visual_embeddings(image)
        text = self.layoutlmv2.text_embeddings(input_ids, bbox, types)
        return self.outputs(self.layoutlmv2.encode(text, visual, bbox, mask), visual)

    def outputs(self, hidden: Tensor, visual: Tensor) -> dict[str, Tensor]:
        """States (B, L + V, D) and first visual embeddings (B, V, D) -> the outputs of every head."""
        length = hidden.shape[1] - visual.shape[1]
        text, last_visual = hidden[:, :length], hidden[:, length:]
        outputs: dict[str, Tensor] = {}
        if "kie" in self.heads:
            outputs["kie_logits"] = self.kie(text)
        if "classification" in self.heads:
            outputs["classification_logits"] = self.classification(text[:, 0], visual, last_visual)
        if "docvqa" in self.heads:
            outputs["docvqa_start_logits"], outputs["docvqa_end_logits"] = self.docvqa(text)
        if not self.heads:
            outputs["last_hidden_state"], outputs["pooler_output"] = hidden, self.layoutlmv2.pooler(hidden)
        return outputs

    def _initialise(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                with torch.no_grad():
                    module.weight[module.padding_idx].zero_()
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)


def visual_bbox(config: Config) -> Tensor:
    """Boxes of the visual tokens on the 0-1000 page, row by row: int64 (1, V, 4)."""
    rows, columns = config.image_feature_pool_shape[:2]
    x = torch.arange(columns + 1) * 1000 // columns
    y = torch.arange(rows + 1) * 1000 // rows
    top, left = torch.meshgrid(y[:-1], x[:-1], indexing="ij")
    bottom, right = torch.meshgrid(y[1:], x[1:], indexing="ij")
    return torch.stack([left, top, right, bottom], dim=-1).reshape(1, rows * columns, 4)
