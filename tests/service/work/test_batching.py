import asyncio
import os
import threading
import time

import numpy as np
import pytest

from layoutserve.model.bundle import LAYOUTLMV2_VISUAL_TOKENS as VISUAL_TOKENS
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.errors import SessionError
from layoutserve.model.inference.session import CPU, CUDA
from layoutserve.model.page import Page
from layoutserve.service import settings
from layoutserve.service.errors import NotReady
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.work.backend import open_batcher
from layoutserve.service.work.batching import Batcher, next_batch, run_all
from layoutserve.service.work.cores import cores
from layoutserve.service.work.ocr_pool import OcrPool


def encoding(length: int, mark: int = 1) -> Encoding:
    image = np.full((3, 224, 224), mark % 256, np.uint8)
    ids = np.full(length, mark, np.int64)
    return Encoding(ids, np.zeros((length, 4), np.int64), np.zeros_like(ids), np.zeros(length, np.int32), image)


class Model:
    """Gives each window its mark back; fails for a batch with a bad mark; can be held."""

    def __init__(self, bad: int = -1):
        self.bad = bad
        self.batches: list[list[tuple[int, int]]] = []
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def run(self, encodings):
        self.entered.set()
        self.gate.wait(5)
        self.batches.append([(len(e), int(e.input_ids[0])) for e in encodings])
        if any(e.input_ids[0] == self.bad for e in encodings):
            raise SessionError("bad window")
        return [Logits(classification=e.input_ids[:1].astype(np.float32)) for e in encodings]


def batcher(model, tokens=1000, queue=10_000, workers=1):
    return Batcher(model.run, max_batch_tokens=tokens, max_queue_tokens=queue, workers=workers, telemetry=Telemetry())


async def mark_of(batcher, mark, length=10):
    logits, wait = await batcher.submit([encoding(length, mark)])
    assert wait >= 0
    return int(logits[0].classification[0])


async def held(model, batcher):
    """Keep the worker busy, so that what is submitted next waits together."""
    model.gate.clear()
    task = asyncio.create_task(batcher.submit([encoding(10, 0)]))
    while not model.entered.is_set():
        await asyncio.sleep(0.001)
    return task


@pytest.mark.parametrize(
    ("provider", "environment", "largest"),
    [(CPU, {}, 1), (CUDA, {}, 6), (CPU, {"LAYOUTSERVE_MAX_BATCH_TOKENS": "700"}, 2)],
)
def test_batches_fit_what_a_model_runs_on(provider, environment, largest):
    async def scenario():
        session = Model()
        session.providers = [provider]
        chosen = settings.load({**environment, "LAYOUTSERVE_SESSION_WORKERS": "1"})
        batcher = open_batcher(session, chosen, Telemetry(), "tiny@1")
        first = await held(session, batcher)
        later = asyncio.create_task(batcher.submit([encoding(320 - VISUAL_TOKENS, mark) for mark in range(1, 7)]))
        await asyncio.sleep(0.01)
        session.gate.set()
        await asyncio.gather(first, later)
        await batcher.close()
        return max(map(len, session.batches))

    assert asyncio.run(scenario()) == largest


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("max 100000", 64), ("200000 100000", 2), ("150000 100000", 2), ("5000 100000", 1), ("", 64)],
)
def test_a_container_has_as_many_cores_as_it_was_given_time(limit, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (tmp_path / "cpu.max").write_text(limit)
    assert cores(tmp_path / "cpu.max") == expected
    assert cores(tmp_path / "absent") == 64


def test_each_request_gets_its_own_results_from_shared_batches():
    async def scenario():
        model = Model()
        queue = batcher(model)
        first = await held(model, queue)
        rest = [asyncio.create_task(mark_of(queue, mark)) for mark in range(1, 40)]
        await asyncio.sleep(0.01)
        model.gate.set()
        assert await asyncio.gather(*rest) == list(range(1, 40))
        await first
        await queue.close()
        assert max(len(batch) for batch in model.batches) > 1

    asyncio.run(scenario())


def test_a_batch_holds_no_more_tokens_than_the_budget_with_padding_counted():
    async def scenario():
        model = Model()
        queue = batcher(model, tokens=500)
        first = await held(model, queue)
        lengths = [5, 200, 10, 190, 300, 7, 1, 450, 600, 20]
        rest = [asyncio.create_task(mark_of(queue, i + 1, n)) for i, n in enumerate(lengths)]
        await asyncio.sleep(0.01)
        model.gate.set()
        await asyncio.gather(first, *rest)
        await queue.close()
        for batch in model.batches:
            padded = max(length + VISUAL_TOKENS for length, _ in batch) * len(batch)
            assert padded <= 500 or len(batch) == 1
        assert any(len(batch) > 2 for batch in model.batches)

    asyncio.run(scenario())


def test_windows_of_like_length_go_together_and_the_oldest_goes_first():
    async def scenario():
        model = Model()
        queue = batcher(model, tokens=3 * (100 + VISUAL_TOKENS))
        first = await held(model, queue)
        rest = [asyncio.create_task(mark_of(queue, 1 + i, n)) for i, n in enumerate([100, 10, 98, 11, 99])]
        await asyncio.sleep(0.01)
        model.gate.set()
        await asyncio.gather(first, *rest)
        await queue.close()
        assert sorted(length for length, _ in model.batches[1]) == [98, 99, 100]

    asyncio.run(scenario())


def test_one_bad_window_fails_alone():
    async def scenario():
        model = Model(bad=7)
        queue = batcher(model, tokens=5000)
        first = await held(model, queue)
        rest = [asyncio.create_task(mark_of(queue, mark)) for mark in range(1, 12)]
        await asyncio.sleep(0.01)
        model.gate.set()
        outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
        await queue.close()
        assert [type(o) for o in outcomes].count(SessionError) == 1
        assert isinstance(outcomes[7], SessionError)
        assert [o for o in outcomes[1:] if isinstance(o, int)] == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]

    asyncio.run(scenario())


