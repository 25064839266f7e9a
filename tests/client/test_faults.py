"""The client over a real socket, against servers that fail in every way they can."""

import asyncio
import socket
import time

import httpx
import pytest

import layoutserve_client
from layoutserve_client import AsyncClient, Client


@pytest.fixture(params=["sync", "async"])
def kie(request, server, monkeypatch):
    """Ask for key information through either client."""
    made = []
    server.pauses = made

    def sync(**options):
        monkeypatch.setattr(time, "sleep", made.append)
        with Client(server.url, **options) as client:
            return client.kie(b"x")

    def asynchronous(**options):
        async def ask():
            async def sleep(seconds):
                made.append(seconds)

            monkeypatch.setattr("layoutserve_client.async_client.asyncio.sleep", sleep)
            async with AsyncClient(server.url, **options) as client:
                return await client.kie(b"x")

        return asyncio.run(ask())

    return sync if request.param == "sync" else asynchronous


def test_an_answer(kie, server, wire):
    server.answers(wire.Answer(wire.ANSWERED | wire.KIE))
    result = kie()
    assert str(result.fields["total"].amount) == "9.00"
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/kie")
    assert request.form == {"file": [b"x"]}
    assert request.headers["user-agent"].startswith("layoutserve-client/")
    assert "authorization" not in request.headers


def test_the_api_key_is_sent(kie, server, wire, monkeypatch):
    server.answers(otherwise=wire.Answer(wire.ANSWERED | wire.KIE))
    kie(api_key="secret")
    monkeypatch.setenv("LAYOUTSERVE_API_KEY", "other")
    kie()
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer secret", "Bearer other"]


def test_busy_then_success_waits_as_long_as_the_server_says(kie, server, wire):
    busy = wire.Answer(wire.problem(429, "overloaded"), 429, {"Retry-After": "7"})
    server.answers(busy, busy, wire.Answer(wire.ANSWERED | wire.KIE))
    assert kie().request_id == "abc123"
    assert len(server.pauses) == 2
    assert all(7 <= pause <= 8 for pause in server.pauses)
    assert len({request.body[-60:] for request in server.requests}) == 3  # the body is built anew and sent whole
    assert all(request.form["file"] == [b"x"] for request in server.requests)


def test_busy_without_an_end(kie, server, wire):
    server.answers(otherwise=wire.Answer(wire.problem(429, "overloaded"), 429, {"Retry-After": "1"}))
    with pytest.raises(layoutserve_client.Overloaded) as caught:
        kie(max_retries=2)
    assert len(server.requests) == 3
    assert caught.value.retry_after_s == 1
    assert caught.value.request_id == "abc123"
    assert "This is overloaded. Do something. (request abc123)" in str(caught.value)


def test_a_wait_that_is_too_long_is_not_waited(kie, server, wire):
    server.answers(otherwise=wire.Answer(wire.problem(429, "overloaded"), 429, {"Retry-After": "3600"}))
    with pytest.raises(layoutserve_client.Overloaded):
        kie(max_wait=10)
    assert server.pauses == []


def test_starting_then_ready(kie, server, wire):
    server.answers(wire.Answer(wire.problem(503, "not-ready"), 503), wire.Answer(wire.ANSWERED | wire.KIE))
    kie()
    (pause,) = server.pauses
    assert 0.25 <= pause <= 0.5


def test_unavailable(kie, server, wire):
    # What a proxy writes when no server stands behind it.
    server.answers(otherwise=wire.Answer(b"<html>Service Unavailable</html>", 503, {"Content-Type": "text/html"}))
    with pytest.raises(layoutserve_client.ServerUnavailable) as caught:
        kie(max_retries=1)
    assert caught.value.status == 503
    assert len(server.requests) == 2


def test_a_refused_connection(kie, server):
    with socket.create_server(("127.0.0.1", 0)) as free:
        server.url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(layoutserve_client.NoAnswer, match="cannot be reached after 3 attempts") as caught:
        kie(max_retries=2)
    assert not isinstance(caught.value, layoutserve_client.AnswerTimeout)
    assert len(server.pauses) == 2


