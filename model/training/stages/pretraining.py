"""LayoutLMv2's three pre-training objectives (arXiv 2012.14740, section 2.3).

masked visual-language modelling  15 % of the tokens are hidden (of these 80 % by [MASK], 10 % by another token, 10 %
                                  left) and predicted; their regions are hidden in the picture too
text-image alignment              some lines are covered in the picture; every token says whether its line is, hidden
                                  tokens left out; in a pair that does not match every token counts as covered
text-image matching               15 % of the pictures are those of another page, 5 % are dropped; the first token says
                                  whether picture and text belong together

Shapes: B windows, L text tokens, D hidden size.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from layoutserve.model.encoding.encoder import IGNORE, Encoder
from layoutserve.model.encoding.tensors import IMAGE_SIZE, Encoding
from layoutserve.model.errors import CheckpointError
from layoutserve.model.network.layoutlmv2 import LayoutLMv2
from layoutserve.model.training.stages.augmentation import noisy_words, shift
from layoutserve.model.training.stages.batches import Batch, Sheet, Target, buckets, collate, group_weights
from layoutserve.model.training.stages.initial import FRESH
from layoutserve.model.training.stages.loop import Schedule, State, optimizer, run

OBJECTIVES = ("mvlm", "tia", "tim")


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of corruption, as the paper has them; ``covered`` (lines) is not given there and is ours."""

    masked: float = 0.15
    covered: float = 0.15
    replaced: float = 0.15
    dropped: float = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One window with the text line of each token, int64 (L,), -1 for special tokens."""

    encoding: Encoding
    lines: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Corrupted:
    """A corrupted batch with its targets: hidden tokens (B, L), covered (B, L), matching (B,); IGNORE where none."""

    batch: Batch
    hidden: Tensor
    covered: Tensor
    matching: Tensor

    def __len__(self) -> int:
        return len(self.batch)

    def to(self, device: torch.device) -> "Corrupted":
        """The batch on another device."""
        return Corrupted(
            self.batch.to(device), self.hidden.to(device), self.covered.to(device), self.matching.to(device)
        )


def windows(page: Sheet, encoder: Encoder) -> list[Line]:
    """The windows of a page with the line of every token."""
    line_of = np.array([*(word.line for word in page.words), -1], dtype=np.int64)
    return [Line(encoding, line_of[encoding.word_index]) for encoding in encoder.encode(page.page)]


def corrupt(
    rows: Sequence[Line], rng: np.random.Generator, *, mask_id: int, vocabulary: int, rates: Rates | None = None
) -> Corrupted:
    """Hide tokens, cover lines, exchange and drop pictures. A lone row keeps its picture or loses it."""
    rates = rates or Rates()
    batch = collate([Target(row.encoding) for row in rows], 1)
    size, length = batch.input_ids.shape
    lines = np.full((size, length), -1, dtype=np.int64)
    for i, row in enumerate(rows):
        lines[i, : len(row.lines)] = row.lines
    is_text = lines >= 0
    ids = batch.input_ids.numpy().copy()
    masked = is_text & (rng.random(ids.shape) < rates.masked)
    hidden = np.where(masked, ids, IGNORE)
    dice = rng.random(ids.shape)
    ids = np.where(masked & (dice < 0.8), mask_id, ids)
    other = masked & (dice >= 0.8) & (dice < 0.9)
    ids = np.where(other, rng.integers(0, vocabulary, ids.shape), ids)

    dice = rng.random(size)
    replaced = (dice < rates.replaced) & (size > 1)
    dropped = (dice >= rates.replaced) & (dice < rates.replaced + rates.dropped)
    matching = np.where(replaced | dropped, 0, 1)
    covered = np.zeros(ids.shape, dtype=np.bool_)
    for i in range(size):
        present = np.unique(lines[i][is_text[i]])
        covered[i] = np.isin(lines[i], present[rng.random(len(present)) < rates.covered]) & is_text[i]
    assert batch.image is not None  # LayoutLMv2's
    images = batch.image.numpy().copy()
    images[replaced] = np.roll(images, 1, axis=0)[replaced]
    images[dropped] = 0
    boxes = batch.bbox.numpy() * IMAGE_SIZE / 1000
    for i in range(size):
        for x0, y0, x1, y1 in boxes[i][masked[i] | covered[i]]:
            images[i, :, int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = 0
    alignment = np.where(is_text & ~masked, np.where(matching[:, None] == 1, covered, 1), IGNORE)
    return Corrupted(
        batch=Batch(
            **{name: getattr(batch, name) for name in Batch.__slots__ if name not in ("input_ids", "image")},
            input_ids=torch.from_numpy(ids),
            image=torch.from_numpy(images),
        ),
        hidden=torch.from_numpy(hidden),
        covered=torch.from_numpy(alignment),
        matching=torch.from_numpy(matching),
    )


class Pretraining(nn.Module):
    """A network with the three pre-training heads; the decoder of hidden tokens shares the word embeddings."""

    def __init__(self, network: LayoutLMv2) -> None:
        super().__init__()
        config = network.config
        size = config.hidden_size
        self.network = network
        self.transform = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.LayerNorm(size, eps=config.layer_norm_eps))
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.alignment = nn.Linear(size, 2)
        self.matching = nn.Linear(size, 2)

    def forward(self, rows: Corrupted, objectives: Sequence[str] = OBJECTIVES) -> dict[str, Tensor]:
        """The losses asked for, each averaged over its targets; zero where a batch has no target."""
        batch, model = rows.batch, self.network.layoutlmv2
        assert batch.image is not None
        visual = model.visual_embeddings(batch.image)
        text = model.text_embeddings(batch.input_ids, batch.bbox, batch.token_type_ids)
        states = model.encode(text, visual, batch.bbox, batch.attention_mask)
        states_text = states[:, : batch.input_ids.shape[1]]
        losses = {}
        if "mvlm" in objectives:
            at = rows.hidden != IGNORE
            logits = self.transform(states_text[at]) @ model.embeddings.word_embeddings.weight.t() + self.bias
            losses["mvlm"] = functional.cross_entropy(logits.float(), rows.hidden[at], reduction="sum") / max(
                int(at.sum()), 1
            )
        if "tia" in objectives:
            at = rows.covered != IGNORE
            logits = self.alignment(states_text[at]).float()
            losses["tia"] = functional.cross_entropy(logits, rows.covered[at], reduction="sum") / max(int(at.sum()), 1)
        if "tim" in objectives:
            losses["tim"] = functional.cross_entropy(self.matching(model.pooler(states)).float(), rows.matching)
        return losses


def pretrain(
    network: LayoutLMv2,
    pages: Sequence[Sheet],
    tokenizer: Path,
    schedule: Schedule,
    folder: Path,
    *,
    objectives: Sequence[str] = OBJECTIVES,
    max_tokens: int = 512,
    device: torch.device | None = None,
) -> State:
    """Pre-train in place on pages with words; resumes from ``folder``. Pages are drawn evenly over their groups.

    Afterwards ``network`` holds the encoder; the three heads are left in the state to resume from only.
    """
    device = device or torch.device("cpu")
    encoder = Encoder(tokenizer, max_tokens=max_tokens)
    mask_id = Tokenizer.from_file(str(tokenizer)).token_to_id("[MASK]")
    if mask_id is None:
        raise CheckpointError(f"{tokenizer} has no [MASK] token, which masked language modelling needs.")
    module = Pretraining(network).to(device)
    adam = optimizer(module, schedule, FRESH)

    def batches(step: int) -> Iterator[Corrupted]:
        rng = np.random.default_rng((schedule.seed, step))
        for group in buckets(_drawn_windows(pages, encoder, rng), schedule.batch_size, rng):
            yield corrupt(group, rng, mask_id=mask_id, vocabulary=network.config.vocab_size).to(device)

    return run(module, adam, batches, lambda batch: module(batch, objectives), schedule, folder, device=device)


def _drawn_windows(pages: Sequence[Sheet], encoder: Encoder, rng: np.random.Generator) -> Iterator[Line]:
    weights = group_weights(pages)
    dice = random.Random(int(rng.integers(2**31)))
    while True:
        page = pages[int(rng.choice(len(pages), p=weights))]
        changed = shift(noisy_words(page, dice, 0.01), dice, 0.002)
        found = windows(changed, encoder)
        yield found[int(rng.integers(len(found)))]
