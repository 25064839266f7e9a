"""The HTTP contract as OpenAPI 3.1: what FastAPI cannot tell by itself from the routes.

Bodies come in two encodings with one schema, and every operation lists the problems it may answer with.
"""

import copy
from collections.abc import Iterable
from typing import Any

import yaml
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from layoutserve.model.errors import (
    DocumentTooLarge,
    InvalidDocument,
    LayoutServeError,
    RequestError,
    UnsupportedDocument,
)
from layoutserve.service import errors
from layoutserve.service.errors import ServiceError, sentence
from layoutserve.service.wire import examples, schemas
from layoutserve.service.wire.endpoints import ENDPOINTS, Endpoint
from layoutserve.service.wire.problems import PROBLEM_MEDIA_TYPE, problem_of

Json = dict[str, Any]

REF = "#/components/schemas/"
DOCUMENT_PROBLEMS: tuple[type[LayoutServeError], ...] = (
    errors.MalformedBody,
    errors.Unauthorized,
    errors.NotFound,
    errors.BodyTimeout,
    errors.Conflict,
    DocumentTooLarge,
    UnsupportedDocument,
    errors.UnsupportedMediaType,
    InvalidDocument,
    errors.DocumentNotProcessable,
    errors.InvalidParameters,
    RequestError,
    errors.IdempotencyMismatch,
    errors.Overloaded,
    LayoutServeError,
    errors.NotReady,
    errors.StoreUnavailable,
    errors.DeadlineExceeded,
)
REQUEST_ID: Json = {"X-Request-Id": {"description": "The request's id, as in the log", "schema": {"type": "string"}}}
RETRY_AFTER: Json = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}}
PROBLEM_HEADERS: Json = {"WWW-Authenticate": {"schema": {"type": "string"}}} | RETRY_AFTER

ACCEPTED: dict[int | str, Json] = {
    202: {
        "description": "Accepted as a job, as 'Prefer: respond-async' asked",
        "model": schemas.Job,
        "headers": REQUEST_ID
        | {
            "Location": {"description": "Where the job is", "schema": {"type": "string"}},
            "Preference-Applied": {"schema": {"type": "string", "const": "respond-async"}},
        }
        | RETRY_AFTER,
        "links": {
            "job": {"operationId": "getJob", "parameters": {"job_id": "$response.body#/id"}},
            "cancel": {"operationId": "cancelJob", "parameters": {"job_id": "$response.body#/id"}},
        },
    },
}


def success(description: str) -> dict[int | str, Json]:
    """Describe the answer of an operation that went well."""
    return {200: {"description": description, "headers": REQUEST_ID}}


def problems(kinds: Iterable[type[LayoutServeError]]) -> dict[int | str, Json]:
    """Describe the problems an operation may answer with, by status, each kind with an example."""
    answers: dict[int | str, Json] = {}
    for class_ in kinds:
        error = class_.example() if issubclass(class_, ServiceError) else class_(sentence(class_))
        problem = problem_of(error, "2f1c9a7e5b6d4c3f")
        headers = error.headers if isinstance(error, ServiceError) else {}
        answer = answers.setdefault(
            problem.status,
            {
                "description": problem.title,
                "headers": dict(REQUEST_ID),
                "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": REF + "Problem"}, "examples": {}}},
            },
        )
        answer["headers"] |= {name: PROBLEM_HEADERS[name] for name in headers}
        if problem.title not in answer["description"]:
            answer["description"] += f"; {problem.title.lower()}"
        answer["content"][PROBLEM_MEDIA_TYPE]["examples"][class_.slug] = {"value": problem.model_dump()}
    return answers


def body(endpoint: Endpoint) -> Json:
    """Describe an endpoint's request body in its two encodings, for ``openapi_extra``."""
    schema = endpoint.request
    name = schema.__name__
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {"$ref": REF + name.replace("Request", "Form")},
                    "encoding": {"words": {"contentType": "application/json"}}
                    if "words" in schema.model_fields
                    else {},
                },
                "application/json": {
                    "schema": {"$ref": REF + name},
                    "examples": {
                        "smallest": {"summary": "A white page of one pixel", "value": dict(endpoint.example_request)}
                    },
                },
            },
        }
    }


