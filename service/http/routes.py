"""The paths of the service: one for each row of ``wire/endpoints``, and those of jobs, models and operations."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from layoutserve.model.errors import LayoutServeError
from layoutserve.service import errors
from layoutserve.service.http.openapi import ACCEPTED, DOCUMENT_PROBLEMS, REQUEST_ID, body, problems, success
from layoutserve.service.http.request import JSON, Exchange, Owner, job_json, owner_of, service_of
from layoutserve.service.wire import schemas
from layoutserve.service.wire.endpoints import ENDPOINTS, Endpoint

jobs = APIRouter(prefix="/v1/jobs", tags=["jobs"])
models = APIRouter(prefix="/v1/models", tags=["models"])
operations = APIRouter(tags=["operations"])

JOB_PROBLEMS = problems((errors.Unauthorized, errors.NotFound, LayoutServeError, errors.StoreUnavailable))
Asked = Annotated[Exchange, Depends(Exchange)]


def documents() -> APIRouter:
    """A path for each row of the table of endpoints."""
    router = APIRouter(tags=["documents"], responses=problems(DOCUMENT_PROBLEMS) | ACCEPTED)
    for row in ENDPOINTS.values():
        router.add_api_route(
            row.path,
            _answering(row),
            methods=["POST"],
            operation_id=row.name,
            summary=row.summary,
            description=row.description,
            response_model=row.response,
            responses=success(row.outcome),
            openapi_extra=body(row),
        )
    return router


def _answering(row: Endpoint) -> Callable[[Exchange], Awaitable[Response]]:
    async def answer(asked: Asked) -> Response:
        return await asked.answer(row)

    return answer


@jobs.get(
    "/{job_id}",
    operation_id="getJob",
    summary="A job's progress and result",
    response_model=schemas.Job,
    responses=success("The job as it is now") | JOB_PROBLEMS,
)
async def get_job(request: Request, job_id: str, owner: Owner) -> Response:
    """Look up how far a job is, and its result or problem once it is finished."""
    job = await service_of(request).jobs.read(job_id, owner)
    headers = {"Retry-After": "1"} if job.status in ("queued", "running") else {}
    return Response(await asyncio.to_thread(job_json, job), media_type=JSON, headers=headers)


@jobs.delete(
    "/{job_id}",
    operation_id="cancelJob",
    summary="Cancel or delete a job",
    response_model=schemas.Job,
    responses=success("The job as it was last") | JOB_PROBLEMS,
)
async def cancel_job(request: Request, job_id: str, owner: Owner) -> Response:
    """Stop a job that is not finished and delete its document: it then polls as cancelled until it expires.

    A finished job is deleted with its result, and answered as it was last.
    """
    job = await service_of(request).jobs.delete(job_id, owner)
    return Response(await asyncio.to_thread(job_json, job), media_type=JSON)


@models.get(
    "",
    operation_id="listModels",
    summary="The models that are served",
    responses=success("The models, the default one first")
    | problems((errors.Unauthorized, LayoutServeError, errors.NotReady)),
)
async def list_models(request: Request, owner: Owner) -> schemas.Models:
    """List the models with their tasks, labels, limits, licences and measured scores."""
    return service_of(request).engine.models()


@models.post(
    "/reload",
    operation_id="reloadModels",
    summary="Look for new, changed and removed bundles now",
    responses=success("The models that are served after that")
    | problems((errors.Unauthorized, errors.Conflict, LayoutServeError, errors.NotReady)),
)
async def reload_models(request: Request, owner: Owner) -> schemas.Models:
    """Load new and changed bundles beside those that are served, which then give way; as a SIGHUP does."""
    return await service_of(request).engine.reload()


@operations.get("/health/live", operation_id="live", summary="Whether the process runs")
async def live() -> schemas.Health:
    """Answer as long as the process does: restart it when this fails."""
    return schemas.Health(status="live")


@operations.get(
    "/health/ready", operation_id="ready", summary="Whether it takes documents", responses=problems((errors.NotReady,))
)
async def ready(request: Request) -> schemas.Health:
    """Answer once models are loaded, warmed up and have passed their self-test, and until draining begins."""
    service_of(request).engine.check_ready()
    return schemas.Health(status="ready")


@operations.get(
    "/metrics",
    operation_id="metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses=problems((errors.Unauthorized,))
    | {200: {"content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}}, "headers": REQUEST_ID}},
)
async def metrics(request: Request) -> Response:
    """Give requests, stage durations, queues, batches, pages, caches, rejections and memory."""
    if service_of(request).settings.metrics_need_key:
        owner_of(request, None)
    return Response(generate_latest(service_of(request).telemetry.registry), media_type=CONTENT_TYPE_LATEST)
