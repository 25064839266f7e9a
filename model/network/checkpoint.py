"""Checkpoints in Hugging Face layout: read strictly, written back under the same names.

A folder holds ``config.json`` and ``model.safetensors`` (or ``pytorch_model.bin``), and may hold ``tokenizer.json``
(or ``vocab.txt``) and a model card ``README.md``. Two layouts of parameter names:

one head   ``layoutlmv2.*`` with ``classifier.*`` or ``qa_outputs.*``, as Hugging Face writes them; the task follows
           from ``architectures``. Without a head the names have no ``layoutlmv2.`` prefix. A relative's prefix is
           its own (``model/network/families.py``).
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

from layoutserve.model.bundle import SEPARATOR_BOX, TASKS, Inputs, inputs_of
from layoutserve.model.errors import CheckpointError
from layoutserve.model.network import tokenizer as tokenizers
from layoutserve.model.network.config import NetworkConfig
from layoutserve.model.network.document_network import DocumentNetwork
from layoutserve.model.network.families import FAMILIES, Family

# How Hugging Face's class names end -> the task; pre-training's heads have no use here.
_TASKS = {
    "Model": None,
    "ForMaskedLM": None,
    "ForPreTraining": None,
    "ForTokenClassification": "kie",
    "ForSequenceClassification": "classification",
    "ForQuestionAnswering": "docvqa",
    # Of unilm's layoutlmft, for LayoutLMv2 and LayoutXLM.
    "ForRelationExtraction": "relations",
}
_SEVERAL_HEADS = "LayoutServeForTasks"
# Counters of batch norm and constants that the network makes itself: of no use, but public checkpoints have them.
_SURPLUS = ("num_batches_tracked", "position_ids", "pixel_mean", "pixel_std")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_ADAPTER = "adapter_config.json"
_FILES = [
    "config.json",
    *_WEIGHTS,
    # In several parts with an index.
    "model*.safetensors*",
    "pytorch_model*.bin*",
    *tokenizers.FILES,
    _ADAPTER,
    "README.md",
]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded checkpoint. ``labels`` gives each head's labels in the order of its logits (empty for docvqa).

    ``tokenizer`` is the path of a tokenizer (``model/network/tokenizer.py`` says in which forms), None when there is
    none. ``licence`` is what the model card states, "unknown" otherwise. ``source`` is what was asked for.
    ``separator_box``: all four numbers of a separator's box.
    """

    network: DocumentNetwork
    labels: Mapping[str, tuple[str, ...]]
    tokenizer: Path | None
    licence: str
    source: str
    separator_box: int = SEPARATOR_BOX

    @property
    def inputs(self) -> Inputs:
        """What the network is given of a page beside its words."""
        return inputs_of(self.config.to_dict(), self.separator_box)

    @property
    def config(self) -> NetworkConfig:
        """The network's config."""
        return self.network.config


def load(source: str | Path) -> Checkpoint:
    """Load a checkpoint from a local folder or, when there is no such folder, from the Hugging Face hub.

    The network comes in float32 and evaluation mode. Raises CheckpointError with what to do for anything else than a
    whole checkpoint of LayoutLMv2 or a relative; missing and unexpected names are listed.
    """
    folder = _folder(source)
    raw = _config(folder)
    family = FAMILIES[raw["model_type"]]
    labels = _labels(raw, family)
    network = family.network(family.config.from_dict(raw), {task: len(names) or 2 for task, names in labels.items()})
    _assign(network, _internal(_weights(folder), network, raw), str(source))
    tokenizer = tokenizers.find(folder)
    return Checkpoint(
        network=network.eval(),
        labels=labels,
        tokenizer=tokenizer,
        licence=_licence(folder / "README.md"),
        source=str(source),
        separator_box=tokenizers.separator_box(tokenizer, raw["model_type"]),
    )


