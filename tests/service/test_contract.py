"""The contract: the committed file is the app's, its examples fit it, and no request finds an answer outside of it."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
import uvicorn
import yaml

from layoutserve.service.http import openapi
from layoutserve.service.http.app import create_app
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.work.engine import Engine

HERE = Path(__file__).parent
COMMITTED = HERE.parents[1] / "openapi.yaml"
# Cases for each operation and phase; `make contract` asks for many more.
EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "5"))
KEY = "contract-key"


def test_the_committed_file_is_the_apps_contract():
    app = create_app(Settings())
    assert COMMITTED.read_text() == openapi.as_yaml(app.openapi()), "Run `make openapi` and look at the difference."


def test_every_operation_documents_its_problems_and_has_a_name():
    document = yaml.safe_load(COMMITTED.read_text())
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["operationId"] and operation["summary"] and operation["description"]
            for answer in operation["responses"].values():
                while "$ref" in answer:
                    answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
                if answer.get("content", {}).get("application/problem+json"):
                    assert answer["content"]["application/problem+json"]["examples"], path


def test_every_schema_and_answer_of_the_contract_is_referred_to():
    text = COMMITTED.read_text()
    components = yaml.safe_load(text)["components"]
    for kind in ("schemas", "responses"):
        for name in components[kind]:
            assert f"#/components/{kind}/{name}'" in text, f"{kind}/{name} is there for nothing."


@pytest.fixture
def url(gated, tmp_path):
    """The app on a socket, with a key, so that schemathesis can be refused one."""
    settings = Settings(data_folder=tmp_path, api_keys=(f"contract:{KEY}",), max_jobs=10**6, log_level="ERROR")
    telemetry = Telemetry()
    app = create_app(settings, Engine(settings, telemetry, gated()), telemetry)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=server.run, args=([sock],))
        thread.start()
        while not (server.started and app.state.loading.done()):
            time.sleep(0.01)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_no_request_finds_an_answer_outside_of_the_contract(url):
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml", "run"]
    phases = os.environ.get("CONTRACT_PHASES", "examples,fuzzing,stateful")
    options = [
        "--phases",
        phases,
        "--url",
        url,
        "--checks",
        "all",
        "--continue-on-failure",
        "--max-examples",
        str(EXAMPLES),
    ]
    seed = ["--request-timeout=120", "--seed", os.environ.get("CONTRACT_SEED", "1")]
    run = subprocess.run(
        [*command, COMMITTED, *options, *seed, "--header", f"Authorization: Bearer {KEY}"],
        env=os.environ | {"SCHEMATHESIS_HOOKS": str(HERE / "schemathesis_hooks.py")},
        capture_output=True,
        text=True,
        check=False,
    )
    print(run.stdout[-20_000:], run.stderr[-5_000:])
    assert run.returncode == 0, run.stdout[-20_000:]
    cases = int(re.search(r"([\d,]+) generated", run.stdout)[1].replace(",", ""))
    served = httpx.get(f"{url}/metrics").text
    for endpoint in ("kie", "classification", "docvqa", "ocr", "analyze"):
        assert f'requests_total{{method="POST",route="/v1/{endpoint}",status="200"}}' in served
    assert cases >= int(os.environ.get("CONTRACT_CASES", "20"))


def test_every_answer_that_goes_well_has_an_example():
    document = yaml.safe_load(COMMITTED.read_text())
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path.startswith("/v1"):
                assert operation["responses"]["200"]["content"]["application/json"]["example"], path
            if "requestBody" in operation:
                assert operation["requestBody"]["content"]["application/json"]["examples"], path
