"""What the files for deployment say of each other and of the service; docker/test.sh tries the containers."""

import json
import os
import re
import subprocess
import sys
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from prometheus_client import generate_latest

from layoutserve.service.settings import PREFIX, Settings
from layoutserve.service.telemetry import Telemetry

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
METRIC = re.compile(r"\b((?:layoutserve|process)_[a-z0-9_]+)")


def known_metrics():
    """Names of all series that the service can have."""
    telemetry = Telemetry()
    telemetry.watch_cache("words", lambda: (0, 0))
    names = set()
    for family in telemetry.registry.collect():
        match family.type:
            case "counter":
                names.add(f"{family.name}_total")
            case "histogram":
                names |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
            case _:
                names.add(family.name)
    assert "layoutserve_requests_total" in names
    assert b"layoutserve_cache_requests_total" in generate_latest(telemetry.registry)
    return names


def queries():
    dashboard = json.loads((DOCKER / "grafana/dashboards/layoutserve.json").read_text())
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ()))
    rules = (DOCKER / "prometheus/rules.yml").read_text()
    yield from re.findall(r"^\s+expr: (.+)$", rules, re.MULTILINE)


def test_dashboard_and_alerts_ask_for_metrics_that_the_service_has():
    asked = {name for query in queries() for name in METRIC.findall(query)}
    assert asked <= known_metrics()


def test_the_dashboard_shows_every_metric_of_the_service():
    asked = {name for query in queries() for name in METRIC.findall(query)}
    families = {family.name for family in Telemetry().registry.collect() if family.name.startswith("layoutserve_")}
    assert {family for family in families if not any(name.startswith(family) for name in asked)} == set()


@pytest.mark.parametrize("path", ["compose.yaml", "settings.env", "Dockerfile", "Dockerfile.gpu", "test.sh"])
def test_settings_that_are_named_exist(path):
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    named = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", (DOCKER / path).read_text()))
    assert named <= known


def test_the_cluster_names_settings_and_the_model_that_comes_along():
    (app,) = yaml.safe_load((DOCKER / "serve.yaml").read_text())["applications"]
    Settings(**app["args"])
    module, function = app["import_path"].split(":")
    assert f"def {function}(" in (ROOT / (module.replace(".", "/") + ".py")).read_text()
    assert [deployment["name"] for deployment in app["deployments"]] == ["gateway", "ocr", "encoder-starter"]


def test_the_container_is_killed_later_than_the_service_gives_up():
    compose = (DOCKER / "compose.yaml").read_text()
    drain = float(re.search(r'LAYOUTSERVE_DRAIN_TIMEOUT_S: "(\d+)"', compose)[1])
    graces = [float(seconds) for seconds in re.findall(r"stop_grace_period: (\d+)s", compose)]
    assert graces
    assert min(graces) >= drain + 10


def test_compose_starts_on_two_cores_and_keeps_bounded_logs():
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (DOCKER / "compose.yaml").read_text())
    services = yaml.safe_load(text)["services"]
    # Docker refuses a limit above what the host has; 0 is none.
    assert all(service["cpus"] <= 2 for service in services.values())
    for service in services.values():
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}


def test_alerts_go_to_alertmanagers_that_are_named_in_a_file():
    folder = DOCKER / "prometheus"
    config = yaml.safe_load((folder / "prometheus.yml").read_text())
    (manager,) = config["alerting"]["alertmanagers"]
    (file,) = manager["file_sd_configs"][0]["files"]
    assert yaml.safe_load((folder / Path(file).name).read_text()) == []
    (group,) = yaml.safe_load((folder / config["rule_files"][0]).read_text())["groups"]
    assert all(rule["annotations"]["summary"] for rule in group["rules"])


@pytest.mark.parametrize(("runtime", "package"), [("cpu", "onnxruntime"), ("gpu", "onnxruntime-gpu")])
def test_locks_pin_every_requirement_with_hashes_and_name_no_index(runtime, package):
    text = (DOCKER / f"requirements-{runtime}.lock").read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    pinned = {re.match(r"([a-z0-9._-]+)==", entry)[1] for entry in entries}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"][runtime]
    wanted += project["optional-dependencies"]["otel"]
    names = {re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower() for requirement in wanted}
    assert names <= pinned
    assert package in pinned
    assert {"torch", "paddlepaddle", "pytest"} & pinned == set()


def test_both_images_are_made_alike():
    """The GPU image differs in its lock, labels and NVIDIA's variables alone."""

    def lines(name):
        text = (DOCKER / name).read_text()
        return [line for line in text[text.index("ARG BASE") :].splitlines() if line and not line.startswith("#")]

    cpu, gpu = lines("Dockerfile"), lines("Dockerfile.gpu")
    differing = set(cpu) ^ set(gpu)
    assert all(re.search(r"requirements-|LABEL|licenses|NVIDIA", line) for line in differing), differing
    assert (DOCKER / "Dockerfile.dockerignore").read_text() == (DOCKER / "Dockerfile.gpu.dockerignore").read_text()


def test_the_folder_of_jobs_can_be_written_by_any_user_of_group_0():
    """A cluster such as OpenShift picks the uid, always with group 0."""
    for name in ("Dockerfile", "Dockerfile.gpu"):
        (options,) = re.findall(r"install --directory (.+) /var/lib/layoutserve ", (DOCKER / name).read_text())
        assert options.split() == ["--owner=10001", "--group=0", "--mode=0775"]


@pytest.fixture
def server():
    """A service that answers every other request with 429; yields its address and the bodies it got."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if len(bodies) % 2 else 429)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}", bodies
        http.shutdown()
        thread.join()


def test_the_load_counts_every_answer_and_sends_no_document_twice(server, tmp_path):
    url, bodies = server
    (tmp_path / "page.bmp").write_bytes(b"BM" + bytes(100))
    command = [sys.executable, DOCKER / "load.py", url, tmp_path / "page.bmp", "6", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"no_proxy": "*"})
    assert json.loads(done.stdout)["statuses"] == {"200": 3, "429": 3}
    assert len(set(bodies)) == 6
    assert all(body.startswith(b"--layoutserve-load\r\n") for body in bodies)


def test_the_load_counts_requests_that_got_no_answer(tmp_path):
    (tmp_path / "page.bmp").write_bytes(bytes(100))
    command = [sys.executable, DOCKER / "load.py", "http://127.0.0.1:9", tmp_path / "page.bmp", "2", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"no_proxy": "*"})
    assert json.loads(done.stdout)["statuses"] == {"0": 2}
