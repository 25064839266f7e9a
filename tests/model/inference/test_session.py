import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from layoutserve.model import bundle
from layoutserve.model.encoding.tensors import Encoding
from layoutserve.model.errors import ArrayError, BundleError, SessionError
from layoutserve.model.inference import session
from layoutserve.model.inference.session import Session

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = ("short", "batch", "long")
HF_INPUTS = ("input_ids", "bbox", "image", "attention_mask", "token_type_ids")


def golden_inputs(name, case):
    with np.load(GOLDEN / name / "inputs.npz") as file:
        return {key: file[f"{case}.{key}"] for key in HF_INPUTS if f"{case}.{key}" in file.files}


def golden_outputs(name, case):
    with np.load(GOLDEN / name / "expected.npz") as file:
        return {key.split(".")[1]: file[key] for key in file.files if key.startswith(f"{case}.")}


def encoding(length, image, seed=0):
    generator = np.random.default_rng(seed)
    return Encoding(
        input_ids=generator.integers(0, 1000, length),
        bbox=np.sort(generator.integers(0, 1001, (length, 2, 2)), axis=1).reshape(length, 4),
        token_type_ids=np.zeros(length, np.int64),
        word_index=np.zeros(length, np.int32),
        image=image,
    )


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (3, 224, 224), np.uint8)


@pytest.fixture
def tiny(exported):
    return Session(exported("tiny-token"), threads=1)


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.iterdir() if path.is_dir()))
@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
def test_infer_equals_the_reference_under_its_names(exported, name, native):
    session = Session(exported(name), native_ops=native, threads=1)
    for case in CASES:
        outputs, expected = session.infer(golden_inputs(name, case)), golden_outputs(name, case)
        assert set(outputs) == set(expected)
        for key, value in expected.items():
            # LayoutLMv3's reference looks for answers in the picture, too.
            value = value[:, : outputs[key].shape[1]] if key.endswith(("start_logits", "end_logits")) else value
            np.testing.assert_allclose(outputs[key], value, rtol=0, atol=1e-5)


def test_selftest_repeats_the_golden_input(tiny, exported, tmp_path):
    assert tiny.selftest() < 1e-5
    broken = bundle.Bundle(tmp_path, exported("tiny-token").manifest)
    for file in ("visual.onnx", "encoder.onnx"):
        (tmp_path / file).symlink_to(exported("tiny-token").path / file)
    with pytest.raises(BundleError, match="selftest"):
        Session(broken, threads=1).selftest()
    np.savez(tmp_path / "selftest.npz", image=np.zeros(3))
    with pytest.raises(BundleError, match="selftest"):
        Session(broken, threads=1).selftest()


@pytest.mark.parametrize("name", ["tiny-token", "tiny-sequence", "tiny-qa"])
def test_windows_alone_and_in_a_padded_batch_are_the_same(exported, name):
    session = Session(exported(name), threads=1, visual_cache_pages=0)
    windows = [encoding(length, picture(length), length) for length in (30, 1, 77, 512)]
    together = session.run(windows)
    heads = {"tiny-token": ["kie"], "tiny-sequence": ["classification"], "tiny-qa": ["docvqa_start", "docvqa_end"]}
    for window, logits in zip(windows, together, strict=True):
        (alone,) = session.run([window])
        for head in ("kie", "classification", "docvqa_start", "docvqa_end"):
            if head not in heads[name]:
                assert getattr(logits, head) is None
                continue
            assert len(getattr(logits, head)) == (5 if head == "classification" else len(window))
            np.testing.assert_allclose(getattr(alone, head), getattr(logits, head), rtol=0, atol=1e-5)


