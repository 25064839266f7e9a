"""Errors as answers: RFC 9457 problems."""

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from layoutserve.service.errors import InvalidParameters, ServiceError, class_of, is_internal, status_of

PROBLEM_MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:layoutserve:problem:"


class FaultModel(BaseModel):
    """One wrong parameter."""

    field: str = Field(description="Name of the parameter", examples=["top_k"])
    message: str = Field(description="What is wrong with it", examples=["must be less than or equal to 20"])


class Problem(BaseModel):
    """A problem after RFC 9457: what went wrong."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable name of the kind of problem", pattern=f"^{TYPE_PREFIX}[a-z-]+$")
    title: str = Field(description="The kind of problem in a few words")
    status: int = Field(description="The HTTP status", ge=400, le=599)
    detail: str = Field(description="What is wrong in this very case")
    action: str = Field(description="What to do about it")
    request_id: str = Field(description="The id under which the log knows this request")
    errors: list[FaultModel] = Field(default=[], description="The wrong parameters, one entry for each")


def problem_of(error: Exception, request_id: str) -> Problem:
    """Describe an error as a problem. What an unexpected error says is kept from the answer: only the log has it."""
    class_ = class_of(error)
    faults = error.faults if isinstance(error, InvalidParameters) else ()
    return Problem(
        type=TYPE_PREFIX + class_.slug,
        title=class_.title,
        status=status_of(class_),
        detail="Something failed that should not." if is_internal(error) else str(error),
        action=class_.action,
        request_id=request_id,
        errors=[FaultModel(field=fault.field, message=fault.message) for fault in faults],
    )


def problem_response(error: Exception, request_id: str) -> Response:
    """Answer an error: the problem as JSON and the headers that go with it."""
    problem = problem_of(error, request_id)
    headers = error.headers if isinstance(error, ServiceError) else {}
    return Response(
        problem.model_dump_json(), status_code=problem.status, headers=dict(headers), media_type=PROBLEM_MEDIA_TYPE
    )
