"""Traces: a span for each request, and in it one for each stage of each page.

They are sent by OTLP where OpenTelemetry's own variable OTEL_EXPORTER_OTLP_ENDPOINT (or ..._TRACES_ENDPOINT) names a
receiver and the extra ``otel`` is installed; otherwise nothing is recorded. A ``traceparent`` that comes with a
request is continued, also in other processes of a cluster. As in logs, no span holds any text of a document, and of
an error only its class.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SERVICE = "layoutserve"

_log = logging.getLogger(__name__)
_tracer: "Tracer | None" = None
_provider: "TracerProvider | None" = None


def start(environment: Mapping[str, str] | None = None, exporter: "SpanExporter | None" = None) -> bool:
    """Begin to trace if a receiver is named, or to ``exporter``; says whether it does.

    What OpenTelemetry's variables say of sampling, headers and batches holds.
    """
    global _provider, _tracer
    environment = os.environ if environment is None else environment
    if exporter is None and not any(environment.get(name) for name in ENDPOINTS):
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    except ImportError:
        _log.warning("Traces are not sent: install layoutserve[otel], or unset %s.", " and ".join(ENDPOINTS))
        return False
    # A provider of our own instead of the global one: what else is instrumented by it may record what we do not.
    name = environment.get("OTEL_SERVICE_NAME", SERVICE)
    _provider = TracerProvider(resource=Resource.create({"service.name": name}))
    _provider.add_span_processor(
        SimpleSpanProcessor(exporter) if exporter is not None else BatchSpanProcessor(OTLPSpanExporter())
    )
    _tracer = _provider.get_tracer(SERVICE)
    return True


def stop() -> None:
    """Send what has not been sent, and trace no more."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider is not None:
        provider.shutdown()


@contextmanager
def span(name: str, **attributes: str | int | float) -> Iterator[None]:
    """Record what happens inside as a span."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import StatusCode

    with _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            current.set_status(StatusCode.ERROR)
            raise


@contextmanager
def continued(carried: Mapping[str, str]) -> Iterator[None]:
    """Let spans inside belong to the trace that a request's headers, or what ``carried_on`` gave, name."""
    if _tracer is None:
        yield
        return
    from opentelemetry import context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    token = context.attach(TraceContextTextMapPropagator().extract(carried))
    try:
        yield
    finally:
        context.detach(token)


def carried_on() -> dict[str, str]:
    """Headers that let another process continue the trace; none where there is none."""
    headers: dict[str, str] = {}
    if _tracer is not None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        TraceContextTextMapPropagator().inject(headers)
    return headers


def trace_id() -> str | None:
    """Id of the trace at hand, for the log."""
    if _tracer is None:
        return None
    from opentelemetry.trace import get_current_span

    found = get_current_span().get_span_context()
    return f"{found.trace_id:032x}" if found.is_valid else None


class TraceRequests:
    """ASGI middleware: a span for each request but those for health and metrics, named by method and route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or _tracer is None or scope["path"].startswith(("/health", "/metrics")):
            await self.app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, StatusCode

        with (
            continued(Headers(scope=scope)),
            _tracer.start_as_current_span(
                scope["method"], kind=SpanKind.SERVER, record_exception=False, set_status_on_exception=False
            ) as current,
        ):

            async def send_and_note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    current.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        current.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await self.app(scope, receive, send_and_note)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                current.update_name(f"{scope['method']} {route}")
                current.set_attribute("http.request.method", scope["method"])
                current.set_attribute("http.route", route)
                if request_id := scope.get("state", {}).get("request_id"):
                    current.set_attribute("layoutserve.request_id", request_id)
