import asyncio
import io
import threading
import time

import pytest

from layoutserve_client import AsyncClient, Client, DocumentUnreadable, InvalidRequest, Outcome
from layoutserve_client.batches import run_in_threads
from layoutserve_client.progress import Bar


def test_order_is_kept_and_errors_stay_with_their_file(server, wire, tmp_path):
    files = []
    for index in range(12):
        (tmp_path / f"{index}.jpg").write_bytes(str(index).encode())
        files.append(tmp_path / f"{index}.jpg")
    files.insert(3, tmp_path / "missing.jpg")
    server.answers(otherwise=wire.Answer(wire.ANSWERED | wire.KIE))
    with Client(server.url) as client:
        outcomes = list(client.map(files, concurrency=4))
        assert [outcome.file for outcome in outcomes] == files
        assert isinstance(outcomes[3].error, DocumentUnreadable)
        assert [outcome.name for outcome in outcomes[:1]] == [str(files[0])]
        assert all(outcome.unwrap().fields for outcome in outcomes if outcome.error is None)
        with pytest.raises(DocumentUnreadable):
            outcomes[3].unwrap()

        server.answers(otherwise=wire.Answer(wire.problem(422, "invalid-document"), 422))
        (outcome,) = client.map([b"x"], client.ocr)
        assert isinstance(outcome.error, InvalidRequest)
        assert outcome.name == "(bytes)"


def test_as_many_as_asked_for_are_under_way():
    running, most, lock = 0, 0, threading.Lock()

    def call(_):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return 1

    assert sum(outcome.unwrap() for outcome in run_in_threads([b"x"] * 20, call, 3, False)) == 20
    assert most == 3


def test_files_are_taken_as_outcomes_are():
    taken = []

    def endless():
        while True:
            taken.append(None)
            yield b"x"

    outcomes = run_in_threads(endless(), lambda _: 1, 2, False)
    for _ in range(5):
        next(outcomes)
    outcomes.close()
    assert len(taken) <= 5 + 2 * 2


def test_a_fault_of_the_program_is_not_hidden():
    def call(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(run_in_threads([b"x"], call, 1, False))
    with pytest.raises(ValueError, match="at least 1"):
        list(run_in_threads([b"x"], call, 0, False))


def test_the_same_in_tasks(server, wire, tmp_path):
    server.answers(otherwise=wire.Answer(wire.ANSWERED | wire.KIE))
    files = [b"a", tmp_path / "missing.jpg", *[b"b"] * 9]

    async def ask():
        async with AsyncClient(server.url) as client:
            outcomes = [outcome async for outcome in client.map(files, concurrency=2)]
            texts = [outcome.unwrap() async for outcome in client.map([b"x"], client.kie)]
            with pytest.raises(ValueError, match="at least 1"):
                [outcome async for outcome in client.map([b"x"], concurrency=0)]
            async for _ in client.map([b"x"] * 50):
                break
            return outcomes, texts

    outcomes, _ = asyncio.run(ask())
    assert [outcome.file for outcome in outcomes] == files
    assert [outcome.error is None for outcome in outcomes] == [True, False, *[True] * 9]


def test_the_progress_bar():
    stream = io.StringIO()
    with Bar(4, stream=stream) as bar:
        bar.advance()
        assert "1/4" in bar.line()
        assert "left" in bar.line()
        for _ in range(3):
            bar.advance()
    assert stream.getvalue().startswith("[########################] 4/4")
    assert stream.getvalue().count("\n") == 1
    assert "\r" not in stream.getvalue()  # not a terminal


def test_the_progress_bar_on_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with Bar(None, stream=stream) as bar:
        bar.advance()
    assert stream.getvalue().startswith("\r")
    assert "1 done" in stream.getvalue()


def test_progress_is_shown_on_request_only(capsys):
    list(run_in_threads([b"x"], lambda _: 1, 1, False))
    assert capsys.readouterr() == ("", "")
    list(run_in_threads([b"x"], lambda _: 1, 1, True))
    assert "1/1" in capsys.readouterr().err


def test_an_outcome_of_a_file_object(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    with (tmp_path / "a").open("rb") as file:
        assert Outcome(file, 1, None).name == str(tmp_path / "a")
