"""The way to the server: its address, the key, and the proxies of the environment."""

from __future__ import annotations

import ipaddress
import os
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import httpx

from layoutserve_client.errors import ConfigurationError

DEFAULT_BASE_URL = "http://127.0.0.1:8080"
BASE_URL_VARIABLE = "LAYOUTSERVE_BASE_URL"
API_KEY_VARIABLE = "LAYOUTSERVE_API_KEY"
CONNECT_TIMEOUT_S = 5.0


def connection(base_url: str | None, api_key: str | None, timeout: float) -> dict[str, Any]:
    """Arguments of the httpx client, the same for both clients. Raises ConfigurationError."""
    key = _checked(api_key or os.environ.get(API_KEY_VARIABLE))
    url = base_url or os.environ.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL
    agent = {"User-Agent": f"layoutserve-client/{version('layoutserve-client')}", "Accept": "application/json"}
    arguments: dict[str, Any] = {
        "base_url": url,
        "headers": agent | ({"Authorization": f"Bearer {key}"} if key else {}),
        "timeout": httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT_S)),
    }
    with configured():
        parts = httpx.URL(url)
    if _on_loopback(parts.host):
        # No proxy knows this machine's own addresses. Certificates are still looked for where the environment says.
        arguments["trust_env"] = False
        if parts.scheme == "https":
            arguments["verify"] = httpx.create_ssl_context()
    return arguments


@contextmanager
def configured() -> Iterator[None]:
    """Say in a sentence what httpx cannot be made of. Raises ConfigurationError."""
    try:
        yield
    except ImportError:
        raise ConfigurationError(
            "The proxy of the environment is a socks proxy, which needs a package more: pip install 'httpx[socks]', or "
            "name the server in NO_PROXY."
        ) from None
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            f"The address of the server or of a proxy in the environment is none ({_hidden(str(error))})."
        ) from None


def proxy_of(url: httpx.URL) -> str | None:
    """The proxy of the environment by which a URL is asked for, without its user and password."""
    proxies = urllib.request.getproxies()
    found = proxies.get(url.scheme) or proxies.get("all")
    if not found or _on_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    parts = urllib.parse.urlsplit(found if "://" in found else f"http://{found}")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _checked(key: str | None) -> str | None:
    """The key without the line end of the file it was read from; no message ever shows it."""
    if key is None:
        return None
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            "The API key cannot be sent: it holds white space, or characters that are not ASCII. Copy it again, alone."
        )
    return key


def _on_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _hidden(text: str) -> str:
    """A message without the user and password of a URL in it."""
    return "of a proxy with a user" if "@" in text else text
