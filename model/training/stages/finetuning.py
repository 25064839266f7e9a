"""Supervised training of one encoder with any of the heads: key information, classes, questions.

Every step draws windows of all kinds. A window without a question feeds the KIE and classification heads, one with a
question the DocVQA head, and the KIE head with half the weight. Sources label different entities: where a source
does not label TAX, a word it leaves unlabelled may be TAX, so its loss is the probability of "O or any label this
source does not know". An answer that stands in several places is right at each.

Shapes: B windows, L text tokens, C labels.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from layoutserve.model.bundle import LAYOUTLMV2, Inputs
from layoutserve.model.encoding.encoder import IGNORE, MAX_TOKENS, Encoder
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.training.data.example import Question
from layoutserve.model.training.evaluation.inference import Infer
from layoutserve.model.training.stages.augmentation import Augmentation
from layoutserve.model.training.stages.batches import (
    Batch,
    Labels,
    Sheet,
    Target,
    buckets,
    collate,
    group_weights,
    targets,
)
from layoutserve.model.training.stages.initial import FRESH
from layoutserve.model.training.stages.loop import Schedule, State, Stop, optimizer, run

Ask = Callable[[Sheet, random.Random], Question | None]
_LEAST_TOKENS = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Pages that are drawn together. weight: share of all windows. asked: share of its windows with a question.

    lengths: window sizes, one of which is drawn each time; short ones where a page's class is all there is to learn.
    augmentation: None leaves pages as they are. pool: values to swap in. ask: makes a question for a page; by default
    one of its own is drawn.
    """

    pages: Sequence[Sheet]
    weight: float = 1.0
    asked: float = 0.0
    lengths: tuple[int, ...] = (MAX_TOKENS,)
    augmentation: Augmentation | None = None
    pool: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ask: Ask | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the heads' losses."""

    kie: float = 1.0
    kie_asked: float = 0.5
    classification: float = 0.3
    docvqa: float = 1.0


def losses(outputs: Mapping[str, Tensor], batch: Batch, weights: Weights) -> dict[str, Tensor]:
    """The weighted losses of the heads that have something to learn from this batch."""
    result = {}
    if "kie_logits" in outputs:
        row, column = torch.where(batch.kie != IGNORE)
        if len(row):
            each = kie_loss(outputs["kie_logits"][row, column], batch.kie[row, column], batch.unlabelled[row])
            share = torch.where(batch.asked[row], weights.kie_asked, weights.kie)
            share = share * token_weights(row, batch.kie[row, column])
            result["kie"] = (each * share).sum() / share.sum() * weights.kie
    if "classification_logits" in outputs and (batch.document_class >= 0).any():
        logits = outputs["classification_logits"].float()
        result["classification"] = weights.classification * functional.cross_entropy(
            logits, batch.document_class, ignore_index=-1, label_smoothing=0.02
        )
    if "docvqa_start_logits" in outputs and batch.asked.any():
        at = batch.asked
        # The answer is a word of the page or CLS, never the question or a separator.
        allowed = batch.words[at].clone()
        allowed[:, 0] = True
        start = _place_loss(outputs["docvqa_start_logits"][at], batch.starts[at], allowed)
        end = _place_loss(outputs["docvqa_end_logits"][at], batch.ends[at], allowed)
        result["docvqa"] = weights.docvqa * (start + end) / 2
    return result


def kie_loss(logits: Tensor, labels: Tensor, unlabelled: Tensor) -> Tensor:
    """-log p of each token's label: logits (N, C), labels (N,), unlabelled bool (N, C) -> (N,).

    For O (label 0) it is -log of the probability of O and all labels that the token's source does not know.
    """
    allowed = functional.one_hot(labels, logits.shape[1]).bool() | (unlabelled & (labels == 0)[:, None])
    logits = logits.float()
    return logits.logsumexp(dim=1) - logits.masked_fill(~allowed, -torch.inf).logsumexp(dim=1)


def token_weights(row: Tensor, labels: Tensor) -> Tensor:
    """Weight of each token (N,) from its window and its label's index, int64 (N,) each.

    A date, a tax or a due date is one word among hundreds, and is drowned by O and by long addresses. An entity of
    fewer than ``_LEAST_TOKENS`` tokens in a window counts as if it had that number; all others count one each.
    """
    entity = (labels + 1) // 2  # 0 for O; B-X and I-X are the same entity
    place = row * (int(entity.max()) + 1) + entity
    counts = torch.bincount(place)[place]
    return torch.where(entity > 0, (_LEAST_TOKENS / counts).clamp(min=1.0), 1.0)


def _place_loss(logits: Tensor, places: Tensor, allowed: Tensor) -> Tensor:
    """Mean of -log of the summed probability of all right places: (B, L) each -> scalar."""
    logits = logits.float().masked_fill(~allowed, -torch.inf)
    right = logits.masked_fill(~(places & allowed), -torch.inf)
    return (logits.logsumexp(dim=1) - right.logsumexp(dim=1)).mean()


