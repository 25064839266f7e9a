"""Decoding in turns: what takes long or ends its process is one document's trouble."""

import asyncio
import io
import time

import pytest
from PIL import Image

from layoutserve.model.page import DEFAULT_LIMITS
from layoutserve.service.errors import DocumentNotProcessable
from layoutserve.service.settings import Settings
from layoutserve.service.work.reading import Memory, Reading
from layoutserve.service.work.turns import Room


def run(scenario, **settings):
    """Run a scenario with a Reading that gives one document a turn at a time."""

    async def main():
        reading = Reading(Settings(**settings), turns=1, documents=4)
        await reading.start()
        try:
            return await scenario(reading)
        finally:
            await reading.close()

    return asyncio.run(asyncio.wait_for(main(), 120))


async def pages(reading, data, room=None):
    room = room or Room(4)
    async with reading.document(data, pages=None, dpi=100, limits=DEFAULT_LIMITS, ocr="auto") as document:
        return [await reading.next_page(document, room) for _ in document.numbers]


def test_a_page_that_takes_for_ever_keeps_no_other_waiting_and_is_ended_and_then_refused(forever_pdf, text_pdf):
    async def scenario(reading):
        stuck = asyncio.create_task(pages(reading, forever_pdf))
        await asyncio.sleep(0.1)
        began = time.monotonic()
        assert len(await pages(reading, text_pdf)) == 1
        waited = time.monotonic() - began
        assert not stuck.done()
        with pytest.raises(DocumentNotProcessable, match="processor time"):
            await stuck
        with pytest.raises(DocumentNotProcessable, match="just ended a process"):
            await pages(reading, forever_pdf)
        assert len(await pages(reading, text_pdf)) == 1
        return waited, time.monotonic() - began

    waited, until_ended = run(scenario, page_cpu_s=4)
    assert waited < until_ended


def test_whoever_gives_up_ends_the_process_at_once(forever_pdf, text_pdf):
    async def scenario(reading):
        stuck = asyncio.create_task(pages(reading, forever_pdf))
        await asyncio.sleep(0.5)
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
        assert reading._readers._at_work == {}
        # It was given up, not guilty: it may be tried again.
        again = asyncio.create_task(pages(reading, forever_pdf))
        await asyncio.sleep(0.2)
        assert not again.done()
        again.cancel()

    run(scenario)


def test_a_decoded_page_waits_for_room(text_pdf):
    async def scenario(reading):
        room = Room(0)
        waiting = asyncio.create_task(pages(reading, text_pdf, room))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        room.release()
        assert len(await waiting) == 1

    run(scenario)


def test_two_large_pictures_wait_for_each_others_memory_and_are_both_read():
    file = io.BytesIO()
    Image.new("RGBA", (6000, 5000), (255, 0, 0, 128)).save(file, "PNG")

    async def scenario(reading):
        found = await asyncio.gather(pages(reading, file.getvalue()), pages(reading, file.getvalue()))
        assert [len(read) for read in found] == [1, 1]

    run(scenario, decoding_memory_mib=1024)


def test_small_pages_do_not_wait_for_large_ones_and_large_ones_take_turns():
    class Asking:
        granted_bytes = 0

    async def main():
        memory, order = Memory(800), []

        async def ask(name, count, until):
            document = Asking()
            async with memory.granted(document, count):
                order.append((name, document.granted_bytes))
                await until.wait()
            assert document.granted_bytes == 0

        first, rest = asyncio.Event(), asyncio.Event()
        rest.set()
        asked = []
        for name, count, until in (("large", 5000, first), ("larger", 500, rest), ("given up", 400, rest)):
            asked.append(asyncio.create_task(ask(name, count, until)))
            await asyncio.sleep(0)
        asked[2].cancel()
        await asyncio.create_task(ask("small", 100, rest))
        assert order == [("large", 600), ("small", 100)]
        first.set()
        await asyncio.gather(*asked, return_exceptions=True)
        assert order[2:] == [("larger", 500)]
        await asyncio.create_task(ask("large again", 600, rest))

    asyncio.run(asyncio.wait_for(main(), 20))