def test_lengths_that_fit_a_gpu_change_no_result(tiny):
    windows = [encoding(length, picture(length), length) for length in (1, 15, 30, 508, 512)]
    expected = [tiny.run([window])[0].kie for window in windows]
    assert tiny.window_tokens == 512
    tiny._lengths = session.GPU_LENGTHS
    assert tiny.window_tokens == 511
    shapes = [tiny._padded([window])["input_ids"].shape for window in windows]
    assert shapes == [(1, 15), (1, 15), (1, 31), (1, 511), (1, 512)]
    for window, logits in zip(windows, expected, strict=True):
        np.testing.assert_allclose(tiny.run([window])[0].kie, logits, rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_gpu_that_is_not_there_is_the_cpu_and_a_warning(exported, monkeypatch, caplog):
    # So onnxruntime-gpu behaves where there is no GPU: it names the provider, and runs on the CPU.
    monkeypatch.setattr(session.ort, "get_available_providers", lambda: [session.CUDA, session.CPU])
    monkeypatch.setattr(session, "_said", set())
    loaded = []
    monkeypatch.setattr(session.ort, "preload_dlls", lambda: loaded.append(True), raising=False)
    for asked in (None, [session.CUDA], [session.CUDA, session.CPU]):
        fallen = Session(exported("tiny-token"), providers=asked, threads=1)
        assert fallen.providers == [session.CPU]
        assert fallen.selftest() < 1e-5
    assert loaded
    assert [record.levelname for record in caplog.records if "No GPU" in record.message] == ["WARNING"]


def test_run_equals_infer(tiny):
    inputs = golden_inputs("tiny-token", "batch")
    windows = []
    for row, mask in enumerate(inputs["attention_mask"]):
        length = int(mask.sum())
        windows.append(
            Encoding(
                input_ids=inputs["input_ids"][row, :length],
                bbox=inputs["bbox"][row, :length],
                token_type_ids=inputs["token_type_ids"][row, :length],
                word_index=np.zeros(length, np.int32),
                image=inputs["image"][row],
            )
        )
    expected = golden_outputs("tiny-token", "batch")["logits"]
    for row, logits in enumerate(tiny.run(windows)):
        np.testing.assert_allclose(logits.kie, expected[row, : len(windows[row])], rtol=0, atol=1e-5)
    assert tiny.run([]) == []


def test_the_visual_graph_runs_once_for_a_page(tiny, monkeypatch):
    computed = []
    original = Session.visual
    tiny._cache._compute = lambda images: (computed.append(len(images)), original(tiny, images))[1]
    one, two = picture(1), picture(2)
    tiny.run([encoding(5, one), encoding(6, one), encoding(7, two)])
    tiny.run([encoding(8, two.copy()), encoding(9, one)])
    assert computed == [2]
    info = tiny.cache_info
    assert (info.hits, info.misses, info.pages) == (2, 2, 2)


def test_the_cache_is_bounded_and_drops_the_page_used_longest_ago(exported):
    session = Session(exported("tiny-token"), threads=1, visual_cache_pages=2)
    a, b, c = picture(1), picture(2), picture(3)
    for image in (a, b, a, c):  # b goes
        session.run([encoding(4, image)])
    assert (session.cache_info.hits, session.cache_info.misses, session.cache_info.pages) == (1, 3, 2)
    session.run([encoding(4, a)])
    assert session.cache_info.hits == 2
    session.run([encoding(4, b)])
    assert session.cache_info.misses == 4


def test_a_cache_of_no_pages_keeps_none(exported):
    session = Session(exported("tiny-token"), threads=1, visual_cache_pages=0)
    first, second = session.run([encoding(4, picture(1))]), session.run([encoding(4, picture(1))])
    assert (session.cache_info.hits, session.cache_info.misses, session.cache_info.pages) == (0, 2, 0)
    assert np.array_equal(first[0].kie, second[0].kie)


def test_threads_that_want_the_same_page_share_one_computation(tiny):
    started, release, computed = threading.Event(), threading.Event(), []
    original = Session.visual

    def slow(images):
        computed.append(len(images))
        started.set()
        assert release.wait(10)
        return original(tiny, images)

    tiny._cache._compute = slow
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(tiny.run, [encoding(4, picture(1))])
        assert started.wait(10)
        others = [pool.submit(tiny.run, [encoding(4, picture(1))]) for _ in range(3)]
        release.set()
        results = [future.result(10)[0].kie for future in (first, *others)]
    assert computed == [1]
    assert all(np.array_equal(result, results[0]) for result in results)


def test_a_failed_page_fails_those_who_wait_and_can_be_tried_again(tiny):
    def fail(images):
        raise SessionError("no memory")

    working, tiny._cache._compute = tiny._cache._compute, fail
    with pytest.raises(SessionError, match="no memory"):
        tiny.run([encoding(4, picture(1))])
    tiny._cache._compute = working
    assert tiny.run([encoding(4, picture(1))])[0].kie.shape == (4, 5)


def test_many_threads_get_what_one_gets(tiny):
    windows = [encoding(3 + seed, picture(seed % 3), seed) for seed in range(12)]
    expected = [tiny.run([window])[0].kie for window in windows]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda window: tiny.run([window])[0].kie, windows * 3))
    for result, value in zip(results, expected * 3, strict=True):
        np.testing.assert_allclose(result, value, rtol=0, atol=1e-6)


def test_results_do_not_hold_the_batch_in_memory(tiny):
    logits = tiny.run([encoding(3, picture(1)), encoding(400, picture(1))])[0]
    assert logits.kie.base is None


