"""Errors of the client, by where they happen.

One call, and what can go wrong on its way::

    file --read--> bytes --send--> server --answer--> result
          |               |          |         |
          DocumentUnreadable         |         InvalidAnswer
                          NoAnswer   StatusError

The tree::

    LayoutServeError
    +-- ConfigurationError        the address, the key or a proxy of the environment cannot be used
    +-- DocumentUnreadable        the file, image or array cannot be read here
    +-- NoAnswer                  refused, lost or cut off: the server's answer never came whole
    |   +-- AnswerTimeout         the server was silent for longer than 'timeout'
    +-- InvalidAnswer             an answer that is not what the contract says
    +-- StatusError               the server said what is wrong: status, type, detail, action, request_id
    |   +-- BadRequest            400
    |   +-- Unauthorized          401, 403
    |   +-- NotFound              404
    |   |   +-- JobExpired        404 for a job: its result is no longer kept
    |   +-- Conflict              409
    |   +-- DocumentTooLarge      413
    |   +-- UnsupportedDocument   415
    |   +-- InvalidRequest        422
    |   +-- Overloaded            429, after the retries
    |   +-- ServerFault           500 and other 5xx
    |       +-- ServerUnavailable 503, after the retries
    |       +-- DeadlineExceeded  504
    +-- JobError                  a job ended without a result
    |   +-- JobFailed
    |   +-- JobCancelled
    |   +-- JobTimeout            'wait' was told to wait no longer; the job goes on
    +-- ExtractionError           a pydantic model cannot be filled from this document
        +-- MappingError          a field is neither a label of the model nor a question
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class LayoutServeError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigurationError(LayoutServeError):
    """The address, the API key or a proxy of the environment cannot be used; nothing was sent."""


class DocumentUnreadable(LayoutServeError):
    """The file, image or array that was given cannot be read here; nothing was sent."""


class NoAnswer(LayoutServeError):
    """The connection was refused or lost, or the answer was cut off."""


class AnswerTimeout(NoAnswer):
    """The server was silent for longer than the time-out."""


class InvalidAnswer(LayoutServeError):
    """The answer is not what the contract says: no JSON, or members missing. Is it a LayoutServe server?"""


class StatusError(LayoutServeError):
    """The server answered with a problem (RFC 9457).

    ``type`` is the stable name of the kind of problem, ``detail`` what is wrong in this case, ``action`` what to do
    about it, ``request_id`` the id under which the server's log knows the request, ``errors`` the wrong parameters as
    ``(name, message)``, ``retry_after_s`` the seconds the server asked to wait, if it did.
    """

    def __init__(
        self,
        status: int,
        *,
        type: str = "about:blank",  # noqa: A002 - the name RFC 9457 gives it
        title: str = "",
        detail: str = "",
        action: str = "",
        request_id: str | None = None,
        errors: Sequence[tuple[str, str]] = (),
        retry_after_s: float | None = None,
    ) -> None:
        self.status = status
        self.type = type
        self.title = title
        self.detail = detail
        self.action = action
        self.request_id = request_id
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        sentences = " ".join(part for part in (detail or title, action) if part)
        suffix = f" (request {request_id})" if request_id else ""
        super().__init__(f"{status}: {sentences or 'The server gave no reason.'}{suffix}")


class BadRequest(StatusError):
    """400: the body cannot be taken apart."""


class Unauthorized(StatusError):
    """401 or 403: the API key is missing, unknown or not allowed."""


class NotFound(StatusError):
    """404: no such path, model or job."""


class JobExpired(NotFound):
    """404 for a job: it is no longer kept, was deleted, or never existed."""


class Conflict(StatusError):
    """409: the job or the idempotency key is in a state that forbids this."""


class DocumentTooLarge(StatusError):
    """413: more bytes, pixels or pages than the server takes."""


class UnsupportedDocument(StatusError):
    """415: a type of document the server does not read."""


class InvalidRequest(StatusError):
    """422: the document is damaged or a parameter is wrong; ``errors`` names the parameters."""


class Overloaded(StatusError):
    """429: the server has as much work as it accepts, and still had after the retries."""


class ServerFault(StatusError):
    """500 and other 5xx: the fault is the server's, or that of a proxy before it."""


class ServerUnavailable(ServerFault):
    """503: the server is starting or stopping, and still was after the retries."""


class DeadlineExceeded(ServerFault):
    """504: the request took longer than the server allows."""


class JobError(LayoutServeError):
    """A job ended without a result, or was not waited for; ``job_id`` names it."""

    def __init__(self, message: str, job_id: str) -> None:
        super().__init__(message)
        self.job_id = job_id


class JobFailed(JobError):
    """The job failed; ``problem`` is the error that the same request would have raised at once."""

    def __init__(self, message: str, job_id: str, problem: StatusError | None) -> None:
        super().__init__(message, job_id)
        self.problem = problem


class JobCancelled(JobError):
    """The job was cancelled."""


class JobTimeout(JobError):
    """The job was not done when ``wait`` had waited long enough; it goes on, and can be waited for again."""


class ExtractionError(LayoutServeError):
    """A pydantic model cannot be filled; ``faults`` says why, by field."""

    def __init__(self, message: str, faults: Mapping[str, str]) -> None:
        super().__init__(message)
        self.faults = dict(faults)


class MappingError(ExtractionError):
    """A field of the pydantic model is neither a label of the served model nor a question."""


_BY_STATUS: Mapping[int, type[StatusError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: Conflict,
    413: DocumentTooLarge,
    415: UnsupportedDocument,
    422: InvalidRequest,
    429: Overloaded,
    503: ServerUnavailable,
    504: DeadlineExceeded,
}


def class_of(status: int) -> type[StatusError]:
    """The error class of an HTTP status."""
    return _BY_STATUS.get(status, ServerFault if status >= 500 else StatusError)