def openapi(app: FastAPI) -> Json:
    """Build the document that is served at /openapi.json and committed as openapi.yaml."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    requests = [row.request for row in ENDPOINTS.values()]
    _, definitions = models_json_schema([(model, "validation") for model in requests], ref_template=REF + "{model}")
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components |= definitions["$defs"]
    for model in requests:
        components[model.__name__.replace("Request", "Form")] = _form(components[model.__name__])
    _tell_jobs(components["Job"]["properties"])
    _drop_validation_errors(document)
    document["components"]["schemas"] = dict(sorted(components.items()))
    _share_problems(document)
    # Put in last: FastAPI drops every null from what it is given.
    shown = _examples()
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        for status, example in shown.get(operation["operationId"], {}).items():
            operation["responses"][status]["content"]["application/json"]["example"] = example.model_dump(mode="json")
    return document


def _examples() -> dict[str, dict[str, BaseModel]]:
    """Examples of the answers of each operation, by status."""
    documents: dict[str, dict[str, BaseModel]] = {
        row.name: {"200": row.example, "202": examples.JOB} for row in ENDPOINTS.values()
    }
    job: dict[str, BaseModel] = {"200": examples.JOB}
    models: dict[str, BaseModel] = {"200": examples.MODELS}
    return documents | {"getJob": job, "cancelJob": job, "listModels": models, "reloadModels": models}


def _tell_jobs(properties: Json) -> None:
    """Say which endpoints a job may be of, and what its result may be."""
    properties["task"] = {"type": "string", "enum": list(ENDPOINTS), "title": properties["task"]["title"]}

    # The most demanding first: any answer fits the schema of words alone, and some readers take the first that fits.
    def asks(row: Endpoint) -> tuple[int, int]:
        fields = row.response.model_fields
        return -sum(field.is_required() for field in fields.values()), -len(fields)

    results = [{"$ref": REF + row.response.__name__} for row in sorted(ENDPOINTS.values(), key=asks)]
    properties["result"]["anyOf"] = [*results, {"type": "null"}]


def _drop_validation_errors(document: Json) -> None:
    """Leave out the answer that FastAPI lists wherever a path has a parameter: ours are problems, or cannot fail."""
    schemas_ = document["components"]["schemas"]
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        answer = operation["responses"].get("422", {}).get("content", {}).get("application/json", {})
        if answer.get("schema") == {"$ref": REF + "HTTPValidationError"}:
            del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas_.pop(name, None)


def _share_problems(document: Json) -> None:
    """Describe each set of problems once, under ``components/responses``, and parameters without null."""
    shared: Json = document["components"].setdefault("responses", {})
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            if "anyOf" in schema:
                (typed,) = [option for option in schema.pop("anyOf") if option.get("type") != "null"]
                schema |= typed
            schema.pop("description", None)
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get(PROBLEM_MEDIA_TYPE)
            if content is not None:
                name = f"{status}-{'-or-'.join(content['examples'])}"
                shared[name] = answer
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
        operation["responses"] = dict(sorted(operation["responses"].items()))


def _form(schema: Json) -> Json:
    """Turn the schema of a JSON body into that of a form: the document in bytes, and no null."""
    form = copy.deepcopy(schema)
    form["title"] = schema["title"].replace("Request", "Form")
    for name, value in form["properties"].items():
        if "anyOf" in value:
            (typed,) = [option for option in value.pop("anyOf") if option.get("type") != "null"]
            value |= typed
            value.pop("default", None)
        if name == "file":
            form["properties"][name] = {
                "type": "string",
                "format": "binary",
                "contentMediaType": "application/octet-stream",
                "description": value["description"],
            }
    return form


def as_yaml(document: Json) -> str:
    """Write the contract as the committed file holds it."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
