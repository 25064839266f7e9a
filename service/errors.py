"""The errors of the HTTP service, each with its answer.

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
        +-- DocumentNotProcessable 422  decoding the document took its process down, or too much of anything
        +-- IdempotencyMismatch    422  the key was used for another request
        +-- Temporary                   what passes by itself: tells after how many seconds to try again
        |   +-- Overloaded         429  the queue is full
        |   +-- NotReady           503  starting or draining
        |   +-- StoreUnavailable   503  the database of jobs cannot be used now
        +-- ClientDeparted         499  the client went away; only the log sees this answer
        +-- AttemptsExhausted      500  every attempt at a job took its process down
        +-- DeadlineExceeded       504  the request took longer than it may
        +-- SettingsError          only at start-up: the settings are wrong

A class carries its status, slug, title, action and the headers that go with it, so a new error is one class. The
model's own errors know no HTTP: their statuses are ``MODEL_STATUSES``. ``wire/problems`` writes them down for callers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from layoutserve.model.errors import (
    DocumentError,
    DocumentTooLarge,
    LayoutServeError,
    RequestError,
    UnsupportedDocument,
)

MODEL_STATUSES: Mapping[type[LayoutServeError], int] = {
    LayoutServeError: 500,
    DocumentError: 422,
    DocumentTooLarge: 413,
    UnsupportedDocument: 415,
    RequestError: 422,
}


class ServiceError(LayoutServeError):
    """Base of the errors of the HTTP service."""

    status: ClassVar[int] = 500

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the error as it is: its constructor takes other arguments than the message in ``args``."""
        return type(self).__new__, (type(self), *self.args), vars(self)

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the answer."""
        return {}

    @classmethod
    def example(cls) -> Self:
        """An error as the contract shows it."""
        return cls(sentence(cls))


class AttemptsExhausted(ServiceError):
    """Every attempt at a job took its process down."""

    status = 500
    slug = "attempts-exhausted"
    title = "Attempts exhausted"
    action = "Send another document; report this one with the request id."


class SettingsError(ServiceError):
    """The settings are wrong; the service does not start."""


class MalformedBody(ServiceError):
    """The request body cannot be taken apart: broken multipart, JSON or base64."""

    status = 400
    slug = "malformed-body"
    title = "Malformed body"
    action = "Correct the encoding of the request body."


class Unauthorized(ServiceError):
    """The API key is missing or unknown."""

    status = 401
    slug = "unauthorized"
    title = "API key needed"
    action = "Send a valid key as 'Authorization: Bearer KEY'."

    @property
    def headers(self) -> Mapping[str, str]:
        """The kind of key that is asked for."""
        return {"WWW-Authenticate": 'Bearer realm="layoutserve"'}


class NotFound(ServiceError):
    """There is no such path, model or job."""

    status = 404
    slug = "not-found"
    title = "Not found"
    action = "Check the path, the model's name or the job's id."


class MethodNotAllowed(ServiceError):
    """The path exists, but not with this method; ``allowed`` are the methods it has."""

    status = 405
    slug = "method-not-allowed"
    title = "Method not allowed"
    action = "Use a method listed in 'Allow'."

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"This path answers {', '.join(allowed)} only.")
        self.allowed = tuple(allowed)

    @property
    def headers(self) -> Mapping[str, str]:
        """The methods that the path has."""
        return {"Allow": ", ".join(self.allowed)}

    @classmethod
    def example(cls) -> Self:
        """An error as the contract shows it."""
        return cls(["GET"])


class BodyTimeout(ServiceError):
    """The request body came too slowly."""

    status = 408
    slug = "body-timeout"
    title = "Body too slow"
    action = "Send the body faster, or a smaller document."


class Conflict(ServiceError):
    """The job or the idempotency key is in a state that forbids this."""

    status = 409
    slug = "conflict"
    title = "Conflict"
    action = "Read the current state, then decide whether to ask again."


class UnsupportedMediaType(ServiceError):
    """The body is neither multipart/form-data nor application/json."""

    status = 415
    slug = "unsupported-media-type"
    title = "Unsupported media type"
    action = "Send multipart/form-data or application/json."


class DocumentNotProcessable(ServiceError):
    """Decoding the document took its process down, or more memory or time than it may."""

    status = 422
    slug = "document-not-processable"
    title = "Document not processable"
    action = "Save the document again with another program, or smaller."


class IdempotencyMismatch(ServiceError):
    """The idempotency key was used before, for a different request."""

    status = 422
    slug = "idempotency-mismatch"
    title = "Idempotency key reused"
    action = "Use a new Idempotency-Key for a new request."


# Wrong parameters that an answer lists: it is short whatever the request was.
MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong parameter: its name and what is wrong with it."""

    field: str
    message: str


