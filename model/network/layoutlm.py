"""LayoutLM, the first of the family, in plain PyTorch: BERT with the places of words added to its embeddings.

Paper: arXiv 1912.13318. Config and parameter names are Hugging Face's, so public checkpoints load as they are. It
looks at no picture and has no relative biases. Shapes: B windows, L text tokens, D hidden size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from layoutserve.model.network.box_embeddings import BoxEmbeddings
from layoutserve.model.network.config import NetworkConfig
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.transformer import Layers, Pooler


@dataclass(frozen=True, slots=True)
class Config(NetworkConfig):
    """What the network is: the entries that all relatives share, and no other."""

    model_type: ClassVar[str] = "layoutlm"


class Embeddings(BoxEmbeddings):
    """Tokens, positions, types and places, all of D numbers and all added up."""

    def __init__(self, config: Config) -> None:
        size = config.hidden_size
        super().__init__(config.max_2d_position_embeddings, size, size)
        self.word_embeddings = nn.Embedding(config.vocab_size, size, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, size)
        self.LayerNorm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: Tensor, bbox: Tensor, token_type_ids: Tensor) -> Tensor:
        """(B, L), (B, L, 4), (B, L) -> (B, L, D)."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        embeddings = self.word_embeddings(input_ids) + self.position_embeddings(positions)
        embeddings = sum(self.boxes(bbox), start=embeddings) + self.token_type_embeddings(token_type_ids)
        result: Tensor = self.dropout(self.LayerNorm(embeddings))
        return result


class LayoutLMModel(nn.Module):
    """The encoder without a head."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Layers(config)
        self.pooler = Pooler(config)

    def forward(self, input_ids: Tensor, bbox: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """(B, L), (B, L, 4), (B, L), (B, L) -> (B, L, D)."""
        result: Tensor = self.encoder(self.embeddings(input_ids, bbox, token_type_ids), attention_mask)
        return result


class LayoutLM(DocumentNetwork):
    """LayoutLM with any heads; the one of classification stands on the pooled CLS state."""

    body_name = "layoutlm"

    def __init__(self, config: Config, heads: Mapping[str, int]) -> None:
        super().__init__(config, heads)
        self.layoutlm = LayoutLMModel(config)
        self.add_heads()

    def states(
        self, input_ids: Tensor, bbox: Tensor, image: Tensor | None, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """States (B, L, D), and nothing of a picture."""
        return self.layoutlm(input_ids, bbox, attention_mask, token_type_ids), None

    def features(self, text: Tensor, hidden: Tensor, visual: Tensor | None) -> Tensor:
        """The pooled CLS state: (B, D)."""
        result: Tensor = self.layoutlm.pooler(text)
        return result

    def bare(self, hidden: Tensor) -> dict[str, Tensor]:
        """States and what the pooler makes of them."""
        return {"last_hidden_state": hidden, "pooler_output": self.layoutlm.pooler(hidden)}
