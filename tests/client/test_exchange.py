import time
from email.utils import formatdate

import httpx
import pytest

from layoutserve_client.exchange import Call, Pause, Retries, Send, _pause, _retry_after, exchange


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5.0), (None, None), ("", None), ("soon", None), (formatdate(1_000_010, usegmt=True), 10.0)],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert _retry_after(value, 1_000_000.0) == seconds


def test_a_date_that_has_passed_is_no_wait():
    assert _retry_after(formatdate(10, usegmt=True), time.time()) == 0.0


@pytest.mark.parametrize("drawn", [0.0, 0.5, 0.999])
def test_pauses_grow_and_differ_but_never_fall_short_of_what_was_asked(drawn):
    assert [round(_pause(attempt, None, lambda: 1.0), 2) for attempt in range(6)] == [0.5, 1, 2, 4, 8, 8]
    assert 0.25 <= _pause(0, None, lambda: drawn) <= 0.5
    assert 10.0 <= _pause(0, 10.0, lambda: drawn) <= 11.0
    assert 1.0 <= _pause(0, 1.0, lambda: drawn) <= 1.35
    assert 4.0 <= _pause(9, 1.0, lambda: drawn) <= 8.0


def test_what_is_not_repeatable_is_not_repeated_once_it_was_sent():
    steps = exchange(Call("POST", "/", repeatable=False), Retries(3, 60))
    assert isinstance(next(steps), Send)
    assert isinstance(steps.throw(httpx.ConnectError("refused")), Pause)
    assert isinstance(steps.send(None), Send)
    with pytest.raises(Exception, match="was lost after 2 attempts"):
        steps.throw(httpx.ReadError("reset"))
