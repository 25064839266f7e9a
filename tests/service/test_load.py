"""What the service does when it is busy, slow, told to stop, or talked to by nobody any more.

Reading is held up by a gate; everything else is the real thing.
"""

import io
import itertools
import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from starlette.testclient import TestClient

from layoutserve.model.errors import BundleError
from layoutserve.service.http.app import UPLOAD_BYTES, create_app
from layoutserve.service.http.auth import new_key
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import JsonLines, Telemetry
from layoutserve.service.work import engine
from layoutserve.service.work.engine import Engine


@pytest.fixture
def service(gated, tmp_path):
    """``service(max_documents=2)`` gives a client of a ready app with these settings, and its backend."""
    running = []

    def start(wait=True, backend=None, **settings):
        backend = backend or gated()
        settings = Settings(data_folder=tmp_path, **settings)
        telemetry = Telemetry()
        app = create_app(settings, Engine(settings, telemetry, backend), telemetry)
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        running.append((client, backend))
        while wait and client.get("/health/ready").status_code != 200:
            time.sleep(0.01)
        return client, backend

    yield start
    for client, backend in running:
        backend.gate.set()
        client.__exit__(None, None, None)


def post(client, document, headers=None, endpoint="kie"):
    return client.post(f"/v1/{endpoint}", files={"file": ("x", document)}, headers=headers)


def slug(answer):
    return answer.json()["type"].rpartition(":")[2]


def test_too_many_documents_are_told_when_to_come_back_and_the_others_are_answered(service, receipt):
    client, backend = service(max_documents=3)
    backend.gate.clear()
    with ThreadPoolExecutor(10) as pool:
        answers = [pool.submit(post, client, receipt) for _ in range(3)]
        while backend.begun < 3:
            time.sleep(0.01)
        refused = [pool.submit(post, client, receipt).result() for _ in range(4)]
        backend.gate.set()
        assert [answer.result().status_code for answer in answers] == [200] * 3
    assert {(answer.status_code, slug(answer)) for answer in refused} == {(429, "overloaded")}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert post(client, receipt).status_code == 200
    assert 'rejections_total{reason="overloaded"} 4.0' in client.get("/metrics").text


def test_a_deadline_stops_the_work_and_frees_the_place(service, receipt):
    client, backend = service(request_timeout_s=0.3, max_documents=1)
    backend.gate.clear()
    began = time.monotonic()
    answer = post(client, receipt)
    assert (answer.status_code, slug(answer)) == (504, "deadline-exceeded")
    assert time.monotonic() - began < 3
    assert backend.dropped == 1
    backend.gate.set()
    assert post(client, receipt).status_code == 200


def test_pages_wait_their_turn_and_no_more_are_decoded_than_keep_the_backend_busy(service, drawn):
    client, backend = service()
    backend.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        long = pool.submit(post, client, drawn(pages=12, form="TIFF"))
        while backend.begun < backend.pages_at_once:
            time.sleep(0.01)
        time.sleep(0.1)
        assert backend.begun == backend.pages_at_once
        backend.gate.set()
        assert len(long.result().json()["pages"]) == 12


def test_more_pages_than_allowed_at_once_are_left_to_jobs(service, drawn):
    client, _ = service(max_pages=2, max_job_pages=3)
    document = drawn(pages=3, form="TIFF")
    answer = post(client, document)
    assert (answer.status_code, slug(answer)) == (413, "document-too-large")
    location = post(client, document, {"Prefer": "respond-async"}).headers["location"]
    while (job := client.get(location).json())["status"] in ("queued", "running"):
        time.sleep(0.02)
    assert job["status"] == "succeeded"


def test_a_job_can_be_cancelled_while_it_is_worked_on(service, receipt):
    client, backend = service()
    backend.gate.clear()
    location = post(client, receipt, {"Prefer": "respond-async"}).headers["location"]
    while not backend.begun:
        time.sleep(0.01)
    assert client.delete(location).json()["status"] == "cancelled"
    while not backend.dropped:
        time.sleep(0.01)
    job = client.get(location).json()
    assert (job["status"], job["result"], job["problem"]) == ("cancelled", None, None)
    assert client.delete(location).json() == job
    assert client.get(location).status_code == 404