def test_a_slow_answer_is_not_asked_for_twice(kie, server, wire):
    server.answers(otherwise=wire.Answer(wire.ANSWERED | wire.KIE, delay=20.0))
    began = time.monotonic()
    with pytest.raises(layoutserve_client.AnswerTimeout, match="still be at work"):
        kie(timeout=0.2)
    assert time.monotonic() - began < 10
    assert len(server.requests) == 1


def test_an_answer_that_is_cut_off(kie, server, wire):
    whole = wire.Answer(wire.ANSWERED | wire.KIE)
    cut = wire.Answer(wire.ANSWERED | wire.KIE, cut=100)
    server.answers(cut, whole)
    assert kie().request_id == "abc123"
    server.answers(otherwise=cut)
    with pytest.raises(layoutserve_client.NoAnswer, match="was lost after 2 attempts"):
        kie(max_retries=1)


def test_a_connection_that_is_dropped(kie, server, wire):
    server.answers(wire.Answer(hang_up=True), wire.Answer(wire.ANSWERED | wire.KIE))
    kie()
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "body", [b"<html>Hello</html>", b'{"entities": [', b"[]", b"null", b'{"entities": [], "fields": {}}']
)
def test_an_answer_that_is_something_else(kie, server, wire, body):
    server.answers(wire.Answer(body))
    with pytest.raises(layoutserve_client.InvalidAnswer, match="LayoutServe server"):
        kie()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "slug", "error"),
    [
        (400, "malformed-body", layoutserve_client.BadRequest),
        (401, "unauthorized", layoutserve_client.Unauthorized),
        (404, "not-found", layoutserve_client.NotFound),
        (409, "conflict", layoutserve_client.Conflict),
        (413, "document-too-large", layoutserve_client.DocumentTooLarge),
        (415, "unsupported-document", layoutserve_client.UnsupportedDocument),
        (422, "invalid-document", layoutserve_client.InvalidRequest),
        (418, "teapot", layoutserve_client.StatusError),
        (500, "internal", layoutserve_client.ServerFault),
        (504, "deadline-exceeded", layoutserve_client.DeadlineExceeded),
    ],
)
def test_every_status_has_its_error_and_is_not_repeated(kie, server, wire, status, slug, error):
    faults = [{"field": "top_k", "message": "too many"}]
    server.answers(otherwise=wire.Answer(wire.problem(status, slug, errors=faults), status))
    with pytest.raises(layoutserve_client.StatusError) as caught:
        kie()
    assert type(caught.value) is error
    assert caught.value.type == f"urn:layoutserve:problem:{slug}"
    assert caught.value.status == status
    assert caught.value.errors == (("top_k", "too many"),)
    assert caught.value.request_id == "abc123"
    assert len(server.requests) == 1


def test_a_problem_of_a_proxy_carries_the_header_request_id(kie, server, wire):
    server.answers(wire.Answer(b"", 502, {"X-Request-Id": "p-7"}))
    with pytest.raises(layoutserve_client.ServerFault) as caught:
        kie()
    assert caught.value.request_id == "p-7"


def test_a_server_that_moved(kie, server, wire):
    server.answers(wire.Answer(b"", 307, {"Location": "https://other/"}))
    with pytest.raises(layoutserve_client.StatusError, match="moved to https://other/"):
        kie()


def test_a_client_can_be_given_a_transport(wire):
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://here/prefix/v1/ocr"
        return httpx.Response(200, json=wire.ANSWERED)

    with Client("http://here/prefix/", transport=httpx.MockTransport(answer)) as client:
        assert client.ocr(b"x").text == "TOTAL 9.00\nTHANKS"


def test_ready(server, wire):
    with Client(server.url) as client:
        server.answers(wire.Answer({"status": "ready"}), wire.Answer(wire.problem(503, "not-ready"), 503))
        assert client.ready() is True
        assert client.ready() is False
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with Client(url) as client:
        assert client.ready() is False
