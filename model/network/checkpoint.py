"""Checkpoints in Hugging Face layout: read strictly, written back under the same names.

A folder holds ``config.json`` and ``model.safetensors`` (or ``pytorch_model.bin``), and may hold ``tokenizer.json``
(or ``vocab.txt``) and a model card ``README.md``. Two layouts of parameter names:

one head   ``layoutlmv2.*`` with ``classifier.*`` or ``qa_outputs.*``, as Hugging Face writes them; the task follows
           from ``architectures``. Without a head the names have no ``layoutlmv2.`` prefix.
several    ``layoutlmv2.*`` with ``kie.classifier.*``, ``classification.classifier.*``, ``docvqa.qa_outputs.*``, and in
           config.json ``"heads": {task: {"id2label": {"0": ...}}}``. Dropping one head's prefix and the other heads
           gives that head's Hugging Face checkpoint; ``split`` does it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from layoutserve.model.bundle import TASKS
from layoutserve.model.errors import CheckpointError
from layoutserve.model.network import tokenizer as tokenizers
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2

_ARCHITECTURES = {
    "LayoutLMv2Model": None,
    "LayoutLMv2ForTokenClassification": "kie",
    "LayoutLMv2ForSequenceClassification": "classification",
    "LayoutLMv2ForQuestionAnswering": "docvqa",
}
_SEVERAL_HEADS = "LayoutServeForTasks"
_MODEL_TYPES = ("layoutlmv2", "layoutxlm")
# Counters of batch norm and constants that the network makes itself: of no use, but public checkpoints have them.
_SURPLUS = ("num_batches_tracked", "position_ids", "pixel_mean", "pixel_std")
_FILES = [
    "config.json",
    "model.safetensors",
    "pytorch_model.bin",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "README.md",
]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded checkpoint. ``labels`` gives each head's labels in the order of its logits (empty for docvqa).

    ``tokenizer`` is the path of ``tokenizer.json`` or ``vocab.txt``, None when there is neither. ``licence`` is
    what the model card states, "unknown" otherwise. ``source`` is what was asked for.
    """

    network: LayoutLMv2
    labels: Mapping[str, tuple[str, ...]]
    tokenizer: Path | None
    licence: str
    source: str

    @property
    def config(self) -> Config:
        """The network's config."""
        return self.network.config


def load(source: str | Path) -> Checkpoint:
    """Load a checkpoint from a local folder or, when there is no such folder, from the Hugging Face hub.

    The network comes in float32 and evaluation mode. Raises CheckpointError with what to do for anything else than a
    whole LayoutLMv2 or LayoutXLM checkpoint; missing and unexpected names are listed.
    """
    folder = _folder(source)
    raw = _config(folder)
    labels = _labels(raw)
    config = Config.from_dict(raw)
    network = LayoutLMv2(config, {task: len(names) or 2 for task, names in labels.items()})
    _assign(network, _internal(_weights(folder), tuple(labels), raw), str(source))
    return Checkpoint(
        network=network.eval(),
        labels=labels,
        tokenizer=tokenizers.find(folder),
        licence=_licence(folder / "README.md"),
        source=str(source),
    )


