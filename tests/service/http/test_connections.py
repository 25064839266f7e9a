"""Clients that are silent, or do not read: their connections end, and nobody else's."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from layoutserve.service.errors import BodyTimeout, Overloaded
from layoutserve.service.http import connections, uploads
from layoutserve.service.http.connections import GuardedProtocol
from layoutserve.service.http.uploads import Uploads

LARGE = b"x" * 30_000_000


async def answer(scope, receive, send):
    body = LARGE if scope["path"] == "/large" else b"small"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def address(monkeypatch):
    monkeypatch.setattr(connections, "HEADERS_S", 0.5)
    monkeypatch.setattr(connections, "UNREAD_S", 0.5)
    config = uvicorn.Config(answer, port=0, http=GuardedProtocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join(20)


def ended(client, seconds=20.0):
    """Wait until the other side has ended the connection; gives the seconds that took."""
    client.settimeout(seconds)
    began = time.monotonic()
    with contextlib.suppress(ConnectionResetError):
        while client.recv(2**20):
            pass
    return time.monotonic() - began


def answered(client):
    received = b""
    while not received.endswith(b"small") and (piece := client.recv(1000)):
        received += piece
    return received.endswith(b"small")


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_headers_that_do_not_come_end_the_connection(address, begun):
    with socket.create_connection(address) as client:
        client.sendall(begun)
        assert ended(client) < 10


def test_headers_of_a_later_request_have_their_time_too(address):
    with socket.create_connection(address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answered(client)
        time.sleep(0.7)  # between requests it may be silent longer
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answered(client)
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert ended(client) < 10


def test_an_answer_that_is_not_read_is_given_up_and_one_that_is_read_slowly_is_not(address):
    def get(rest):
        client = socket.create_connection(address)
        client.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n" + rest + b"\r\n")
        return client

    with get(b"Connection: close\r\n") as slow, get(b"") as silent:
        count = 0
        while piece := slow.recv(2**18):
            count += len(piece)
            if count < 20 * 2**18:
                time.sleep(0.05)
        assert count > len(LARGE)
        time.sleep(1.5)
        silent.settimeout(20)
        left = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := silent.recv(2**20):
                left += len(piece)
        assert left < len(LARGE)


def test_connections_beyond_the_limit_are_closed_at_once(address, monkeypatch):
    monkeypatch.setattr(GuardedProtocol, "most_connections", 1)
    with socket.create_connection(address), socket.create_connection(address) as second:
        assert ended(second) < 0.4
    with socket.create_connection(address) as third:
        time.sleep(0.1)
        third.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert answered(third)


def receive(uploads_, *pieces):
    """Receive pieces, each a number of bytes and the seconds before it."""

    async def stream():
        for count, seconds in pieces:
            await asyncio.sleep(seconds)
            yield bytes(count)

    async def main():
        return sum([len(piece) async for piece in uploads_.received(stream())])

    return asyncio.run(main())


def test_a_body_comes_at_a_least_rate_and_takes_its_share_of_memory(monkeypatch):
    monkeypatch.setattr(uploads, "IDLE_S", 0.3)
    small = Uploads(10_000)
    assert receive(small, (4000, 0), (6000, 0.1)) == 10_000
    with pytest.raises(Overloaded):
        receive(small, (6000, 0), (6000, 0))
    with pytest.raises(BodyTimeout, match="Nothing"):
        receive(small, (10, 0), (10, 1))
    with pytest.raises(BodyTimeout, match="less than"):
        receive(small, *[(1, 0.1)] * 10)
    assert receive(small, (10_000, 0)) == 10_000