def save(
    network: DocumentNetwork,
    labels: Mapping[str, Iterable[str]],
    folder: Path,
    *,
    tokenizer: Path | None = None,
    separator_box: int | None = None,
    licence: str | None = None,
) -> None:
    """Write a network in Hugging Face layout; with several heads in the layout at the top of this file.

    ``labels`` names each head's labels in the order of its logits; ``separator_box`` is what its tokenizer was
    trained with. The folder is made; files in it are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().contiguous().clone() for name, value in network.state_dict().items()}
    config = dict(network.config.to_dict())
    names = {task: tuple(labels.get(task, ())) for task in network.heads}
    if len(names) <= 1:
        task = next(iter(names), None)
        prefix = f"{task}." if task else f"{network.body_name}."
        weights = {name.removeprefix(prefix): value for name, value in weights.items()}
        ending = next(name for name, of in _TASKS.items() if of == task)
        config["architectures"] = [FAMILIES[config["model_type"]].architecture + ending]
        config.pop("heads", None)
        if task and names[task]:
            config.update(_label_maps(names[task]))
    else:
        config["architectures"] = [_SEVERAL_HEADS]
        config["heads"] = {task: {"id2label": _label_maps(of)["id2label"]} for task, of in names.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    if tokenizer is not None and tokenizer.resolve() != (folder / "tokenizer.json").resolve():
        tokenizers.write(tokenizer, folder / "tokenizer.json")
    if separator_box is not None:
        said = {"cls_token_box": [0] * 4, "sep_token_box": [separator_box] * 4, "pad_token_box": [0] * 4}
        (folder / "tokenizer_config.json").write_text(json.dumps(said, indent=2) + "\n")
    if licence is not None:
        (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n")


def split(checkpoint: Checkpoint, task: str) -> DocumentNetwork:
    """Return the network with one of its heads only, sharing its parameters; ``save`` writes it as Hugging Face does.

    Raises CheckpointError when the checkpoint has no such head.
    """
    if task not in checkpoint.labels:
        raise CheckpointError(f"The checkpoint has no head for {task}; it has {', '.join(checkpoint.labels)}.")
    config = replace(checkpoint.config, extra={k: v for k, v in checkpoint.config.extra.items() if k != "heads"})
    network = type(checkpoint.network)(config, {task: checkpoint.network.heads[task]})
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
    if not path.is_file() and (folder / _ADAPTER).is_file():
        raise CheckpointError(
            f"{folder} holds an adapter (PEFT, LoRA), not a whole model; merge it first: "
            "peft.AutoPeftModel.from_pretrained(folder).merge_and_unload().save_pretrained(another)."
        )
    if not path.is_file():
        raise CheckpointError(f"{folder} is no checkpoint: it has no config.json.")
    try:
        config: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    kind = config.setdefault("model_type", "layoutlmv2") if isinstance(config, dict) else None
    if kind not in FAMILIES:
        known = ", ".join(family.architecture for family in FAMILIES.values())
        raise CheckpointError(f"{path} describes a {kind!r} model; {known} can be loaded.")
    # A model that was made by hand says null.
    config["architectures"] = config.get("architectures") or [FAMILIES[kind].architecture + "Model"]
    return config


def _labels(config: Mapping[str, Any], family: Family) -> dict[str, tuple[str, ...]]:
    architecture = config["architectures"][0]
    if architecture == _SEVERAL_HEADS:
        heads = config.get("heads", {})
        unknown = sorted(set(heads) - set(TASKS))
        if unknown or not heads:
            raise CheckpointError(
                f"config.json must name heads among {', '.join(TASKS)}; it names {unknown or 'none'}."
            )
        return {task: _sorted_labels(heads[task].get("id2label", {})) for task in TASKS if task in heads}
    # A LayoutXLM may bear either name.
    names = {name for name, of in FAMILIES.items() if of.network is family.network}
    endings = {FAMILIES[name].architecture + ending: task for name in names for ending, task in _TASKS.items()}
    if architecture not in endings:
        known = ", ".join(family.architecture + ending for ending in _TASKS)
        raise CheckpointError(f"The head of {architecture} is not supported; the architectures are {known}.")
    task = endings[architecture]
    if task is None:
        return {}
    if task in ("docvqa", "relations"):
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
    """The weights in one file, or in the parts that an index names; safetensors first."""
    for name in _WEIGHTS:
        if (folder / name).is_file():
            return _part(folder / name)
        if (folder / f"{name}.index.json").is_file():
            return {key: value for part in _parts(folder, name) for key, value in _part(part).items()}
    raise CheckpointError(f"{folder} has neither {' nor '.join(_WEIGHTS)}, whole or in parts with an index.")


def _parts(folder: Path, name: str) -> list[Path]:
    """The files that ``name``'s index says the weights are in."""
    index = folder / f"{name}.index.json"
    try:
        names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} does not say which weights are in which file ({error}).") from error
    parts = [folder / str(part) for part in names]
    if outside := [str(part) for part in names if Path(str(part)).name != part]:
        raise CheckpointError(f"{index} names {', '.join(outside)}, which is outside of the folder.")
    if missing := [part.name for part in parts if not part.is_file()]:
        raise CheckpointError(f"{folder} lacks {', '.join(missing)}, which {index.name} names; fetch or copy them.")
    return parts


def _part(path: Path) -> dict[str, Tensor]:
    try:
        # weights_only: a pickle from elsewhere must not run code here.
        safe = path.suffix == ".safetensors"
        weights = load_file(path) if safe else torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged or incomplete; fetch or copy it again ({error}).") from error
    except Exception as error:  # torch raises pickle's own errors for a file that is no weights-only pickle
        raise CheckpointError(f"{path} holds more than weights and was not read ({error}).") from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise CheckpointError(f"{path} does not hold a dictionary of tensors.")
    return {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}


def _internal(weights: dict[str, Tensor], network: DocumentNetwork, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Rename a checkpoint's parameters to the network's: only the prefix of a single head differs."""
    if _SEVERAL_HEADS in config["architectures"]:
        return weights
    body = f"{network.body_name}."
    if network.heads:
        task = next(iter(network.heads))
        return {name if name.startswith(body) else f"{task}.{name}": value for name, value in weights.items()}
    # A pre-trained checkpoint may come with the prefix and with the heads of pre-training, which have no use here.
    if any(name.startswith(body) for name in weights):
        return {name: value for name, value in weights.items() if name.startswith(body)}
    return {body + name: value for name, value in weights.items()}


def _assign(network: DocumentNetwork, weights: Mapping[str, Tensor], source: str) -> None:
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
