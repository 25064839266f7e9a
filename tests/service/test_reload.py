"""Bundles that come, change and go while documents are answered."""

import asyncio
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import pytest
from starlette.testclient import TestClient

from layoutserve.model import bundle as bundles
from layoutserve.service.errors import NotFound, NotReady
from layoutserve.service.http.app import create_app
from layoutserve.service.settings import Settings
from layoutserve.service.wire.endpoints import ENDPOINTS
from layoutserve.service.wire.requests import KieRequest
from layoutserve.service.work.catalog import Catalog, Served


def release(source, folder, version, name=None):
    """Write a copy of a bundle as another version of it, there whole or not at all."""
    partial = folder.parent.parent / f"partial-{folder.name}-{time.monotonic_ns()}"
    shutil.copytree(source, partial)
    manifest = bundles.load(partial, verify=False).manifest
    bundles.write(partial, replace(manifest, version=version, name=name or manifest.name))
    partial.rename(folder)
    return folder


def damage(folder):
    """Change a byte of a bundle's graph."""
    graph = folder / "encoder.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    return folder


@pytest.fixture
def repository(bundle, tmp_path):
    """``repository / "one"`` holds version 1."""
    folder = tmp_path / "repository"
    folder.mkdir()
    release(bundle, folder / "one", "1")
    return folder


@pytest.fixture
def serve(repository, tmp_path):
    """``serve(**settings)`` gives a client of the app on the repository, which looks at it only when told to."""
    open_ = []

    def begin(**settings):
        chosen = {"bundles": (repository,), "starter": False, "data_folder": tmp_path, "bundles_poll_s": 0}
        client = TestClient(create_app(Settings(**(chosen | settings))), raise_server_exceptions=False)
        open_.append(client.__enter__())
        while client.get("/health/ready").json().get("detail", "").startswith("The service is starting"):
            time.sleep(0.02)
        return client

    yield begin
    for client in open_:
        client.__exit__(None, None, None)


def reload(client):
    answer = client.post("/v1/models/reload")
    assert answer.status_code == 200, answer.text
    models = answer.json()
    assert models == client.get("/v1/models").json()
    return [model["version"] for model in models["models"] if model["current"]], models


def version(client, document, model=None):
    answer = client.post("/v1/kie", files={"file": document}, data={"model": model} if model else None)
    return answer.json()["model"]["version"] if answer.status_code == 200 else answer.status_code


def test_a_new_version_takes_the_name_and_the_old_one_keeps_its_own(serve, repository, bundle, receipt):
    client = serve()
    assert version(client, receipt) == "1"
    release(bundle, repository / "a-later-one", "10")
    release(bundle, repository / "between", "9.1")
    assert reload(client)[0] == ["10"]
    asked = [version(client, receipt, name) for name in (None, "tiny", "tiny@1", "tiny@9.1", "tiny@10")]
    assert asked == ["10", "10", "1", "9.1", "10"]
    unknown = client.post("/v1/kie", files={"file": receipt}, data={"model": "tiny@2"}).json()
    assert unknown["detail"] == "There is no model 'tiny@2'; its versions are tiny@10, tiny@9.1, tiny@1."
    shutil.rmtree(repository / "a-later-one")
    assert reload(client)[0] == ["9.1"]
    assert [version(client, receipt, name) for name in ("tiny", "tiny@10")] == ["9.1", 404]
    text = client.get("/metrics").text
    assert 'layoutserve_model_info{model="tiny",operators=' in text
    assert 'version="10"' not in text


def test_a_version_can_be_pinned(serve, repository, bundle, receipt):
    release(bundle, repository / "two", "2")
    client = serve(model_versions=("tiny@1",))
    assert [version(client, receipt, name) for name in (None, "tiny", "tiny@2")] == ["1", "1", "2"]
    assert [(model["version"], model["default"]) for model in client.get("/v1/models").json()["models"]] == [
        ("1", True),
        ("2", False),
    ]


def test_a_damaged_bundle_is_quarantined_and_the_rest_serves_on(serve, repository, bundle, receipt):
    damage(release(bundle, repository / "two", "2"))
    (repository / "three").mkdir()
    (repository / "three" / "manifest.json").write_text("{")
    client = serve()
    assert version(client, receipt) == "1"
    versions, models = reload(client)
    assert versions == ["1"]
    told = {one["bundle"]: one["reason"] for one in models["quarantined"]}
    assert "its SHA-256 differs" in told[str(repository / "two")]
    assert "is damaged" in told[str(repository / "three")]
    assert "layoutserve_quarantined_bundles 2.0" in client.get("/metrics").text
    # Mended, it takes its name; what is served stays where it is when its files are damaged.
    shutil.rmtree(repository / "two")
    release(bundle, repository / "two", "2")
    shutil.rmtree(repository / "three")
    assert (reload(client)[0], client.get("/v1/models").json()["quarantined"]) == (["2"], [])
    damage(repository / "two")
    versions, models = reload(client)
    assert (versions, len(models["quarantined"]), version(client, receipt)) == (["2"], 1, "2")


def test_two_bundles_with_one_name_and_version_are_told_apart(serve, repository, bundle, receipt):
    release(bundle, repository / "same", "1")
    client = serve()
    (fault,) = client.get("/v1/models").json()["quarantined"]
    assert "Two bundles have the name tiny@1" in fault["reason"]
    assert version(client, receipt) == "1"


