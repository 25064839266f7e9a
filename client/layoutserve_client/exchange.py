"""One request and its retries, without input or output.

Everything that takes several steps is a generator that yields ``Send`` and ``Pause`` and gets the response of a
``Send`` (or the httpx error thrown in). ``Client`` and ``AsyncClient`` only carry the steps out, so both behave alike.

What is repeated, at most ``max_retries`` times:

- 429 and 503: the server refused before it began. The wait is at least what ``Retry-After`` says, and grows from half a
  second, with jitter, so that clients that were refused together do not come back together.
- a connection that was refused: nothing was sent.
- a connection that was lost, or an answer that was cut off, where the request is *repeatable*: it leaves nothing behind
  on the server, or carries an ``Idempotency-Key``.

Never repeated: a server that is merely slow, which may still be at work, and any other error.
"""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from layoutserve_client.connection import proxy_of
from layoutserve_client.documents import Upload
from layoutserve_client.errors import AnswerTimeout, InvalidAnswer, NoAnswer, StatusError, class_of

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request, described."""

    method: str
    path: str
    form: Mapping[str, str | list[str]] = field(default_factory=dict)
    upload: Upload | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Retries:
    """The limits of repeating a request."""

    most: int
    longest_wait_s: float


@dataclass(frozen=True, slots=True)
class Send:
    """Step: send this request; the response, read whole, is the reply."""

    call: Call


@dataclass(frozen=True, slots=True)
class Pause:
    """Step: wait this number of seconds."""

    seconds: float


T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Steps: TypeAlias = Generator[Send | Pause, httpx.Response | None, T]


def exchange(call: Call, retries: Retries) -> Steps[httpx.Response]:
    """Send a request until it has an answer that is not an error. Raises StatusError, NoAnswer."""
    attempt = 0
    while True:
        try:
            response = yield Send(call)
        except httpx.HTTPError as error:
            if attempt >= retries.most or not _worth_repeating(error, call):
                raise _no_answer(error, call, attempt) from error
            pause = _pause(attempt, None)
        else:
            assert response is not None
            if response.is_success:
                return response
            problem = problem_of(response)
            wait_s = problem.retry_after_s
            too_long = wait_s is not None and wait_s > retries.longest_wait_s
            if problem.status not in (429, 503) or attempt >= retries.most or too_long:
                raise problem
            pause = _pause(attempt, wait_s)
        attempt += 1
        yield Pause(pause)


def _worth_repeating(error: httpx.HTTPError, call: Call) -> bool:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return True
    return call.repeatable and isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)


def _pause(attempt: int, retry_after_s: float | None, draw: Callable[[], float] = random.random) -> float:
    grown = min(FIRST_PAUSE_S * 2.0**attempt, LONGEST_PAUSE_S) * (0.5 + draw() / 2)
    if retry_after_s is None:
        return grown
    # Never sooner than the server asked, not all at the same moment, and later each time: the server cannot know how
    # many others it has told the same.
    return max(retry_after_s + draw() * min(1.0, 0.1 + retry_after_s / 4), grown)


def _no_answer(error: httpx.HTTPError, call: Call, attempt: int) -> NoAnswer:
    tried = f" after {attempt + 1} attempts" if attempt else ""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        url = error.request.url
        if proxy := proxy_of(url):
            return NoAnswer(
                f"The server cannot be reached by the proxy {proxy}{tried} ({error}). Check the proxy, or name the "
                f"server in NO_PROXY: {url.host}."
            )
        return NoAnswer(f"The server cannot be reached{tried} ({error}). Check that it runs, and its address.")
    if isinstance(error, httpx.TimeoutException):
        return AnswerTimeout(
            f"The server was silent for too long over {call.method} {call.path}. It may still be at work, so the "
            "request was not repeated. Give a longer 'timeout', or use 'submit' for long documents."
        )
    return NoAnswer(f"The answer to {call.method} {call.path} was lost{tried} ({error or type(error).__name__}).")


def problem_of(response: httpx.Response) -> StatusError:
    """Make an error of an answer that is one: an RFC 9457 problem, or whatever a proxy wrote."""
    try:
        body = response.json()
    except ValueError:
        body = None
    problem = body if isinstance(body, dict) else {}
    if not problem and (proxy := proxy_of(response.request.url)):
        problem = {"detail": f"{response.reason_phrase}: perhaps the answer of the proxy {proxy}."}
    if response.is_redirect:
        problem = {"title": "Redirected", "detail": f"The server moved to {response.headers.get('location')}."}
    return status_error(
        {"title": response.reason_phrase, **problem},
        response.status_code,
        response.headers.get("x-request-id"),
        _retry_after(response.headers.get("retry-after"), time.time()),
    )


def status_error(
    problem: Mapping[str, object],
    status: int,
    request_id: str | None = None,
    retry_after_s: float | None = None,
) -> StatusError:
    """Make an error of the members of a problem."""
    texts = {name: text for name in ("type", "title", "detail", "action") if isinstance(text := problem.get(name), str)}
    listed = problem.get("errors")
    errors = [
        (str(fault.get("field", "")), str(fault.get("message", "")))
        for fault in (listed if isinstance(listed, list) else [])
        if isinstance(fault, dict)
    ]
    own_id = problem.get("request_id")
    request_id = own_id if isinstance(own_id, str) else request_id
    return class_of(status)(status, **texts, request_id=request_id, errors=errors, retry_after_s=retry_after_s)


def _retry_after(value: str | None, now: float) -> float | None:
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError):
        return None


def parse(model: type[M], response: httpx.Response) -> M:
    """Read an answer as what the contract says. Raises InvalidAnswer."""
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise InvalidAnswer(
            f"The answer to {response.request.method} {response.request.url} is not what the contract says "
            f"({place}: {first['msg']}). Check that it is a LayoutServe server, and of a version this client knows."
        ) from error
