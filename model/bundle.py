"""A bundle on disk: all files needed to run a model, and no others.

A folder with::

    manifest.json     the model's name, licence, heads and config; the SHA-256 of every other file
    tokenizer.json    Hugging Face tokenizer (absent: the bundle can be run on arrays, not served)
    visual.onnx       image -> visual embeddings (absent: the network looks at no picture)
    encoder.onnx      tokens and visual embeddings -> logits
    relations.onnx    what the encoder makes of the text, and entities -> logits of pairs (only with that head)
    selftest.npz      a golden input and its logits, which the service repeats before it is ready
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from layoutserve.model.errors import BundleError

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
_SHIPPED = Path(__file__).parent / "bundles"
TASKS = ("kie", "classification", "docvqa")

Task = Literal["kie", "classification", "docvqa"]
FieldType = Literal["text", "date", "amount"]


Channels = Literal["BGR", "RGB"]

MODEL_TYPES = ("layoutlm", "layoutlmv2", "layoutxlm", "layoutlmv3", "lilt")
"""Hugging Face's ``model_type`` of every relative that can be served; a LayoutXLM's is often ``layoutlmv2``, too."""

LAYOUTLMV2_VISUAL_TOKENS = 49
SEPARATOR_BOX = 1000


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an encoder is given of a page beside its words.

    max_tokens: text tokens of a window, at most. channels: their order in the picture, None for an encoder that looks
    at none. visual_tokens: how many come of a picture. separator_box: all four numbers of a separator's box.
    token_types: how many types of tokens there are.
    """

    max_tokens: int = 512
    channels: Channels | None = "BGR"
    visual_tokens: int = LAYOUTLMV2_VISUAL_TOKENS
    separator_box: int = SEPARATOR_BOX
    token_types: int = 2


LAYOUTLMV2 = Inputs()


