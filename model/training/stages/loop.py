"""The training loop both stages share: schedule, mixed precision, checkpoints to resume from, progress, time left.

The learning rate rises over the warm-up and then falls linearly to zero, by steps or, with a budget in minutes, by
time, so that a run on a busy machine still ends with a decayed rate.
"""

import ctypes
import json
import logging
import math
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

_log = logging.getLogger(__name__)

STATE = "state.pt"
_TRIM_STEPS = 50
# glibc's M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD: no mappings of their own, 2 GB kept, grown by 256 MB.
_MALLOC = {-4: 0, -1: 2**31 - 1, -2: 2**28}

B = TypeVar("B", bound=Sized)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Length and pace of a run. ``steps`` and ``minutes`` both end a run; the rate decays along whichever ends first.

    learning_rate: for weights that come from somewhere; ``fresh_factor`` times it for those that start at random, and
    ``bias_factor`` times it for the relative-position biases: they act on attention by units, not by hundredths, and
    Adam moves every weight by about its rate a step, so that at the others' rate a short training never wakes them.
    warmup: fraction of the run. bf16: autocast to bfloat16 (weights stay float32). clip: largest gradient norm.
    save_s: seconds between states to resume from.
    """

    steps: int = 10_000
    minutes: float = math.inf
    batch_size: int = 8
    learning_rate: float = 5e-5
    fresh_factor: float = 1.0
    bias_factor: float = 1.0
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    bf16: bool = True
    seed: int = 42
    save_s: float = 180.0

    def rate(self, progress: float) -> float:
        """Factor of the learning rate at a progress 0-1."""
        if progress < self.warmup:
            return progress / self.warmup
        return max(0.0, (1.0 - progress) / max(1.0 - self.warmup, 1e-9))


@dataclass(slots=True)
class State:
    """Progress of a run: steps and seconds done, and the best development score so far."""

    step: int = 0
    elapsed_s: float = 0.0
    best: float = -math.inf
    since_best: int = 0
    stopped: bool = False


class Stop(Exception):
    """Raised by ``on_step`` to end a run early."""


def optimizer(module: nn.Module, schedule: Schedule, fresh: Iterable[str]) -> torch.optim.AdamW:
    """AdamW without decay of biases and norms; parameters whose name contains one of ``fresh`` get the higher rate."""
    names = tuple(fresh)
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            factor = schedule.fresh_factor if any(part in name for part in names) else 1.0
            if "rel_pos" in name:
                factor = max(factor, schedule.bias_factor)
            groups.setdefault((parameter.ndim > 1, factor), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "weight_decay": schedule.weight_decay if decayed else 0.0, "factor": factor}
            for (decayed, factor), parameters in groups.items()
        ],
        lr=schedule.learning_rate,
        fused=True,
    )


def run(
    module: nn.Module,
    adam: torch.optim.AdamW,
    batches: Callable[[int], Iterator[B]],
    losses: Callable[[B], dict[str, Tensor]],
    schedule: Schedule,
    folder: Path,
    *,
    on_step: Callable[[State], None] | None = None,
    device: torch.device | None = None,
) -> State:
    """Train until the schedule ends; resume from ``folder`` where a state lies there.

    batches: endless batches, given the step to start from. losses: named losses of a batch, already weighted; their
    sum is minimised. on_step: called after every step, may raise Stop. Progress goes to the log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _keep_memory()
    state = _resume(module, adam, folder)
    kind = (device or torch.device("cpu")).type
    (folder / "schedule.json").write_text(json.dumps(asdict(schedule), indent=2, default=str) + "\n")
    started, saved, reported = time.monotonic() - state.elapsed_s, time.monotonic(), time.monotonic()
    sums: dict[str, list[float]] = {}
    rows = 0
    stream = batches(state.step)
    module.train()
    while True:
        state.elapsed_s = time.monotonic() - started
        progress = max(state.step / schedule.steps, state.elapsed_s / 60 / schedule.minutes)
        progress = _agreed(1.0 if state.stopped else progress)
        if progress >= 1.0:
            break
        for group in adam.param_groups:
            group["lr"] = schedule.learning_rate * group["factor"] * schedule.rate(progress)
        batch = next(stream)
        with torch.autocast(kind, torch.bfloat16, enabled=schedule.bf16):
            parts = losses(batch)
            total = torch.stack(list(parts.values())).sum()
        total.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        _average_gradients(module)
        nn.utils.clip_grad_norm_(module.parameters(), schedule.clip)
        adam.step()
        adam.zero_grad(set_to_none=True)
        state.step += 1
        rows += len(batch)
        if state.step % _TRIM_STEPS == 0:
            _give_memory_back()
        for name, value in parts.items():
            sums.setdefault(name, []).append(float(value.detach()))
        now = time.monotonic()
        if now - reported > 30:
            means = ", ".join(f"{name} {sum(v) / len(v):.4f}" for name, v in sorted(sums.items()))
            left = (1 - progress) / max(progress, 1e-6) * state.elapsed_s / 60
            _log.info(
                "step %d, %.0f %%, %.1f rows a second, %.0f min left: %s",
                state.step,
                100 * progress,
                rows / (now - reported),
                left,
                means,
            )
            sums, rows, reported = {}, 0, now
        if now - saved > schedule.save_s and _rank() == 0:
            save_state(module, adam, state, folder)
            saved = now
        if on_step is not None:
            try:
                on_step(state)
            except Stop:
                _log.info("stopped early at step %d", state.step)
                state.stopped = True
            module.train()
    if _rank() == 0:
        save_state(module, adam, state, folder)
    return state


