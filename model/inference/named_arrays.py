"""Arrays that come from outside, under Hugging Face's names: checked before any graph runs on them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.bundle import Manifest
from layoutserve.model.encoding.tensors import IMAGE_SIZE
from layoutserve.model.errors import ArrayError

Arrays = Mapping[str, NDArray[Any]]

ENTITIES = ("entity_start", "entity_label")
"""What the head of relations scores."""


def checked(arrays: Arrays, manifest: Manifest) -> dict[str, NDArray[Any]]:
    """The arrays of ``Session.infer``, int64 except for the image, with the absent ones filled in.

    Raises ArrayError for a missing or unknown name, a wrong dtype, shape or range.
    """
    config, inputs = manifest.config, manifest.inputs
    needed, known = ["input_ids", "bbox"], ["attention_mask", "token_type_ids"]
    if inputs.visual_tokens:
        needed.append("image")
    if manifest.relations:
        needed += ENTITIES
    if missing := [name for name in needed if name not in arrays]:
        raise ArrayError(f"The inputs lack {', '.join(missing)}; there are {', '.join(arrays) or 'none'}.")
    if unknown := [name for name in arrays if name not in needed + known]:
        raise ArrayError(f"The inputs have {', '.join(unknown)}, which the model does not know.")
    if arrays["input_ids"].ndim != 2 or 0 in arrays["input_ids"].shape:
        raise ArrayError(f"input_ids must be of shape (B, L), not {arrays['input_ids'].shape}.")
    batch, length = arrays["input_ids"].shape
    if length > inputs.max_tokens:
        raise ArrayError(f"There are {length} tokens; the model takes {inputs.max_tokens}.")
    full = {
        "attention_mask": np.ones((batch, length), np.int64),
        "token_type_ids": np.zeros((batch, length), np.int64),
        **arrays,
    }
    expected: dict[str, tuple[tuple[int, ...], int]] = {  # shape and largest value
        "input_ids": ((batch, length), int(config["vocab_size"]) - 1),
        "attention_mask": ((batch, length), 1),
        "token_type_ids": ((batch, length), int(config["type_vocab_size"]) - 1),
        "bbox": ((batch, length, 4), min(1000, int(config["max_2d_position_embeddings"]) - 1)),
        "image": ((batch, 3, IMAGE_SIZE, IMAGE_SIZE), 255),
    }
    if manifest.relations:
        entities = arrays["entity_start"].shape[-1] if arrays["entity_start"].ndim else 0
        expected |= {"entity_start": ((batch, entities), length - 1), "entity_label": ((batch, entities), 2)}
    for name, array in full.items():
        shape, largest = expected[name]
        if array.dtype.kind not in "iu":
            raise ArrayError(f"{name} must hold integers, not {array.dtype}.")
        if array.shape != shape:
            raise ArrayError(f"{name} must be of shape {shape}, not {array.shape}.")
        # Where no entity is, stands -1, and its kind may be anything.
        check_range(name, array, -1 if name in ENTITIES else 0, largest)
    if manifest.relations and ((full["entity_start"] >= 0) & (full["entity_label"] < 0)).any():
        raise ArrayError("entity_label must be 0 (other), 1 (question) or 2 (answer) for every entity.")
    bbox = full["bbox"]
    if (bbox[..., 0] > bbox[..., 2]).any() or (bbox[..., 1] > bbox[..., 3]).any():
        raise ArrayError("bbox must be (x0, y0, x1, y1) with x0 <= x1 and y0 <= y1.")
    return {name: array if name == "image" else array.astype(np.int64) for name, array in full.items()}


def check_range(name: str, array: NDArray[Any], least: int, most: int) -> None:
    """Raise ArrayError where a number lies outside of ``least``..``most``."""
    if array.min() < least or array.max() > most:
        raise ArrayError(f"{name} must lie in {least}..{most}, not {array.min()}..{array.max()}.")
