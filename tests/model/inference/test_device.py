"""IO binding, bound to the CPU: what it computes there must be what the plain path computes, to the last bit."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from layoutserve.model.encoding.tensors import Encoding
from layoutserve.model.errors import SessionError
from layoutserve.model.inference import session as sessions
from layoutserve.model.inference.device import STACK_WIDTH, BoundGraphs
from layoutserve.model.inference.session import Session
from layoutserve.model.ops import STACK

GOLDEN = Path(__file__).parents[2] / "golden"
TINY = "tiny-token"


def stack():
    return ort.InferenceSession(STACK, providers=["CPUExecutionProvider"])


def bound(exported, name=TINY, **options):
    """A session that is bound as on a GPU, to the CPU."""
    session = Session(exported(name), threads=1, **options)
    assert session._bound is None
    session._bound = BoundGraphs(session._visual, session._encoder, stack(), "cpu")
    return session


def window(length, page):
    generator = np.random.default_rng(length)
    return Encoding(
        input_ids=generator.integers(0, 1000, length),
        bbox=np.sort(generator.integers(0, 1001, (length, 2, 2)), axis=1).reshape(length, 4),
        token_type_ids=np.zeros(length, np.int64),
        word_index=np.zeros(length, np.int32),
        image=np.random.default_rng(page).integers(0, 256, (3, 224, 224), np.uint8),
    )


# LayoutLM and LiLT look at no picture, so nothing of them stays on a device.
LOOKING = ("tiny", "layoutlmv3")


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.iterdir() if path.name.startswith(LOOKING)))
def test_bound_graphs_answer_as_the_plain_ones(exported, name):
    plain, session = Session(exported(name), threads=1), bound(exported, name)
    assert session.selftest() == plain.selftest() < 1e-5
    with np.load(GOLDEN / name / "inputs.npz") as file:
        inputs = {key.split(".")[1]: file[key] for key in file.files if key.startswith("batch.")}
    expected = plain.infer(inputs)
    found = session.infer(inputs)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value)


# One page and one window; one page of several windows; as many pages as one run joins, and many more; pages in turns.
@pytest.mark.parametrize(
    "pages",
    [[0], [0, 0, 0], range(STACK_WIDTH), range(2 * STACK_WIDTH + 3), [3, 1, 3, 0, 1, 2, 2, 9, 8, 7, 6, 5, 4, 3]],
    ids=["one", "same", "full", "many", "turns"],
)
def test_every_window_gets_its_own_page(exported, pages):
    windows = [window(5 + number, page) for number, page in enumerate(pages)]
    expected = Session(exported(TINY), threads=1).run(windows)
    session = bound(exported)
    for _ in range(2):  # the second time from the cache
        for logits, other in zip(session.run(windows), expected, strict=True):
            np.testing.assert_array_equal(logits.kie, other.kie)
    assert session.cache_info.misses == len(set(pages))


def test_what_is_kept_of_a_page_is_on_the_device_and_that_page_alone(exported):
    session = bound(exported)
    kept = session._look(np.stack([window(1, page).image for page in range(11)]))
    assert all(isinstance(value, ort.OrtValue) and value.device_name() == "cpu" for value in kept)
    hidden = session.bundle.manifest.config["hidden_size"]
    assert [value.shape() for value in kept] == [[1, 49, hidden]] * 11
    # Memory of its own, not a piece of the others'.
    assert all(value.tensor_size_in_bytes() == 49 * hidden * 4 for value in kept)
    assert len({value.data_ptr() for value in kept}) == 11


def test_threads_share_it(exported):
    session = bound(exported, visual_cache_pages=2)
    windows = [window(3 + number, number % 5) for number in range(15)]
    expected = [session.run([one])[0].kie for one in windows]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: session.run([one])[0].kie, windows * 2))
    for value, other in zip(found, expected * 2, strict=True):
        np.testing.assert_array_equal(value, other)


def test_errors_of_onnx_runtime_are_ours(exported):
    session = bound(exported)
    page = session._look(window(1, 0).image[None])
    with pytest.raises(SessionError, match="ONNX Runtime failed"):
        session._bound.encoder({"input_ids": np.zeros((1, 3), np.int64)}, page)
    with pytest.raises(SessionError, match="ONNX Runtime failed"):
        session._bound.visual(np.zeros((1, 3, 7), np.uint8))


@pytest.fixture
def gpu(monkeypatch):
    """As if there were a GPU: sessions are made for one, though all that runs does so on the CPU."""
    load = sessions._load
    monkeypatch.setattr(sessions, "_providers", lambda asked: list(asked or [sessions.CUDA, sessions.CPU]))
    monkeypatch.setattr(sessions, "_load", lambda path, options, providers: load(path, options, [sessions.CPU]))
    monkeypatch.setattr(sessions, "_said", set())


def test_sessions_on_cuda_are_bound_to_it_and_no_others(exported, gpu):
    session = Session(exported(TINY), threads=1)
    assert (session._bound._device, session.operators) == ("cuda", "portable")
    assert Session(exported(TINY), providers=[sessions.CPU], threads=1)._bound is None
    # Where the device is not, ONNX Runtime leaves values where the graph runs.
    assert session.selftest() < 1e-5


def test_int8_stays_on_the_cpu_unless_told_otherwise(exported, gpu, caplog):
    found = exported(TINY)
    int8 = replace(found, manifest=replace(found.manifest, precision="int8"))
    session = Session(int8, threads=1)
    assert session.providers == [sessions.CPU]
    assert session._bound is None
    assert session.operators == "native"
    assert [record.levelname for record in caplog.records if "--precision fp16" in record.message] == ["WARNING"]
    assert Session(int8, providers=[sessions.CUDA, sessions.CPU], threads=1).providers[0] == sessions.CUDA
