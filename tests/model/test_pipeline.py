"""The pipeline over a tiny LayoutLMv2 with random weights: a real tokenizer, real graphs, and real OCR."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from layoutserve.model import bundle as bundles
from layoutserve.model import pipeline as pipelines
from layoutserve.model.bundle import FieldSpec, Head
from layoutserve.model.errors import BundleError, RequestError
from layoutserve.model.inference.caches import LogitsCache, PageCache
from layoutserve.model.inference.session import Session
from layoutserve.model.network import checkpoint, export
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2
from layoutserve.model.page import Box, Page, Word
from layoutserve.model.page.given_words import GivenWord
from layoutserve.model.pipeline import Infer, Pipeline, Recognize, Request

LABELS = {
    "kie": ("O", "B-TOTAL", "I-TOTAL", "B-DATE", "I-DATE"),
    "classification": ("receipt", "invoice", "letter"),
    "docvqa": (),
}
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.:,$?/"
EVERYTHING = Request(tasks=("kie", "classification", "docvqa"), questions=("What is the total?", "When?"), top_k=3)


def tokenizer(path):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "total", "what", "is", *LETTERS]
    pieces += [f"##{letter}" for letter in LETTERS]
    made = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.save(str(path))
    return path


def make_bundle(folder, labels, *, max_tokens=64):
    config = json.loads((Path(__file__).parents[1] / "golden" / "tiny-token" / "config.json").read_text())
    config["max_position_embeddings"] = max_tokens
    torch.manual_seed(3)
    network = LayoutLMv2(Config.from_dict(config), {task: len(names) or 2 for task, names in labels.items()})
    for parameter in network.parameters():  # far from equal logits, so that decisions differ between places
        torch.nn.init.normal_(parameter, std=0.25)
    checkpoint.save(network, labels, folder / "checkpoint", tokenizer=tokenizer(folder / "tokenizer.json"))
    heads = {task: Head(labels=names) for task, names in labels.items()}
    if "kie" in heads:
        fields = {"TOTAL": FieldSpec("amount"), "DATE": FieldSpec("date")}
        heads["kie"] = replace(heads["kie"], fields=fields)
    return export.export(checkpoint.load(folder / "checkpoint"), folder / "bundle", heads=heads)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("tiny"), LABELS)


@pytest.fixture(scope="module")
def session(bundle):
    return Session(bundle, threads=1)


@pytest.fixture
def pipeline(bundle):
    return Pipeline(bundle)


def page_of(texts, *, number=1, shade=255):
    words = tuple(
        Word.from_box(
            text, Box(60.0 * (i % 8), 20.0 * (i // 8), 60.0 * (i % 8) + 55, 20.0 * (i // 8) + 15), line=i // 8
        )
        for i, text in enumerate(texts)
    )
    return Page(np.full((800, 500, 3), shade, np.uint8), number=number, words=words)


def no_ocr(work):
    raise AssertionError("This page has words and must not be read.")


def solve(pipeline, session, pages, request, recognize=no_ocr):
    return pipelines.run(pipeline, pages, request, recognize=recognize, infer=session.run)


def test_all_tasks_and_questions_are_one_reading_and_one_run(pipeline, session):
    page = page_of(["Total", "9.00"] * 40)
    steps = pipeline.page(replace(page, words=None), 0, EVERYTHING)
    work = next(steps)
    assert isinstance(work, Recognize)
    work = steps.send(page)
    assert isinstance(work, Infer)
    assert len({encoding.image_key for encoding in work.encodings}) == 1
    assert len({id(encoding.image) for encoding in work.encodings}) == 1
    before = session.cache_info
    with pytest.raises(StopIteration) as done:
        steps.send(session.run(work.encodings))
    assert session.cache_info.misses + session.cache_info.hits == before.misses + before.hits + 1
    result = pipeline.document([done.value.value], EVERYTHING)
    assert [answers.question for answers in result.answers] == list(EVERYTHING.questions)
    assert {c.label for c in result.classes} == set(LABELS["classification"])
    assert sum(c.score for c in result.classes) == pytest.approx(1)
    assert set(result.timings_ms) == {"ocr", "encode", "infer", "decode"}


def test_each_question_is_answered_as_if_asked_alone(pipeline, session):
    page = page_of(["Total", "9.00", "Date", "1.5.2020"] * 15)
    together = solve(pipeline, session, [page], EVERYTHING)
    for question, answers in zip(EVERYTHING.questions, together.answers, strict=True):
        (alone,) = solve(pipeline, session, [page], Request(("docvqa",), (question,), top_k=3)).answers
        assert [a.text for a in alone.answers] == [a.text for a in answers.answers]
        assert [a.score for a in alone.answers] == pytest.approx([a.score for a in answers.answers], abs=1e-4)
        assert alone.no_answer_score == pytest.approx(answers.no_answer_score, abs=1e-4)
    kie = solve(pipeline, session, [page], Request(("kie",))).kie
    assert [(e.label, e.words) for e in kie.entities] == [(e.label, e.words) for e in together.kie.entities]


def test_pages_may_be_worked_on_in_any_order(pipeline, session):
    pages = [page_of([f"{n}", "Total", f"{n}.00"] * 20, number=n, shade=50 * n) for n in (1, 2, 3)]
    expected = solve(pipeline, session, pages, EVERYTHING)
    steps = [pipeline.page(page, index, EVERYTHING) for index, page in enumerate(pages)]
    waiting = {index: next(one) for index, one in enumerate(steps)}
    # One batch for the windows of all pages, whose order is mixed up.
    order = sorted(((i, j) for i, work in waiting.items() for j in range(len(work.encodings))), key=lambda ij: ij[::-1])
    logits = dict(zip(order, session.run([waiting[i].encodings[j] for i, j in order]), strict=True))
    results = {}
    for index in (2, 0, 1):
        with pytest.raises(StopIteration) as done:
            steps[index].send([logits[index, j] for j in range(len(waiting[index].encodings))])
        results[index] = done.value.value
    found = pipeline.document([results[0], results[1], results[2]], EVERYTHING)
    assert len(expected.kie.entities) > 3
    assert [p.number for p in found.pages] == [1, 2, 3]
    assert [(e.page, e.words, e.label) for e in found.kie.entities] == [
        (e.page, e.words, e.label) for e in expected.kie.entities
    ]
    assert [e.score for e in found.kie.entities] == pytest.approx([e.score for e in expected.kie.entities], abs=1e-4)
    assert [c.label for c in found.classes] == [c.label for c in expected.classes]


def test_the_bottom_of_a_long_page_is_predicted(pipeline, session):
    # 240 words in windows of 62 tokens: what the decoder sees of the last words is what the model says of them.
    page = page_of(["x"] * 239 + ["total"])
    steps = pipeline.page(page, 0, Request(("kie",)))
    work = next(steps)
    assert len(work.encodings) > 3
    assert {int(i) for e in work.encodings for i in e.word_index} == {-1, *range(240)}
    last = work.encodings[-1]
    position = int(np.flatnonzero(last.word_index == 239)[0])
    logits = session.run(work.encodings)
    for found in logits:
        found.kie[:] = [9, 0, 0, 0, 0]
    logits[-1].kie[position] = [0, 9, 0, 0, 0]
    with pytest.raises(StopIteration) as done:
        steps.send(logits)
    (entity,) = pipeline.document([done.value.value], Request(("kie",))).kie.entities
    assert (entity.label, entity.words) == ("TOTAL", (239,))


def test_a_page_is_read_once(bundle, session):
    cache = PageCache(1 << 20)
    pipeline = Pipeline(bundle, pages=cache, reader="pp-ocr")
    read = []

    def recognize(work):
        read.append(work.language)
        return replace(page_of(["Total", "9.00"]), turn=90, image=work.page.image)

    image = Page(page_of([]).image)
    first = solve(pipeline, session, [image], Request(("kie",)), recognize)
    again = solve(pipeline, session, [replace(image, number=3)], EVERYTHING, recognize)
    assert read == [None]
    assert again.pages[0].words == first.pages[0].words
    assert (again.pages[0].turn, again.pages[0].number) == (90, 3)
    assert (cache.hits, cache.misses) == (1, 1)
    solve(pipeline, session, [image], Request(("kie",), language="de"), recognize)
    solve(Pipeline(bundle, pages=cache, reader="other"), session, [image], Request(("kie",)), recognize)
    assert read == [None, "de", None]
    solve(Pipeline(bundle), session, [image], Request(("kie",)), recognize)
    solve(Pipeline(bundle), session, [image], Request(("kie",)), recognize)
    assert len(read) == 5


def test_a_page_that_comes_again_is_not_tokenized_again(bundle, session, monkeypatch):
    pipeline = Pipeline(bundle, pages=PageCache(1 << 20), logits=LogitsCache(1 << 20), reader="pp-ocr")
    tokenize, tokenized = pipeline._encoder.tokens, []

    def counted(page, index):
        tokenized.append(page.number)
        return tokenize(page, index)

    monkeypatch.setattr(pipeline._encoder, "tokens", counted)

    def recognize(work):
        return replace(page_of(["Total", "9.00"]), image=work.page.image, number=work.page.number)

    image, other = Page(page_of([]).image), Page(page_of([], shade=9).image)
    pages = [replace(image, number=1), replace(other, number=2), replace(image, number=3)]
    document = solve(pipeline, session, pages, EVERYTHING, recognize)
    assert tokenized == [1, 2]
    assert [page.number for page in document.pages] == [1, 2, 3]
    # Words that were sent are nobody's to know again.
    given = Request(("kie",), words=(GivenWord("Total", (0, 0, 9, 9)),))
    solve(pipeline, session, [image, image], given)
    assert tokenized == [1, 2, 1, 1]


def test_a_window_is_run_once(bundle, session):
    cache = LogitsCache(1 << 20)
    pipeline = Pipeline(bundle, logits=cache)
    ran = []

    def infer(encodings):
        ran.append(len(encodings))
        return session.run(encodings)

    def solve_counted(page, request):
        return pipelines.run(pipeline, [page], request, recognize=no_ocr, infer=infer)

    page = page_of(["Total", "9.00"])
    alone = solve(Pipeline(bundle), session, [page], EVERYTHING)
    first = solve_counted(page, Request(("docvqa",), questions=EVERYTHING.questions[:1], top_k=3))
    other = solve_counted(replace(page, number=3), EVERYTHING)
    again = solve_counted(replace(page, number=3), EVERYTHING)
    # The first question, then what else was asked, then nothing.
    assert ran == [1, len(EVERYTHING.questions)]
    assert [answer.words for answer in first.answers[0].answers] == [a.words for a in alone.answers[0].answers]
    assert (again.kie, again.classes, again.answers) == (other.kie, other.classes, other.answers)
    assert {answer.page for answers in again.answers for answer in answers.answers} <= {3}
    for mine, theirs in zip(again.answers, alone.answers, strict=True):
        assert mine.no_answer_score == pytest.approx(theirs.no_answer_score, abs=1e-5)


def test_the_callers_words_are_used_instead_of_reading(pipeline, session):
    given = (GivenWord("Total 9.00", (0.1, 0.1, 0.5, 0.2)), GivenWord("x", (0, 0, 1, 1), page=2))
    page = Page(np.zeros((100, 200, 3), np.uint8))
    request = replace(EVERYTHING, words=given, words_unit="fractions")
    result = solve(pipeline, session, [page], request)
    (info,) = result.pages
    assert [word.text for word in info.words] == ["Total", "9.00"]
    assert info.words[0].box.x0 == pytest.approx(20)
    assert result.warnings == ("Words were given for pages that were not read: 2.",)


def test_words_beyond_the_page_are_a_warning(pipeline, session):
    page = Page(np.zeros((100, 200, 3), np.uint8))
    request = Request(("kie",), words=(GivenWord("Total", (150, 10, 260, 20)),))
    assert solve(pipeline, session, [page], request).warnings == (
        "1 of 1 words of page 1 reach beyond it and were cut to it.",
    )


def test_words_alone_need_no_model(pipeline, session):
    page = page_of(["Total"])
    result = pipelines.run(
        pipeline, [replace(page, words=None)], Request(), recognize=lambda work: page, infer=lambda encodings: 1 / 0
    )
    assert (result.kie, result.classes, result.answers) == (None, None, None)
    assert result.pages[0].words == page.words
    assert set(result.timings_ms) == {"read", "ocr"}


def test_empty_pages_and_documents_have_results(pipeline, session):
    for pages in ([page_of([])], []):
        result = solve(pipeline, session, pages, EVERYTHING)
        assert result.kie.entities == ()
        assert [answers.answers for answers in result.answers] == [(), ()]
        assert len(result.classes) == 3 * len(pages)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(("docvqa",)), "at least one question"),
        (Request(("kie",), ("What?",)), "docvqa was not asked for"),
        (Request(("docvqa",), ("What?",), top_k=0), "top_k"),
        (Request(("docvqa",), ("",)), "empty"),
        (Request(("docvqa",), ("what " * 40,)), "shorten"),
        (Request(("kie",), rules=("magic",)), "no decoding rule"),
    ],
)
def test_what_cannot_be_answered_is_refused_before_any_work(pipeline, session, request_, message):
    with pytest.raises(RequestError, match=message):
        pipelines.run(pipeline, iter(lambda: 1 / 0, None), request_, recognize=no_ocr, infer=session.run)


def test_a_task_without_a_head_and_a_bundle_without_a_tokenizer_are_refused(tmp_path):
    only = make_bundle(tmp_path, {"kie": LABELS["kie"]})
    with pytest.raises(RequestError, match=r"no head for classification \(it has kie\)"):
        Pipeline(only).check(Request(("classification",)))
    files = {name: digest for name, digest in only.manifest.files.items() if name != "tokenizer.json"}
    bare = replace(only, manifest=replace(only.manifest, files=files))
    with pytest.raises(BundleError, match=r"has no tokenizer\.json"):
        Pipeline(bare)


def test_a_driver_that_sends_the_wrong_thing_is_told(pipeline, session):
    steps = pipeline.page(page_of(["a"]), 0, EVERYTHING)
    next(steps)
    with pytest.raises(TypeError, match="3 windows"):
        steps.send([])
    steps = pipeline.page(Page(np.zeros((9, 9, 3), np.uint8)), 0, EVERYTHING)
    with pytest.raises(TypeError, match="Page with words"):
        steps.send(steps.send(None).page)


def test_one_pipeline_serves_many_threads(pipeline, session):
    pages = [page_of([f"{n}.00", "Total"] * (5 + 9 * n), shade=20 * n) for n in range(6)]
    alone = [solve(pipeline, session, [page], EVERYTHING) for page in pages]
    found = {}

    def work(number):
        found[number] = solve(pipeline, session, [pages[number]], EVERYTHING)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, expected in enumerate(alone):
        assert [e.words for e in found[number].kie.entities] == [e.words for e in expected.kie.entities]
        assert [c.score for c in found[number].classes] == pytest.approx([c.score for c in expected.classes], abs=1e-4)


def test_from_pixels_to_results_with_real_ocr(pipeline, session):
    from layoutserve.model.ocr.reader import Ocr

    drawn = Image.new("RGB", (600, 260), "white")
    draw = ImageDraw.Draw(drawn)
    for line, text in enumerate(("ACME TRADING", "Date: 25/12/2018", "TOTAL 9.00")):
        draw.text((40, 30 + 70 * line), text, fill="black", font=ImageFont.load_default(36))
    reader = Ocr()
    try:
        result = solve(
            pipeline, session, [Page(np.asarray(drawn))], EVERYTHING, lambda work: reader.recognize(work.page)
        )
    finally:
        reader.close()
    texts = [word.text for word in result.pages[0].words]
    assert "ACME" in texts and "9.00" in texts
    total = result.pages[0].words[texts.index("9.00")].box
    assert 30 < total.y0 - 140 < 60 and total.x0 > 150
    for entity in result.kie.entities:
        assert entity.text == " ".join(texts[i] for i in entity.words)
    assert result.timings_ms["ocr"] > 0


def test_bundles_are_found_by_folder_or_name(bundle):
    assert bundles.locate(bundle.path) == bundle.path
    with pytest.raises(BundleError, match="There is no bundle nothing-of-the-kind"):
        bundles.locate("nothing-of-the-kind")