def test_too_many_jobs_get_429(service, receipt):
    client, backend = service(max_jobs=1)
    backend.gate.clear()
    assert post(client, receipt, {"Prefer": "respond-async"}).status_code == 202
    answer = post(client, receipt, {"Prefer": "respond-async"})
    assert (answer.status_code, slug(answer)) == (429, "overloaded")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_key_in_use_is_a_conflict(service, receipt):
    client, backend = service()
    backend.gate.clear()
    headers = {"Idempotency-Key": "k"}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, client, receipt, headers)
        while not backend.begun:
            time.sleep(0.01)
        second = post(client, receipt, headers)
        assert (second.status_code, slug(second)) == (409, "conflict")
        backend.gate.set()
        assert first.result().status_code == 200


def test_a_body_that_is_too_large_is_refused_while_it_is_read(service, receipt):
    client, backend = service(max_file_bytes=len(receipt))
    assert post(client, receipt).status_code == 200
    answer = post(client, receipt + b"x")
    assert (answer.status_code, slug(answer)) == (413, "document-too-large")
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    endless = itertools.chain([head], itertools.repeat(bytes(2**20)))
    answer = client.post("/v1/kie", content=itertools.islice(endless, 40), headers=_form())
    assert (answer.status_code, slug(answer)) == (413, "document-too-large")
    announced = _form() | {"Content-Length": str(10**12)}
    assert client.post("/v1/kie", content=b"x", headers=announced).status_code == 413
    assert backend.begun == 1


def _form():
    return {"Content-Type": "multipart/form-data; boundary=b"}


def test_while_the_models_load_it_lives_but_is_not_ready(service, gated, receipt):
    backend = gated()
    backend.loaded.clear()
    client, _ = service(wait=False, backend=backend)
    assert client.get("/health/live").status_code == 200
    for answer in (client.get("/health/ready"), post(client, receipt), client.get("/v1/models")):
        assert (answer.status_code, slug(answer)) == (503, "not-ready")
        assert int(answer.headers["retry-after"]) >= 1
    backend.loaded.set()
    while client.get("/health/ready").status_code != 200:
        time.sleep(0.01)
    assert post(client, receipt).status_code == 200


def test_an_engine_that_cannot_load_never_becomes_ready(service, gated):
    backend = gated()
    backend.load_error = BundleError("broken")
    client, _ = service(wait=False, backend=backend)
    while "cannot be loaded" not in (answer := client.get("/health/ready")).json()["detail"]:
        time.sleep(0.01)
    assert answer.status_code == 503
    assert client.get("/health/live").status_code == 200


def test_draining_answers_what_was_admitted_and_refuses_the_rest(service, receipt):
    client, backend = service()
    engine = client.app.state.service.engine
    backend.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        accepted = pool.submit(post, client, receipt)
        while not backend.begun:
            time.sleep(0.01)
        drained = pool.submit(client.portal.call, engine.drain, 10.0)
        while client.get("/health/ready").status_code == 200:
            time.sleep(0.01)
        assert (post(client, receipt).status_code, client.get("/health/live").status_code) == (503, 200)
        assert not drained.done()
        backend.gate.set()
        assert accepted.result().status_code == 200
        assert drained.result() is True


