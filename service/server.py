"""The process: uvicorn around the app, until SIGTERM or SIGINT.

On SIGTERM the process goes on listening while it drains, so that a load balancer sees it is not ready and no client is
refused a connection; what was admitted is answered, then it exits 0. A second signal ends it at once. When the models
cannot be loaded it exits 1. On SIGHUP it looks for new, changed and removed bundles.
"""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from layoutserve.model.allocator import keep_freed_memory
from layoutserve.model.errors import LayoutServeError
from layoutserve.service import tracing
from layoutserve.service.errors import NotReady
from layoutserve.service.http.app import create_app
from layoutserve.service.http.connections import GuardedProtocol, widen_descriptors
from layoutserve.service.http.security import LOOPBACK
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import configure_logging, log_unexpected

# How long a load balancer is given to notice.
NOTICE_S = 0.5

_log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """A uvicorn server that drains before it stops listening."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=5,
                # Slow connections must not pile up, nor must anything be buffered for them.
                http=GuardedProtocol,
                timeout_keep_alive=20,
            )
        )
        self._app = app
        self._settings = settings
        self._ending: asyncio.Task[None] | None = None
        self._reloading: asyncio.Task[None] | None = None
        self.failed = False

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on a signal, and watch that the models load."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        for number in signals[:2]:
            loop.add_signal_handler(number, self._on_signal)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            for number in signals:
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        if self._ending is None:
            self._ending = asyncio.create_task(self._drain())
        else:
            self.should_exit = self.force_exit = True

    def _on_hangup(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._reload())

    async def _reload(self) -> None:
        try:
            models = await self._app.state.service.engine.reload()
        except LayoutServeError as error:
            _log.warning("models not reloaded", extra={"fields": {"message": str(error)}})
            return
        served = [f"{model.name}@{model.version}" for model in models.models]
        _log.info("models reloaded", extra={"fields": {"models": served, "quarantined": len(models.quarantined)}})

    async def _drain(self) -> None:
        _log.info("draining")
        service, timeout_s = self._app.state.service, self._settings.drain_timeout_s
        began = asyncio.get_running_loop().time()
        drained, _ = await asyncio.gather(service.engine.drain(timeout_s), service.jobs.drain(timeout_s))
        left = began + NOTICE_S - asyncio.get_running_loop().time()
        await asyncio.sleep(max(left, 0))
        _log.log(logging.INFO if drained else logging.ERROR, "drained" if drained else "drain timed out")
        self.should_exit = True

    async def _watch(self) -> None:
        while not self.started:
            await asyncio.sleep(0.01)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        _log.info("listening", extra={"fields": {"host": host, "port": port}})
        began = asyncio.get_running_loop().time()
        try:
            await asyncio.shield(self._app.state.loading)
        except Exception as error:
            log_unexpected(_log, "the models cannot be loaded", error)
            self.failed = self.should_exit = True
            return
        try:
            self._app.state.service.engine.check_ready()
        except NotReady as error:
            # The bundles are watched: a mended one is served without a restart.
            _log.error("no model can be served", extra={"fields": {"message": str(error)}})
            return
        seconds = round(asyncio.get_running_loop().time() - began, 2)
        _log.info("ready", extra={"fields": {"seconds": seconds}})


def serve(settings: Settings) -> int:
    """Serve until told to stop; gives the exit code. Raises SettingsError."""
    # Until the models are watched there is nothing to look at again.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    keep_freed_memory()
    configure_logging(settings.log_level)
    tracing.start()
    if not settings.beyond_loopback and not settings.allowed_hosts:
        settings = settings.model_copy(update={"allowed_hosts": (*LOOPBACK, settings.host)})
    app = create_app(settings)
    if settings.beyond_loopback and not app.state.service.keys:
        _log.warning(
            "Everybody who reaches this address may use the service: it listens beyond loopback without API keys.",
            extra={"fields": {"host": settings.host}},
        )
    _refuse_taken_port(settings)
    _refuse_unusable_store(app)
    GuardedProtocol.most_connections = widen_descriptors()
    server = Server(app, settings)
    server.run()
    return 1 if server.failed else 0


def _refuse_unusable_store(app: FastAPI) -> None:
    """Say so in a sentence when jobs cannot be kept, before uvicorn says it in a traceback."""
    app.state.store.open()
    app.state.store.close()


def _refuse_taken_port(settings: Settings) -> None:
    """Say so in a sentence when the address cannot be listened on, before models are loaded."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise LayoutServeError(
                f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}): choose another with --port."
            ) from None
