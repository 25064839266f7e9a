"""The process: `layoutserve serve` started, loaded, told to stop, killed and started again."""

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

PATIENCE_S = 120


def post(client, document, headers=None):
    return client.post("/v1/kie", files={"file": document}, headers=headers)


def test_sigterm_under_load_answers_what_was_accepted_and_exits_0(start, drawn):
    service = start(host="0.0.0.0", max_documents=8)
    with service.client() as client:
        # It lives at once, and is ready when its models are.
        assert client.get("/health/live").status_code == 200
        service.until("ready")
        warnings = [line["event"] for line in service.log() if line["level"] == "warning"]
        assert any("without API keys" in warning for warning in warnings)
        with ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(post, client, drawn(total=f"{number}.00")) for number in range(6)]
            while "layoutserve_documents 6.0" not in client.get("/metrics").text:
                assert not all(answer.done() for answer in answers)
                time.sleep(0.005)
            service.process.send_signal(signal.SIGTERM)
            service.until("draining")
            assert [answer.result().status_code for answer in answers] == [200] * 6
    assert service.process.wait(PATIENCE_S) == 0
    assert service.event("drained")


def test_jobs_in_flight_when_the_process_is_killed_are_finished_by_the_next(start, drawn):
    settings = {"job_lease_s": 1, "job_workers": 3}
    service = start(**settings)
    with service.client() as client:
        service.until("ready")
        prefer = {"Prefer": "respond-async"}
        documents = [drawn(total=f"{number}.11", pages=6, form="TIFF") for number in range(3)]
        locations = [post(client, document, prefer).headers["location"] for document in documents]
        while [client.get(location).json()["status"] for location in locations] != ["running"] * 3:
            time.sleep(0.01)
        service.end(signal.SIGKILL)
    service = start(**settings)
    with service.client() as client:
        assert {client.get(location).json()["status"] for location in locations} == {"running"}
        end = time.monotonic() + PATIENCE_S
        for location in locations:
            while (job := client.get(location).json())["status"] in ("queued", "running"):
                assert time.monotonic() < end
                time.sleep(0.1)
            assert (job["status"], len(job["result"]["pages"])) == ("succeeded", 6)
    assert service.end() == 0


def test_what_cannot_be_served_is_said_in_a_sentence(start, bundle, tmp_path):
    (bundle / "tokenizer.json").rename(tmp_path / "tokenizer.json")
    try:
        damaged = start(bundles_poll_s=0.1)
        assert "tokenizer.json is missing" in damaged.until("no model can be served")["message"]
        with damaged.client() as client:
            assert client.get("/health/live").status_code == 200
            answer = client.get("/health/ready")
            assert (answer.status_code, "tokenizer.json is missing" in answer.json()["detail"]) == (503, True)
    finally:
        (tmp_path / "tokenizer.json").rename(bundle / "tokenizer.json")
    damaged.until("model ready")
    assert damaged.end() == 0
    (tmp_path / "file").touch()
    unusable = start(data_folder=tmp_path / "file" / "jobs")
    assert unusable.process.wait(PATIENCE_S) == 2
    (said,) = unusable.log_file.read_text().splitlines()
    assert "Jobs cannot be kept in" in said and "LAYOUTSERVE_DATA_FOLDER" in said
    typo = start(prot=1)
    assert typo.process.wait(PATIENCE_S) == 2
    assert "Did you mean LAYOUTSERVE_PORT?" in typo.log_file.read_text()


def test_a_client_that_asks_before_it_sends_is_answered(start, receipt):
    service = start()
    with service.client() as client:
        service.until("ready")
        port = client.base_url.port
    kind = b"Content-Type: multipart/form-data; boundary=abc\r\n"
    head = b"POST /v1/ocr HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n" + kind
    form = b'--abc\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + receipt + b"\r\n--abc--\r\n"

    def ask(length):
        connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        connection.sendall(head + f"Content-Length: {length}\r\n\r\n".encode())
        return connection, connection.makefile("rb").readline()

    connection, line = ask(len(form))
    with connection:
        assert line == b"HTTP/1.1 100 Continue\r\n"
        connection.sendall(form)
        assert b"HTTP/1.1 200 OK" in connection.recv(1000)
    # What will not be read is refused before it is sent.
    connection, line = ask(10**9)
    with connection:
        assert line.startswith(b"HTTP/1.1 413 ")


def test_the_running_service_imports_neither_torch_nor_paddleocr():
    """Torch is not there; PaddleOCR is, and would take 200 MiB and a second."""
    code = (
        "import sys; from layoutserve.service.server import Server;"
        "import layoutserve.service.work.backend, layoutserve.service.cli.serve;"
        "from layoutserve.model.ocr.reader import Ocr; Ocr();"
        "unwanted = ('torch', 'onnx', 'onnxscript', 'safetensors', 'paddlex', 'pandas');"
        "print([name for name in unwanted if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip().splitlines()[-1] == "[]"
