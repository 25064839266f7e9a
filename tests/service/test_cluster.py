"""The app on a real Ray Serve on this machine: the same answers, the same refusals, and replicas that die."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

ray = pytest.importorskip("ray", reason="needs the extra cluster")
# Ray leaves sockets and deprecated calls behind that are none of ours.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

MAX_DOCUMENTS = 6


@pytest.fixture(scope="module")
def cluster(bundle, tmp_path_factory):
    """A client of the app on a cluster of one machine, ready."""
    from ray import serve

    from layoutserve.service.cluster import application

    port = free_port()
    ray.init(num_cpus=4, include_dashboard=False, object_store_memory=200 * 2**20, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    settings = {
        "bundles": [str(bundle)],
        "starter": False,
        "data_folder": str(tmp_path_factory.mktemp("cluster")),
        "max_documents": MAX_DOCUMENTS,
        "page_cache_mib": 0,
        "max_file_bytes": 10_000_000,
        "request_timeout_s": 120,
    }
    serve.run(application(settings))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=180) as http:
        wait_until_ready(http)
        yield http
    serve.shutdown()
    ray.shutdown()


def free_port():
    """A port below those that Ray and the system hand out themselves."""
    for port in range(20_000, 30_000):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no port is free")


def wait_until_ready(http, seconds=300.0):
    end = time.monotonic() + seconds
    while (answer := http.get("/health/ready")).status_code != 200:
        assert time.monotonic() < end, answer.text
        time.sleep(0.5)


def assert_same(one, other):
    """Equal but for floats, which may differ by rounding."""
    if isinstance(one, float) and isinstance(other, float):
        assert one == pytest.approx(other, abs=1e-4)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one.keys() - {"request_id", "timings_ms"}:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other


def test_answers_are_those_of_one_process(cluster, client, drawn):
    posts = [
        ("/v1/ocr", {}, drawn("1.00")),
        ("/v1/kie", {}, drawn("2.50", pages=2, form="PDF")),
        ("/v1/classification", {}, drawn("3.00")),
        ("/v1/docvqa", {"question": ["What is the total?", "Who?"], "top_k": 3}, drawn("4.00")),
    ]
    for path, data, document in posts:
        here = client.post(path, files={"file": document}, data=data)
        there = cluster.post(path, files={"file": document}, data=data)
        assert here.status_code == there.status_code == 200, there.text
        assert_same(there.json(), here.json())


def test_models_and_problems_are_those_of_one_process(cluster, client, receipt):
    assert cluster.get("/v1/models").json()["models"][0]["operators"] in ("native", "portable")
    for data, document in [
        ({}, b"no document"),
        ({"language": "xx"}, receipt),
        ({"model": "other"}, receipt),
        ({}, receipt[:2000]),
    ]:
        here = client.post("/v1/kie", files={"file": document}, data=data)
        there = cluster.post("/v1/kie", files={"file": document}, data=data)
        assert there.status_code == here.status_code >= 400
        same = {"type", "title", "status", "detail", "action"}
        assert {k: v for k, v in there.json().items() if k in same} == {
            k: v for k, v in here.json().items() if k in same
        }


def test_a_full_queue_is_429_and_every_other_request_is_answered(cluster, drawn):
    documents = [drawn(f"{number}.00") for number in range(3 * MAX_DOCUMENTS)]
    with ThreadPoolExecutor(len(documents)) as pool:
        answers = list(pool.map(lambda document: cluster.post("/v1/kie", files={"file": document}), documents))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= MAX_DOCUMENTS
    refused = answers[statuses.index(429)]
    assert int(refused.headers["Retry-After"]) >= 1
    assert refused.json()["type"] == "urn:layoutserve:problem:overloaded"


def test_a_killed_encoder_loses_no_request(cluster, drawn):
    documents = [drawn(f"{number}.25") for number in range(24)]

    def post(document):
        return cluster.post("/v1/kie", files={"file": document})

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(post, document) for document in documents]
        while not any(answer.done() for answer in answers):
            time.sleep(0.05)
        ray.kill(replica_of("encoder-tiny"), no_restart=False)
        answers = [answer.result() for answer in answers]
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 503}, statuses
    assert statuses.count(200) > 0
    assert all(answer.json()["type"].endswith("not-ready") for answer in answers if answer.status_code == 503)
    wait_until_ready(cluster)
    answer = post(drawn("9.75"))
    assert answer.status_code == 200, answer.text


def replica_of(deployment):
    (found,) = [
        actor for actor in ray.util.list_named_actors(all_namespaces=True) if f"#{deployment}#" in actor["name"]
    ]
    return ray.get_actor(found["name"], namespace=found["namespace"])
