"""The real app over HTTP, with the real OCR and a tiny bundle."""

import base64
import gzip
import json
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest


def post(client, endpoint, document, headers=None, **fields):
    parts = [("file", ("document", document))] + [(name, (None, value)) for name, value in pairs(fields)]
    return client.post(f"/v1/{endpoint}", files=parts, headers=headers)


def pairs(fields):
    for name, value in fields.items():
        yield from ((name, one) for one in (value if isinstance(value, list) else [value]))


def problem(answer, status, slug):
    body = answer.json()
    assert (answer.status_code, body["type"]) == (status, f"urn:layoutserve:problem:{slug}"), body
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["detail"] and body["action"] and body["title"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


def without_times(body):
    return {name: value for name, value in body.items() if name not in ("timings_ms", "request_id")}


def test_kie_gives_entities_and_fields_with_their_place_on_the_page(client, receipt):
    answer = post(client, "kie", receipt)
    assert answer.status_code == 200
    body = answer.json()
    assert body["model"] == {"name": "tiny", "version": "1", "licence": "Apache-2.0"}
    (page,) = body["pages"]
    assert (page["number"], page["width"], page["height"], page["dpi"], page["turn"]) == (1, 480, 360, None, 0)
    texts = [word["text"] for word in page["words"]]
    assert texts == ["ACME", "TRADING", "Date", "31/01/2024", "Coffee", "4.50", "TOTAL", "12.50"]
    assert body["entities"]
    for entity in body["entities"]:
        assert entity["text"] == " ".join(texts[index] for index in entity["words"])
        x0, y0, x1, y1 = entity["box"]
        assert 0 <= x0 < x1 <= 480 and 0 <= y0 < y1 <= 360
        for index in entity["words"]:
            wx0, wy0, wx1, wy1 = page["words"][index]["box"]
            assert x0 <= wx0 and y0 <= wy0 and wx1 <= x1 and wy1 <= y1
    labels = {entity["label"].lower() for entity in body["entities"]}
    assert set(body["fields"]) <= labels
    assert {"read", "ocr", "encode", "queue", "infer", "decode", "total"} == set(body["timings_ms"])
    assert body["request_id"] == answer.headers["x-request-id"]


def test_classification_ranks_the_classes_of_the_document_and_of_each_page(client, drawn):
    body = post(client, "classification", drawn(pages=2, form="TIFF")).json()
    assert [page["page"] for page in body["page_classes"]] == [1, 2]
    for classes in (body["classes"], *(page["classes"] for page in body["page_classes"])):
        assert {found["label"] for found in classes} == {"receipt", "invoice", "letter"}
        assert sum(found["score"] for found in classes) == pytest.approx(1, abs=1e-4)
        assert classes == sorted(classes, key=lambda found: -found["score"])


def test_docvqa_answers_each_question_with_words_of_the_page(client, receipt):
    body = post(client, "docvqa", receipt, question=["What is the total?", "Who sells?"], top_k="3").json()
    assert [one["question"] for one in body["answers"]] == ["What is the total?", "Who sells?"]
    words = body["pages"][0]["words"]
    for one in body["answers"]:
        assert len(one["answers"]) <= 3
        for found in one["answers"]:
            assert found["text"] == " ".join(words[index]["text"] for index in found["words"])
            assert found["boxes"]


def test_analyze_does_several_tasks_with_one_reading(client, drawn):
    document = drawn(total="77.10")
    read = metric(client, 'layoutserve_pages_total{source="ocr"}')
    body = post(client, "analyze", document, question="What is the total?").json()
    assert metric(client, 'layoutserve_pages_total{source="ocr"}') == read + 1
    alone = {task: post(client, task, document).json() for task in ("kie", "classification")}
    assert body["kie"] == {name: alone["kie"][name] for name in ("entities", "fields")}
    assert body["classification"]["classes"] == alone["classification"]["classes"]
    assert body["docvqa"]["answers"][0]["question"] == "What is the total?"
    only = post(client, "analyze", document, task="classification").json()
    assert (only["kie"], only["docvqa"]) == (None, None)
    assert only["classification"] == body["classification"]


def metric(client, name):
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    return 0.0


def test_a_page_that_was_read_is_not_read_again(client, drawn):
    document = drawn(total="31.00")
    read = 'layoutserve_pages_total{source="ocr"}'
    hits = 'layoutserve_cache_requests_total{cache="words",outcome="hit"}'
    first = post(client, "ocr", document)
    before = metric(client, read), metric(client, hits)
    second = post(client, "kie", document)
    assert (metric(client, read), metric(client, hits)) == (before[0], before[1] + 1)
    assert second.json()["pages"] == first.json()["pages"]


def test_many_at_once_get_the_answers_they_get_alone(client, drawn):
    documents = [drawn(total=f"{number}.25") for number in range(10)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda document: post(client, "analyze", document, question="Total?"), documents))
    for number, (document, answer) in enumerate(zip(documents, together, strict=True)):
        body = answer.json()
        assert body["pages"][0]["words"][-1]["text"] == f"{number}.25"
        alone = post(client, "analyze", document, question="Total?").json()
        assert difference(without_times(body), without_times(alone)) < 1e-4


