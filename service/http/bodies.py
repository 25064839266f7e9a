"""Request bodies, read under limits: multipart or JSON becomes the same request.

Bytes are counted while they arrive, so a body that is too large is refused before it is in memory; nothing is spooled
to disk. What the caller wrote in a form (text) and in JSON (typed values) is checked by the same schema.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Annotated, TypeVar, get_args, get_origin

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import from_json
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MAX_BOUNDARY_LENGTH, MultipartParser, MultipartState, parse_options_header
from starlette.requests import ClientDisconnect, Request

from layoutserve.model.errors import DocumentTooLarge
from layoutserve.service.errors import (
    BodyTimeout,
    ClientDeparted,
    Fault,
    InvalidParameters,
    MalformedBody,
    UnsupportedMediaType,
)
from layoutserve.service.http.content_encoding import decoded
from layoutserve.service.http.uploads import Uploads
from layoutserve.service.http.validation import cut, faults_of, unknown
from layoutserve.service.wire.requests import MAX_QUESTIONS, MAX_WORDS, FirstFault, InputWord

# Beside the document a body holds parameters; the caller's own words are the only ones that grow.
MAX_PARAMETER_BYTES = 8 * 2**20
MAX_PARTS = 100

# Members of JSON that are looked at before anything is built of them: more than an honest request has for its words.
MANY_MEMBERS = 1000
_WORDS = TypeAdapter(Annotated[list[InputWord], FirstFault(), Field(max_length=MAX_WORDS)])
Schema = TypeVar("Schema", bound=BaseModel)


async def read_body(
    request: Request, schema: type[Schema], *, uploads: Uploads, max_file_bytes: int, timeout_s: float
) -> Schema:
    """Read the body of a request as ``schema``.

    Raises UnsupportedMediaType, MalformedBody, DocumentTooLarge, InvalidParameters, BodyTimeout, Overloaded, and
    ClientDeparted when the client goes away before it is complete.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    coding = request.headers.get("content-encoding")
    try:
        async with asyncio.timeout(timeout_s):
            if kind == b"multipart/form-data":
                stream = _limited(request, uploads, coding, max_file_bytes + MAX_PARAMETER_BYTES)
                parts = await _parts(stream, options.get(b"boundary"), max_file_bytes)
                return await asyncio.to_thread(_from_form, parts, schema)
            if kind == b"application/json":
                stream = _limited(request, uploads, coding, max_file_bytes * 4 // 3 + MAX_PARAMETER_BYTES)
                body = b"".join([chunk async for chunk in stream])
                # Tens of megabytes of base64 take a moment, which others should not wait for.
                return await asyncio.to_thread(_from_json, body, schema, max_file_bytes)
    except TimeoutError:
        raise BodyTimeout(f"The body was not complete after {timeout_s:g} seconds.") from None
    except ClientDisconnect:
        raise ClientDeparted("The client went away while it sent the body.") from None
    raise UnsupportedMediaType(
        "The document must be the part 'file' of multipart/form-data, or 'file' in base64 of application/json."
    )


async def _limited(request: Request, uploads: Uploads, coding: str | None, most: int) -> AsyncIterator[bytes]:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(most)
    count = 0
    async for chunk in decoded(uploads.received(request.stream()), coding):
        count += len(chunk)
        if count > most:
            raise _too_large(most)
        yield chunk


def _too_large(most: int) -> DocumentTooLarge:
    return DocumentTooLarge(f"The body is larger than {most:,} bytes, the most that is read. Send a smaller file.")


class _Parts:
    """Collects the parts of a multipart body as (name, bytes); the callbacks of ``MultipartParser``."""

    def __init__(self, max_file_bytes: int) -> None:
        self.found: list[tuple[str, bytes]] = []
        self._max_file_bytes = max_file_bytes
        self._header, self._value = bytearray(), bytearray()
        self._name: str | None = None
        self._data = bytearray()

    def on_part_begin(self) -> None:
        if len(self.found) >= MAX_PARTS:
            raise MalformedBody(
                f"The form has more than {MAX_PARTS} parts. At most {MAX_QUESTIONS} questions are answered."
            )
        self._name, self._data = None, bytearray()

    def on_header_begin(self) -> None:
        self._header, self._value = bytearray(), bytearray()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            name = parse_options_header(bytes(self._value))[1].get(b"name")
            self._name = None if name is None else name.decode("utf-8", "replace")

    def on_headers_finished(self) -> None:
        if self._name is None:
            raise MalformedBody("A part of the form has no name: write Content-Disposition: form-data; name=...")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]
        if self._name == "file" and len(self._data) > self._max_file_bytes:
            raise DocumentTooLarge(
                f"The document is larger than {self._max_file_bytes:,} bytes, the most that is read. "
                "Send a smaller file."
            )

    def on_part_end(self) -> None:
        self.found.append((self._name or "", bytes(self._data)))


