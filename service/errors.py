"""What can go wrong over HTTP, and the one table that says which status each error gets.

The tree, beside that of ``model/errors.py``::

    LayoutServeError
    +-- ServiceError
        +-- MalformedBody          400  the body cannot be taken apart
        +-- Unauthorized           401  no API key, or one that is not known
        +-- NotFound               404  no such path, model or job
        +-- MethodNotAllowed       405
        +-- BodyTimeout            408  the body came too slowly
        +-- Conflict               409  the job or the idempotency key is in another state
        +-- UnsupportedMediaType   415  the body is neither multipart nor JSON
        +-- InvalidParameters      422  parameters of a wrong kind, one entry for each
        +-- IdempotencyMismatch    422  the key was used for another request
        +-- Overloaded             429  the queue is full; comes with the seconds after which to try again
        +-- AttemptsExhausted      500  every attempt at a job took its process down
        +-- NotReady               503  starting or draining
        +-- ClientDeparted         499  the client went away; nobody sees this answer, but the log does
        +-- DeadlineExceeded       504  the request took longer than it may
        +-- SettingsError          only at start-up: the settings are wrong

Every answer that is not a result is an RFC 9457 problem: a stable ``type``, a title, the status, a sentence about this
very case, what to do, and the request id. Nothing else in this package names a status of an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from layoutserve.model.errors import (
    DocumentError,
    DocumentTooLarge,
    InvalidDocument,
    LayoutServeError,
    RequestError,
    UnsupportedDocument,
)

PROBLEM_MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:layoutserve:problem:"


class ServiceError(LayoutServeError):
    """Base of the errors of the HTTP service."""


class AttemptsExhausted(ServiceError):
    """Every attempt at a job took its process down."""


class SettingsError(ServiceError):
    """The settings are wrong; the service does not start."""


class MalformedBody(ServiceError):
    """The request body cannot be taken apart: broken multipart, JSON or base64."""


class Unauthorized(ServiceError):
    """The API key is missing or unknown."""


class NotFound(ServiceError):
    """There is no such path, model or job."""


class MethodNotAllowed(ServiceError):
    """The path exists, but not with this method; ``allowed`` are the methods it has."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"This path answers {', '.join(allowed)} only.")
        self.allowed = tuple(allowed)


class BodyTimeout(ServiceError):
    """The request body came too slowly."""


class Conflict(ServiceError):
    """The job or the idempotency key is in a state that forbids this."""


class UnsupportedMediaType(ServiceError):
    """The body is neither multipart/form-data nor application/json."""


class IdempotencyMismatch(ServiceError):
    """The idempotency key was used before, for a different request."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong parameter: its name and what is wrong with it."""

    field: str
    message: str


class InvalidParameters(ServiceError):
    """Parameters of a wrong kind; ``faults`` has one entry for each."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        listed = "; ".join(f"{fault.field}: {fault.message}" for fault in faults[:3])
        super().__init__(f"The parameters are not as described: {listed}.")
        self.faults = tuple(faults)


class Overloaded(ServiceError):
    """The service has as much work as it accepts; ``retry_after_s`` is when there should be room again."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotReady(ServiceError):
    """The service is starting or draining."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ClientDeparted(ServiceError):
    """The client went away before it was answered; its work was dropped."""


class DeadlineExceeded(ServiceError):
    """The request took longer than it may; its work was stopped."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its status, the end of its type, its title and what a caller should do."""

    status: int
    slug: str
    title: str
    action: str


INTERNAL = Kind(
    500, "internal", "Internal error", "Report it with the request id; the log holds the cause under the same id."
)

