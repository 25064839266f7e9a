"""What every network of the family is configured by, under Hugging Face's names and with its defaults."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from layoutserve.model.errors import CheckpointError

ACTIVATIONS = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}
"""Hugging Face's name of an activation -> torch's name of the way GELU is approximated."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The entries all relatives share; each adds its own. ``extra`` keeps those that the network does not know."""

    model_type: ClassVar[str]

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    max_2d_position_embeddings: int = 1024
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> Self:
        """Read a Hugging Face ``config.json``. Raises CheckpointError for a network this one is not."""
        names = {entry.name for entry in dataclasses.fields(cls)} - {"extra"}
        # What is null, the default stands for.
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in config.items()
            if name in names and value is not None
        }
        self = cls(**known, extra={name: value for name, value in config.items() if name not in names})
        self.check()
        return self

    def check(self) -> None:
        """Raise CheckpointError where the entries describe no network of this kind."""
        if self.hidden_act not in ACTIVATIONS:
            raise CheckpointError(f"hidden_act {self.hidden_act!r} is not supported; use one of {sorted(ACTIVATIONS)}.")
        if self.hidden_size % self.num_attention_heads:
            raise CheckpointError("hidden_size must be a multiple of num_attention_heads.")

    def to_dict(self) -> dict[str, Any]:
        """Return the entries of a Hugging Face ``config.json``, those this network does not know included."""
        own = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self) if entry.name != "extra"}
        own = {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()}
        own = {name: dict(value) if isinstance(value, Mapping) else value for name, value in own.items()}
        return {"model_type": self.model_type, **self.extra, **own}


@dataclass(frozen=True, slots=True)
class BiasedConfig(NetworkConfig):
    """The entries of those relatives whose attention scores carry relative biases."""

    coordinate_size: int = 128
    shape_size: int = 128
    has_relative_attention_bias: bool = True
    rel_pos_bins: int = 32
    max_rel_pos: int = 128
    has_spatial_attention_bias: bool = True
    rel_2d_pos_bins: int = 64
    max_rel_2d_pos: int = 256

    def check(self) -> None:
        """Raise CheckpointError where the entries describe no network of this kind."""
        NetworkConfig.check(self)  # with slots, super() without arguments does not find the class
        if 4 * self.coordinate_size + 2 * self.shape_size != self.hidden_size:
            raise CheckpointError("4 * coordinate_size + 2 * shape_size must equal hidden_size.")
