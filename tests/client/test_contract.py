"""The client's only contract is openapi.yaml: its types say what the contract says."""

import typing
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from layoutserve_client import errors, operations, results

DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
NAMES = [
    name
    for name, value in vars(results).items()
    if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == results.__name__
    if not name.startswith("_") and name not in {"Answered"}
]


@pytest.mark.parametrize("name", NAMES)
def test_every_type_has_the_members_of_its_schema(name):
    schema, fields = SCHEMAS[name], getattr(results, name).model_fields
    assert set(fields) == set(schema["properties"])
    required = {member for member, field in fields.items() if field.is_required()}
    assert required <= set(schema.get("required", []))


def test_every_schema_of_an_answer_has_a_type():
    requests = {name for name in SCHEMAS if name.endswith(("Request", "Form"))}
    others = {
        "Problem",
        "FaultModel",
        "Models",
        "QuarantinedBundle",
        "Health",
        "InputWord",
        "HTTPValidationError",
        "ValidationError",
        *requests,
    }
    assert set(SCHEMAS) - others <= set(NAMES)


def test_every_path_of_documents_has_a_method():
    paths = {path.removeprefix("/v1/") for path in DOCUMENT["paths"] if path.startswith("/v1/")}
    assert paths == {*results.RESPONSES, "jobs/{job_id}", "models", "models/reload"}


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("OcrForm", operations.OcrOptions),
        ("KieForm", operations.KieOptions),
        ("ClassificationForm", operations.DocumentOptions),
        ("DocvqaForm", operations.DocvqaOptions),
        ("AnalyzeForm", operations.AnalyzeOptions),
    ],
)
def test_every_parameter_can_be_given(form, options):
    named = {"tasks": "task", "questions": "question"}
    given = {named.get(name, name) for name in typing.get_type_hints(options)} - {"timeout"}
    assert given | {"file"} | ({"question"} if form == "DocvqaForm" else set()) == set(SCHEMAS[form]["properties"])


def test_every_status_of_a_problem_has_an_error():
    statuses = {
        int(status)
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
        for status in operation["responses"]
        if int(status) >= 400
    }
    plain = {status for status in statuses if errors.class_of(status) is errors.StatusError}
    assert plain <= {405, 408}
