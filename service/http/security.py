"""Headers that keep a browser from what it need not do, and names under which the service may be called.

A page elsewhere can have its own name point to this address (DNS rebinding) and then ask what it likes: only names that
are allowed are served.
"""

from collections.abc import Callable, Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from layoutserve.service.errors import NotFound

# The playground shows pages it has as blobs; it loads nothing from elsewhere and belongs in nobody's frame.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Security:
    """ASGI middleware: the headers on every answer, and nothing else for a name that is not among ``hosts``.

    hosts: names without ports; none: every name is served.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], answer: Callable[[Exception, str], Response]) -> None:
        self.app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if self._hosts and name_of(Headers(scope=scope).get("host", "")) not in self._hosts:
            error = NotFound("This service is not called by that name: the setting allowed_hosts has its names.")
            await self._answer(error, scope["state"]["request_id"])(scope, receive, send_secured)
            return
        await self.app(scope, receive, send_secured)


def name_of(host: str) -> str:
    """The name in a ``Host`` header, without port and final dot."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower().rstrip(".")
