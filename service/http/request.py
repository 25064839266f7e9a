"""One request for a document, from its body to its answer: at once, again under its key, or later as a job."""

import asyncio
import hashlib
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Header, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from layoutserve.service.errors import ClientDeparted
from layoutserve.service.http.auth import Keys
from layoutserve.service.http.bodies import read_body
from layoutserve.service.http.uploads import Uploads
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.wire.endpoints import ENDPOINTS, Endpoint
from layoutserve.service.work.engine import Engine, Order
from layoutserve.service.work.jobs import Jobs, Process, Progress
from layoutserve.service.work.store.records import ClaimedJob, IdempotencyKey, NewJob, StoredJob

Result = TypeVar("Result")

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that the routes work with; one for each app, found as ``app.state.service``."""

    settings: Settings
    engine: Engine
    keys: Keys
    jobs: Jobs
    telemetry: Telemetry
    uploads: Uploads


def service_of(request: Request) -> Service:
    """Give the service of the app that got the request."""
    return cast(Service, request.app.state.service)


bearer = HTTPBearer(auto_error=False, description="An API key; needed where the service has been given keys")


def owner_of(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> str:
    """Name of the API key of a request. Raises Unauthorized."""
    name = service_of(request).keys.name_of(request.headers.get("authorization"))
    request.state.log = {"key": name}
    return name


Owner = Annotated[str, Depends(owner_of)]


class Exchange:
    """A request for a document and the service that answers it; a dependency of the routes that take one."""

    def __init__(
        self,
        request: Request,
        owner: Owner,
        prefer: Annotated[
            str | None,
            Header(alias="Prefer", description="respond-async: a job instead", examples=["respond-async"]),
        ] = None,
        idempotency_key: Annotated[
            str | None,
            Header(
                alias="Idempotency-Key",
                min_length=1,
                max_length=255,
                description="A request repeated with its key is not done again but answered as before",
            ),
        ] = None,
        x_request_id: Annotated[
            str | None,
            Header(
                alias="X-Request-Id", description="Id for the log and the answer; made where there is none that fits"
            ),
        ] = None,
    ) -> None:
        self.request = request
        self.owner = owner
        self.later = "respond-async" in [part.strip().lower() for part in (prefer or "").split(",")]
        self.idempotency_key = idempotency_key
        self.service = service_of(request)
        self.request_id: str = request.state.request_id

    async def answer(self, endpoint: Endpoint) -> Response:
        """Answer at once, or with 202 and a job where the caller prefers that."""
        settings, engine = self.service.settings, self.service.engine
        deadline = asyncio.get_running_loop().time() + settings.request_timeout_s
        # Whoever has no chance is told before the body is read, and who sends it slowly takes no place meanwhile.
        engine.check_room()
        body = await read_body(
            self.request,
            endpoint.request,
            uploads=self.service.uploads,
            max_file_bytes=settings.max_file_bytes,
            timeout_s=settings.request_timeout_s,
        )
        with engine.admit():
            order = engine.prepare(endpoint, body)
            key = self._key(order)
            if self.later:
                return await self._accept(order, key)
            if key is not None and (earlier := await self.service.jobs.reserve(key)) is not None:
                return Response(earlier, media_type=JSON, headers={"Idempotent-Replayed": "true"})
            text = None
            try:
                work = engine.answer(order, request_id=self.request_id, deadline=deadline, max_pages=settings.max_pages)
                answer = await unless_departed(self.request, work)
                text = await asyncio.to_thread(answer.model_dump_json)
            finally:
                if key is not None:
                    await self.service.jobs.fulfil(key, text)
            return Response(text, media_type=JSON)

    async def _accept(self, order: Order, key: IdempotencyKey | None) -> Response:
        job = NewJob(self.owner, order.endpoint.name, self.request_id, parameters(order), order.body.file)
        stored = await self.service.jobs.submit(job, key)
        headers = {"Location": f"/v1/jobs/{stored.id}", "Preference-Applied": "respond-async", "Retry-After": "1"}
        return Response(job_json(stored), status_code=202, media_type=JSON, headers=headers)

    def _key(self, order: Order) -> IdempotencyKey | None:
        if self.idempotency_key is None:
            return None
        digest = hashlib.sha256(f"{order.endpoint.name} {self.later} ".encode())
        digest.update(parameters(order).encode())
        digest.update(order.body.file)
        return IdempotencyKey(self.owner, self.idempotency_key, digest.hexdigest())


def parameters(order: Order) -> str:
    """Everything that is asked of a document, as JSON."""
    return order.body.model_dump_json(exclude={"file"})


async def unless_departed(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work for as long as the client waits for it. Raises ClientDeparted when it does not."""
    task, watch = asyncio.ensure_future(work), asyncio.ensure_future(_departure(request))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDeparted("The client went away before it was answered.")
        return task.result()
    finally:
        unfinished = [future for future in (task, watch) if future.cancel()]
        await asyncio.gather(*unfinished, return_exceptions=True)


async def _departure(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def job_process(engine: Engine, settings: Settings) -> Process:
    """Make the function that does stored jobs with an engine."""

    async def process(job: ClaimedJob, on_page: Progress) -> str:
        endpoint = ENDPOINTS[job.endpoint]
        body = endpoint.request.model_validate(json.loads(job.parameters) | {"file": job.document})
        answer = await engine.answer(
            engine.prepare(endpoint, body),
            request_id=job.request_id,
            deadline=asyncio.get_running_loop().time() + settings.job_timeout_s,
            max_pages=settings.max_job_pages,
            on_page=on_page,
        )
        return await asyncio.to_thread(answer.model_dump_json)

    return process


def job_json(job: StoredJob) -> str:
    """Write a job as the contract's ``Job``."""

    def date(seconds: float | None) -> str | None:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")

    described = json.dumps(
        {
            "id": job.id,
            "task": job.endpoint,
            "status": job.status,
            "created_at": date(job.created),
            "started_at": date(job.started),
            "finished_at": date(job.finished),
            "expires_at": date(job.expires),
            "progress": {"pages_done": job.pages_done, "pages_total": job.pages_total},
            "problem": None if job.problem is None else json.loads(job.problem),
        },
        ensure_ascii=False,
    )
    # A result may be megabytes: it is JSON already, and is not taken apart for each poll.
    return f'{described[:-1]}, "result": {job.result or "null"}}}'