def difference(first, second, name=""):
    """The largest difference of two answers' scores; infinite where anything else differs."""
    if isinstance(first, dict) and first.keys() == second.keys():
        return max((difference(first[name], second[name], name) for name in first), default=0)
    if isinstance(first, list) and len(first) == len(second):
        return max((difference(one, other) for one, other in zip(first, second, strict=True)), default=0)
    if name.endswith("score"):
        return abs(first - second)
    return 0 if first == second else float("inf")


def test_json_and_multipart_are_the_same_request(client, drawn):
    document = drawn(form="PDF", pages=3)
    as_form = post(client, "docvqa", document, pages="2-3", ocr="always", question=["Date?"], top_k="2")
    as_json = client.post(
        "/v1/docvqa",
        json={
            "file": base64.b64encode(document).decode(),
            "pages": "2-3",
            "ocr": "always",
            "question": ["Date?"],
            "top_k": 2,
        },
    )
    assert without_times(as_form.json()) == without_times(as_json.json())
    assert [page["number"] for page in as_json.json()["pages"]] == [2, 3]
    assert {page["dpi"] for page in as_json.json()["pages"]} == {200.0}


def test_the_callers_own_words_are_used_instead_of_ours(client, receipt):
    words = [
        {"text": "Hello", "box": [0.1, 0.1, 0.3, 0.2]},
        {"text": "world", "box": [0.35, 0.1, 0.6, 0.2]},
    ]
    body = post(client, "kie", receipt, words=json.dumps(words), words_unit="fractions").json()
    page = body["pages"][0]
    assert [(word["text"], word["box"]) for word in page["words"]] == [
        ("Hello", [48.0, 36.0, 144.0, 72.0]),
        ("world", [168.0, 36.0, 288.0, 72.0]),
    ]
    pixels = [{"text": "Hello", "box": [48, 36, 144, 72]}, {"text": "world", "box": [168, 36, 288, 72]}]
    again = client.post("/v1/kie", json={"file": base64.b64encode(receipt).decode(), "words": pixels}).json()
    assert again["entities"] == body["entities"]


def test_a_page_without_words_is_an_empty_result(client):
    from PIL import Image

    buffer = __import__("io").BytesIO()
    Image.new("RGB", (200, 200), "white").save(buffer, "PNG")
    body = post(client, "analyze", buffer.getvalue(), question="Total?").json()
    assert (body["pages"][0]["words"], body["kie"]) == ([], {"entities": [], "fields": {}})
    assert body["docvqa"]["answers"][0]["answers"] == []


def test_never_ocr_leaves_a_picture_without_words(client, receipt):
    assert post(client, "ocr", receipt, ocr="never").json()["pages"][0]["words"] == []