@pytest.fixture
def log():
    """What the process would write, as lines; at the most talkative level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel("DEBUG")
    yield lambda: stream.getvalue().splitlines()
    root.setLevel(level)
    root.removeHandler(handler)


def test_an_error_nobody_foresaw_is_a_500_that_tells_nothing_and_logs_no_text(service, receipt, log):
    client, backend = service()
    backend.error = RuntimeError("TOTAL 12.50 of Mrs Smith")
    answer = post(client, receipt)
    assert (answer.status_code, slug(answer)) == (500, "internal")
    assert "Smith" not in answer.text
    assert not any("Smith" in line for line in log())
    (line,) = [json.loads(line) for line in log() if "request failed" in line]
    assert (line["error"], line["request_id"]) == ("RuntimeError", answer.headers["x-request-id"])
    assert any("_page" in place for place in line["at"])
    backend.error = None
    assert post(client, receipt).status_code == 200


def test_log_lines_are_json_with_request_id_and_without_the_document(service, receipt, log):
    client, _ = service()
    post(client, receipt, {"X-Request-Id": "traced-1"})
    lines = [json.loads(line) for line in log()]
    (line,) = [line for line in lines if line["event"] == "request" and line["route"] == "/v1/kie"]
    assert (line["request_id"], line["status"], line["key"]) == ("traced-1", 200, "anybody")
    assert not any("word" in json.dumps(line) for line in lines)


def test_keys_by_environment_and_file_are_named_and_needed(service, receipt, tmp_path):
    key, digest = new_key()
    (tmp_path / "keys").write_text(f"# people\nanna:{digest}\n")
    client, _ = service(wait=False, api_keys=("bert:plain-key",), api_keys_file=tmp_path / "keys")
    while client.get("/health/ready").status_code != 200:
        time.sleep(0.01)
    for authorization in (None, "Bearer wrong", "Basic plain-key", "Bearer ", "plain-key"):
        headers = {"Authorization": authorization} if authorization else {}
        answer = client.get("/v1/models", headers=headers)
        assert (answer.status_code, slug(answer)) == (401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    anna, bert = {"Authorization": f"Bearer {key}"}, {"Authorization": "bearer plain-key"}
    for headers in (anna, bert):
        assert client.get("/v1/models", headers=headers).status_code == 200
    location = post(client, receipt, anna | {"Prefer": "respond-async"}).headers["location"]
    assert client.get(location, headers=anna).status_code == 200
    assert client.get(location, headers=bert).status_code == 404


@pytest.fixture
def listening(service):
    """Serve the client's app on a real socket too, in the loop that it already runs in."""

    def listen(client):
        sock = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(client.app, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None
        future = client.portal.start_task_soon(server._serve, [sock])
        while not server.started:
            time.sleep(0.01)
        opened.append((server, future))
        return sock.getsockname()

    opened = []
    yield listen
    for server, future in opened:
        server.should_exit = True
        future.result(10)


def test_work_for_a_client_that_went_away_is_dropped(service, listening, receipt):
    client, backend = service()
    address = listening(client)
    backend.gate.clear()
    with socket.create_connection(address) as connection:
        request = httpx.Request("POST", "http://x/v1/kie", files={"file": receipt})
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        connection.sendall(f"POST /v1/kie HTTP/1.1\r\n{head}\r\n".encode() + request.read())
        while not backend.begun:
            time.sleep(0.01)
    end = time.monotonic() + 5
    while not backend.dropped:
        assert time.monotonic() < end
        time.sleep(0.01)
    while 'reason="client-departed"} 1.0' not in client.get("/metrics").text:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert "layoutserve_documents 0.0" in client.get("/metrics").text


def test_a_body_that_comes_too_slowly_is_given_up(service, listening):
    client, _ = service(request_timeout_s=0.3)
    address = listening(client)
    with socket.create_connection(address) as connection:
        connection.sendall(
            b"POST /v1/kie HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b"
        )
        connection.settimeout(5)
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_leaves_while_it_sends_frees_what_it_held(service, listening, receipt):
    client, _ = service(max_documents=1)
    address = listening(client)
    with socket.create_connection(address) as connection:
        connection.sendall(
            b"POST /v1/kie HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b"
        )
        # It takes none of the one place there is.
        assert post(client, receipt).status_code == 200
    uploads = client.app.state.service.uploads
    end = time.monotonic() + 5
    while uploads._left != UPLOAD_BYTES:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_foreign_names_are_not_served_and_every_answer_tells_browsers_what_it_allows(service, receipt):
    client, _ = service(
        allowed_hosts=("documents.example", "testserver"), api_keys=("a:secret",), metrics_need_key=True
    )
    for path, status in (("/health/live", 200), ("/nowhere", 404), ("/metrics", 401)):
        answer = client.get(path, headers={"Host": "Documents.example:8080"})
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    foreign = client.get("/health/live", headers={"Host": "evil.example"})
    assert (foreign.status_code, "allowed_hosts" in foreign.json()["detail"]) == (404, True)
    keyed = {"Host": "documents.example", "Authorization": "Bearer secret"}
    assert client.get("/metrics", headers=keyed).status_code == 200


def test_an_answer_is_bounded_while_it_is_made(service, drawn, monkeypatch):
    monkeypatch.setattr(engine, "_BYTES_PER_WORD", 400_000)
    client, _ = service(max_answer_mib=1)
    assert post(client, drawn(pages=2, form="TIFF")).status_code == 200
    answer = post(client, drawn(pages=5, form="TIFF"))
    assert (answer.status_code, slug(answer)) == (413, "document-too-large")
    assert "larger than 1 MiB after 3 of 5 pages" in answer.json()["detail"]
