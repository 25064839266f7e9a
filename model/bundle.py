"""A bundle on disk: everything that is needed to run a model, and nothing else.

A folder with::

    manifest.json     what the model is; the SHA-256 of every other file
    tokenizer.json    Hugging Face tokenizer (absent: the bundle can be run on arrays, not served)
    visual.onnx       image -> visual embeddings
    encoder.onnx      tokens and visual embeddings -> logits
    selftest.npz      a golden input and its logits, which the service repeats before it says that it is ready
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from model.errors import BundleError

SCHEMA_VERSION = 1
TASKS = ("kie", "classification", "docvqa")

Task = Literal["kie", "classification", "docvqa"]
FieldType = Literal["text", "date", "amount"]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What a KIE label means as a field: its type, and whether a document has at most one of it."""

    type: FieldType = "text"
    single: bool = True


@dataclass(frozen=True, slots=True)
class Head:
    """One head of the model.

    labels: in the order of the logits (BIO labels for kie: ``O``, ``B-TOTAL``, ``I-TOTAL``; empty for docvqa).
    temperature: divides the logits before any softmax. fields: per entity label (``TOTAL``), for kie.
    rules: names of decoding rules that are on for this model, for kie.
    """

    labels: tuple[str, ...] = ()
    temperature: float = 1.0
    fields: Mapping[str, FieldSpec] = field(default_factory=dict)
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself. ``config`` is the Hugging Face config it was exported from.

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
    parity: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks the bundle has a head for, in the order of TASKS."""
        return tuple(task for task in TASKS if task in self.heads)

    @property
    def max_tokens(self) -> int:
        """Most text tokens in a window."""
        return int(self.config.get("max_position_embeddings", 512))
