"""Metrics for Prometheus, and one JSON log line an event with the request id.

No log line and no metric holds any text of a document, nor its name. Of an error that was not foreseen the log gets
the class and the place, not the message: a message may quote what it stumbled over.
"""

import json
import logging
import platform
import posixpath
import re
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from layoutserve.model.errors import DocumentError, LayoutServeError, RequestError
from layoutserve.service import tracing

REQUEST_ID_FORM = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
TOKENS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)

request_id_var: ContextVar[str] = ContextVar("request_id", default="")
_log = logging.getLogger(__name__)


class Telemetry:
    """The metrics of one app, in a registry of their own."""

    def __init__(self) -> None:
        # Prometheus needs no series of when each series began.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client has no types for it
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests answered", "route", "method", "status")
        self.request_seconds = self._histogram("request_seconds", "Time to answer a request", SECONDS, "route")
        self.stage_seconds = self._histogram("stage_seconds", "Time of one stage for one page", SECONDS, "stage")
        self.rejections = self._counter("rejections", "Requests answered with a problem", "reason")
        self.pages = self._counter("pages", "Pages read", "source")
        self._caches = _Caches()
        self.registry.register(self._caches)
        self.documents = self._gauge("documents", "Documents admitted and not yet answered")
        self.ocr_queue_pages = self._gauge("ocr_queue_pages", "Pages that wait for an OCR worker")
        self.queue_windows = self._gauge("queue_windows", "Windows that wait for a batch", "model")
        self.queue_tokens = self._gauge("queue_tokens", "Tokens that wait for a batch", "model")
        self.queue_seconds = self._histogram("queue_seconds", "Wait of a window for its batch", SECONDS)
        self.batch_windows = self._histogram("batch_windows", "Windows in a batch", (1, 2, 4, 8, 16, 32, 64))
        self.batch_tokens = self._histogram("batch_tokens", "Tokens in a batch, padding counted", TOKENS)
        self.padding_ratio = self._histogram(
            "padding_ratio", "Share of a batch that is padding", (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
        )
        self.jobs = self._counter("jobs", "Jobs by how they went", "outcome")
        self.models = _Models()
        self.registry.register(self.models)
        self.model_loads = self._counter("model_loads", "Bundles taken, served or quarantined", "outcome")
        self.quarantined_bundles = self._gauge("quarantined_bundles", "Bundles that cannot be served as they are")
        self.ready = self._gauge("ready", "1 while the service is ready, else 0")
        self._gauge("build_info", "1; which release runs on which Python", "version", "python").labels(
            version("layoutserve"), platform.python_version()
        ).set(1)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def watch_cache(self, name: str, count: Callable[[], tuple[int, int]]) -> None:
        """Report a cache: ``count`` gives its hits and misses so far."""
        self._caches.counts[name] = count

    def forget_model(self, address: str) -> None:
        """Report a model that is not served any more no longer."""
        self._caches.counts.pop(f"visual:{address}", None)
        for gauge in (self.queue_windows, self.queue_tokens):
            gauge.remove(address)

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(f"layoutserve_{name}", help_, labels, registry=self.registry)

    def _gauge(self, name: str, help_: str, *labels: str) -> Gauge:
        return Gauge(f"layoutserve_{name}", help_, labels, registry=self.registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"layoutserve_{name}", help_, labels, buckets=buckets, registry=self.registry)


class _Caches(Collector):
    """Reads the hits and misses of caches when it is asked."""

    def __init__(self) -> None:
        self.counts: dict[str, Callable[[], tuple[int, int]]] = {}

    def collect(self) -> Iterable[Metric]:
        """Give look-ups by cache and outcome."""
        family = CounterMetricFamily("layoutserve_cache_requests", "Look-ups in a cache", labels=("cache", "outcome"))
        for name, count in self.counts.items():
            for outcome, number in zip(("hit", "miss"), count(), strict=True):
                family.add_metric((name, outcome), number)
        yield family


class _Models(Collector):
    """Which models are served, as they were shown last."""

    def __init__(self) -> None:
        self._served: list[tuple[str, str, str, str]] = []

    def show(self, served: list[tuple[str, str, str, str]]) -> None:
        """Report these from now on: name, version, precision and operators of each."""
        self._served = served

    def collect(self) -> Iterable[Metric]:
        """Give a 1 for each model."""
        labels = ("model", "version", "precision", "operators")
        family = GaugeMetricFamily("layoutserve_model_info", "1 for each model that is served", labels=labels)
        for one in self._served:
            family.add_metric(one, 1)
        yield family


class RequestLog:
    """ASGI middleware around everything: request id, log line, metrics, and an answer to what nobody caught."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry, answer: Callable[[Exception, str], Response]) -> None:
        self.app = app
        self._telemetry = telemetry
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID_FORM.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        token = request_id_var.set(request_id)
        began, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            log_unexpected(_log, "request failed", error)
            if status == 0:
                await self._answer(error, request_id)(scope, receive, send_with_id)
        finally:
            self._record(scope, status, time.perf_counter() - began)
            request_id_var.reset(token)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or _static(scope, status)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._telemetry.requests.labels(route, method, str(status)).inc()
        self._telemetry.request_seconds.labels(route).observe(seconds)
        level = logging.DEBUG if route.startswith(("/health", "/metrics")) else logging.INFO
        fields = {"method": method, "route": route, "status": status, "duration_ms": round(seconds * 1000, 1)}
        _log.log(level, "request", extra={"fields": fields | scope["state"].get("log", {})})


def _static(scope: Scope, status: int) -> str:
    """Name of a page that is a file; there are few of them, while what is not there has any number of names."""
    return posixpath.normpath(scope["path"]) if 0 < status < 400 else "unmatched"


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def log_unexpected(log: logging.Logger, event: str, error: BaseException) -> None:
    """Log an unforeseen error: class and places, and the message only where it cannot quote a document."""
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    fields: dict[str, object] = {"error": type(error).__name__, "at": frames[-8:]}
    if isinstance(error, LayoutServeError) and not isinstance(error, RequestError | DocumentError):
        fields["message"] = str(error)
    if error.__cause__ is not None:
        fields["cause"] = type(error.__cause__).__name__
    log.error(event, extra={"fields": fields})


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event, request id, and what the event adds."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        if request_id := request_id_var.get():
            line["request_id"] = request_id
        if trace_id := tracing.trace_id():
            line["trace_id"] = trace_id
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(level: str) -> None:
    """Send every log of this process to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # What they say at DEBUG is what a file or a form says of itself.
    for name in ("PIL", "python_multipart"):
        logging.getLogger(name).setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = name != "uvicorn.access"
        logger.setLevel(max(logging.WARNING, logging.getLevelName(level)))