def save(
    network: LayoutLMv2,
    labels: Mapping[str, Iterable[str]],
    folder: Path,
    *,
    tokenizer: Path | None = None,
    licence: str | None = None,
) -> None:
    """Write a network in Hugging Face layout; with several heads in the layout at the top of this file.

    ``labels`` names each head's labels in the order of its logits. The folder is made; files in it are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().contiguous().clone() for name, value in network.state_dict().items()}
    config = dict(network.config.to_dict())
    names = {task: tuple(labels.get(task, ())) for task in network.heads}
    if len(names) <= 1:
        task = next(iter(names), None)
        prefix = f"{task}." if task else "layoutlmv2."
        weights = {name.removeprefix(prefix): value for name, value in weights.items()}
        config["architectures"] = [name for name, of in _ARCHITECTURES.items() if of == task]
        config.pop("heads", None)
        if task and names[task]:
            config.update(_label_maps(names[task]))
    else:
        config["architectures"] = [_SEVERAL_HEADS]
        config["heads"] = {task: {"id2label": _label_maps(of)["id2label"]} for task, of in names.items()}
    config.setdefault("model_type", "layoutlmv2")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    if tokenizer is not None and tokenizer.resolve() != (folder / "tokenizer.json").resolve():
        tokenizers.write(tokenizer, folder / "tokenizer.json")
    if licence is not None:
        (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n")


def split(checkpoint: Checkpoint, task: str) -> LayoutLMv2:
    """Return the network with one of its heads only, sharing its parameters; ``save`` writes it as Hugging Face does.

    Raises CheckpointError when the checkpoint has no such head.
    """
    if task not in checkpoint.labels:
        raise CheckpointError(f"The checkpoint has no head for {task}; it has {', '.join(checkpoint.labels)}.")
    config = replace(checkpoint.config, extra={k: v for k, v in checkpoint.config.extra.items() if k != "heads"})
    network = LayoutLMv2(config, {task: checkpoint.network.heads[task]})
    state = checkpoint.network.state_dict()
    network.load_state_dict({name: state[name] for name in network.state_dict()}, assign=True)
    return network.eval()


def _folder(source: str | Path) -> Path:
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise CheckpointError(f"{source} is a file; name the folder that holds config.json and the weights.")
    if isinstance(source, Path) or source.count("/") > 1 or source.startswith((".", "/", "~")):
        raise CheckpointError(f"There is no folder {source}; name a checkpoint's folder or a hub id (owner/name).")
    try:
        return Path(snapshot_download(source, allow_patterns=_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"There is no folder {source}, and it could not be fetched from the Hugging Face hub: {error}"
        ) from error


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} is no checkpoint: it has no config.json.")
    try:
        config: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(config, dict) or config.get("model_type", "layoutlmv2") not in _MODEL_TYPES:
        kind = config.get("model_type") if isinstance(config, dict) else None
        raise CheckpointError(f"{path} describes a {kind!r} model; LayoutLMv2 and LayoutXLM can be loaded.")
    config.setdefault("architectures", ["LayoutLMv2Model"])
    return config


def _labels(config: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    architecture = (config["architectures"] or ["LayoutLMv2Model"])[0]
    if architecture == _SEVERAL_HEADS:
        heads = config.get("heads", {})
        unknown = sorted(set(heads) - set(TASKS))
        if unknown or not heads:
            raise CheckpointError(
                f"config.json must name heads among {', '.join(TASKS)}; it names {unknown or 'none'}."
            )
        return {task: _sorted_labels(heads[task].get("id2label", {})) for task in TASKS if task in heads}
    # LayoutXLM checkpoints differ in nothing but the name.
    architecture = architecture.replace("LayoutXLM", "LayoutLMv2")
    if architecture not in _ARCHITECTURES:
        raise CheckpointError(
            f"The head of {architecture} is not supported; the architectures are {', '.join(_ARCHITECTURES)}."
        )
    task = _ARCHITECTURES[architecture]
    if task is None:
        return {}
    if task == "docvqa":
        return {task: ()}
    labels = _sorted_labels(config.get("id2label", {}))
    # Hugging Face leaves the default of two labels out of config.json.
    return {task: labels or ("LABEL_0", "LABEL_1")}


def _sorted_labels(id2label: Mapping[str, str]) -> tuple[str, ...]:
    try:
        ordered = sorted((int(index), str(label)) for index, label in id2label.items())
    except (AttributeError, ValueError) as error:
        raise CheckpointError("id2label in config.json must map 0, 1, 2, ... to names.") from error
    if [index for index, _ in ordered] != list(range(len(ordered))):
        raise CheckpointError("id2label in config.json must number its labels 0, 1, 2, ... without a gap.")
    return tuple(label for _, label in ordered)


def _label_maps(labels: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id2label": {str(index): label for index, label in enumerate(labels)},
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def _weights(folder: Path) -> dict[str, Tensor]:
    safe, pickled = folder / "model.safetensors", folder / "pytorch_model.bin"
    path = safe if safe.is_file() else pickled
    if not path.is_file():
        raise CheckpointError(f"{folder} has neither model.safetensors nor pytorch_model.bin.")
    try:
        # weights_only: a pickle from elsewhere must not run code here.
        weights = load_file(path) if path == safe else torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged or incomplete; fetch or copy it again ({error}).") from error
    except Exception as error:  # torch raises pickle's own errors for a file that is no weights-only pickle
        raise CheckpointError(f"{path} holds more than weights and was not read ({error}).") from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise CheckpointError(f"{path} does not hold a dictionary of tensors.")
    return {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}


def _internal(weights: dict[str, Tensor], tasks: tuple[str, ...], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Rename a checkpoint's parameters to the network's: only the prefix of a single head differs."""
    if _SEVERAL_HEADS in config["architectures"]:
        return weights
    if tasks:
        body = "layoutlmv2."
        return {n if n.startswith(body) else f"{tasks[0]}.{n}": value for n, value in weights.items()}
    # A pre-trained checkpoint may come with the prefix and with the heads of pre-training, which have no use here.
    return {f"layoutlmv2.{name.removeprefix('layoutlmv2.')}": value for name, value in weights.items()}


def _assign(network: LayoutLMv2, weights: Mapping[str, Tensor], source: str) -> None:
    own = network.state_dict()
    missing = sorted(name for name in own if name not in weights and not name.endswith(_SURPLUS))
    unexpected = sorted(name for name in weights if name not in own and not name.endswith(_SURPLUS))
    wrong = sorted(
        f"{name} {tuple(weights[name].shape)} instead of {tuple(value.shape)}"
        for name, value in own.items()
        if name in weights and weights[name].shape != value.shape
    )
    if missing or unexpected or wrong:
        parts = (("missing", missing), ("unexpected", unexpected), ("of another shape", wrong))
        listed = "; ".join(f"{len(names)} {what}: {', '.join(names)}" for what, names in parts if names)
        raise CheckpointError(
            f"The weights of {source} do not fit the network that its config.json describes: {listed}"
        )
    network.load_state_dict({name: weights[name] for name in own if name in weights}, strict=False)


def _licence(card: Path) -> str:
    """Return ``license:`` of the front matter of a model card."""
    if not card.is_file():
        return "unknown"
    lines = card.read_text(errors="replace").splitlines()
    if not lines or lines[0].strip() != "---":
        return "unknown"
    for line in lines[1:]:
        if line.strip() == "---":
            break
        if line.startswith("license:"):
            return line.partition(":")[2].strip().strip("'\"") or "unknown"
    return "unknown"
