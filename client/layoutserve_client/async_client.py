"""The client for programs that use asyncio; the same as ``Client``, step for step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack, overload

import httpx
from pydantic import BaseModel

from layoutserve_client import operations
from layoutserve_client.batches import Outcome, run_in_tasks
from layoutserve_client.client import (
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT_S,
    LONGEST_WAIT_S,
    request_arguments,
)
from layoutserve_client.connection import configured, connection
from layoutserve_client.documents import Document
from layoutserve_client.exchange import Pause, Retries, Send, Steps
from layoutserve_client.operations import (
    AnalyzeOptions,
    DocumentOptions,
    DocvqaOptions,
    Extraction,
    KieOptions,
    OcrOptions,
    Questions,
)
from layoutserve_client.results import (
    AnalyzeResponse,
    Answered,
    ClassificationResponse,
    DocvqaResponse,
    Endpoint,
    Job,
    KieResponse,
    ModelInfo,
    OcrResponse,
    R,
)

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class AsyncClient:
    """``Client`` for asyncio: the same methods and arguments, awaited. Use it within one event loop.

    ``map`` gives an asynchronous iterator: ``async for outcome in client.map(files)``. Close it with ``aclose`` or use
    ``async with``.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
        max_retries: int = DEFAULT_RETRIES,
        max_wait: float = LONGEST_WAIT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._retries = Retries(max_retries, max_wait)
        arguments = connection(base_url, api_key, timeout)
        with configured():
            self._http = httpx.AsyncClient(transport=transport, **arguments)

    async def kie(self, file: Document, **options: Unpack[KieOptions]) -> KieResponse:
        """Find the key information of a document: labelled entities, and typed fields."""
        return await self._run(operations.answer(KieResponse, "kie", file, options, self._retries))

    async def classification(self, file: Document, **options: Unpack[DocumentOptions]) -> ClassificationResponse:
        """Tell what kind of document it is, as a whole and page by page."""
        return await self._run(
            operations.answer(ClassificationResponse, "classification", file, options, self._retries)
        )

    async def docvqa(self, file: Document, questions: Questions, **options: Unpack[DocvqaOptions]) -> DocvqaResponse:
        """Answer one or several questions about a document, with one reading of it."""
        asked = {**options, "questions": questions}
        return await self._run(operations.answer(DocvqaResponse, "docvqa", file, asked, self._retries))

    async def ocr(self, file: Document, **options: Unpack[OcrOptions]) -> OcrResponse:
        """Read the words of a document in reading order."""
        return await self._run(operations.answer(OcrResponse, "ocr", file, options, self._retries))

    async def analyze(self, file: Document, **options: Unpack[AnalyzeOptions]) -> AnalyzeResponse:
        """Do several tasks with one reading of the document."""
        return await self._run(operations.answer(AnalyzeResponse, "analyze", file, options, self._retries))

    async def extract(self, schema: type[M], file: Document, **options: Unpack[KieOptions]) -> M:
        """Fill a pydantic model from a document.

        A field whose alias or name is a label of the served model (``client.models()``; case, ``_`` and ``-`` do not
        matter) gets that label's value; any other field with a description gets the answer to it as a question.
        Raises MappingError and ExtractionError.
        """
        return (await self.extract_with_sources(schema, file, **options)).value

    async def extract_with_sources(
        self, schema: type[M], file: Document, **options: Unpack[KieOptions]
    ) -> Extraction[M]:
        """The same, and say for each field where on the document its value stands."""
        return await self._run(operations.extract(schema, file, options, self._retries))

    @overload
    def map(
        self, files: Iterable[Document], *, concurrency: int = 8, progress: bool = False
    ) -> AsyncIterator[Outcome[KieResponse]]: ...
    @overload
    def map(
        self,
        files: Iterable[Document],
        call: Callable[[Document], Awaitable[T]],
        *,
        concurrency: int = 8,
        progress: bool = False,
    ) -> AsyncIterator[Outcome[T]]: ...
    def map(
        self,
        files: Iterable[Document],
        call: Callable[[Document], Awaitable[Any]] | None = None,
        *,
        concurrency: int = 8,
        progress: bool = False,
    ) -> AsyncIterator[Outcome[Any]]:
        """Call a method, ``kie`` by default, for every file; give the outcomes in the order of the files.

        ``call`` may be any function of a file: ``client.ocr``, or ``lambda file: client.docvqa(file, "Who signed?")``.
        A file that fails is an outcome with an error and stops no other. ``progress`` shows a bar on standard error.
        """
        return run_in_tasks(files, call or self.kie, concurrency, progress)

    @overload
    async def submit(
        self,
        task: Literal["kie"],
        file: Document,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[KieOptions],
    ) -> Job[KieResponse]: ...
    @overload
    async def submit(
        self,
        task: Literal["classification"],
        file: Document,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[DocumentOptions],
    ) -> Job[ClassificationResponse]: ...
    @overload
    async def submit(
        self,
        task: Literal["docvqa"],
        file: Document,
        *,
        questions: Questions,
        idempotency_key: str | None = None,
        **options: Unpack[DocvqaOptions],
    ) -> Job[DocvqaResponse]: ...
    @overload
    async def submit(
        self, task: Literal["ocr"], file: Document, *, idempotency_key: str | None = None, **options: Unpack[OcrOptions]
    ) -> Job[OcrResponse]: ...
    @overload
    async def submit(
        self,
        task: Literal["analyze"],
        file: Document,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[AnalyzeOptions],
    ) -> Job[AnalyzeResponse]: ...
    async def submit(
        self, task: Endpoint, file: Document, *, idempotency_key: str | None = None, **options: Any
    ) -> Job[Any]:
        """Have a long document answered later; see ``wait``.

        ``idempotency_key`` is a name of your own for this work: submitting again under it gives the same job. Without
        one a random key makes only the retries of this call safe.
        """
        return await self._run(operations.submit(task, file, options, idempotency_key, self._retries))

    async def job(self, job: Job[R] | str) -> Job[R]:
        """Look up how far a job is. Raises JobExpired where the server has it no more."""
        return await self._run(operations.look_up(job, self._retries))

    @overload
    async def wait(
        self,
        job: Job[R],
        *,
        timeout: float | None = None,
        on_progress: Callable[[Job[R]], None] | None = None,
    ) -> R: ...
    @overload
    async def wait(
        self, job: str, *, timeout: float | None = None, on_progress: Callable[[Job[Any]], None] | None = None
    ) -> Answered: ...
    async def wait(
        self,
        job: Job[Any] | str,
        *,
        timeout: float | None = None,
        on_progress: Callable[[Job[Any]], None] | None = None,
    ) -> Answered:
        """Wait for the result of a job, at most ``timeout`` seconds.

        ``on_progress`` is called with the job each time it was looked up. Raises JobFailed, JobCancelled, JobExpired,
        and JobTimeout, after which it can be waited for again.
        """
        return await self._run(operations.wait(job, timeout, on_progress, self._retries))

    async def cancel(self, job: Job[R] | str) -> Job[R]:
        """Stop a job and have its document deleted, or forget a finished one; gives it as it is then."""
        return await self._run(operations.cancel(job, self._retries))

    async def models(self) -> list[ModelInfo]:
        """The models that are served, with their tasks, labels, limits, licences and measured scores."""
        return await self._run(operations.models(self._retries))

    async def ready(self) -> bool:
        """True where the server can be reached and takes documents now."""
        return await self._run(operations.ready(self._retries))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                match step:
                    case Pause(seconds):
                        await asyncio.sleep(seconds)
                        step = steps.send(None)
                    case Send(call):
                        try:
                            response = await self._http.request(**request_arguments(call))
                        except httpx.HTTPError as error:
                            step = steps.throw(error)
                        else:
                            step = steps.send(response)
        except StopIteration as end:
            result: T = end.value
            return result