KINDS: Mapping[type[LayoutServeError], Kind] = {
    MalformedBody: Kind(400, "malformed-body", "Malformed body", "Correct the encoding of the request body."),
    Unauthorized: Kind(401, "unauthorized", "API key needed", "Send a valid key as 'Authorization: Bearer KEY'."),
    NotFound: Kind(404, "not-found", "Not found", "Check the path, the model's name or the job's id."),
    MethodNotAllowed: Kind(405, "method-not-allowed", "Method not allowed", "Use a method listed in 'Allow'."),
    BodyTimeout: Kind(408, "body-timeout", "Body too slow", "Send the body faster, or a smaller document."),
    Conflict: Kind(409, "conflict", "Conflict", "Read the current state, then decide whether to ask again."),
    DocumentTooLarge: Kind(413, "document-too-large", "Document too large", "Send fewer bytes, pixels or pages."),
    UnsupportedDocument: Kind(
        415, "unsupported-document", "Unsupported document", "Send a JPEG, PNG, WebP, BMP, GIF, TIFF or PDF."
    ),
    UnsupportedMediaType: Kind(
        415, "unsupported-media-type", "Unsupported media type", "Send multipart/form-data or application/json."
    ),
    InvalidDocument: Kind(422, "invalid-document", "Invalid document", "Send an intact, unencrypted document."),
    DocumentError: Kind(422, "invalid-document", "Invalid document", "Send an intact, unencrypted document."),
    InvalidParameters: Kind(422, "invalid-parameters", "Invalid parameters", "Correct the parameters listed."),
    RequestError: Kind(422, "invalid-request", "Invalid request", "Correct the parameter named in 'detail'."),
    IdempotencyMismatch: Kind(
        422, "idempotency-mismatch", "Idempotency key reused", "Use a new Idempotency-Key for a new request."
    ),
    Overloaded: Kind(429, "overloaded", "Too many requests", "Wait as long as 'Retry-After' says, then repeat."),
    ClientDeparted: Kind(499, "client-departed", "Client departed", "Nothing: nobody waits for the answer."),
    LayoutServeError: INTERNAL,
    AttemptsExhausted: Kind(
        500, "attempts-exhausted", "Attempts exhausted", "Send another document; report this one with the request id."
    ),
    NotReady: Kind(503, "not-ready", "Not ready", "Wait as long as 'Retry-After' says, then repeat."),
    DeadlineExceeded: Kind(
        504, "deadline-exceeded", "Deadline exceeded", "Ask for fewer pages, or send 'Prefer: respond-async'."
    ),
}


class FaultModel(BaseModel):
    """One wrong parameter."""

    field: str = Field(description="Name of the parameter", examples=["top_k"])
    message: str = Field(description="What is wrong with it", examples=["must be less than or equal to 20"])


class Problem(BaseModel):
    """What went wrong, after RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable name of the kind of problem", pattern=f"^{TYPE_PREFIX}[a-z-]+$")
    title: str = Field(description="The kind of problem in a few words")
    status: int = Field(description="The HTTP status", ge=400, le=599)
    detail: str = Field(description="What is wrong in this very case")
    action: str = Field(description="What to do about it")
    request_id: str = Field(description="The id under which the log knows this request")
    errors: list[FaultModel] = Field(default=[], description="The wrong parameters, one entry for each")


def kind_of(error: Exception) -> Kind:
    """The kind of an error: that of its class, or of the nearest base that has one."""
    for base in type(error).__mro__:
        if (kind := KINDS.get(base)) is not None:
            return kind
    return INTERNAL


def problem_of(error: Exception, request_id: str) -> Problem:
    """Describe an error as a problem. What an unexpected error says is kept from the answer: only the log has it."""
    kind = kind_of(error)
    faults = error.faults if isinstance(error, InvalidParameters) else ()
    return Problem(
        type=TYPE_PREFIX + kind.slug,
        title=kind.title,
        status=kind.status,
        detail="Something failed that should not." if kind is INTERNAL else str(error),
        action=kind.action,
        request_id=request_id,
        errors=[FaultModel(field=fault.field, message=fault.message) for fault in faults],
    )


def problem_response(error: Exception, request_id: str) -> Response:
    """Answer an error: the problem as JSON and the headers that go with it."""
    problem = problem_of(error, request_id)
    headers: dict[str, str] = {}
    match error:
        case Overloaded() | NotReady():
            headers["Retry-After"] = str(error.retry_after_s)
        case Unauthorized():
            headers["WWW-Authenticate"] = 'Bearer realm="layoutserve"'
        case MethodNotAllowed():
            headers["Allow"] = ", ".join(error.allowed)
        case _:
            pass
    return Response(
        problem.model_dump_json(), status_code=problem.status, headers=headers, media_type=PROBLEM_MEDIA_TYPE
    )
