"""Hostile documents against the running service: each costs its own request alone.

``pytest tests/hostile -m slow -s`` posts all of them, ten minutes on two cores, and prints what became of them.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

LAYOUTSERVE = Path(sys.executable).with_name("layoutserve")
SAMPLE = Path(__file__).parents[2] / "service" / "playground" / "samples" / "receipt.jpg"
PAGE_CPU_S, DEADLINE_S = 3, 30
# Requests at once; the machine of a test may be busy with others.
SENDERS, PATIENCE_S = 4, 60


class Service:
    """The service as it is started for users, on loopback."""

    def __init__(self, folder):
        settings = {"data_folder": folder, "port": 0, "page_cpu_s": PAGE_CPU_S, "request_timeout_s": DEADLINE_S}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAYOUTSERVE_")}
        environment |= {f"LAYOUTSERVE_{name.upper()}": str(value) for name, value in settings.items()}
        self._log = folder / "log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen([LAYOUTSERVE, "serve"], env=environment, stderr=log)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self._until('listening')['port']}", timeout=PATIENCE_S)
        self._until("ready")

    def _until(self, event):
        end = time.monotonic() + 180
        while True:
            for line in self._log.read_text().splitlines():
                if line.startswith("{") and (said := json.loads(line))["event"] == event:
                    return said
            assert self.process.poll() is None and time.monotonic() < end, self._log.read_text()
            time.sleep(0.1)

    def post(self, data, endpoint="ocr", **fields):
        return self.client.post(f"/v1/{endpoint}", files={"file": ("document", data)}, data=fields)

    def memory_mib(self):
        processes = [psutil.Process(self.process.pid)]
        processes += processes[0].children(recursive=True)
        total = 0
        for process in processes:
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue
        return total / 2**20


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("service"))
    yield service
    service.client.close()
    if service.process.poll() is None:
        service.process.send_signal(signal.SIGKILL)
        service.process.wait(60)


def attack(service, documents):
    """Post documents side by side, and an honest one again and again meanwhile; gives what is to be reported."""
    done, honest, memory = threading.Event(), [], []

    def ask():
        while not done.is_set():
            began = time.monotonic()
            status = service.post(SAMPLE.read_bytes()).status_code
            honest.append((time.monotonic() - began, status))

    def watch():
        while not done.wait(0.3):
            memory.append(service.memory_mib())

    def send(item):
        name, data = item
        began = time.monotonic()
        try:
            answer = service.post(data)
            # A full service says so; nothing else was wrong.
            while answer.status_code == 429:
                time.sleep(0.5)
                began, answer = time.monotonic(), service.post(data)
            slug = answer.json().get("type", "answered").rpartition(":")[2]
            return name, answer.status_code, slug, time.monotonic() - began
        except httpx.HTTPError as error:
            return name, 0, type(error).__name__, time.monotonic() - began

    threads = [threading.Thread(target=work) for work in (ask, watch)]
    for thread in threads:
        thread.start()
    try:
        with ThreadPoolExecutor(SENDERS) as pool:
            outcomes = list(pool.map(send, documents.items()))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    return outcomes, honest, memory


def judge(service, documents):
    before = service.memory_mib()
    outcomes, honest, memory = attack(service, documents)
    print(f"\n{len(outcomes)} documents:", dict(Counter((status, slug) for _, status, slug, _ in outcomes)))
    print(f"slowest {max(outcomes, key=lambda outcome: outcome[3])}")
    seconds = sorted(waited for waited, _ in honest)
    print(
        f"honest document, {len(honest)} times: median {seconds[len(seconds) // 2]:.2f} s, longest {seconds[-1]:.2f} s"
    )
    print(f"memory of all processes: {before:.0f} MiB before, at most {max(memory, default=0):.0f} MiB")
    wrong = [outcome for outcome in outcomes if not 200 <= outcome[1] < 500 and outcome[1] != 504]
    assert not wrong, wrong
    assert all(status == 200 for _, status in honest)
    assert all(taken <= DEADLINE_S + 10 for *_, taken in outcomes)
    assert service.process.poll() is None
    assert service.client.get("/health/ready").status_code == 200


CHOSEN = (
    "steps of 0.001",
    "forms that draw",
    "deflated 3",
    "tile of",
    "49 megapixels, colour 6",
    "scans",
    "40000 rows",
)


def test_what_once_wedged_or_killed_the_service_costs_its_own_request_alone(service, documents):
    chosen = {name: data for name, data in documents.items() if any(part in name for part in CHOSEN)}
    assert len(chosen) >= len(CHOSEN)
    judge(service, chosen)


@pytest.mark.slow
def test_every_hostile_document_is_answered_and_nobody_else_suffers(service, documents):
    judge(service, documents)


def test_it_ends_though_documents_are_stuck(service, documents):
    stuck = documents["pdf with a pattern of steps of 0.00001"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.post, stuck)
        time.sleep(1)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(PAGE_CPU_S * 20 + 60) == 0
        assert waiting.result().status_code in (422, 503)