def test_tokens_the_model_does_not_have_are_refused(tiny):
    with pytest.raises(ArrayError, match="513 tokens; the model takes 512"):
        tiny.run([encoding(513, picture(1))])
    wrong = encoding(4, picture(1))
    wrong.input_ids[2] = 1000
    with pytest.raises(ArrayError, match=r"input_ids must lie in 0\.\.999"):
        tiny.run([wrong])
    wrong = encoding(4, picture(1))
    wrong.token_type_ids[2] = 2
    with pytest.raises(ArrayError, match="token_type_ids"):
        tiny.run([wrong])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bbox": None}, "lack bbox"),
        ({"input_ids": None, "image": None}, "lack input_ids, image"),
        ({"pixel_values": np.zeros(1)}, "pixel_values"),
        ({"input_ids": np.zeros(17, np.int64)}, r"input_ids must be of shape \(B, L\)"),
        ({"input_ids": np.zeros((1, 0), np.int64)}, "input_ids must be of shape"),
        ({"input_ids": np.zeros((1, 513), np.int64)}, "513 tokens"),
        ({"input_ids": np.full((1, 17), 1000)}, r"input_ids must lie in 0\.\.999, not 1000\.\.1000"),
        ({"input_ids": np.full((1, 17), -1)}, "input_ids must lie in"),
        ({"input_ids": np.zeros((1, 17))}, "input_ids must hold integers, not float64"),
        ({"bbox": np.zeros((1, 17, 3), np.int64)}, r"bbox must be of shape \(1, 17, 4\)"),
        ({"bbox": np.full((1, 17, 4), 1001)}, r"bbox must lie in 0\.\.1000"),
        ({"bbox": np.tile(np.array([5, 0, 4, 1]), (1, 17, 1))}, "x0 <= x1"),
        ({"image": np.zeros((1, 224, 224, 3), np.uint8)}, "image must be of shape"),
        ({"image": np.full((1, 3, 224, 224), 256)}, r"image must lie in 0\.\.255"),
        ({"image": np.zeros((2, 3, 224, 224), np.uint8)}, "image must be of shape"),
        ({"attention_mask": np.full((1, 17), 2)}, "attention_mask must lie in"),
        ({"attention_mask": np.ones((1, 16), np.int64)}, "attention_mask must be of shape"),
        ({"token_type_ids": np.full((1, 17), 2)}, "token_type_ids must lie in"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tiny, changes, message):
    arrays = golden_inputs("tiny-token", "short") | changes
    with pytest.raises(ArrayError, match=message):
        tiny.infer({name: value for name, value in arrays.items() if value is not None})


def test_mask_and_types_may_be_left_out(tiny):
    arrays = golden_inputs("tiny-token", "short")
    shortened = {name: arrays[name] for name in ("input_ids", "bbox", "image")}
    full = arrays | {"attention_mask": np.ones((1, 17), np.int64), "token_type_ids": np.zeros((1, 17), np.int64)}
    assert np.array_equal(tiny.infer(shortened)["logits"], tiny.infer(full)["logits"])
    assert np.array_equal(
        tiny.infer({name: value.astype(np.int32) for name, value in shortened.items()})["logits"],
        tiny.infer(full)["logits"],
    )


def test_graphs_that_cannot_be_loaded_are_refused(exported, tmp_path):
    for file in ("visual.onnx", "encoder.onnx"):
        (tmp_path / file).write_bytes(b"not a graph")
    with pytest.raises(BundleError, match="cannot load"):
        Session(bundle.Bundle(tmp_path, exported("tiny-token").manifest))


def test_unknown_providers_are_refused(exported):
    with pytest.raises(SessionError, match="MoonExecutionProvider"):
        Session(exported("tiny-token"), providers=["MoonExecutionProvider"])
    with pytest.raises(SessionError, match="provider"):
        Session(exported("tiny-token"), providers=[])


def test_onnx_runtime_errors_are_ours(tiny):
    with pytest.raises(SessionError, match="ONNX Runtime failed"):
        tiny.encoder({"input_ids": np.zeros((1, 3), np.int64)})


@pytest.mark.parametrize("content", [None, b"not a library"], ids=["absent", "broken"])
def test_without_the_library_it_says_so_once_and_runs_the_functions(exported, content, tmp_path, monkeypatch, caplog):
    library = tmp_path / "liblayoutserve_ops.so"
    if content is not None:
        library.write_bytes(content)
    monkeypatch.setattr(session, "LIBRARY", library)
    monkeypatch.setattr(session, "_said", set())
    with caplog.at_level(logging.WARNING):
        sessions = [Session(exported("tiny-token"), threads=1) for _ in range(3)]
    assert [s.operators for s in sessions] == ["portable"] * 3
    assert len(caplog.records) == 1
    assert "ONNX functions" in caplog.text
    assert sessions[0].selftest() < 1e-5


def test_importing_and_running_needs_no_torch(exported):
    folder = exported("tiny-token").path
    code = (
        "import sys; from pathlib import Path; from layoutserve.model import bundle; "
        "from layoutserve.model.inference.session import Session; "
        f"s = Session(bundle.load(Path({str(folder)!r})), threads=1); assert s.selftest() < 1e-5; "
        "print([m for m in ('torch', 'onnx', 'onnxscript', 'onnx_ir', 'safetensors', 'fastapi') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_the_operators_are_checked_against_their_definition(tmp_path, monkeypatch):
    assert session.check_operators() == session.OperatorCheck("native", 0.0)
    monkeypatch.setattr(session, "LIBRARY", tmp_path / "none.so")
    assert session.check_operators() == session.OperatorCheck("portable", 0.0)
    monkeypatch.setattr(session, "relative_attention_bias", lambda *arrays: 0.0)
    assert session.check_operators().difference > 1
