import asyncio

import pytest

from layoutserve_client import (
    AsyncClient,
    Client,
    Conflict,
    InvalidRequest,
    JobCancelled,
    JobExpired,
    JobFailed,
    JobTimeout,
    KieResponse,
)


@pytest.fixture
def client(server):
    with Client(server.url) as client:
        yield client


def test_submit_then_wait(client, server, wire, pauses):
    result = wire.ANSWERED | wire.KIE
    server.answers(
        wire.Answer(wire.job("queued"), 202),
        wire.Answer(wire.job("running", progress={"pages_done": 1, "pages_total": 3})),
        wire.Answer(wire.job("succeeded", result=result)),
    )
    seen = []
    job = client.submit("kie", b"x", pages="1-3")
    answer = client.wait(job, on_progress=lambda state: seen.append(state.progress.pages_done))
    assert isinstance(answer, KieResponse)
    assert answer.fields["total"].page == 1
    assert seen == [1, 0]
    submitted, *looked_up = server.requests
    assert submitted.headers["prefer"] == "respond-async"
    assert len(submitted.headers["idempotency-key"]) == 32
    assert submitted.form["pages"] == [b"1-3"]
    assert [(request.method, request.path) for request in looked_up] == [("GET", "/v1/jobs/j1")] * 2


def test_submitting_is_repeated_under_the_same_key(client, server, wire, pauses):
    accepted = wire.Answer(wire.job("queued"), 202)
    busy = wire.Answer(wire.problem(429, "overloaded"), 429)
    server.answers(busy, wire.Answer(hang_up=True), accepted, accepted, accepted)
    client.submit("kie", b"x")
    first, second, third = server.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == third.headers["idempotency-key"]
    client.submit("kie", b"x")
    assert server.requests[-1].headers["idempotency-key"] != first.headers["idempotency-key"]
    client.submit("kie", b"x", idempotency_key="mine")
    assert server.requests[-1].headers["idempotency-key"] == "mine"


def test_questions_and_tasks_of_a_job(client, server, wire):
    accepted = wire.Answer(wire.job("queued", task="docvqa"), 202)
    server.answers(otherwise=accepted)
    client.submit("docvqa", b"x", questions=["Who?", "When?"], top_k=2)
    client.submit("analyze", b"x", tasks=["kie", "docvqa"], questions="Who?")
    assert server.requests[0].path == "/v1/docvqa"
    assert server.requests[0].form == {"question": [b"Who?", b"When?"], "top_k": [b"2"], "file": [b"x"]}
    assert server.requests[1].form == {"task": [b"kie", b"docvqa"], "question": [b"Who?"], "file": [b"x"]}


@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        ({"status": "cancelled"}, JobCancelled, "was cancelled"),
        ({"status": "failed", "problem": "invalid-document"}, JobFailed, "This is invalid-document"),
        ({"status": "failed"}, JobFailed, "no reason"),
    ],
)
def test_a_job_that_ends_without_a_result(client, server, wire, state, error, told):
    if slug := state.get("problem"):
        state = state | {"problem": wire.problem(422, slug)}
    server.answers(wire.Answer(wire.job(**state)))
    with pytest.raises(error, match=told) as caught:
        client.wait("j1")
    assert caught.value.job_id == "j1"
    if slug:
        assert isinstance(caught.value.problem, InvalidRequest)
        assert caught.value.problem.type.endswith("invalid-document")


def test_a_job_that_has_expired(client, server, wire):
    server.answers(otherwise=wire.Answer(wire.problem(404, "not-found"), 404))
    for ask in (client.wait, client.job, client.cancel):
        with pytest.raises(JobExpired, match="Job j1 is not known") as caught:
            ask("j1")
        assert caught.value.status == 404
        assert caught.value.request_id == "abc123"


def test_waiting_has_an_end(client, server, wire):
    server.answers(otherwise=wire.Answer(wire.job("running")))
    with pytest.raises(JobTimeout, match=r"not done after 0\.3 seconds; it goes on"):
        client.wait("j1", timeout=0.3)
    assert 2 <= len(server.requests) <= 4


def test_cancel(client, server, wire):
    server.answers(wire.Answer(wire.job("cancelled")), wire.Answer(wire.problem(409, "conflict"), 409))
    assert client.cancel("j1").done
    assert (server.requests[0].method, server.requests[0].path) == ("DELETE", "/v1/jobs/j1")
    with pytest.raises(Conflict):
        client.cancel("j1")


def test_the_same_awaited(server, wire):
    server.answers(
        wire.Answer(wire.job("queued", task="ocr"), 202),
        wire.Answer(wire.job("running", task="ocr")),
        wire.Answer(wire.job("succeeded", task="ocr", result=wire.ANSWERED)),
        wire.Answer(wire.job("cancelled", task="ocr")),
    )

    async def ask():
        async with AsyncClient(server.url) as client:
            job = await client.submit("ocr", b"x")
            result = await client.wait(job)
            return result.text, (await client.cancel(job)).status

    assert asyncio.run(ask()) == ("TOTAL 9.00\nTHANKS", "cancelled")