def test_whoever_stops_waiting_is_dropped_before_its_turn():
    async def scenario():
        model = Model()
        queue = batcher(model)
        first = await held(model, queue)
        leaving = asyncio.create_task(mark_of(queue, 5))
        staying = asyncio.create_task(mark_of(queue, 6))
        await asyncio.sleep(0.01)
        leaving.cancel()
        model.gate.set()
        assert await staying == 6
        await first
        await queue.close()
        assert 5 not in [mark for batch in model.batches for _, mark in batch]

    asyncio.run(scenario())


def test_the_queue_is_bounded_and_what_is_admitted_waits_for_room():
    async def scenario():
        model = Model()
        queue = batcher(model, queue=4 * (10 + VISUAL_TOKENS))
        first = await held(model, queue)
        rest = [asyncio.create_task(mark_of(queue, mark)) for mark in range(1, 20)]
        await asyncio.sleep(0.01)
        assert queue.full
        assert queue.waiting == 4
        model.gate.set()
        assert await asyncio.gather(*rest) == list(range(1, 20))
        assert not queue.full
        await first
        await queue.close()

    asyncio.run(scenario())


def test_a_model_that_gives_too_few_results_fails_each_request_rather_than_leaving_it_waiting():
    async def scenario():
        queue = Batcher(
            lambda encodings: [], max_batch_tokens=999, max_queue_tokens=999, workers=1, telemetry=Telemetry()
        )
        with pytest.raises(RuntimeError, match="gave 0 results"):
            await asyncio.wait_for(mark_of(queue, 1), 5)
        await queue.close()

    asyncio.run(scenario())


def test_closing_answers_those_who_wait():
    async def scenario():
        model = Model()
        queue = batcher(model)
        first = await held(model, queue)
        waiting = asyncio.create_task(mark_of(queue, 3))
        await asyncio.sleep(0.01)
        closing = asyncio.create_task(queue.close())
        await asyncio.sleep(0.01)
        model.gate.set()
        await closing
        with pytest.raises(NotReady):
            await asyncio.wait_for(waiting, 5)
        with pytest.raises((NotReady, asyncio.CancelledError)):
            await asyncio.wait_for(first, 5)

    asyncio.run(scenario())


class Reader:
    def __init__(self):
        self.threads: set[int] = set()
        self.inside = 0

    def recognize(self, page, given_up):
        assert self.inside == 0
        self.inside += 1
        self.threads.add(threading.get_ident())
        time.sleep(0.005)
        self.inside -= 1
        if page.number == 13:
            raise ValueError("unreadable")
        return page


def page(number):
    return Page(np.zeros((2, 2, 3), np.uint8), number)


def test_each_recognizer_is_used_by_one_thread_only_and_a_bad_page_fails_alone():
    async def scenario():
        readers = [Reader(), Reader()]
        pool = OcrPool(readers, Telemetry())
        results = await asyncio.gather(*(pool.recognize(page(n)) for n in range(1, 30)), return_exceptions=True)
        await pool.close()
        assert [r[0].number for r in results if isinstance(r, tuple)] == [n for n in range(1, 30) if n != 13]
        assert isinstance(results[12], ValueError)
        assert [len(reader.threads) for reader in readers] == [1, 1]

    asyncio.run(scenario())


def test_a_page_that_is_given_up_while_it_waits_is_not_read():
    async def scenario():
        reader = Reader()
        pool = OcrPool([reader], Telemetry())
        seen = []
        reader.recognize = lambda page, given_up: (time.sleep(0.02), seen.append(page.number), page)[2]
        tasks = [asyncio.create_task(pool.recognize(page(n))) for n in (1, 2, 3)]
        await asyncio.sleep(0.005)
        tasks[1].cancel()
        await tasks[2]
        await pool.close()
        assert seen == [1, 3]

    asyncio.run(scenario())


def test_a_page_that_is_given_up_while_it_is_read_frees_its_worker():
    async def scenario():
        begun = threading.Event()

        class Patient:
            def recognize(self, page, given_up):
                begun.set()
                if page.number == 1 and not given_up.wait(10):
                    raise AssertionError("nobody gave the page up")
                return page

        pool = OcrPool([Patient()], Telemetry())
        first = asyncio.create_task(pool.recognize(page(1)))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        first.cancel()
        assert (await asyncio.wait_for(pool.recognize(page(2)), 5))[0].number == 2
        await pool.close()

    asyncio.run(scenario())


def test_run_all_gives_the_logits_in_order_from_batches_within_the_budget():
    model = Model()
    lengths = [100, 400, 30, 410, 120, 35, 600]
    found = run_all(model.run, [encoding(length, mark) for mark, length in enumerate(lengths)], 512)
    assert [int(logits.classification[0]) for logits in found] == list(range(len(lengths)))
    assert all(
        len(batch) == 1 or max(n + VISUAL_TOKENS for n, _ in batch) * len(batch) <= 512 for batch in model.batches
    )
    assert len(model.batches) < len(lengths)
    assert run_all(model.run, [], 512) == []


def test_a_batch_holds_those_nearest_in_length_to_the_first():
    assert next_batch([100, 400, 120, 90], 400) == [0, 3, 2]
    assert next_batch([900, 10], 512) == [0]