def test_the_default_models_read_many_languages(client, receipt):
    french = post(client, "ocr", receipt, language="fr").json()
    assert french["pages"] == post(client, "ocr", receipt).json()["pages"]


def test_ocr_names_the_ocr_model(client, receipt):
    assert post(client, "ocr", receipt).json()["model"]["name"].startswith("PP-OCR")


@pytest.mark.parametrize(
    ("fields", "status", "slug"),
    [
        ({"pages": "2"}, 422, "invalid-request"),
        ({"pages": "x"}, 422, "invalid-parameters"),
        ({"ocr": "maybe"}, 422, "invalid-parameters"),
        ({"top_k": "21", "question": "?"}, 422, "invalid-parameters"),
        ({"bogus": "1"}, 422, "invalid-parameters"),
        ({"pages": ["1", "1"]}, 422, "invalid-parameters"),
        ({"model": "nope"}, 404, "not-found"),
        ({"language": "klingon"}, 422, "invalid-request"),
        ({"words": "{"}, 422, "invalid-parameters"),
        ({"words": '[{"text": "a", "box": [5, 5, 1, 1]}]'}, 422, "invalid-request"),
        ({"words": '[{"text": "a", "box": [1, 2, 3]}]'}, 422, "invalid-parameters"),
    ],
)
def test_wrong_parameters_are_named(client, receipt, fields, status, slug):
    endpoint = "docvqa" if "question" in fields else "kie"
    body = problem(post(client, endpoint, receipt, **fields), status, slug)
    if slug == "invalid-parameters":
        assert body["errors"][0]["field"].split(".")[0] in fields


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"pages": "x"}, "pages: must be page numbers such as 1-3,5 or 2-"),
        ({"page": "1"}, "page: is not known here, perhaps 'pages' is meant"),
        ({"lang": "en"}, "lang: is not known here, perhaps 'language' is meant"),
        ({"image": "1"}, "image: is not known here; known are file, pages, ocr,"),
        ({"ocr": "maybe"}, "ocr: must be 'auto', 'always' or 'never'"),
        ({"words": '[{"text": "a", "box": [1, 2, 3, 4], "b": 1}]'}, "words.0.b: is not known here."),
    ],
)
def test_what_is_wrong_is_said_in_words_for_the_caller(client, receipt, fields, told):
    assert told in problem(post(client, "kie", receipt, **fields), 422, "invalid-parameters")["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"file": "", ' + b", ".join(b'"m%d": 1' % number for number in range(200_000)) + b"}",
        b'{"file": "", "words": [' + b"{}, " * 1_000_000 + b"{}]}",
        b'{"file": "", "words": [{' + b'"a": 1, ' * 500_000 + b'"b": 1}]}',
        b'{"file": "", "words": [' + b'{"text": 1, "box": []}, ' * 90_000 + b"{}]}",
        b'{"file": "", "question": [' + b"1, " * 500_000 + b"1]}",
        b'{"file": "", "' + b"n" * 1_000_000 + b'": 1}',
        b'{"file": "", "words": [{"text": "a", "box": [1e308, 0, 1.1e308, 5]}]}',
        b'{"file": "", "words": [{"text": "a", "box": [NaN, 0, Infinity, 5]}]}',
    ],
    ids=["members", "words", "members of a word", "wrong words", "questions", "name", "far", "no number"],
)
def test_what_amplifies_is_refused_shortly_and_soon(client, body):
    began = time.monotonic()
    answer = client.post("/v1/docvqa", content=body, headers={"Content-Type": "application/json"})
    assert time.monotonic() - began < 10
    assert answer.status_code == 422 and len(answer.content) < 10_000, answer.text[:1000]
    words = json.dumps(json.loads(body.replace(b"NaN", b"0").replace(b"Infinity", b"9")).get("words"))
    if words != "null":
        answer = post(client, "kie", b"", words=words if b"NaN" not in body else words.replace("0", "NaN", 1))
        assert answer.status_code == 422 and len(answer.content) < 10_000, answer.text[:1000]


