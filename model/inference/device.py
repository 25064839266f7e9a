"""Visual embeddings that stay on the device: ONNX Runtime's IO binding between the two graphs of a bundle.

    images --visual--> one value a page, kept there --stack--> (B, V, D), still there --encoder--> logits, back here

Tokens go to the device with every batch, a few kB a window. Nothing here is peculiar to CUDA: bound to the CPU it does
the same, which is how it is tested where there is no GPU.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from layoutserve.model.errors import SessionError

# The most values that one run of the graph STACK joins; model/network/service_graphs.py makes that graph.
STACK_WIDTH = 8


class BoundGraphs:
    """Both graphs of a bundle, and the one that joins pages; safe to share between threads.

    device: ONNX Runtime's name of the device that the sessions run on, ``cuda`` or ``cpu``.
    """

    def __init__(
        self, visual: ort.InferenceSession, encoder: ort.InferenceSession, stack: ort.InferenceSession, device: str
    ) -> None:
        self._visual = visual
        self._encoder = encoder
        self._stack = stack
        self._device = device

    def visual(self, images: NDArray[np.uint8]) -> list[ort.OrtValue]:
        """Images uint8 (B, 3, 224, 224) BGR -> B values float32 (1, V, D) on the device. Raises SessionError."""
        (block,) = _run(self._visual, {"image": images}, {}, self._device)
        if len(images) == 1:
            return [block]
        # Each for itself: a page that is kept must not keep its neighbours.
        return [self._join([block], [row]) for row in range(len(images))]

    def encoder(
        self, arrays: Mapping[str, NDArray[Any]], pages: Sequence[ort.OrtValue]
    ) -> dict[str, NDArray[np.float32]]:
        """Run the encoder graph on arrays of B windows, each with its page's value; outputs by name on the host.

        Raises SessionError.
        """
        distinct = list({id(page): page for page in pages}.values())
        rows = {id(page): row for row, page in enumerate(distinct)}
        stacked = distinct[0] if len(pages) == 1 else self._join(distinct, [rows[id(page)] for page in pages])
        values = _run(self._encoder, arrays, {"visual_embeddings": stacked}, "cpu")
        names = [output.name for output in self._encoder.get_outputs()]
        return {name: value.numpy() for name, value in zip(names, values, strict=True)}

    def _join(self, values: Sequence[ort.OrtValue], rows: Sequence[int]) -> ort.OrtValue:
        """Rows of the values laid one behind the other: values (N, V, D) -> (rows, V, D), all on the device."""
        while len(values) > STACK_WIDTH:
            together = self._join(values[:STACK_WIDTH], range(sum(value.shape()[0] for value in values[:STACK_WIDTH])))
            values = [together, *values[STACK_WIDTH:]]
        # All inputs must be there; no row is taken from the surplus ones.
        bound = {f"part_{number}": values[min(number, len(values) - 1)] for number in range(STACK_WIDTH)}
        (joined,) = _run(self._stack, {"rows": np.array(rows, np.int64)}, bound, self._device)
        return joined


def _run(
    session: ort.InferenceSession,
    arrays: Mapping[str, NDArray[Any]],
    values: Mapping[str, ort.OrtValue],
    device: str,
) -> list[ort.OrtValue]:
    """Run a graph on arrays of the host and values of the device; its outputs in their order, on ``device``."""
    try:
        binding = session.io_binding()
        for name, array in arrays.items():
            binding.bind_cpu_input(name, np.ascontiguousarray(array))
        for name, value in values.items():
            binding.bind_ortvalue_input(name, value)
        for output in session.get_outputs():
            binding.bind_output(output.name, device)
        binding.synchronize_inputs()
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        outputs: list[ort.OrtValue] = binding.get_outputs()
    except Exception as error:
        raise SessionError(f"ONNX Runtime failed while running a graph: {error}") from error
    return outputs