class InvalidParameters(ServiceError):
    """Parameters of a wrong kind; ``faults`` has one entry for each, up to ``MOST_FAULTS``."""

    status = 422
    slug = "invalid-parameters"
    title = "Invalid parameters"
    action = "Correct the parameters listed."

    def __init__(self, faults: Sequence[Fault]) -> None:
        listed = "; ".join(f"{fault.field}: {fault.message}" for fault in faults[:3])
        more = "; and others" if len(faults) > 3 else ""
        super().__init__(f"The parameters are not as described: {listed}{more}.")
        self.faults = tuple(faults[:MOST_FAULTS])

    @classmethod
    def example(cls) -> Self:
        """An error as the contract shows it."""
        return cls([Fault("top_k", "must be less than or equal to 20")])


class Temporary(ServiceError):
    """A hindrance that passes by itself; ``retry_after_s``: whole seconds after which it should have passed."""

    action = "Wait as long as 'Retry-After' says, then repeat."

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> Mapping[str, str]:
        """The seconds to wait."""
        return {"Retry-After": str(self.retry_after_s)}

    @classmethod
    def example(cls) -> Self:
        """An error as the contract shows it."""
        return cls(sentence(cls), 3)


class Overloaded(Temporary):
    """The service has as much work as it accepts; ``retry_after_s`` is when there should be room again."""

    status = 429
    slug = "overloaded"
    title = "Too many requests"


class NotReady(Temporary):
    """The service is starting or draining."""

    status = 503
    slug = "not-ready"
    title = "Not ready"


class StoreUnavailable(Temporary):
    """The database of jobs is locked, full, gone or not reached; what it holds stays there."""

    status = 503
    slug = "store-unavailable"
    title = "Job store unavailable"


class ClientDeparted(ServiceError):
    """The client went away before it was answered; its work was dropped."""

    status = 499
    slug = "client-departed"
    title = "Client departed"
    action = "Nothing: nobody waits for the answer."


class DeadlineExceeded(ServiceError):
    """The request took longer than it may; its work was stopped."""

    status = 504
    slug = "deadline-exceeded"
    title = "Deadline exceeded"
    action = "Ask for fewer pages, or send 'Prefer: respond-async'."


def sentence(class_: type[LayoutServeError]) -> str:
    """The first sentence of a class's documentation."""
    return (class_.__doc__ or "").split(";")[0].strip().rstrip(".") + "."


def class_of(error: Exception) -> type[LayoutServeError]:
    """The class that describes an error to the caller: its own, or ``LayoutServeError`` for an unforeseen one."""
    return type(error) if isinstance(error, LayoutServeError) else LayoutServeError


def status_of(class_: type[LayoutServeError]) -> int:
    """The HTTP status of an error class: its own, or that of its nearest base in ``MODEL_STATUSES``."""
    if issubclass(class_, ServiceError):
        return class_.status
    return next(MODEL_STATUSES[base] for base in class_.__mro__ if base in MODEL_STATUSES)


def is_internal(error: Exception) -> bool:
    """True where only the log may say what it was: the error is none of the caller's doing."""
    return class_of(error).slug == LayoutServeError.slug