def test_without_a_model_it_is_not_ready_and_says_why_until_there_is_one(serve, repository, bundle, receipt):
    damage(repository / "one")
    client = serve()
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert "its SHA-256 differs" in answer.json()["detail"]
    assert version(client, receipt) == 503
    assert "layoutserve_ready 0.0" in client.get("/metrics").text
    shutil.rmtree(repository / "one")
    versions, models = reload(client)
    assert (versions, len(models["quarantined"])) == ([], 1)
    assert "holds none" in client.get("/health/ready").json()["detail"]
    release(bundle, repository / "one", "1")
    assert reload(client)[0] == ["1"]
    assert client.get("/health/ready").status_code == 200
    assert version(client, receipt) == "1"


def test_reloading_needs_a_key_where_the_service_does(serve):
    client = serve(api_keys=("anna:key",))
    assert client.post("/v1/models/reload").status_code == 401
    assert client.post("/v1/models/reload", headers={"Authorization": "Bearer key"}).status_code == 200


def test_the_bundles_are_watched_and_taken_when_they_have_settled(serve, repository, bundle):
    client = serve(bundles_poll_s=0.05)

    def until(expected):
        end = time.monotonic() + 60
        while [model["version"] for model in client.get("/v1/models").json()["models"]] != expected:
            assert time.monotonic() < end
            time.sleep(0.02)

    release(bundle, repository / "two", "2")
    until(["2", "1"])
    shutil.rmtree(repository / "one")
    until(["2"])


def test_who_began_with_a_model_ends_with_it(bundle):
    async def scenario():
        class Bundle:
            manifest = replace(bundles.load(bundle).manifest, version="1")

        class Pipeline:
            bundle = Bundle

        one = Served(Pipeline, "portable")
        with one.in_use():
            retiring = asyncio.create_task(one.retire())
            await asyncio.sleep(0.01)
            assert not retiring.done() and not one.closed
        await retiring
        assert one.closed
        catalog = Catalog(Settings(model="other"), [one])
        catalog.check()
        with pytest.raises(NotReady, match="The model other is not among"):
            catalog.find(None)
        with pytest.raises(NotFound, match="the models are tiny"):
            catalog.find("other")

    asyncio.run(scenario())


def test_an_order_whose_model_gave_way_while_it_waited_is_answered_by_its_successor(serve, repository, bundle, receipt):
    client = serve()
    engine = client.app.state.service.engine

    async def scenario():
        order = engine.prepare(ENDPOINTS["kie"], KieRequest(file=receipt))
        release(bundle, repository / "two", "2")
        shutil.rmtree(repository / "one")
        await engine.reload()
        while not order.served.closed:
            await asyncio.sleep(0.01)
        deadline = asyncio.get_running_loop().time() + 60
        return await engine.answer(order, request_id="", deadline=deadline, max_pages=1)

    assert client.portal.call(scenario).model.version == "2"


def swap(service, document, repository, bundle, swaps):
    """Swap versions ``swaps`` times while 8 clients ask; gives what they got, and the memory after each swap."""
    service.until("ready")
    answers, memory, stop = [], [], threading.Event()
    process = psutil.Process(service.process.pid)

    def ask():
        with service.client() as client:
            while not stop.is_set():
                answer = client.post("/v1/kie", files={"file": document})
                answers.append((answer.status_code, answer.json().get("model", {}).get("version")))

    def answered(more):
        asked = len(answers)
        while len(answers) < asked + more:
            assert service.process.poll() is None
            time.sleep(0.02)

    with ThreadPoolExecutor(8) as pool, service.client() as client:
        asking = [pool.submit(ask) for _ in range(8)]
        try:
            answered(100)
            memory.append(process.memory_info().rss)
            old = repository / "one"
            for number in range(2, 2 + swaps):
                old, gone = release(bundle, repository / f"v{number}", str(number)), old
                assert reload(client)[0] == [str(number)]
                answered(8)
                shutil.rmtree(gone)
                assert len(reload(client)[1]["models"]) == 1
                answered(24)
                memory.append(process.memory_info().rss)
            bad = damage(release(bundle, repository / "bad", "99"))
            assert len(reload(client)[1]["quarantined"]) == 1
            answered(8)
            shutil.rmtree(bad)
            # As an operator would who has no key.
            service.process.send_signal(signal.SIGHUP)
            service.until("models reloaded")
            assert client.get("/v1/models").json()["quarantined"] == []
        finally:
            stop.set()
        for one in asking:
            one.result()
    return answers, memory


@pytest.mark.parametrize("swaps", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_models_change_under_load_without_a_request_that_fails(start, repository, bundle, receipt, swaps):
    service = start(bundles=repository, bundles_poll_s=0, page_cache_mib=0)
    answers, memory = swap(service, receipt, repository, bundle, swaps)
    assert {status for status, _ in answers} == {200}
    assert {found for _, found in answers} == {str(number) for number in range(1, 2 + swaps)}
    print("MiB:", *(round(bytes_ / 2**20) for bytes_ in memory))
    assert memory[-1] < 1.1 * memory[0]
    assert service.end() == 0
