"""What stands on an encoder: heads of kie, classification and docvqa.

Parameter names are Hugging Face's. Shapes: B windows, L text tokens, V visual tokens, D hidden size, C labels.
"""

import torch
from torch import Tensor, nn


class DenseHead(nn.Module):
    """RoBERTa's head: dropout, linear, tanh, dropout, linear: (..., D) -> (..., C)."""

    def __init__(self, size: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(size, size)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(size, labels)

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., D) -> (..., C)."""
        result: Tensor = self.out_proj(self.dropout(torch.tanh(self.dense(self.dropout(hidden)))))
        return result


class Classifier(nn.Module):
    """Head of kie, on every token, and of classification, on features of the whole window."""

    def __init__(self, classifier: nn.Linear | DenseHead, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifier = classifier

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., D) -> (..., C)."""
        result: Tensor = self.classifier(self.dropout(hidden))
        return result


class QuestionAnswering(nn.Module):
    """Head of docvqa: (B, L, D) -> start and end logits, each (B, L)."""

    def __init__(self, outputs: nn.Linear | DenseHead) -> None:
        super().__init__()
        self.qa_outputs = outputs

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, D) -> (B, L), (B, L)."""
        start, end = self.qa_outputs(hidden).unbind(-1)
        return start, end
