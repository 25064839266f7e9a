"""Documents read in processes of their own: the same pages, and nothing that ends one ends anything else."""

import io
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from layoutserve.model.errors import DocumentTooLarge, InvalidDocument, RequestError, UnsupportedDocument
from layoutserve.model.page import DEFAULT_LIMITS, read_document
from layoutserve.service.errors import DocumentNotProcessable
from layoutserve.service.sandbox.confinement import MIB
from layoutserve.service.sandbox.documents import Allowance, Readers

SAMPLES = Path(__file__).parents[3] / "service" / "playground" / "samples"


@pytest.fixture(scope="module")
def readers():
    found = Readers()
    found.start()
    yield found
    found.close()


def picture(width, height, kind="PNG"):
    file = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(file, kind)
    return file.getvalue()


def count(readers, data):
    document = readers.read_document(data, limits=DEFAULT_LIMITS).open()
    try:
        return len(list(document))
    finally:
        document.close()


@pytest.mark.parametrize("name", ["receipt.jpg", "letter.jpg", "text.pdf", "frames.tif"])
def test_pages_are_those_of_the_same_process(readers, name, text_pdf):
    if name == "frames.tif":
        file = io.BytesIO()
        frames = [Image.new("RGB", (40 + 5 * n, 30), (n, 0, 0)) for n in range(4)]
        frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:])
        data = file.getvalue()
    else:
        data = text_pdf if name == "text.pdf" else (SAMPLES / name).read_bytes()
    here, there = read_document(data), readers.read_document(data, limits=DEFAULT_LIMITS).open()
    assert (len(there), there.numbers, there.page_count) == (len(here), here.numbers, here.page_count)
    for expected, found in zip(here, there, strict=True):
        np.testing.assert_array_equal(found.image, expected.image)
        assert replace(found, image=expected.image).__repr__() == expected.__repr__()
    there.close()


@pytest.mark.parametrize(
    ("data", "options", "error"),
    [
        (b"", {}, InvalidDocument),
        (b"hello", {}, UnsupportedDocument),
        (picture(50, 50)[:60], {}, InvalidDocument),
        (picture(50, 50), {"pages": "2"}, RequestError),
        (picture(50, 50), {"limits": replace(DEFAULT_LIMITS, max_pixels=100)}, DocumentTooLarge),
    ],
)
def test_errors_are_those_of_the_same_process(readers, data, options, error):
    options = {"limits": DEFAULT_LIMITS} | options
    with pytest.raises(error) as here:
        list(read_document(data, **options))
    with pytest.raises(error) as there:
        list(readers.read_document(data, **options).open())
    assert str(there.value) == str(here.value)


def test_a_document_that_takes_too_much_memory_is_refused():
    small = Readers(Allowance(memory_bytes=32 * MIB))
    try:
        with pytest.raises(DocumentTooLarge, match="more than 32 MiB"):
            list(small.read_document(picture(4000, 4000), limits=DEFAULT_LIMITS).open())
        assert count(small, picture(400, 400)) == 1
    finally:
        small.close()


def test_a_document_that_takes_too_long_ends_its_reader_alone(forever_pdf, text_pdf):
    hasty = Readers(Allowance(page_cpu_s=1))
    try:
        slow = hasty.read_document(forever_pdf, limits=DEFAULT_LIMITS).open()
        failed = []

        def wait():
            try:
                list(slow)
            except DocumentNotProcessable as error:
                failed.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert count(hasty, text_pdf) == 1
        waiting.join(60)
        assert "processor time" in str(failed[0])
    finally:
        hasty.close()


def test_closing_frees_whoever_waits_for_a_page(readers, forever_pdf):
    slow = readers.read_document(forever_pdf, limits=DEFAULT_LIMITS).open()
    raised = []

    def wait():
        try:
            next(iter(slow))
        except DocumentNotProcessable as error:
            raised.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.2)
    slow.close()
    waiting.join(20)
    assert raised and not waiting.is_alive()


def test_readers_are_forked_again_when_their_parent_was_killed(readers, text_pdf):
    assert count(readers, text_pdf) == 1
    os.kill(readers._process.pid, signal.SIGKILL)
    assert count(readers, text_pdf) == 1


def test_of_all_readers_the_heaviest_is_ended_when_they_hold_too_much(readers):
    small, large = (readers.read_document(picture(side, side), limits=DEFAULT_LIMITS).open() for side in (100, 4000))
    for document in (small, large):
        document.ask()
        document.wait()
    readers.limit_memory(500 * MIB)
    assert not large.failed
    readers.limit_memory(20 * MIB)
    assert (small.failed, large.failed) == (False, True)
    assert small.take().width == 100
    with pytest.raises(DocumentNotProcessable, match="MiB"):
        large.wait()
    small.close()


def test_nothing_is_left_behind(readers, text_pdf):
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        document = readers.read_document(text_pdf, limits=DEFAULT_LIMITS).open()
        list(document)
        document.close()
    children = Path(f"/proc/{readers._process.pid}/task/{readers._process.pid}/children").read_text().split()
    assert len(children) == 1  # forked ahead for the next document
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
