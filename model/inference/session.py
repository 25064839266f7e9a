"""The two graphs of a bundle in ONNX Runtime: Encodings in, Logits out.

The visual graph runs once for each page, however many windows, questions and requests look at it: its output is kept
in a bounded cache, on a GPU without leaving it. The encoder graph runs once for each batch of windows. The custom
operators run natively where their library is built (``make ops``) and can be loaded, else as the functions that travel
inside the graphs.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias
from zipfile import BadZipFile

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from layoutserve.model.allocator import share_arena
from layoutserve.model.bundle import Bundle
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.errors import ArrayError, BundleError, SessionError
from layoutserve.model.inference.device import BoundGraphs
from layoutserve.model.inference.named_arrays import ENTITIES, Arrays, check_range, checked
from layoutserve.model.inference.visual_cache import CacheInfo, VisualCache
from layoutserve.model.ops import LIBRARY, PROBE, STACK
from layoutserve.model.ops.relative_attention_bias import relative_attention_bias

# A page's visual embeddings: float32 (V, D) here, (1, V, D) on a device.
Features: TypeAlias = "NDArray[np.float32] | ort.OrtValue"

_log = logging.getLogger(__name__)
_said: set[str] = set()

STATES = "text_states"
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
# On a GPU, attention with a bias has a fast kernel for text and visual tokens that are a multiple of this.
GPU_LENGTHS = 16

# Images of one call of the visual graph: more are hardly faster on a CPU, and each keeps tens of MB resident.
_IMAGES_PER_CALL, _IMAGES_PER_GPU_CALL = 2, 8
# Pages whose visual embeddings are kept, 150 kB each at base size.
VISUAL_CACHE_PAGES = 256


class Session:
    """A bundle ready to run; safe to share between threads."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        providers: Sequence[str] | None = None,
        threads: int | None = None,
        native_ops: bool = True,
        visual_cache_pages: int = VISUAL_CACHE_PAGES,
    ) -> None:
        """Load the graphs.

        providers: ONNX Runtime's names, best first; by default CUDA where it is there, and the CPU, which alone runs
        int8 bundles. threads: of each graph, by default one for each core. native_ops: False runs the functions even
        where the library is. visual_cache_pages: pages whose visual embeddings are kept; 0 keeps none.

        Raises BundleError for graphs that ONNX Runtime cannot load, SessionError for providers it does not have.
        """
        self.bundle = bundle
        self.providers = _providers(providers)
        if providers is None and self.providers[0] == CUDA and bundle.manifest.precision == "int8":
            # Its operators have kernels for CPUs alone; on a GPU the functions that define them would run.
            name = bundle.manifest.name
            _say_once(f"int8 is made for CPUs, where {name} runs; for the GPU export it with --precision fp16.")
            self.providers = [CPU]
        on_cpu = self.providers[0] == CPU
        options, native = _options(threads, native_ops=native_ops and on_cpu)
        self._lengths = 1 if on_cpu else GPU_LENGTHS
        self._images_per_call = _IMAGES_PER_CALL if on_cpu else _IMAGES_PER_GPU_CALL
        self.operators: Literal["native", "portable"] = "native" if native else "portable"
        self._inputs = bundle.manifest.inputs
        visual = bundle.visual_graph
        self._visual = None if visual is None else _load(visual, options, self.providers)
        self._encoder = _load(bundle.encoder_graph, options, self.providers)
        relations = bundle.relations_graph
        self._relations = None if relations is None else _load(relations, options, self.providers)
        graphs = [graph for graph in (self._encoder, self._relations) if graph is not None]
        self.outputs = tuple(o.name for graph in graphs for o in graph.get_outputs() if o.name != STATES)
        self._bound: BoundGraphs | None = None
        if self.providers[0] == CUDA and self._visual is not None:
            stack = _load(STACK, options, self.providers)
            self._bound = BoundGraphs(self._visual, self._encoder, stack, "cuda")
        self._cache = VisualCache[Features](visual_cache_pages, self._look)

    @property
    def window_tokens(self) -> int:
        """Text tokens of the longest window that runs well: on a GPU a few less than the model takes."""
        visual_tokens = self._inputs.visual_tokens
        return (self._inputs.max_tokens + visual_tokens) // self._lengths * self._lengths - visual_tokens

    @property
    def cache_info(self) -> CacheInfo:
        """Hits, misses and size of the cache of visual embeddings."""
        return self._cache.info()

    def visual(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images uint8 (B, 3, 224, 224) -> visual embeddings float32 (B, V, D), past the cache.

        Raises SessionError for a bundle without a visual graph.
        """
        if self._visual is None:
            raise SessionError(f"{self.bundle.manifest.name} looks at no picture.")
        parts = [_run(self._visual, {"image": part})["visual_embeddings"] for part in self._parts(images)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def encoder(self, arrays: Arrays) -> dict[str, NDArray[np.float32]]:
        """Run the encoder graph on arrays named and shaped as in ``model/encoding/tensors.py``, of any batch size."""
        return _run(self._encoder, arrays)

    def read(self, arrays: Arrays) -> dict[str, NDArray[np.float32]]:
        """Run all graphs on arrays named as in ``model/encoding/tensors.py``, the image among them if there is one.

        With ``entity_start`` and ``entity_label`` (B, E) the head of relations, on the same states, too.
        """
        given = dict(arrays)
        entities = {name: given.pop(name) for name in ENTITIES if name in given}
        outputs = self._read(given, self._look_at(given))
        states = outputs.pop(STATES, None)
        if self._relations is not None and states is not None and entities:
            outputs |= _run(self._relations, {**entities, STATES: states})
        return outputs

    def run(self, encodings: Sequence[Encoding]) -> list[Logits]:
        """Run windows of any lengths as one padded batch; the Logits come in the same order, without padding.

        A window's result does not depend on its neighbours. Raises SessionError when ONNX Runtime fails and
        ArrayError for windows longer than the model or with tokens it does not have.
        """
        if not encodings:
            return []
        self._check_tokens(encodings)
        outputs = self._read(self._padded(encodings), self._features(encodings))

        def window(name: str, row: int, length: int | None = None) -> NDArray[np.float32] | None:
            return outputs[name][row, :length].copy() if name in outputs else None

        return [
            Logits(
                kie=window("kie_logits", row, len(encoding)),
                classification=window("classification_logits", row),
                docvqa_start=window("docvqa_start_logits", row, len(encoding)),
                docvqa_end=window("docvqa_end_logits", row, len(encoding)),
            )
            for row, encoding in enumerate(encodings)
        ]

    def infer(self, arrays: Arrays) -> dict[str, NDArray[np.float32]]:
        """Run arrays under Hugging Face's input names; outputs come under Hugging Face's output names.

        input_ids (B, L), bbox (B, L, 4), 0-1000, image uint8 (B, 3, 224, 224), BGR, or RGB for LayoutLMv3, where the
        network looks at one; attention_mask and token_type_ids (B, L) may be left out, as there. Out: ``logits``, or
        ``start_logits`` and ``end_logits``, or ``last_hidden_state`` and ``pooler_output``; for several heads the
        names of ``model/encoding/tensors.py``. A bundle with a head of relations also takes entity_start (B, E), -1
        for none, and entity_label (B, E), 0 other, 1 question, 2 answer, and gives relation_logits (B, E, E, 2).

        Raises ArrayError for a missing or unknown name, a wrong dtype, shape or range.
        """
        whole = checked(arrays, self.bundle.manifest)
        outputs = self.read(whole)
        if len(self.bundle.manifest.heads) > 1:
            return outputs
        return {
            name.removeprefix(f"{task}_"): value
            for task in self.bundle.manifest.heads or ("",)
            for name, value in outputs.items()
        }

    def selftest(self) -> float:
        """Repeat the bundle's golden input; the largest absolute difference to what the export recorded.

        Raises BundleError when the bundle has no selftest.npz or one of other outputs.
        """
        try:
            with (self.bundle.path / "selftest.npz").open("rb") as file, np.load(file) as stored:
                golden = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise BundleError(f"selftest.npz of {self.bundle.path} cannot be read: {error}") from error
        inputs = {name[6:]: value for name, value in golden.items() if name.startswith("input.")}
        expected = {name[7:]: value for name, value in golden.items() if name.startswith("output.")}
        if ("image" in inputs) != (self._visual is not None) or set(expected) != set(self.outputs):
            raise BundleError(f"selftest.npz of {self.bundle.path} does not fit its graphs; export it again.")
        outputs = self.read(inputs)
        return float(np.max([np.abs(outputs[name] - value).max() for name, value in expected.items()]))

    def _features(self, encodings: Sequence[Encoding]) -> list[Features] | None:
        """The visual embeddings of each window's page, or None for a network that looks at none."""
        if self._visual is None:
            return None
        images = {encoding.image_key: encoding.image for encoding in encodings if encoding.image is not None}
        if missing := sum(encoding.image is None for encoding in encodings):
            raise ArrayError(f"{missing} windows have no image; {self.bundle.manifest.name} looks at one.")
        visual = self._cache.get(images)
        return [visual[encoding.image_key] for encoding in encodings]

    def _look_at(self, arrays: dict[str, NDArray[Any]]) -> list[Features] | None:
        """Take the image from named arrays and look at it, where there is one."""
        return self._look(arrays.pop("image").astype(np.uint8)) if "image" in arrays else None

    def _look(self, images: NDArray[np.uint8]) -> list[Features]:
        """Images uint8 (B, 3, 224, 224) -> a page's visual embeddings each, past the cache."""
        if self._bound is None:
            # Copied, so that a page that is kept does not keep its neighbours.
            return [embeddings.copy() for embeddings in self.visual(images)]
        return [page for part in self._parts(images) for page in self._bound.visual(part)]

    def _parts(self, images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        most = self._images_per_call
        return [images[start : start + most] for start in range(0, len(images), most)]

    def _read(self, arrays: Arrays, pages: Sequence[Features] | None) -> dict[str, NDArray[np.float32]]:
        """Run the encoder graph on arrays of B windows, each with its page's visual embeddings if it has any."""
        if pages is None:
            return self.encoder(arrays)
        if self._bound is None:
            return self.encoder({**arrays, "visual_embeddings": np.stack(pages)})
        return self._bound.encoder(arrays, pages)

    def _padded(self, encodings: Sequence[Encoding]) -> dict[str, NDArray[np.int64]]:
        config = self.bundle.manifest.config
        batch, longest = len(encodings), max(len(encoding) for encoding in encodings)
        multiple, visual_tokens = self._lengths, self._inputs.visual_tokens
        length = -(-(longest + visual_tokens) // multiple) * multiple - visual_tokens
        length = max(min(length, self._inputs.max_tokens), longest)
        arrays = {
            "input_ids": np.full((batch, length), int(config.get("pad_token_id", 0)), np.int64),
            "bbox": np.zeros((batch, length, 4), np.int64),
            "attention_mask": np.zeros((batch, length), np.int64),
            "token_type_ids": np.zeros((batch, length), np.int64),
        }
        for row, encoding in enumerate(encodings):
            arrays["input_ids"][row, : len(encoding)] = encoding.input_ids
            arrays["bbox"][row, : len(encoding)] = encoding.bbox
            arrays["token_type_ids"][row, : len(encoding)] = encoding.token_type_ids
            arrays["attention_mask"][row, : len(encoding)] = 1
        return arrays

    def _check_tokens(self, encodings: Sequence[Encoding]) -> None:
        config, longest = self.bundle.manifest.config, self._inputs.max_tokens
        for encoding in encodings:
            if len(encoding) > longest:
                raise ArrayError(f"A window has {len(encoding)} tokens; the model takes {longest}.")
            for name, entries in (("input_ids", "vocab_size"), ("token_type_ids", "type_vocab_size")):
                check_range(name, getattr(encoding, name), 0, int(config[entries]) - 1)


@dataclass(frozen=True, slots=True)
class OperatorCheck:
    """The operators that sessions run here, and their largest difference from the definition (0 = equal)."""

    operators: Literal["native", "portable"]
    difference: float


def check_operators() -> OperatorCheck:
    """Compare the operators of sessions on this CPU with their numpy definition, over every distance on a page."""
    options, native = _options(None, native_ops=True)
    session = _load(PROBE, options, ["CPUExecutionProvider"])
    generator, tokens = np.random.default_rng(0), 600
    edges = generator.permutation(1001)[:tokens]
    position_ids = np.arange(tokens)[None]
    bbox = np.stack([edges, edges, edges[::-1], edges[::-1]], axis=-1)[None]
    attention_mask = generator.integers(0, 2, (1, tokens))
    bias_1d, bias_x, bias_y = (generator.standard_normal((2, width), np.float32) for width in (257, 513, 513))
    places = {"position_ids": position_ids, "bbox": bbox, "attention_mask": attention_mask}
    found = _run(session, {**places, "bias_1d": bias_1d, "bias_x": bias_x, "bias_y": bias_y})["bias"]
    expected = relative_attention_bias(position_ids, bbox, attention_mask, bias_1d, bias_x, bias_y)
    difference = float(np.max(np.abs(found - expected)))
    return OperatorCheck("native" if native else "portable", difference)


def _providers(asked: Sequence[str] | None) -> list[str]:
    available = ort.get_available_providers()
    if asked is None:
        chosen = [name for name in (CUDA, CPU) if name in available]
    elif not asked or (unknown := [name for name in asked if name not in available]):
        raise SessionError(f"ONNX Runtime here has no provider {unknown if asked else ''}; it has {available}.")
    else:
        chosen = list(asked)
    if CUDA in chosen and not _cuda_works():
        _say_once("No GPU can be used (is there one, with a driver new enough?); the models run on the CPU.")
        chosen = [name for name in chosen if name != CUDA] or [CPU]
    return chosen


def _cuda_works() -> bool:
    """True if the CUDA provider can be used: ONNX Runtime names it wherever its wheel is installed."""
    # The wheels of CUDA and cuDNN lie where the system does not look for libraries.
    ort.preload_dlls()
    session = _load(PROBE, _options(None, native_ops=False)[0], [CUDA, CPU])
    return CUDA in session.get_providers()


def _options(threads: int | None, *, native_ops: bool) -> tuple[ort.SessionOptions, bool]:
    """Session options, and whether the native operators are registered in them."""

    def fresh() -> ort.SessionOptions:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        # Patterns are kept for every shape ever seen, and every batch has another one.
        options.enable_mem_pattern = False
        share_arena(options)
        # Threads that wait by spinning take the cores from the other graph, from OCR and from other requests.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return options

    options = fresh()
    if not native_ops:
        return options, False
    if not LIBRARY.is_file():
        _say_once("The native operators are not built (make ops); the models run on their ONNX functions.")
        return options, False
    try:
        options.register_custom_ops_library(str(LIBRARY))
    except Exception as error:
        _say_once(f"The native operators cannot be loaded; the models run on their ONNX functions: {error}")
        return fresh(), False
    return options, True


def _say_once(message: str) -> None:
    if message not in _said:
        _said.add(message)
        _log.warning(message)


def _load(path: Path, options: ort.SessionOptions, providers: Sequence[str]) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(path, options, providers=list(providers))
    except Exception as error:
        raise BundleError(f"ONNX Runtime cannot load {path}; export the bundle again ({error}).") from error


def _run(session: ort.InferenceSession, arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    names = [output.name for output in session.get_outputs()]
    try:
        values = session.run(names, dict(arrays))
    except Exception as error:
        raise SessionError(f"ONNX Runtime failed while running a graph: {error}") from error
    return dict(zip(names, values, strict=True))
