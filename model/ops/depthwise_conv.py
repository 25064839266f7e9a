"""The operator ``layoutserve::DepthwiseConv``: a depthwise convolution of pixels whose channels lie together (NHWC).

Integer products want rows, a pixel's channels side by side; ONNX Runtime's convolutions want planes. Between two
products a depthwise convolution in this layout saves turning every value about twice, and runs along the channels.
"""

import numpy as np
from numpy.typing import NDArray


def depthwise_conv(
    x: NDArray[np.float32],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    *,
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
) -> NDArray[np.float32]:
    """Convolve each channel by itself.

    x: float32 (B, H, W, C). weight: float32 (KH, KW, C). bias: float32 (C,). strides: down, right. pads: rows of zeros
    above, columns at the left, rows below, columns at the right, as in ONNX. Returns float32 (B, H', W', C), H' being
    ``(H + pads[0] + pads[2] - KH) // strides[0] + 1`` and W' likewise.
    """
    down, right = strides
    (kernel_height, kernel_width, _), (_, height, width, _) = weight.shape, x.shape
    padded = np.pad(x.astype(np.float64), ((0, 0), (pads[0], pads[2]), (pads[1], pads[3]), (0, 0)))
    last_row = height + pads[0] + pads[2] - kernel_height
    last_column = width + pads[1] + pads[3] - kernel_width
    taps = [
        padded[:, row : row + last_row + 1 : down, column : column + last_column + 1 : right] * weight[row, column]
        for row in range(kernel_height)
        for column in range(kernel_width)
    ]
    total: NDArray[np.float64] = sum(taps) + bias.astype(np.float64)
    return total.astype(np.float32)
