"""Documents take turns, and jobs their share."""

import asyncio

import numpy as np

from layoutserve.model.bundle import LAYOUTLMV2_VISUAL_TOKENS as VISUAL_TOKENS
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.work.batching import Batcher
from layoutserve.service.work.turns import JOB_TURN, Party, Room, Turns, party_var

IMAGE = np.zeros((3, 224, 224), np.uint8)


def taken(turns):
    return [turns.take() for _ in range(len(turns))]


def test_documents_take_turns_however_much_each_brings():
    turns, long, short = Turns(), Party(), Party()
    for number in range(4):
        turns.add(f"long {number}", long)
    turns.add("short 0", short)
    turns.add("short 1", short)
    assert [item for _, item in turns.first(3)] == ["long 0", "short 0", "long 1"]
    assert taken(turns) == ["long 0", "short 0", "long 1", "short 1", "long 2", "long 3"]


def test_jobs_get_their_share_and_what_requests_leave():
    turns, job, request = Turns(), Party(later=True), Party()
    for number in range(2 * JOB_TURN):
        turns.add("job", job)
        turns.add(number, request)
    first = [turns.take() for _ in range(2 * JOB_TURN)]
    assert first.count("job") == 2 and first.index("job") == JOB_TURN - 1
    assert taken(turns).count("job") == 2 * JOB_TURN - 2
    turns.add("alone", job)
    assert turns.take() == "alone"


def test_places_are_given_in_turns_and_not_lost_by_who_gives_up():
    async def main():
        room, order = Room(1), []

        async def visit(name, party):
            party_var.set(party)
            await room.acquire()
            order.append(name)
            await asyncio.sleep(0)
            room.release()

        await room.acquire()
        long, short = Party(), Party()
        visits = [
            asyncio.create_task(visit(name, party))
            for name, party in (("a", long), ("b", long), ("given up", long), ("c", short))
        ]
        await asyncio.sleep(0)
        visits[2].cancel()
        room.release()
        await asyncio.gather(*visits, return_exceptions=True)
        assert order == ["a", "c", "b"]
        await asyncio.wait_for(room.acquire(), 5)

    asyncio.run(main())


def test_a_job_of_thousands_of_windows_keeps_no_request_out_nor_waiting():
    windows = []

    def run(encodings):
        windows.extend(int(encoding.input_ids[0]) for encoding in encodings)
        return [Logits() for _ in encodings]

    def encoding(mark):
        ids = np.full(10, mark, np.int64)
        return Encoding(ids, np.zeros((10, 4), np.int64), np.zeros_like(ids), np.zeros(10, np.int32), IMAGE)

    async def main():
        most = 100 * (10 + VISUAL_TOKENS)
        batcher = Batcher(run, max_batch_tokens=1, max_queue_tokens=most, workers=1, telemetry=Telemetry())

        async def submit(count, mark, later):
            party_var.set(Party(later))
            await batcher.submit([encoding(mark)] * count)

        job = asyncio.create_task(submit(3000, 1, True))
        large = asyncio.create_task(submit(90, 2, False))
        await asyncio.sleep(0)
        assert not batcher.full
        await asyncio.create_task(submit(3, 3, False))
        assert len(windows) < 30
        job.cancel()
        await asyncio.gather(job, large, return_exceptions=True)
        await batcher.close()

    asyncio.run(asyncio.wait_for(main(), 60))
