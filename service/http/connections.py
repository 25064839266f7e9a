"""Connections as uvicorn has them, and a time for everything that a client may leave undone."""

import asyncio
import resource

from uvicorn.protocols.http.h11_impl import H11Protocol

# Until a request's headers are in.
HEADERS_S = 10.0
# An answer that waits for its client is read at this rate or given up.
UNREAD_S, LEAST_READ_BYTES = 20.0, 2**15
# Descriptors that are not for clients: models, store, readers of documents.
OWN_DESCRIPTORS = 256
MOST_DESCRIPTORS = 65_536


def widen_descriptors() -> int:
    """Raise this process's limit of descriptors as far as it may; gives the most connections that this leaves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    # A connection more than there are descriptors would keep the event loop busy with accepting it again and again.
    return max((MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft) - OWN_DESCRIPTORS, 16)


class GuardedProtocol(H11Protocol):
    """HTTP/1.1 that ends connections whose client is silent in its headers or does not read its answer."""

    most_connections = MOST_DESCRIPTORS

    _headers_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None
    _unread_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the headers of the first request, unless there are too many connections."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.abort()
            return
        self._await_headers()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; headers that began are to be complete in time."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget_headers()
        elif self._headers_timer is None and not self.transport.is_closing():
            self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget all that was waited for."""
        self._forget_headers()
        self._forget_unread()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to watch whether the client reads: more waits for it than is kept."""
        super().pause_writing()
        self._watch_unread()

    def resume_writing(self) -> None:
        """End that watch, unless the connection ends once the rest is read."""
        if not self.transport.is_closing():
            self._forget_unread()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that had no further request; what is left of its last answer is to be read in time."""
        super().timeout_keep_alive_handler()
        if self._unread_timer is None and self.transport.get_write_buffer_size():
            self._watch_unread()

    def _await_headers(self) -> None:
        self._headers_timer = self.loop.call_later(HEADERS_S, self.transport.abort)

    def _forget_headers(self) -> None:
        if self._headers_timer is not None:
            self._headers_timer.cancel()
            self._headers_timer = None

    def _end_unread(self) -> None:
        if self.transport.get_write_buffer_size() > max(self._unread_bytes - LEAST_READ_BYTES, 0):
            self.transport.abort()
        else:
            self._watch_unread()

    def _watch_unread(self) -> None:
        self._unread_bytes = self.transport.get_write_buffer_size()
        self._unread_timer = self.loop.call_later(UNREAD_S, self._end_unread)

    def _forget_unread(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