def test_a_document_under_another_name_is_told_where_it_belongs(client, receipt):
    answer = client.post("/v1/kie", files={"files": receipt})
    assert "files: is not known here, perhaps 'file' is meant" in problem(answer, 422, "invalid-parameters")["detail"]
    answer = client.post("/v1/kie", content=receipt, headers={"Content-Type": "image/png"})
    assert "the part 'file'" in problem(answer, 415, "unsupported-media-type")["detail"]


def test_docvqa_without_a_question_is_refused(client, receipt):
    assert problem(post(client, "docvqa", receipt), 422, "invalid-parameters")["errors"][0]["field"] == "question"
    problem(post(client, "analyze", receipt, task="docvqa"), 422, "invalid-request")
    problem(post(client, "docvqa", receipt, question="x " * 400), 422, "invalid-request")


@pytest.mark.parametrize(
    ("document", "status", "slug"),
    [
        (b"plain text", 415, "unsupported-document"),
        (b"", 422, "invalid-document"),
        (b"\x89PNG\r\n\x1a\n and then nothing", 422, "invalid-document"),
        (b"%PDF-1.7 and then nothing", 422, "invalid-document"),
    ],
)
def test_documents_that_cannot_be_read(client, document, status, slug):
    problem(post(client, "kie", document), status, slug)


@pytest.mark.parametrize(
    ("content_type", "body", "status", "slug"),
    [
        ("text/plain", b"x", 415, "unsupported-media-type"),
        ("application/x-www-form-urlencoded", b"file=x", 415, "unsupported-media-type"),
        ("application/json", b"{", 400, "malformed-body"),
        ("application/json", b"\xff\xfe", 400, "malformed-body"),
        ("application/json", b"[]", 422, "invalid-parameters"),
        ("application/json", b'{"file": "not base64!"}', 422, "invalid-parameters"),
        ("application/json", b'{"file": 5}', 422, "invalid-parameters"),
        ("multipart/form-data", b"x", 400, "malformed-body"),
        ("multipart/form-data; boundary=b", b"x", 400, "malformed-body"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ncut', 400,
         "malformed-body"),
        ("multipart/form-data; boundary=b", b"--b\r\nX: y\r\n\r\nnameless\r\n--b--\r\n", 400, "malformed-body"),
    ],
)  # fmt: skip
def test_bodies_that_cannot_be_taken_apart(client, content_type, body, status, slug):
    problem(client.post("/v1/kie", content=body, headers={"Content-Type": content_type}), status, slug)


def as_json(document):
    return json.dumps({"file": base64.b64encode(document).decode()}).encode()


@pytest.mark.parametrize("coding", ["gzip", "X-GZip"])
def test_a_body_in_gzip_is_the_same_request(client, receipt, coding):
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    packed = gzip.compress(as_json(receipt))
    # Two members, one after the other, are one file.
    whole, half = as_json(receipt), len(as_json(receipt)) // 2
    for body in (packed, gzip.compress(whole[:half]) + gzip.compress(whole[half:])):
        answer = client.post("/v1/ocr", content=body, headers=headers)
        assert without_times(answer.json()) == without_times(post(client, "ocr", receipt).json())


def test_a_compressed_body_is_held_to_the_same_limits(client, receipt):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    packed = gzip.compress(as_json(receipt))
    problem(client.post("/v1/kie", content=b"x", headers=headers), 400, "malformed-body")
    problem(client.post("/v1/kie", content=packed[:-20], headers=headers), 400, "malformed-body")
    problem(client.post("/v1/kie", content=b"", headers=headers), 400, "malformed-body")
    bomb = gzip.compress(bytes(2**30), 1)
    tracemalloc.start()
    problem(client.post("/v1/kie", content=bomb, headers=headers), 413, "document-too-large")
    assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
    tracemalloc.stop()
    headers["Content-Encoding"] = "br"
    problem(client.post("/v1/kie", content=b"x", headers=headers), 415, "unsupported-media-type")


