"""The app on a Ray cluster of several nodes, each a raylet of its own on this machine; and a node that goes down.

One core a node, so that gateway, OCR and encoder have to be on different ones.
"""

import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

ray = pytest.importorskip("ray", reason="needs the extra cluster")
# Ray leaves sockets and deprecated calls behind that are none of ours.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
DEPLOYMENTS = ("gateway", "ocr", "encoder-tiny")
STORE_BYTES = 100 * 2**20


@pytest.fixture
def nodes(bundle, tmp_path, collector, monkeypatch):
    """The cluster, which sends its traces, and a client of the app on it, ready."""
    from ray import serve
    from ray.cluster_utils import Cluster

    from layoutserve.service.cluster import application

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # What starts a node gives it its environment.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "500")
    # A node gives up fifteen seconds after its start, which takes longer where the machine has other things to do.
    monkeypatch.setenv("RAY_agent_register_timeout_ms", "120000")
    head = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in DEPLOYMENTS[1:]:
        cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
    ray.init(address=cluster.address, log_to_driver=False)
    serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
    settings = {
        "bundles": [str(bundle)],
        "starter": False,
        "data_folder": str(tmp_path),
        "page_cache_mib": 0,
        "request_timeout_s": 240,
    }
    serve.run(application(settings))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as http:
        until(lambda: http.get("/health/ready").status_code == 200)
        yield cluster, http
    serve.shutdown()
    ray.shutdown()
    cluster.shutdown()


def until(holds, seconds=300.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.5)


def places():
    """The node of each deployment's replica; None where it has none that runs."""
    from ray.serve.context import _get_global_client

    (app,) = _get_global_client().get_serve_details()["applications"].values()
    running = {
        name: [replica["node_id"] for replica in deployment["replicas"] if replica["state"] == "RUNNING"]
        for name, deployment in app["deployments"].items()
    }
    return {name: (running[name] or [None])[0] for name in DEPLOYMENTS}


def parents(spans, trace):
    """Names of the spans of a trace, with the names of their parents."""
    names = {span.span_id: span.name for span in spans}
    return [(span.name, names.get(span.parent_span_id)) for span in spans if span.trace_id.hex() == trace]


def test_every_deployment_has_a_node_of_its_own_and_one_that_dies_loses_no_request(nodes, drawn, collector):
    cluster, http = nodes
    before = places()
    assert None not in before.values()
    assert len(set(before.values())) == len(DEPLOYMENTS)

    def post(document, **headers):
        return http.post("/v1/kie", files={"file": document}, headers=headers)

    document = drawn("7.50", pages=2, form="TIFF")
    answer = post(document, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    assert (answer.status_code, len(answer.json()["pages"])) == (200, 2)
    # One trace through three processes: each replica's spans lie in the stage that asked it.
    wanted = Counter({("ocr replica", "ocr"): 2, ("encoder replica", "infer"): 2, ("ocr", "page"): 2})
    until(lambda: wanted <= Counter(parents(collector.spans(), TRACE)))

    # The first node also holds the cluster's state and the port that is asked: another one goes down.
    workers = {node.node_id: node for node in cluster.worker_nodes}
    moved = next(name for name in ("encoder-tiny", "ocr") if before[name] in workers)
    documents = [drawn(f"{number}.75") for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(post, document) for document in documents]
        while not any(answer.done() for answer in answers):
            time.sleep(0.05)
        # At once, as when its power fails; another machine takes its place later.
        cluster.remove_node(workers[before[moved]], allow_graceful=False)
        until(lambda: places()[moved] is None)
        cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
        answers = [answer.result() for answer in answers]
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 503}, statuses
    assert statuses.count(200) > 0
    assert all(answer.json()["type"].endswith("not-ready") for answer in answers if answer.status_code == 503)

    until(lambda: places()[moved] not in (None, before[moved]))
    assert post(drawn("8.25")).status_code == 200
    after = places()
    assert {name for name in DEPLOYMENTS if after[name] != before[name]} == {moved}