def inputs_of(config: Mapping[str, Any], separator_box: int = SEPARATOR_BOX) -> Inputs:
    """Say from a Hugging Face ``config.json`` what its network is given."""
    family = config.get("model_type", "layoutlmv2")
    longest, token_types = int(config.get("max_position_embeddings", 512)), int(config.get("type_vocab_size", 2))
    channels: Channels | None = None
    visual_tokens = 0
    if family in ("layoutlmv2", "layoutxlm"):
        channels, visual_tokens = "BGR", LAYOUTLMV2_VISUAL_TOKENS
    elif family == "layoutlmv3" and config.get("visual_embed", True):
        channels, visual_tokens = "RGB", (int(config["input_size"]) // int(config["patch_size"])) ** 2 + 1
    if family in ("layoutlmv3", "lilt"):
        # The first positions of RoBERTa's table are never a text's.
        longest -= int(config["pad_token_id"]) + 1
    return Inputs(longest, channels, visual_tokens, separator_box, token_types)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """The field behind a KIE label: its type, and whether a document has at most one of it.

    slope, shift: of the log-odds of an entity's score; they make the score the share of such fields that are right.
    """

    type: FieldType = "text"
    single: bool = True
    slope: float = 1.0
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Head:
    """One head of the model.

    labels: in the order of the logits (BIO labels for kie: ``O``, ``B-TOTAL``, ``I-TOTAL``; empty for docvqa).
    temperature: divides the logits before any softmax. fields: per entity label (``TOTAL``), for kie.
    rules: names of decoding rules that are on for this model, for kie. no_answer: the probability of "no answer"
    above which a document is said to hold none, for docvqa.
    """

    labels: tuple[str, ...] = ()
    temperature: float = 1.0
    fields: Mapping[str, FieldSpec] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    no_answer: float = 0.5


@dataclass(frozen=True, slots=True)
class Manifest:
    """A bundle's description of itself. ``config`` is the Hugging Face config it was exported from.

    family: Hugging Face's ``model_type``. separator_box: all four numbers of a separator's box. relations: whether
    there is a head that says which entities belong together.
    parity: the largest absolute difference between the graphs and torch, per case, and the bound.
    metrics: measured scores, as {dataset: {metric: value}}. files: SHA-256 by relative path.
    """

    name: str
    version: str
    licence: str
    source: str
    precision: str
    graph: str
    heads: Mapping[str, Head]
    config: Mapping[str, Any]
    files: Mapping[str, str]
    family: str = "layoutlmv2"
    separator_box: int = SEPARATOR_BOX
    relations: bool = False
    parity: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks the bundle has a head for, in the order of TASKS."""
        return tuple(task for task in TASKS if task in self.heads)

    @property
    def inputs(self) -> Inputs:
        """What the network is given of a page beside its words."""
        return inputs_of({**self.config, "model_type": self.family}, self.separator_box)

    @property
    def max_tokens(self) -> int:
        """Most text tokens in a window."""
        return self.inputs.max_tokens


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle found on disk: its folder and its manifest."""

    path: Path
    manifest: Manifest

    @property
    def visual_graph(self) -> Path | None:
        """The visual graph, or None for a network that looks at no picture."""
        return self.path / "visual.onnx" if self.manifest.inputs.visual_tokens else None

    @property
    def encoder_graph(self) -> Path:
        """The encoder graph."""
        return self.path / "encoder.onnx"

    @property
    def relations_graph(self) -> Path | None:
        """The graph of the relation head, or None for a bundle without one."""
        return self.path / "relations.onnx" if self.manifest.relations else None

    @property
    def tokenizer(self) -> Path | None:
        """The tokenizer, or None for a bundle that can be run on arrays but not on documents."""
        return self.path / "tokenizer.json" if "tokenizer.json" in self.manifest.files else None


def locate(name: str | Path) -> Path:
    """Find a bundle's folder: the folder of that path, else the bundle of that name that comes with this package.

    Raises BundleError if there is neither.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder
    shipped = _SHIPPED / folder
    if len(folder.parts) == 1 and shipped.is_dir():
        return shipped
    known = ", ".join(sorted(path.name for path in _SHIPPED.glob("*") if path.is_dir())) or "none"
    raise BundleError(
        f"There is no bundle {name}: give the folder of one, or the name of one that comes along ({known})."
    )


def load(folder: Path, *, verify: bool = True) -> Bundle:
    """Read the bundle in ``folder``; ``verify`` compares the SHA-256 of every file with the manifest.

    Raises BundleError for a folder that is no bundle, a manifest that does not fit, and a missing or changed file.
    """
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"{folder} is no bundle: it has no {MANIFEST}; make one with layoutserve export.") from None
    try:
        manifest = _parse(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"{folder / MANIFEST} is damaged ({error}); export the bundle again.") from error
    expected = Bundle(folder, manifest)
    graphs = (expected.visual_graph, expected.encoder_graph, expected.relations_graph)
    for name in (*(graph.name for graph in graphs if graph is not None), *manifest.files):
        if name not in manifest.files:
            raise BundleError(f"{folder / MANIFEST} does not list {name}; export the bundle again.")
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise BundleError(f"{folder / MANIFEST} names {name}, which is outside of the bundle.")
        if not path.is_file():
            raise BundleError(f"{name} is missing from the bundle {folder}; export it again.")
        if verify and _sha256(path) != manifest.files[name]:
            raise BundleError(
                f"{name} in the bundle {folder} is not the file that was exported: its SHA-256 differs from the "
                "manifest's; copy or export the bundle again."
            )
    return Bundle(folder, manifest)


def write(folder: Path, manifest: Manifest) -> Bundle:
    """Write ``manifest`` into ``folder`` with the SHA-256 of every file that lies there, and return the bundle."""
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(MANIFEST)
    )
    manifest = replace(manifest, files={name: _sha256(folder / name) for name in names})
    # A manifest is either there and whole or not there: readers never see half of one.
    partial = folder / f"{MANIFEST}.partial"
    partial.write_text(json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / MANIFEST)
    return Bundle(folder, manifest)


def _parse(document: Mapping[str, Any]) -> Manifest:
    version = document["schema_version"]
    if version != SCHEMA_VERSION:
        raise BundleError(f"The bundle's schema version is {version}; this release reads {SCHEMA_VERSION}.")
    heads = document["heads"]
    if unknown := set(heads) - set(TASKS):
        raise BundleError(f"The bundle has heads for {sorted(unknown)}; this release knows {list(TASKS)}.")
    family = document.get("family", "layoutlmv2")
    if family not in MODEL_TYPES:
        raise BundleError(f"The bundle holds a {family!r} model; this release knows {', '.join(MODEL_TYPES)}.")
    return Manifest(**{**document, "heads": {task: _parse_head(head) for task, head in heads.items()}})


def _parse_head(document: Mapping[str, Any]) -> Head:
    fields = {label: FieldSpec(**spec) for label, spec in document.get("fields", {}).items()}
    values = {**document, "labels": tuple(document.get("labels", ())), "fields": fields}
    return Head(**{**values, "rules": tuple(document.get("rules", ()))})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
