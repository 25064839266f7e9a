"""The paths of the service. Each handler says what it answers; how is told by ``exchange`` and ``engine``."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from layoutserve.model.errors import LayoutServeError
from layoutserve.service import errors
from layoutserve.service.http.openapi import ACCEPTED, DOCUMENT_PROBLEMS, REQUEST_ID, body, problems, success
from layoutserve.service.http.request import JSON, Exchange, Owner, job_json, service_of
from layoutserve.service.wire import schemas

documents = APIRouter(prefix="/v1", tags=["documents"], responses=problems(DOCUMENT_PROBLEMS) | ACCEPTED)
jobs = APIRouter(prefix="/v1/jobs", tags=["jobs"])
models = APIRouter(prefix="/v1/models", tags=["models"])
operations = APIRouter(tags=["operations"])

JOB_PROBLEMS = problems((errors.Unauthorized, errors.NotFound, LayoutServeError))
Asked = Annotated[Exchange, Depends(Exchange)]


@documents.post(
    "/kie",
    operation_id="kie",
    summary="Key information",
    response_model=schemas.KieResponse,
    responses=success("Entities and fields"),
    openapi_extra=body(schemas.KieRequest),
)
async def kie(asked: Asked) -> Response:
    """Find the key information of a document: labelled entities with their place, and typed fields."""
    return await asked.answer("kie")


@documents.post(
    "/classification",
    operation_id="classification",
    summary="Class",
    response_model=schemas.ClassificationResponse,
    responses=success("Classes, best first"),
    openapi_extra=body(schemas.ClassificationRequest),
)
async def classification(asked: Asked) -> Response:
    """Tell what kind of document it is, as a whole and page by page."""
    return await asked.answer("classification")


@documents.post(
    "/docvqa",
    operation_id="docvqa",
    summary="Answers to questions",
    response_model=schemas.DocvqaResponse,
    responses=success("Ranked answers to each question, or none"),
    openapi_extra=body(schemas.DocvqaRequest),
)
async def docvqa(asked: Asked) -> Response:
    """Answer questions about a document with words that stand on it, or say that it holds no answer."""
    return await asked.answer("docvqa")


@documents.post(
    "/ocr",
    operation_id="ocr",
    summary="Words",
    response_model=schemas.OcrResponse,
    responses=success("Words in reading order"),
    openapi_extra=body(schemas.OcrRequest),
)
async def ocr(asked: Asked) -> Response:
    """Read the words of a document in reading order, each with its place."""
    return await asked.answer("ocr")


@documents.post(
    "/analyze",
    operation_id="analyze",
    summary="Several tasks with one reading",
    response_model=schemas.AnalyzeResponse,
    responses=success("The results of the tasks"),
    openapi_extra=body(schemas.AnalyzeRequest),
)
async def analyze(asked: Asked) -> Response:
    """Do several tasks on a document that is read once."""
    return await asked.answer("analyze")


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
    """Stop a job if it is not finished, delete it with its document and result, and answer as it was last."""
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
    responses={200: {"content": {CONTENT_TYPE_LATEST: {"schema": {"type": "string"}}}, "headers": REQUEST_ID}},
)
async def metrics(request: Request) -> Response:
    """Give requests, stage durations, queues, batches, pages, caches, rejections and memory."""
    return Response(generate_latest(service_of(request).telemetry.registry), media_type=CONTENT_TYPE_LATEST)
