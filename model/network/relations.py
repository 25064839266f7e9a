"""The relation head of unilm's layoutlmft: which answer belongs to which question, for all pairs at once.

The original walks Python lists of entities. Here the entities of a window are padded to the same number, and two small
matrix products score every pair. Shapes: B windows, L text tokens, E entities, D hidden size.
"""

import torch
from torch import Tensor, nn

ENTITY_KINDS = 3
"""Other, question, answer."""


class RelationClassifier(nn.Module):
    """Logits of pairs: bilinear in both, plus linear in each. Weights as the original names them."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.bilinear = nn.Bilinear(size, size, 2, bias=False)
        self.linear = nn.Linear(2 * size, 2)

    def forward(self, head: Tensor, tail: Tensor) -> Tensor:
        """(B, E, size), (B, E, size) -> (B, E, E, 2), the head's entity first."""
        both = torch.einsum("bim,omn,bjn->bijo", head, self.bilinear.weight, tail)
        of_head, of_tail = self.linear.weight.chunk(2, dim=1)
        return both + (head @ of_head.t())[:, :, None] + (tail @ of_tail.t())[:, None] + self.linear.bias


class Extractor(nn.Module):
    """An entity is its first token's state beside an embedding of its kind; two small networks read it."""

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.entity_emb = nn.Embedding(ENTITY_KINDS, size)
        self.ffnn_head = _projection(size, dropout)
        self.ffnn_tail = _projection(size, dropout)
        self.rel_classifier = RelationClassifier(size // 2)

    def forward(self, text: Tensor, entity_start: Tensor, entity_label: Tensor) -> Tensor:
        """States (B, L, D), first tokens (B, E), -1 for none, kinds (B, E) -> logits (B, E, E, 2); 0 of no entity."""
        there = entity_start >= 0
        first = entity_start.clamp(min=0)[:, :, None].expand(-1, -1, text.shape[2])
        kinds = self.entity_emb(torch.where(there, entity_label, 0))
        entities = torch.cat([text.gather(1, first), kinds], dim=-1)
        logits: Tensor = self.rel_classifier(self.ffnn_head(entities), self.ffnn_tail(entities))
        return logits * (there[:, :, None] & there[:, None])[..., None]


class Relations(nn.Module):
    """Head of relations; index 1 of its logits says *linked*, entity i being the question and j the answer."""

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.extractor = Extractor(size, dropout)

    def forward(self, text: Tensor, entity_start: Tensor, entity_label: Tensor) -> Tensor:
        """As ``Extractor``."""
        result: Tensor = self.extractor(text, entity_start, entity_label)
        return result


def _projection(size: int, dropout: float) -> nn.Sequential:
    wide, narrow = nn.Linear(2 * size, size), nn.Linear(size, size // 2)
    return nn.Sequential(wide, nn.ReLU(), nn.Dropout(dropout), narrow, nn.ReLU(), nn.Dropout(dropout))
