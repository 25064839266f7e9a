"""The client for ordinary programs; ``AsyncClient`` offers the same to asyncio."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack, overload

import httpx
from pydantic import BaseModel

from layoutserve_client import operations
from layoutserve_client.batches import Outcome, run_in_threads
from layoutserve_client.connection import CONNECT_TIMEOUT_S, configured, connection
from layoutserve_client.documents import Document
from layoutserve_client.exchange import Call, Pause, Retries, Send, Steps
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

# A little longer than the server's own limit of 60 seconds, so that its 504 says why.
DEFAULT_TIMEOUT_S = 75.0
DEFAULT_RETRIES = 4
LONGEST_WAIT_S = 60.0

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


def request_arguments(call: Call) -> dict[str, Any]:
    """Arguments of httpx's ``request``, the same for both clients."""
    arguments: dict[str, Any] = {"method": call.method, "url": call.path, "headers": dict(call.headers)}
    if call.upload is not None:
        arguments["data"] = dict(call.form)
        arguments["files"] = {"file": (call.upload.name, call.upload.data, "application/octet-stream")}
    if call.timeout is not None:
        arguments["timeout"] = httpx.Timeout(call.timeout, connect=min(call.timeout, CONNECT_TIMEOUT_S))
    return arguments


class Client:
    """A connection to a LayoutServe server. Keep one and share it between threads; close it, or use ``with``.

    ``base_url`` and ``api_key`` default to the environment variables ``LAYOUTSERVE_BASE_URL`` and
    ``LAYOUTSERVE_API_KEY``, the address then to ``http://127.0.0.1:8080``. ``timeout`` is how many seconds the server
    may be silent. A request is repeated at most ``max_retries`` times where that is safe (see ``exchange.py``), and
    never where the server asks to wait longer than ``max_wait`` seconds. ``transport`` replaces the network, for tests.
    A server on loopback is asked directly, any other by the proxy that the environment names.

    Every method may raise the errors drawn in ``errors.py``; all of them are ``LayoutServeError``.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
        max_retries: int = DEFAULT_RETRIES,
        max_wait: float = LONGEST_WAIT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries = Retries(max_retries, max_wait)
        arguments = connection(base_url, api_key, timeout)
        with configured():
            self._http = httpx.Client(transport=transport, **arguments)

    def kie(self, file: Document, **options: Unpack[KieOptions]) -> KieResponse:
        """Find the key information of a document: labelled entities, and typed fields."""
        return self._run(operations.answer(KieResponse, "kie", file, options, self._retries))

    def classification(self, file: Document, **options: Unpack[DocumentOptions]) -> ClassificationResponse:
        """Tell what kind of document it is, as a whole and page by page."""
        return self._run(operations.answer(ClassificationResponse, "classification", file, options, self._retries))

    def docvqa(self, file: Document, questions: Questions, **options: Unpack[DocvqaOptions]) -> DocvqaResponse:
        """Answer one or several questions about a document, with one reading of it."""
        asked = {**options, "questions": questions}
        return self._run(operations.answer(DocvqaResponse, "docvqa", file, asked, self._retries))

    def ocr(self, file: Document, **options: Unpack[OcrOptions]) -> OcrResponse:
        """Read the words of a document in reading order."""
        return self._run(operations.answer(OcrResponse, "ocr", file, options, self._retries))

    def analyze(self, file: Document, **options: Unpack[AnalyzeOptions]) -> AnalyzeResponse:
        """Do several tasks with one reading of the document."""
        return self._run(operations.answer(AnalyzeResponse, "analyze", file, options, self._retries))

    def extract(self, schema: type[M], file: Document, **options: Unpack[KieOptions]) -> M:
        """Fill a pydantic model from a document.

        A field whose alias or name is a label of the served model (``client.models()``; case, ``_`` and ``-`` do not
        matter) gets that label's value; any other field with a description gets the answer to it as a question. A
        field with a default keeps it where the document says nothing that fits; one without is an ExtractionError.
        Raises MappingError, before anything is sent, for a field that is neither label nor question.
        """
        return self.extract_with_sources(schema, file, **options).value

    def extract_with_sources(self, schema: type[M], file: Document, **options: Unpack[KieOptions]) -> Extraction[M]:
        """The same, and say for each field where on the document its value stands."""
        return self._run(operations.extract(schema, file, options, self._retries))

    @overload
    def map(
        self, files: Iterable[Document], *, concurrency: int = 8, progress: bool = False
    ) -> Iterator[Outcome[KieResponse]]: ...
    @overload
    def map(
        self,
        files: Iterable[Document],
        call: Callable[[Document], T],
        *,
        concurrency: int = 8,
        progress: bool = False,
    ) -> Iterator[Outcome[T]]: ...
    def map(
        self,
        files: Iterable[Document],
        call: Callable[[Document], Any] | None = None,
        *,
        concurrency: int = 8,
        progress: bool = False,
    ) -> Iterator[Outcome[Any]]:
        """Call a method, ``kie`` by default, for every file; give the outcomes in the order of the files.

        ``call`` may be any function of a file: ``client.ocr``, or ``lambda file: client.docvqa(file, "Who signed?")``.
        A file that fails is an outcome with an error and stops no other. ``progress`` shows a bar on standard error.
        """
        return run_in_threads(files, call or self.kie, concurrency, progress)

    @overload
    def submit(
        self,
        task: Literal["kie"],
        file: Document,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[KieOptions],
    ) -> Job[KieResponse]: ...
    @overload
    def submit(
        self,
        task: Literal["classification"],
        file: Document,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[DocumentOptions],
    ) -> Job[ClassificationResponse]: ...
    @overload
    def submit(
        self,
        task: Literal["docvqa"],
        file: Document,
        *,
        questions: Questions,
        idempotency_key: str | None = None,
        **options: Unpack[DocvqaOptions],
    ) -> Job[DocvqaResponse]: ...
    @overload
    def submit(
        self, task: Literal["ocr"], file: Document, *, idempotency_key: str | None = None, **options: Unpack[OcrOptions]
    ) -> Job[OcrResponse]: ...
    @overload
    def submit(
        self,
        task: Literal["analyze"],
        file: Document,
        *,
        idempotency_key: str | None = None,
        **options: Unpack[AnalyzeOptions],
    ) -> Job[AnalyzeResponse]: ...
    def submit(self, task: Endpoint, file: Document, *, idempotency_key: str | None = None, **options: Any) -> Job[Any]:
        """Have a long document answered later; see ``wait``.

        ``idempotency_key`` is a name of your own for this work: submitting again under it gives the same job. Without
        one a random key makes only the retries of this call safe.
        """
        return self._run(operations.submit(task, file, options, idempotency_key, self._retries))

    def job(self, job: Job[R] | str) -> Job[R]:
        """Look up how far a job is. Raises JobExpired where the server has it no more."""
        return self._run(operations.look_up(job, self._retries))

    @overload
    def wait(
        self,
        job: Job[R],
        *,
        timeout: float | None = None,
        on_progress: Callable[[Job[R]], None] | None = None,
    ) -> R: ...
    @overload
    def wait(
        self, job: str, *, timeout: float | None = None, on_progress: Callable[[Job[Any]], None] | None = None
    ) -> Answered: ...
    def wait(
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
        return self._run(operations.wait(job, timeout, on_progress, self._retries))

    def cancel(self, job: Job[R] | str) -> Job[R]:
        """Stop a job and have its document deleted; gives it as it is then.

        A job that is finished is forgotten with its result.
        """
        return self._run(operations.cancel(job, self._retries))

    def models(self) -> list[ModelInfo]:
        """The models that are served, with their tasks, labels, limits, licences and measured scores."""
        return self._run(operations.models(self._retries))

    def ready(self) -> bool:
        """True where the server can be reached and takes documents now."""
        return self._run(operations.ready(self._retries))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                match step:
                    case Pause(seconds):
                        time.sleep(seconds)
                        step = steps.send(None)
                    case Send(call):
                        try:
                            response = self._http.request(**request_arguments(call))
                        except httpx.HTTPError as error:
                            step = steps.throw(error)
                        else:
                            step = steps.send(response)
        except StopIteration as end:
            result: T = end.value
            return result
