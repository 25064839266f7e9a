"""Spans of real requests, kept in memory or received from the running process; and none where nobody asked."""

import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from layoutserve.service import tracing
from layoutserve.service.telemetry import JsonLines

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    assert tracing.start({}, exporter)
    yield exporter.get_finished_spans
    tracing.stop()


def by_name(spans):
    return {span.name: span for span in spans()}


def test_a_request_continues_its_callers_trace_with_a_span_for_each_stage(client, drawn, spans):
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "r-1"}
    # A page of its own: one that another test has sent would come from the cache, without a span for its OCR.
    document = {"file": drawn(total="47.11")}
    answer = client.post("/v1/kie", files=document, data={"ocr": "always"}, headers=headers)
    assert answer.status_code == 200
    found = by_name(spans)
    request, page = found["POST /v1/kie"], found["page"]
    assert {f"{span.context.trace_id:032x}" for span in found.values()} == {TRACE}
    assert f"{request.parent.span_id:016x}" == PARENT
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["layoutserve.request_id"] == "r-1"
    assert page.parent.span_id == request.context.span_id
    for stage in ("look up or encode", "ocr", "encode", "infer", "decode"):
        assert found[stage].parent.span_id == page.context.span_id, stage
        assert page.start_time <= found[stage].start_time <= found[stage].end_time <= page.end_time
    assert found["infer"].attributes["windows"] == 1


def test_spans_tell_that_it_failed_but_not_what_the_document_says(client, spans):
    assert client.post("/v1/kie", files={"file": b"SECRET no image"}).status_code == 415
    read = by_name(spans)["read"]
    assert read.status.status_code is StatusCode.ERROR
    assert read.attributes["error.type"] == "UnsupportedDocument"
    assert "SECRET" not in "".join(span.to_json() for span in spans())


def test_health_and_metrics_leave_no_spans(client, spans):
    client.get("/health/ready")
    client.get("/metrics")
    assert spans() == ()


def test_the_trace_goes_on_in_another_process(spans):
    with tracing.span("here"):
        carried = tracing.carried_on()
    with tracing.continued(carried), tracing.span("there"):
        pass
    found = by_name(spans)
    assert found["there"].parent.span_id == found["here"].context.span_id


def test_log_lines_name_their_trace(spans):
    record = logging.LogRecord("log", logging.INFO, "", 0, "event", None, None)
    with tracing.continued({"traceparent": f"00-{TRACE}-{PARENT}-01"}):
        assert json.loads(JsonLines().format(record))["trace_id"] == TRACE
    assert "trace_id" not in json.loads(JsonLines().format(record))


def test_a_receiver_of_otlp_gets_every_span_before_the_process_ends(collector, bundle, drawn, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"BUNDLES": bundle, "STARTER": "false", "DATA_FOLDER": tmp_path, "PORT": port}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LAYOUTSERVE_", "OTEL_"))}
    environment |= {f"LAYOUTSERVE_{name}": str(value) for name, value in settings.items()}
    # Longer between two exports than the test takes: what arrives is sent because the process ends.
    environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "600000", "no_proxy": "*"}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("layoutserve"), "serve"], env=environment, stderr=log
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
            until_ready(http, process)
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            document = {"file": drawn(total="8.15", pages=2, form="PDF")}
            assert http.post("/v1/kie", files=document, data={"ocr": "always"}, headers=headers).status_code == 200
        assert collector.exports == []
    finally:
        process.terminate()
        assert process.wait(60) == 0
    assert collector.paths == {"/v1/traces"}
    (resource,) = {export.resource_spans[0].resource.SerializeToString() for export in collector.exports}
    assert b"service.name" in resource
    assert b"layoutserve" in resource
    spans = collector.spans()
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    names = {span.span_id: span.name for span in spans}
    parents = Counter((span.name, names.get(span.parent_span_id, span.parent_span_id.hex())) for span in spans)
    # Two pages: what is done for each is there twice, under its page; the rest once, under the request.
    of_page = {(stage, "page"): 2 for stage in ("look up or encode", "ocr", "encode", "infer", "decode")}
    of_request = {("read", "POST /v1/kie"): 1, ("page", "POST /v1/kie"): 2, ("decode document", "POST /v1/kie"): 1}
    wanted = {("POST /v1/kie", PARENT): 1} | of_request | of_page
    assert {pair: count for pair, count in parents.items() if pair in wanted} == wanted
    assert {pair[0] for pair in parents} - {pair[0] for pair in wanted} <= {"read page"}
    assert all(0 < span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)


def until_ready(http, process, seconds=120):
    end = time.monotonic() + seconds
    while True:
        assert process.poll() is None
        assert time.monotonic() < end
        try:
            if http.get("/health/ready").status_code == 200:
                return
        except httpx.ConnectError:
            pass
        time.sleep(0.1)


def test_nothing_is_traced_unless_a_receiver_is_named(client, receipt):
    assert not tracing.start({"OTEL_EXPORTER_OTLP_ENDPOINT": ""})
    assert tracing.carried_on() == {}
    assert tracing.trace_id() is None
    assert client.post("/v1/kie", files={"file": receipt}).status_code == 200
