"""The operations of a server, step by step: shared by ``Client`` and ``AsyncClient``."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeAlias, TypedDict, TypeVar, cast

import httpx
from pydantic import BaseModel

from layoutserve_client import extraction
from layoutserve_client.documents import Document, read
from layoutserve_client.errors import JobCancelled, JobExpired, JobFailed, JobTimeout, LayoutServeError, NotFound
from layoutserve_client.exchange import Call, Pause, Retries, Steps, exchange, parse, status_error
from layoutserve_client.results import (
    RESPONSES,
    AnalyzeResponse,
    Answered,
    Endpoint,
    Job,
    ModelInfo,
    R,
    Task,
)

FIRST_POLL_S = 0.25
LONGEST_POLL_S = 5.0

T = TypeVar("T", bound=BaseModel)


class InputWord(TypedDict, total=False):
    """A word of your own OCR; ``text`` and ``box`` are needed, ``page`` is 1 and ``score`` 1.0 by default."""

    text: str
    box: Sequence[float]
    page: int
    score: float


class OcrOptions(TypedDict, total=False):
    """Parameters of reading a document.

    ``pages``: such as ``"1-3,5"``, all by default. ``ocr``: ``"auto"`` trusts a PDF's own text where it covers the
    page, ``"always"`` and ``"never"`` say what they mean. ``dpi``: at which PDF pages are drawn. ``language``: of the
    OCR models, where the server has a choice. ``timeout``: seconds of silence from the server after which this call
    gives up.
    """

    pages: str
    ocr: Literal["auto", "always", "never"]
    dpi: int
    language: str
    timeout: float


class DocumentOptions(OcrOptions, total=False):
    """The same, for tasks. ``model``: its name, see ``models``. ``words``: your own words instead of OCR."""

    model: str
    words: Sequence[InputWord]
    words_unit: Literal["pixels", "fractions"]


class RuleOptions(DocumentOptions, total=False):
    """The same, decoded by rules. ``rules``: ``"none"`` switches those of the model off."""

    rules: Literal["model", "none"]


class KieOptions(RuleOptions, total=False):
    """The same, for key information.

    ``date_order``: of dates in figures, ``"auto"`` lets the document decide. ``locale``: language and country of the
    document, such as ``"en-GB"``.
    """

    date_order: Literal["auto", "dmy", "mdy", "ymd"]
    locale: str


class DocvqaOptions(RuleOptions, total=False):
    """The same, for questions. ``top_k``: most answers for each question, 1 by default."""

    top_k: int


class AnalyzeOptions(KieOptions, DocvqaOptions, total=False):
    """The same, for several tasks. ``tasks``: by default all the model has; docvqa only with ``questions``."""

    tasks: Sequence[Task]
    questions: str | Sequence[str]


Questions: TypeAlias = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class Extraction(Generic[T]):
    """A filled model and where its values came from.

    ``sources``: a field value or answer by field name. ``faults``: by field name, why what the document says was not
    taken and the default was. ``response``: the whole answer.
    """

    value: T
    sources: Mapping[str, extraction.Source]
    faults: Mapping[str, str]
    response: AnalyzeResponse


class _Models(BaseModel):
    models: list[ModelInfo]


class _Any(BaseModel):
    """An answer of which only that it is a JSON object matters."""


def answer(
    response: type[R], task: Endpoint, document: Document, options: Mapping[str, Any], retries: Retries
) -> Steps[R]:
    """Post a document and get the result."""
    return parse(response, (yield from exchange(_call(task, document, options), retries)))


def submit(
    task: Endpoint, document: Document, options: Mapping[str, Any], key: str | None, retries: Retries
) -> Steps[Job[Any]]:
    """Post a document to be answered later. The key makes repeating it safe: the server keeps one job for a key."""
    headers = {"Prefer": "respond-async", "Idempotency-Key": key or uuid.uuid4().hex}
    call = replace(_call(task, document, options), headers=headers)
    return _job((yield from exchange(call, retries)))


def look_up(job: Job[Any] | str, retries: Retries) -> Steps[Job[Any]]:
    """Get the present state of a job. Raises JobExpired where the server has it no more."""
    return _job((yield from _with_job("GET", job, retries)))


def cancel(job: Job[Any] | str, retries: Retries) -> Steps[Job[Any]]:
    """Cancel a job, or have a finished one forgotten."""
    return _job((yield from _with_job("DELETE", job, retries)))


def wait(
    job: Job[Any] | str,
    timeout: float | None,
    on_progress: Callable[[Job[Any]], None] | None,
    retries: Retries,
    clock: Callable[[], float] = time.monotonic,
) -> Steps[Answered]:
    """Ask for a job until it has ended, and give its result."""
    give_up = None if timeout is None else clock() + timeout
    pause = FIRST_POLL_S
    while True:
        state = yield from look_up(job, retries)
        if on_progress is not None:
            on_progress(state)
        if state.done:
            return _outcome(state)
        if give_up is not None:
            left = give_up - clock()
            if left <= 0:
                raise JobTimeout(f"Job {state.id} is not done after {timeout:g} seconds; it goes on.", state.id)
            pause = min(pause, left)
        yield Pause(pause)
        pause = min(max(pause, FIRST_POLL_S) * 1.5, LONGEST_POLL_S)


def _outcome(job: Job[Any]) -> Answered:
    if job.result is not None:
        return cast(Answered, job.result)
    if job.status == "cancelled":
        raise JobCancelled(f"Job {job.id} was cancelled.", job.id)
    status = (job.problem or {}).get("status")
    problem = status_error(job.problem, status) if job.problem and isinstance(status, int) else None
    raise JobFailed(f"Job {job.id} failed: {problem or 'the server gave no reason'}", job.id, problem)


def models(retries: Retries) -> Steps[list[ModelInfo]]:
    """List the models that are served."""
    return parse(_Models, (yield from exchange(Call("GET", "/v1/models"), retries))).models


def ready(retries: Retries) -> Steps[bool]:
    """Tell whether the server takes documents now."""
    try:
        yield from exchange(Call("GET", "/health/ready"), replace(retries, most=0))
    except LayoutServeError:
        return False
    return True


def extract(schema: type[T], document: Document, options: Mapping[str, Any], retries: Retries) -> Steps[Extraction[T]]:
    """Fill a pydantic model: its fields become labels or questions, answered with one reading of the document."""
    served = yield from models(retries)
    plan = extraction.plan(schema, extraction.choose(served, options.get("model")))
    asked = {**options, "tasks": plan.tasks, "questions": list(plan.questions.values())}
    response = yield from answer(AnalyzeResponse, "analyze", document, asked, retries)
    filled = extraction.fill(schema, plan, response)
    return Extraction(filled.value, filled.sources, filled.faults, response)


def _call(task: Endpoint, document: Document, options: Mapping[str, Any]) -> Call:
    form: dict[str, str | list[str]] = {}
    for name, value in options.items():
        match name, value:
            case (_, None) | ("timeout", _):
                pass
            case "words", words:
                form["words"] = json.dumps([{**word, "box": [float(edge) for edge in word["box"]]} for word in words])
            case "questions" | "tasks", listed:
                form[name[:-1]] = [listed] if isinstance(listed, str) else list(listed)
            case _:
                form[name] = str(value)
    return Call("POST", f"/v1/{task}", form, read(document), timeout=options.get("timeout"))


def _with_job(method: str, job: Job[Any] | str, retries: Retries) -> Steps[httpx.Response]:
    job_id = job if isinstance(job, str) else job.id
    try:
        return (yield from exchange(Call(method, f"/v1/jobs/{job_id}"), retries))
    except NotFound as error:
        raise JobExpired(
            error.status,
            type=error.type,
            title=error.title,
            detail=f"Job {job_id} is not known: it expired, was deleted, or is another server's.",
            action="Submit the document again.",
            request_id=error.request_id,
        ) from error


def _job(response: httpx.Response) -> Job[Any]:
    task = parse(Job[Answered], response).task
    return parse(Job[RESPONSES[task]], response)  # type: ignore[valid-type]  # the class is known only now