def draw(
    sources: Sequence[Source], tokenizer: Path, labels: Labels, seed: int, inputs: Inputs = LAYOUTLMV2
) -> Iterator[Target]:
    """Endless windows with targets, the same for the same seed."""
    rng = np.random.default_rng(seed)
    dice = random.Random(seed)
    shares = np.array([source.weight for source in sources])
    shares = shares / shares.sum()
    weights = [group_weights(source.pages) for source in sources]
    encoders = {size: Encoder(tokenizer, inputs, max_tokens=size) for source in sources for size in source.lengths}
    while True:
        index = int(rng.choice(len(sources), p=shares))
        source = sources[index]
        page = source.pages[int(rng.choice(len(source.pages), p=weights[index]))]
        if source.augmentation is not None:
            page = source.augmentation(page, dice, source.pool)
        question = None
        if dice.random() < source.asked:
            question = (source.ask or _own)(page, dice)
        rows = targets(page, encoders[dice.choice(source.lengths)], labels, question)
        yield _window(rows, dice)


def _own(page: Sheet, dice: random.Random) -> Question | None:
    known = [question for question in page.questions if question.spans is not None]
    return dice.choice(known) if known else None


def _window(rows: Sequence[Target], dice: random.Random) -> Target:
    """One window; of a page with an answer mostly one that has it."""
    with_answer = [row for row in rows if row.answers and row.answers != ((0, 0),)]
    return dice.choice(with_answer if with_answer and dice.random() < 0.8 else rows)


def finetune(
    network: DocumentNetwork,
    sources: Sequence[Source],
    labels: Labels,
    tokenizer: Path,
    schedule: Schedule,
    folder: Path,
    *,
    inputs: Inputs = LAYOUTLMV2,
    weights: Weights | None = None,
    validate: Callable[[DocumentNetwork], float] | None = None,
    validate_steps: int = 500,
    patience: int = 0,
    rank: int = 0,
    device: torch.device | None = None,
) -> State:
    """Train ``network`` in place; resumes from ``folder``.

    inputs: what the network is given of a page beside its words.
    validate: gives a score, the higher the better, every ``validate_steps``; the best weights so far are kept in
    ``best.pt`` and are those the network ends with. patience: validations without gain before stopping, 0 for never.
    rank: of this process, where ``loop.spread`` started several.
    """
    device = device or torch.device("cpu")
    weights = weights or Weights()
    network.to(device)
    adam = optimizer(network, schedule, FRESH)
    best = folder / "best.pt"

    def batches(step: int) -> Iterator[Batch]:
        # Processes draw other windows, but of the same length at the same time: none waits for another.
        rng = np.random.default_rng((schedule.seed, step))
        rows = draw(sources, tokenizer, labels, schedule.seed * 1_000_003 + 7 * step + rank, inputs)
        for group in buckets(rows, schedule.batch_size, rng):
            yield collate(group, len(labels.kie)).to(device)

    def step_losses(batch: Batch) -> dict[str, Tensor]:
        outputs = network(batch.input_ids, batch.bbox, batch.image, batch.attention_mask, batch.token_type_ids)
        return losses(outputs, batch, weights)

    def on_step(state: State) -> None:
        if validate is None or rank or state.step % validate_steps:
            return
        network.eval()
        score = validate(network)
        if score > state.best:
            state.best, state.since_best = score, 0
            torch.save(network.state_dict(), best)
        else:
            state.since_best += 1
            if patience and state.since_best >= patience:
                raise Stop

    state = run(network, adam, batches, step_losses, schedule, folder, on_step=on_step, device=device)
    if validate is not None and rank == 0:
        network.eval()
        if validate(network) >= state.best or not best.is_file():
            torch.save(network.state_dict(), best)
        network.load_state_dict(torch.load(best, map_location=device, weights_only=True))
    network.eval()
    return state


def torch_infer(network: DocumentNetwork, batch_size: int = 8) -> Infer:
    """The network as ``model.training.evaluation`` wants it: encodings -> logits without padding."""

    def infer(encodings: Sequence[Encoding]) -> list[Logits]:
        result = []
        network.eval()
        device = next(network.parameters()).device
        for i in range(0, len(encodings), batch_size):
            part = encodings[i : i + batch_size]
            batch = collate([Target(encoding) for encoding in part], 1).to(device)
            with torch.no_grad():
                outputs = network(batch.input_ids, batch.bbox, batch.image, batch.attention_mask, batch.token_type_ids)
            found = {name: value.float().cpu().numpy() for name, value in outputs.items()}
            for row, encoding in enumerate(part):
                size = len(encoding)
                kie, start, end = (
                    found[name][row, :size] if name in found else None
                    for name in ("kie_logits", "docvqa_start_logits", "docvqa_end_logits")
                )
                kinds = found.get("classification_logits")
                result.append(Logits(kie, None if kinds is None else kinds[row], start, end))
        return result

    return infer
