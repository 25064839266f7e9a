"""The way to the server: proxies of the environment, and keys as they come out of files."""

import asyncio
import socket

import pytest

import layoutserve_client
from layoutserve_client import AsyncClient, Client, ConfigurationError, NoAnswer
from layoutserve_client.connection import connection

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def nobody():
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http", "socks5h", "nonsense"])
def test_a_server_on_loopback_is_asked_directly(server, wire, monkeypatch, nobody, variable, scheme):
    monkeypatch.setenv(variable, f"{scheme}://{nobody}")
    server.answers(wire.Answer(wire.ANSWERED | wire.KIE))
    with Client(server.url, max_retries=0) as client:
        assert client.kie(b"x").request_id == "abc123"


@pytest.mark.parametrize("url", ["http://localhost:1", "http://[::1]:1", "https://127.0.0.1:1"])
def test_loopback_has_many_names(url):
    assert connection(url, None, 1.0)["trust_env"] is False
    assert ("verify" in connection(url, None, 1.0)) == url.startswith("https")


def test_a_proxy_that_fails_is_named_without_its_password(monkeypatch, nobody):
    monkeypatch.setenv("HTTP_PROXY", f"http://anna:secret@{nobody}")
    with Client("http://server.example", max_retries=0) as client, pytest.raises(NoAnswer) as lost:
        client.kie(b"x")
    assert f"by the proxy http://{nobody}" in str(lost.value)
    assert "NO_PROXY: server.example" in str(lost.value)
    assert "secret" not in str(lost.value)


def test_what_a_proxy_answers_itself_is_said_to_be_its_answer(server, wire, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", server.url)
    server.answers(wire.Answer(b"<html>", 502, {"Content-Type": "text/html"}))
    with Client("http://server.example", max_retries=0) as client, pytest.raises(layoutserve_client.ServerFault) as bad:
        client.kie(b"x")
    assert f"perhaps the answer of the proxy {server.url}" in str(bad.value)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("proxy", "told"),
    [("socks5h://127.0.0.1:9", "httpx\\[socks\\]"), ("what://127.0.0.1:9", "in the environment is none")],
)
def test_a_proxy_that_cannot_be_used_is_said_in_a_sentence(monkeypatch, kind, proxy, told):
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ConfigurationError, match=told):
        kind("http://server.example")


def test_an_address_that_is_none_is_said_in_a_sentence():
    with pytest.raises(ConfigurationError, match="The address of the server"):
        Client("http://server:port")


def test_a_key_is_sent_without_the_line_end_of_its_file(server, wire):
    server.answers(wire.Answer(wire.ANSWERED | wire.KIE))
    with Client(server.url, api_key="secret-key\r\n") as client:
        client.kie(b"x")
    assert server.requests[0].headers["authorization"] == "Bearer secret-key"


@pytest.mark.parametrize("key", ["schlüssel", "se\ncret", "two keys", "\x00"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key, monkeypatch):
    with pytest.raises(ConfigurationError, match="The API key cannot be sent") as refused:
        Client(api_key=key)
    assert key not in str(refused.value)
    monkeypatch.setenv("LAYOUTSERVE_API_KEY", key.replace("\x00", "ü"))

    async def ask():
        async with AsyncClient():
            pass

    with pytest.raises(ConfigurationError):
        asyncio.run(ask())