async def _parts(stream: AsyncIterator[bytes], boundary: bytes | None, max_file_bytes: int) -> list[tuple[str, bytes]]:
    if not boundary:
        raise MalformedBody("The Content-Type names no boundary between the parts of the form.")
    if len(boundary) > MAX_BOUNDARY_LENGTH:
        raise MalformedBody(
            f"The boundary of the form is longer than {MAX_BOUNDARY_LENGTH} characters; MIME allows 70."
        )
    parts = _Parts(max_file_bytes)
    callbacks = {name: getattr(parts, name) for name in dir(parts) if name.startswith("on_")}
    try:
        # The callbacks are gathered by name, which the parser's typed dictionary cannot know.
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        async for chunk in _from_boundary(stream, boundary):
            parser.write(chunk)
    except MultipartParseError as error:
        raise MalformedBody(f"The form cannot be taken apart ({error}).") from None
    if parser.state is not MultipartState.END:
        raise MalformedBody("The form ends before its last boundary: it was cut off, or the boundary is another.")
    return parts.found


async def _from_boundary(stream: AsyncIterator[bytes], boundary: bytes) -> AsyncIterator[bytes]:
    """Give a form from its first boundary on: what stands before is to be ignored (RFC 2046, section 5.1.1)."""
    first, begun, tail = b"\n--" + boundary, False, b"\n"
    async for chunk in stream:
        if not begun:
            # The end of what was seen is looked at again: the boundary may have come in two pieces.
            tail += chunk
            at = tail.find(first)
            begun, chunk = at >= 0, tail[at + 1 :]
            tail = tail[1 - len(first) :]
        if begun:
            yield chunk


def _from_form(parts: list[tuple[str, bytes]], schema: type[Schema]) -> Schema:
    # The caller's words are one part in JSON; what else may be several is a part each.
    repeatable = {name for name, field in schema.model_fields.items() if name != "words" and _is_list(field.annotation)}
    values: dict[str, object] = {}
    repeated: dict[str, list[object]] = {}
    faults: list[Fault] = []
    for name, data in parts:
        if name not in schema.model_fields:
            faults.append(unknown(cut(name), schema.model_fields))
            continue
        if not data and name != "file":
            # A form sends the fields that were left empty, too.
            continue
        if name == "file":
            value: object = data
        else:
            try:
                text = data.decode("utf-8")
                # As strict as in a JSON body: only what is text in a form by nature is read leniently.
                if name == "words" and (crowd := _crowd(data, "words")):
                    faults.append(crowd)
                    continue
                value = _WORDS.validate_json(text, strict=True) if name == "words" else text
            except UnicodeDecodeError:
                faults.append(Fault(name, "must be UTF-8"))
                continue
            except ValidationError as error:
                faults += [Fault(f"{name}.{fault.field}", fault.message) for fault in faults_of(error)]
                continue
        if name in repeatable:
            repeated.setdefault(name, []).append(value)
        elif name in values:
            faults.append(Fault(name, "is given more than once"))
        else:
            values[name] = value
    if faults:
        raise InvalidParameters(faults)
    try:
        return schema.model_validate(values | repeated)
    except ValidationError as error:
        raise InvalidParameters(faults_of(error, schema.model_fields)) from None


def _is_list(annotation: object) -> bool:
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


def _crowd(body: bytes, name: str, known: Collection[str] = ()) -> Fault | None:
    """Find the first of crowds of members or words that are not known, before each of them becomes a fault.

    body: JSON, of an object with the members ``known`` or of an array of words called ``name``.
    """
    if body.count(b":") <= MANY_MEMBERS:
        return None
    try:
        parsed = from_json(body)
    except ValueError:
        return None  # whoever reads it says why
    if isinstance(parsed, dict):
        if strangers := parsed.keys() - known:
            return unknown(min(strangers), known)
        parsed = parsed.get("words")
    for number, word in enumerate(parsed if isinstance(parsed, list) else ()):
        if isinstance(word, dict) and (strangers := word.keys() - InputWord.model_fields):
            return Fault(f"{name}.{number}.{cut(min(strangers))}", "is not known here")
    return None


def _from_json(body: bytes, schema: type[Schema], max_file_bytes: int) -> Schema:
    if crowd := _crowd(body, "words", schema.model_fields):
        raise InvalidParameters([crowd])
    try:
        parsed = schema.model_validate_json(body, strict=True)
    except ValidationError as error:
        if any(fault["type"] == "json_invalid" for fault in error.errors(include_input=False, include_url=False)):
            raise MalformedBody(f"The body is not {_json_lacks(body)}.") from None
        raise InvalidParameters(faults_of(error, schema.model_fields)) from None
    if len(getattr(parsed, "file", b"")) > max_file_bytes:
        raise DocumentTooLarge(
            f"The document is larger than {max_file_bytes:,} bytes, the most that is read. Send a smaller file."
        )
    return parsed


def _json_lacks(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "UTF-8, as JSON must be"
    return "valid JSON"
