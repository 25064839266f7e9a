"""What LayoutLM, LayoutLMv2, LayoutLMv3 and LiLT have in common: an encoder with any of three heads.

Shapes: B windows, L text tokens, V visual tokens (none for a family without a picture), D hidden size, C labels.
"""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from layoutserve.model.network.config import NetworkConfig
from layoutserve.model.network.heads import Classifier, DenseHead, QuestionAnswering
from layoutserve.model.network.relations import Relations


class DocumentNetwork(nn.Module):
    """An encoder with any of the heads kie, classification, docvqa and relations.

    ``heads`` maps a task to its number of labels (2 for docvqa and relations). Without a head the network returns the
    states. A subclass names its encoder as Hugging Face does (``body_name``), makes it and then calls ``add_heads``.
    """

    body_name: str

    def __init__(self, config: NetworkConfig, heads: Mapping[str, int]) -> None:
        super().__init__()
        self.config = config
        self.heads = dict(heads)

    def add_heads(self) -> None:
        """Make the heads, and give every parameter its first value."""
        dropout = self.config.hidden_dropout_prob
        if "kie" in self.heads:
            self.kie = Classifier(self.head("kie", self.heads["kie"]), dropout)
        if "classification" in self.heads:
            self.classification = Classifier(self.head("classification", self.heads["classification"]), dropout)
        if "docvqa" in self.heads:
            self.docvqa = QuestionAnswering(self.head("docvqa", 2))
        if "relations" in self.heads:
            self.relations = Relations(self.config.hidden_size, dropout)
        self.apply(self._initialise)

    @property
    def body(self) -> nn.Module:
        """The encoder without its heads."""
        return self.get_submodule(self.body_name)

    def head(self, task: str, labels: int) -> nn.Linear | DenseHead:
        """What makes ``labels`` logits of the features of a task."""
        return nn.Linear(self.config.hidden_size, labels)

    @abstractmethod
    def states(
        self, input_ids: Tensor, bbox: Tensor, image: Tensor | None, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """States (B, L + V, D), text first, and what the encoder was given of the picture (B, V, D)."""

    def features(self, text: Tensor, hidden: Tensor, visual: Tensor | None) -> Tensor:
        """What the head of classification looks at: states of the text and of all, visual embeddings -> (B, D)."""
        return text[:, 0]

    def bare(self, hidden: Tensor) -> dict[str, Tensor]:
        """The outputs of a network without a head, from its states (B, L + V, D)."""
        return {"last_hidden_state": hidden}

    def forward(
        self,
        input_ids: Tensor,
        bbox: Tensor,
        image: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        entity_start: Tensor | None = None,
        entity_label: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """(B, L), (B, L, 4), (B, 3, 224, 224), (B, L), (B, L) -> the outputs named in model/encoding/tensors.py.

        A family without a picture looks at no image; entities (B, E) are what the head of relations scores.
        """
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        hidden, visual = self.states(input_ids, bbox, image, mask, types)
        outputs = self.outputs(hidden, visual, input_ids.shape[1])
        if "relations" in self.heads:
            if entity_start is None or entity_label is None:
                raise TypeError("The head of relations needs entity_start and entity_label.")
            outputs["relation_logits"] = self.relations(hidden[:, : input_ids.shape[1]], entity_start, entity_label)
        return outputs

    def outputs(self, hidden: Tensor, visual: Tensor | None, length: int) -> dict[str, Tensor]:
        """States (B, L + V, D), visual embeddings (B, V, D) and L -> the outputs of every head."""
        if not self.heads:
            return self.bare(hidden)
        text = hidden[:, :length]
        outputs: dict[str, Tensor] = {}
        if "kie" in self.heads:
            outputs["kie_logits"] = self.kie(text)
        if "classification" in self.heads:
            outputs["classification_logits"] = self.classification(self.features(text, hidden, visual))
        if "docvqa" in self.heads:
            outputs["docvqa_start_logits"], outputs["docvqa_end_logits"] = self.docvqa(text)
        return outputs

    def _initialise(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                with torch.no_grad():
                    module.weight[module.padding_idx].zero_()
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