PREAMBLES = [
    b"MIME-Version: 1.0\r\nContent-Type: multipart/form-data; boundary=abc\r\n\r\n",
    b"A form in several parts.\r\n",
    b"\r\n",
    b"--ab\n",
]


@pytest.mark.parametrize("before", PREAMBLES)
def test_what_stands_before_the_first_boundary_is_ignored(client, receipt, before):
    form = b'--abc\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + receipt + b"\r\n--abc--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=abc"}
    body = before + form

    def piecewise():
        yield from (body[at : at + 1] for at in range(len(before) + 6))
        yield body[len(before) + 6 :]

    for content in (body, piecewise()):
        answer = client.post("/v1/classification", content=content, headers=headers)
        assert answer.status_code == 200, answer.text


def test_a_boundary_that_is_too_long_is_said(client):
    boundary = "b" * 257
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = client.post("/v1/kie", content=f"--{boundary}--".encode(), headers=headers)
    assert "longer than 256 characters" in problem(answer, 400, "malformed-body")["detail"]


def test_a_field_that_is_left_empty_is_a_field_not_given(client, receipt):
    empty = dict.fromkeys(("pages", "model", "words", "language", "question", "task", "top_k", "ocr"), "")
    answer = post(client, "analyze", receipt, **empty)
    assert without_times(answer.json()) == without_times(post(client, "analyze", receipt).json())
    told = problem(post(client, "docvqa", receipt, question=""), 422, "invalid-parameters")["errors"]
    assert told == [{"field": "question", "message": "is required"}]
    asked = post(client, "docvqa", receipt, question=["", "Total?"]).json()["answers"]
    assert [one["question"] for one in asked] == ["Total?"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics", "/v1/models", "/openapi.json", "/"])
def test_head_is_answered_wherever_get_is(client, path):
    before = metric(client, f'layoutserve_requests_total{{method="HEAD",route="{path}",status="200"}}')
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    if path in ("/health/live", "/health/ready", "/metrics", "/v1/models"):
        after = metric(client, f'layoutserve_requests_total{{method="HEAD",route="{path}",status="200"}}')
        assert after == before + 1


def test_head_of_what_is_not_there_is_a_problem_without_a_body(client):
    assert (client.head("/v1/jobs/none").status_code, client.head("/v1/jobs/none").content) == (404, b"")
    assert client.head("/v1/kie").status_code == 405


def test_the_frameworks_own_errors_are_problems_too(client):
    problem(client.get("/nowhere"), 404, "not-found")
    problem(client.get("/v1/jobs/none"), 404, "not-found")
    problem(client.post("/v1/translate"), 404, "not-found")
    problem(client.post("/v1/kie/"), 404, "not-found")
    assert client.get("/v1/kie").headers["allow"] == "POST"
    problem(client.get("/v1/kie"), 405, "method-not-allowed")
    assert client.put("/v1/jobs/1").headers["allow"] == "DELETE, GET, HEAD"
    problem(client.put("/v1/jobs/1"), 405, "method-not-allowed")
    answer = client.post("/v1/kie", headers={"Idempotency-Key": "x" * 300})
    assert problem(answer, 422, "invalid-parameters")["errors"][0]["field"] == "Idempotency-Key"


def test_the_request_id_is_taken_over_or_made(client):
    assert client.get("/health/live", headers={"X-Request-Id": "my-id.7"}).headers["x-request-id"] == "my-id.7"
    made = client.get("/health/live", headers={"X-Request-Id": "not an id"}).headers["x-request-id"]
    assert len(made) == 32


def test_models_are_described(client):
    (model,) = client.get("/v1/models").json()["models"]
    assert (model["name"], model["default"], model["precision"]) == ("tiny", True, "fp32")
    assert model["tasks"] == ["kie", "classification", "docvqa"]
    assert model["fields"] == {"company": "text", "date": "date", "total": "amount", "party": "text"}
    assert model["labels"]["kie"] == ["COMPANY", "DATE", "TOTAL", "PARTY"]
    assert model["labels"]["classification"] == ["receipt", "invoice", "letter"]
    assert model["operators"] in ("native", "portable")
    assert model["limits"]["max_tokens"] == 512


def test_the_metrics_cover_what_an_operator_needs(client, receipt):
    post(client, "kie", receipt)
    text = client.get("/metrics").text
    for name in (
        "requests_total",
        "request_seconds",
        "stage_seconds",
        "queue_windows",
        "queue_tokens",
        "queue_seconds",
        "batch_tokens",
        "padding_ratio",
        "pages_total",
        "cache_requests_total",
        "rejections_total",
        "build_info",
        "model_info",
        "model_loads_total",
        "quarantined_bundles",
        "documents",
        "ready",
    ):
        assert f"layoutserve_{name}" in text, name
    assert "process_resident_memory_bytes" in text


def test_a_page_that_is_a_file_is_named_and_what_is_not_there_is_not(client):
    def count(route, status):
        return metric(client, f'layoutserve_requests_total{{method="GET",route="{route}",status="{status}"}}')

    before = count("/docs", 200), count("unmatched", 404), count("/", 200)
    client.get("/docs/")
    client.get("/docs//index.html")
    client.get("/nowhere/else")
    client.get("/")
    assert (count("/docs", 200), count("unmatched", 404), count("/", 200)) == tuple(one + 1 for one in before)
    assert 'route="/nowhere' not in client.get("/metrics").text


def test_every_model_has_a_queue_of_its_own(client, receipt):
    post(client, "kie", receipt)
    text = client.get("/metrics").text
    assert 'layoutserve_queue_tokens{model="tiny@1"} 0.0' in text
    assert 'layoutserve_model_info{model="tiny",operators="' in text


def test_a_job_reports_its_pages_and_gives_the_same_answer(client, drawn):
    document = drawn(pages=3, form="TIFF", total="5.05")
    accepted = post(client, "kie", document, headers={"Prefer": "respond-async, wait=5"})
    assert accepted.status_code == 202
    assert accepted.headers["preference-applied"] == "respond-async"
    job = finished(client, accepted.headers["location"])
    assert (job["task"], job["status"]) == ("kie", "succeeded")
    assert job["progress"] == {"pages_done": 3, "pages_total": 3}
    assert without_times(job["result"]) == without_times(post(client, "kie", document).json())
    assert client.delete(accepted.headers["location"]).json() == job
    problem(client.get(accepted.headers["location"]), 404, "not-found")


def finished(client, location):
    end = time.monotonic() + 60
    while (job := client.get(location).json())["status"] in ("queued", "running"):
        assert time.monotonic() < end
        time.sleep(0.05)
    return job


def test_a_job_that_fails_keeps_its_problem(client):
    job = finished(client, post(client, "kie", b"%PDF-", {"Prefer": "respond-async"}).headers["location"])
    assert (job["status"], job["problem"]["status"], job["result"]) == ("failed", 422, None)


def test_a_wrong_request_is_no_job(client, receipt):
    problem(post(client, "kie", receipt, {"Prefer": "respond-async"}, model="nope"), 404, "not-found")


def test_an_idempotency_key_is_answered_once(client, drawn):
    document, other = drawn(total="8.00"), drawn(total="9.00")
    headers = {"Idempotency-Key": "once"}
    first, second = (post(client, "kie", document, headers) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    problem(post(client, "kie", other, headers), 422, "idempotency-mismatch")
    headers = {"Idempotency-Key": "later", "Prefer": "respond-async"}
    jobs = {post(client, "kie", document, headers).json()["id"] for _ in range(2)}
    assert len(jobs) == 1


def test_a_key_of_a_failed_request_may_be_used_again(client, receipt):
    headers = {"Idempotency-Key": "again"}
    problem(post(client, "kie", b"no document", headers), 415, "unsupported-document")
    assert post(client, "kie", receipt, headers).status_code == 200