def spread(processes: int, work: Callable[[int], None]) -> None:
    """Do ``work(rank)`` in several processes of this machine that average their gradients; in this one if it is one.

    Several processes of one thread each get more out of a busy machine than threads that wait for each other.
    Rank 0 is this process; it alone writes states and the log. Call it before torch has started threads.
    """
    if processes == 1:
        work(0)
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        meeting = f"file://{folder}/meeting"
        context = multiprocessing.get_context("fork")
        others = [
            context.Process(target=_join, args=(work, rank, processes, meeting), daemon=True)
            for rank in range(1, processes)
        ]
        for other in others:
            other.start()
        try:
            _join(work, 0, processes, meeting)
        finally:
            for other in others:
                other.join(timeout=60)


def _join(work: Callable[[int], None], rank: int, processes: int, meeting: str) -> None:
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=processes)
    if rank:
        logging.disable(logging.INFO)
    try:
        work(rank)
    finally:
        distributed.destroy_process_group()


def _keep_memory() -> None:
    """Have glibc take large tensors from its heap and keep what is freed, instead of asking the system every time.

    The scores of every attention layer are tens of megabytes; mapping them anew cost a quarter of the processor time.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        for option, value in _MALLOC.items():
            library.mallopt(option, value)


def _give_memory_back() -> None:
    """Return the free parts of glibc's heap to the system: windows of ever other lengths leave holes in it.

    Without this 5 GB became 9 within an hour.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def _agreed(progress: float) -> float:
    """Rank 0's progress, so that all processes end at the same step."""
    if not distributed.is_initialized():
        return progress
    value = torch.tensor([progress])
    distributed.broadcast(value, 0)
    return float(value)


def _average_gradients(module: nn.Module) -> None:
    if not distributed.is_initialized():
        return
    parameters = [p for p in module.parameters() if p.requires_grad]
    flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in parameters])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    taken = 0
    for parameter in parameters:
        parameter.grad = flat[taken : taken + parameter.numel()].view_as(parameter)
        taken += parameter.numel()


def save_state(module: nn.Module, adam: torch.optim.AdamW, state: State, folder: Path) -> None:
    """Write what is needed to resume, never leaving half a file."""
    target = folder / STATE
    part = target.with_suffix(".part")
    torch.save({"module": module.state_dict(), "adam": adam.state_dict(), "state": asdict(state)}, part)
    part.replace(target)


def _resume(module: nn.Module, adam: torch.optim.AdamW, folder: Path) -> State:
    path = folder / STATE
    if not path.is_file():
        return State()
    saved = torch.load(path, map_location="cpu", weights_only=True)
    module.load_state_dict(saved["module"])
    adam.load_state_dict(saved["adam"])
    state = State(**saved["state"])
    _log.info("resumed at step %d after %.1f min", state.step, state.elapsed_s / 60)
    return state
