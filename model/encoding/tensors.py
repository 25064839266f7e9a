"""The arrays that cross the ONNX boundary, checked once where they are built.

Shape letters, used everywhere::

    B windows in a batch    L text tokens of a window    V visual tokens         T = V + L
    H attention heads       D hidden size                C labels of a head

The two graphs of a bundle and their names::

    visual.onnx    image uint8 (B, 3, 224, 224)  ->  visual_embeddings float32 (B, V, D)
    encoder.onnx   input_ids int64 (B, L), bbox int64 (B, L, 4), attention_mask int64 (B, L),
                   token_type_ids int64 (B, L), visual_embeddings float32 (B, V, D)
                   ->  kie_logits (B, L, C), classification_logits (B, C), docvqa_start_logits (B, L),
                       docvqa_end_logits (B, L), for the heads the bundle has; for a bundle without a head
                       last_hidden_state (B, L + V, D), text first, and pooler_output (B, D); all float32

LayoutLMv2 has 49 visual tokens and a BGR image, LayoutLMv3 197 and RGB, and no pooler. LayoutLM and LiLT look at no
picture: there is no visual.onnx, and visual_embeddings is no input. With a head of relations the encoder also gives
text_states float32 (B, L, D), and there is a third graph, E being entities::

    relations.onnx text_states float32 (B, L, D), entity_start, entity_label int64 (B, E)
                   ->  relation_logits float32 (B, E, E, 2)
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.bundle import LAYOUTLMV2_VISUAL_TOKENS
from layoutserve.model.errors import ArrayError

IMAGE_SIZE = 224


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """One window of one page, ready for the encoder.

    input_ids, token_type_ids: int64 (L,). bbox: int64 (L, 4), 0-1000, x0 <= x1 and y0 <= y1.
    image: uint8 (3, 224, 224), the same object for every window of a page, None for a network that looks at none.
    page: the page's index among the pages of the request. word_index: int32 (L,), which word of the page a token
    belongs to, -1 for special tokens and the question. image_key: digest of the image, by which its visual embeddings
    are shared and cached; empty without one. visual_tokens: how many the encoder makes of the image.

    Raises ArrayError when an array has another dtype, shape or range.
    """

    input_ids: NDArray[np.int64]
    bbox: NDArray[np.int64]
    token_type_ids: NDArray[np.int64]
    word_index: NDArray[np.int32]
    image: NDArray[np.uint8] | None
    page: int = 0
    image_key: bytes = field(default=b"")
    visual_tokens: int = LAYOUTLMV2_VISUAL_TOKENS

    def __post_init__(self) -> None:
        length = len(self.input_ids)
        _check("input_ids", self.input_ids, np.int64, (length,))
        _check("bbox", self.bbox, np.int64, (length, 4))
        _check("token_type_ids", self.token_type_ids, np.int64, (length,))
        _check("word_index", self.word_index, np.int32, (length,))
        if self.image is not None:
            _check("image", self.image, np.uint8, (3, IMAGE_SIZE, IMAGE_SIZE))
        if length == 0:
            raise ArrayError("An encoding needs at least one token.")
        if self.bbox.min() < 0 or self.bbox.max() > 1000:
            raise ArrayError(f"bbox must lie in 0..1000, not {self.bbox.min()}..{self.bbox.max()}.")
        if (self.bbox[:, 0] > self.bbox[:, 2]).any() or (self.bbox[:, 1] > self.bbox[:, 3]).any():
            raise ArrayError("bbox must be (x0, y0, x1, y1) with x0 <= x1 and y0 <= y1.")
        if self.image is not None and not self.image_key:
            object.__setattr__(self, "image_key", image_key(self.image))

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def all_tokens(self) -> int:
        """What the encoder sees of the window: text and visual tokens."""
        return len(self) + (0 if self.image is None else self.visual_tokens)


@dataclass(frozen=True, slots=True, eq=False)
class Logits:
    """Logits of one window, without padding; None for a head the bundle does not have.

    kie: float32 (L, C). classification: float32 (C,). docvqa_start, docvqa_end: float32 (L,).
    """

    kie: NDArray[np.float32] | None = None
    classification: NDArray[np.float32] | None = None
    docvqa_start: NDArray[np.float32] | None = None
    docvqa_end: NDArray[np.float32] | None = None


def _check(name: str, array: NDArray[Any], dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise ArrayError(
            f"{name} must be {np.dtype(dtype)} of shape {shape}, not {array.dtype} of shape {array.shape}."
        )


def image_key(image: NDArray[np.uint8]) -> bytes:
    """Digest (16 bytes) of an image (3, 224, 224), equal for equal pixels."""
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()
