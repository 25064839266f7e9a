"""The FastAPI app: what is built once, how it starts and how it ends."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from layoutserve.model.errors import LayoutServeError
from layoutserve.service.errors import (
    InvalidParameters,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    class_of,
)
from layoutserve.service.http import openapi, routes
from layoutserve.service.http.auth import load_keys
from layoutserve.service.http.head import HeadAsGet
from layoutserve.service.http.request import Service, job_process
from layoutserve.service.http.security import Security
from layoutserve.service.http.uploads import Uploads
from layoutserve.service.http.validation import cut, faults
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import RequestLog, Telemetry
from layoutserve.service.tracing import TraceRequests
from layoutserve.service.wire.problems import problem_response
from layoutserve.service.work.engine import Engine
from layoutserve.service.work.jobs import Jobs
from layoutserve.service.work.store import job_store

UPLOAD_BYTES = 256 * 2**20
PLAYGROUND = Path(__file__).parents[1] / "playground"

SUMMARY = "Self-hosted document understanding: key information, classes and answers, each with its place on the page"
DESCRIPTION = """\
Post a document (JPEG, PNG, WebP, AVIF, HEIC, BMP, GIF, TIFF or PDF) and get back what it says and where it says it.

Every answer names the model, the pages with their words, and the time of each stage. Boxes are `[x0, y0, x1, y1]` in
pixels of the page as sent, origin top left. Every other answer is an RFC 9457 problem.
"""
TAGS = [
    {"name": "documents", "description": "Documents in, results out; at once, or as a job"},
    {"name": "jobs", "description": "Documents that are answered later"},
    {"name": "models", "description": "What is served"},
    {"name": "operations", "description": "For whoever runs the service"},
]


def create_app(settings: Settings, engine: Engine | None = None, telemetry: Telemetry | None = None) -> FastAPI:
    """Build the app; ``engine`` and ``telemetry`` by default from the settings. Raises SettingsError."""
    telemetry = telemetry or Telemetry()
    engine = engine or Engine(settings, telemetry)
    url = settings.jobs_url.get_secret_value() if settings.jobs_url else None
    store = job_store(url, settings.data_folder)
    jobs = Jobs(store, job_process(engine, settings), settings, telemetry)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        store.open()
        # Models load beside the server, which meanwhile answers that it is starting.
        loading = app.state.loading = asyncio.create_task(_load(engine, jobs))
        yield
        await asyncio.gather(engine.drain(settings.drain_timeout_s), jobs.drain(settings.drain_timeout_s))
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await engine.close()
        store.close()

    app = FastAPI(
        title="LayoutServe",
        version=version("layoutserve"),
        summary=SUMMARY,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,  # the reference at /docs/ is a page of the playground: FastAPI's own needs the internet
        redoc_url=None,
    )
    app.state.store = store
    # Bodies of as many bytes as four of the largest documents, written as JSON, hold; and of many usual ones.
    uploads = Uploads(max(UPLOAD_BYTES, 6 * settings.max_file_bytes))
    app.state.service = Service(settings, engine, load_keys(settings), jobs, telemetry, uploads)
    routers = (routes.documents(), routes.jobs, routes.models, routes.operations)
    for router in routers:
        app.include_router(router)
    if (PLAYGROUND / "index.html").is_file():
        app.mount("/", StaticFiles(directory=PLAYGROUND, html=True), name="playground")
    _answer_errors(app, routers, telemetry)
    app.add_middleware(HeadAsGet)
    app.add_middleware(Security, hosts=settings.allowed_hosts, answer=problem_response)
    app.add_middleware(RequestLog, telemetry=telemetry, answer=problem_response)
    app.add_middleware(TraceRequests)
    _document(app)
    return app


async def _load(engine: Engine, jobs: Jobs) -> None:
    await engine.start()
    jobs.start()


def _answer_errors(app: FastAPI, routers: Sequence[APIRouter], telemetry: Telemetry) -> None:
    """Answer every error as a problem, the framework's own among them."""

    def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, RequestValidationError):
            error = _readable(error)
        elif isinstance(error, HTTPException):
            error = _framework((*app.routes, *(route for router in routers for route in router.routes)), request, error)
        telemetry.rejections.labels(class_of(error).slug).inc()
        return problem_response(error, request.state.request_id)

    for class_ in (LayoutServeError, RequestValidationError, HTTPException):
        app.add_exception_handler(class_, answer)


def _readable(error: RequestValidationError) -> Exception:
    return InvalidParameters(faults(error.errors(), skip=1))


def _framework(paths: Iterable[BaseRoute], request: Request, error: HTTPException) -> Exception:
    """Say what FastAPI and Starlette mean by a bare status."""
    allowed: set[str] = set()
    for route in paths:
        if isinstance(route, Route) and route.matches({**request.scope, "method": ""})[0] is Match.PARTIAL:
            allowed |= route.methods or set()
    if error.status_code == MethodNotAllowed.status and not allowed and _is_of_playground(request.url.path):
        allowed = {"GET"}
    if "GET" in allowed:
        allowed.add("HEAD")
    if allowed and request.method not in allowed:
        return MethodNotAllowed(sorted(allowed))
    if error.status_code == MalformedBody.status:
        return MalformedBody(str(error.detail))
    return NotFound(f"There is nothing at {cut(request.url.path)}.")


def _is_of_playground(path: str) -> bool:
    return (
        any(path.strip("/") == file.relative_to(PLAYGROUND).as_posix() for file in PLAYGROUND.rglob("*")) or path == "/"
    )


def _document(app: FastAPI) -> None:
    def document() -> openapi.Json:
        if app.openapi_schema is None:
            app.openapi_schema = openapi.openapi(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI documents this way
