import argparse
import json
import time

import pytest
from pydantic import Field
from starlette.testclient import TestClient

from layoutserve.model.pipeline import Pipeline, Request
from layoutserve.service.cli import running
from layoutserve.service.http.app import create_app
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.wire import endpoints, examples
from layoutserve.service.wire.requests import DocumentRequest
from layoutserve.service.wire.schemas import Answered
from layoutserve.service.work.engine import Engine


class InitialsRequest(DocumentRequest):
    """A document whose initials are wanted."""

    letter: list[str] = Field([], description="Letters that count; in a form, repeat the part")


class InitialsResponse(Answered):
    """The first letters of the words of a document."""

    initials: str


ROW = endpoints.Endpoint(
    name="initials",
    path="/v1/initials",
    summary="Initials",
    description="Give the first letter of every word.",
    outcome="The letters",
    request=InitialsRequest,
    response=InitialsResponse,
    results=lambda result: {"initials": "".join(word.text[0] for page in result.pages for word in page.words)},
    example=InitialsResponse(**dict(examples.OCR), initials="ATT1"),
    example_request={"file": examples.PIXEL, "letter": ["a"]},
)


@pytest.fixture
def row(monkeypatch):
    monkeypatch.setitem(endpoints.ENDPOINTS, ROW.name, ROW)
    return ROW


@pytest.fixture
def client(row, gated, tmp_path):
    settings, telemetry = Settings(data_folder=tmp_path), Telemetry()
    with TestClient(create_app(settings, Engine(settings, telemetry, gated()), telemetry)) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        yield client


def test_a_row_is_a_path_that_answers_forms_and_json(client, receipt):
    answer = client.post("/v1/initials", files={"file": receipt}, data={"letter": ["w", "o"]})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["initials"], answer.json()["model"]["name"]) == ("w", "tiny")
    assert client.post("/v1/initials", json={"file": examples.PIXEL, "letter": ["w"]}).status_code == 200
    assert "'letter' is meant" in client.post("/v1/initials", json={"file": examples.PIXEL, "lettre": []}).text


def test_a_row_is_a_task_of_jobs(client, receipt):
    job = client.post("/v1/initials", files={"file": receipt}, headers={"Prefer": "respond-async"}).json()
    while job["status"] in ("queued", "running"):
        time.sleep(0.02)
        job = client.get(f"/v1/jobs/{job['id']}").json()
    assert (job["task"], job["result"]["initials"]) == ("initials", "w")


def test_a_row_is_in_the_contract_with_its_types_examples_and_jobs(client):
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/v1/initials"]["post"]
    assert (operation["operationId"], operation["summary"]) == ("initials", "Initials")
    assert operation["description"] == ROW.description
    assert operation["responses"]["200"]["content"]["application/json"]["example"]["initials"] == "ATT1"
    body = operation["requestBody"]["content"]
    assert body["application/json"]["examples"]["smallest"]["value"] == ROW.example_request
    schemas = document["components"]["schemas"]
    assert body["multipart/form-data"]["schema"]["$ref"].endswith("/InitialsForm")
    assert {"InitialsForm", "InitialsRequest", "InitialsResponse"} <= schemas.keys()
    job = schemas["Job"]["properties"]
    assert "initials" in job["task"]["enum"]
    assert {"$ref": "#/components/schemas/InitialsResponse"} in job["result"]["anyOf"]


def test_a_row_is_written_by_the_command_line(row, bundle, receipt, tmp_path, capsys):
    (tmp_path / "receipt.png").write_bytes(receipt)
    parser = argparse.ArgumentParser()
    running.add_arguments(parser)
    arguments = parser.parse_args([str(tmp_path / "receipt.png"), "--bundle", str(bundle), "--json", "--ocr", "never"])
    assert running.run(arguments, Request(), "initials", str) == 0
    assert json.loads(capsys.readouterr().out)["initials"] == ""


def test_every_row_has_an_example_of_its_own_types():
    for row in endpoints.ENDPOINTS.values():
        assert type(row.example) is row.response
        row.request.model_validate_json(json.dumps(row.example_request))


def test_a_request_is_prepared_once_and_a_job_once_more_where_it_is_done(client, receipt, monkeypatch):
    checked, check = [], Pipeline.check
    monkeypatch.setattr(
        Pipeline, "check", lambda pipeline, request: (checked.append(request), check(pipeline, request))
    )
    assert client.post("/v1/kie", files={"file": receipt}).status_code == 200
    assert len(checked) == 1
    job = client.post("/v1/kie", files={"file": receipt}, headers={"Prefer": "respond-async"}).json()
    while client.get(f"/v1/jobs/{job['id']}").json()["status"] in ("queued", "running"):
        time.sleep(0.02)
    assert len(checked) == 3
