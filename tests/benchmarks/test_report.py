"""The report: what it counts, what it claims, and that it says what it was given."""

import importlib
import json
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from layoutserve.model.page import Page
from layoutserve.model.page.given_words import GivenWord, words_of_page
from layoutserve.service.wire import requests

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def scripts():
    """The scripts by name, as they find each other when one is run."""
    before = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    try:
        yield {
            name: importlib.import_module(name)
            for name in ("report", "claims", "limits", "page", "memory", "cost", "serving")
        }
    finally:
        sys.path.remove(str(FOLDER))
        for name in set(sys.modules) - before:
            if getattr(sys.modules[name], "__file__", None) and Path(sys.modules[name].__file__).parent == FOLDER:
                del sys.modules[name]


def ocr_figures(ours=0.5, f1=0.9):
    same = {"pages": 60, "precision": 0.9, "recall": 0.9, "cpu_seconds": 1.0}
    return [
        {"name": "theirs, batch 6", "seconds_a_page": 2.0, "f1": 0.9, **same},
        {"name": "theirs, batch 1", "seconds_a_page": 1.5, "f1": 0.9, **same},
        {"name": "ours", "seconds_a_page": ours, "f1": f1, **same},
    ]


def page_figures(scripts, sixteen=8.0):
    """Rows of the whole page: pages a second by row, one latency for all of a row's pages."""

    def row(what, rate, latency=0.5):
        return {"what": what, "latencies": [latency] * 8, "elapsed": 8 / rate, "memory_mib": 600.0}

    rows = [row(scripts["page"].USUAL, 2.0)]
    for name in scripts["page"].SERVICES:
        rows += [row(f"{name}, 1 client", 6.0), row(f"{name}, 4 clients", 8.0), row(f"{name}, 16 clients", sixteen)]
        rows += [row(f"{name}, 1 question", 6.0, 0.2), row(f"{name}, 10 questions", 3.0, 0.49)]
        rows += [
            row(f"{name}, cache on, new pages", 6.0, 0.2),
            row(f"{name}, cache on, the same pages again", 60, 0.019),
        ]
    return {"rows": rows, "ready_s": {"starter": 2.0, "base int8": 4.0}}


def test_claims_compare_with_the_fastest_of_the_others(scripts):
    quick, right = scripts["claims"].claims({"ocr": ocr_figures(ours=0.5)})[:2]
    assert (quick.reached, quick.met, right.met) == ("3.00 times", True, True)
    quick, right = scripts["claims"].claims({"ocr": ocr_figures(ours=0.7, f1=0.89)})[:2]
    assert (quick.reached, quick.met, right.met) == ("2.14 times", False, False)


def test_claims_about_the_whole_page(scripts):
    claims = scripts["claims"].claims({"page": page_figures(scripts)})
    assert [claim for claim in claims if claim.met is False] == []
    met = {claim.asked: claim.reached for claim in claims if claim.met}
    assert met["starter, ten questions under 2.5 times one"] == "2.45 times"
    assert met["base int8, a repeated page under a tenth of a new one"] == "0.095"
    lost = [claim for claim in scripts["claims"].claims({"page": page_figures(scripts, sixteen=7.6)}) if not claim.met]
    assert {"0.95 times"} == {claim.reached for claim in lost if claim.met is False}


def test_memory_may_not_grow_after_500_pages(scripts):
    under, grown = scripts["claims"].claims({"memory": {"50": 600.0, "500": 700.0, "2000": 740.0}})[-3:-1]
    assert (under.met, grown.met, grown.reached) == (True, False, "740 MiB (+5.7%)")
    assert scripts["memory"].MARKS[-1] == 2000 and 500 in scripts["memory"].MARKS


def test_the_report_holds_what_was_measured_and_says_what_was_not(scripts):
    machine = {"machine": "2 cores", "system": "Linux", "versions": "one 1", "commit": "abc", "date": "2026-01-02"}
    stored = {
        "ocr": {"machine": machine, "seconds": 60.0, "figures": ocr_figures()},
        "page": {"machine": {**machine, "commit": "def"}, "seconds": 90.0, "figures": page_figures(scripts)},
    }
    text = scripts["report"].report(stored)
    assert "- commit: abc; def" in text
    assert "| ours | 0.900 | 0.900 | 0.900 | 0.50 | 1.00 | 3.00 |" in text
    assert "| starter, 4 clients | 8 | 8.00 | 4.0 | 0.50 | 0.50 | 0.50 | 600 |" in text
    assert text.count("Not measured.") == 4 and "| (memory) | not measured |  |" in text


@pytest.mark.parametrize(
    ("operator", "inputs", "outputs", "expected"),
    [
        ("Conv", [(1, 8, 16, 16), (4, 8, 3, 3)], [(1, 4, 16, 16)], 2 * 4 * 256 * 8 * 9),
        ("QLinearConv", [(1, 8, 4, 4), (), (), (4, 8, 1, 1)], [(1, 4, 4, 4)], 2 * 4 * 16 * 8),
        ("ConvTranspose", [(1, 8, 4, 4), (8, 2, 2, 2)], [(1, 2, 8, 8)], 2 * 8 * 16 * 2 * 4),
        ("MatMulInteger", [(1, 5, 7), (7, 3)], [(1, 5, 3)], 2 * 5 * 7 * 3),
        ("MultiHeadAttention", [(2, 5, 12), (2, 6, 12), (2, 6, 12)], [(2, 5, 12)], 4 * 2 * 5 * 6 * 12),
        ("DequantizeAttendQuantize", [(2, 5, 36), (2, 5, 1)], [(2, 5, 12), (2, 5, 1)], 2 * 4 * 2 * 5 * 5 * 12),
        ("Softmax", [(1, 5)], [(1, 5)], 0),
        (
            "FeedForwardAdd",
            [(1, 6, 80, 192), (192, 384), (384,), (384,), (384, 192)],
            [(1, 6, 80, 192)],
            4 * 480 * 192 * 384,
        ),
        ("ScoreSymbols", [(2, 40, 120), (120, 18710)], [(2, 40)], 2 * 80 * 120 * 18710),
    ],
)
def test_operations_of_a_node(scripts, operator, inputs, outputs, expected):
    assert scripts["limits"].operations(operator, inputs, outputs) == expected


def test_operations_of_a_graph_are_counted_by_what_it_computes_with(scripts, tmp_path):
    limits = scripts["limits"]
    (tmp_path / "whole.onnx").write_bytes(limits.product("MatMulInteger", np.ones((64, 32), np.int8), 16))
    whole = limits.counted(tmp_path / "whole.onnx", {"x": np.ones((16, 64), np.uint8)})
    assert whole == {"fp32": 0.0, "int8": pytest.approx(2e-9 * 16 * 64 * 32)}
    weights = helper.make_tensor("w", TensorProto.FLOAT, (4, 3, 3, 3), np.ones(108, np.float32))
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["y"], ["z"])],
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "H", "W"])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 4, "H", "W"])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (tmp_path / "convolution.onnx").write_bytes(model.SerializeToString())
    found = limits.counted(tmp_path / "convolution.onnx", {"x": np.ones((1, 3, 10, 20), np.float32)})
    assert found == {"fp32": pytest.approx(2e-9 * 4 * 200 * 27), "int8": 0.0}


def test_the_share_of_the_limit(scripts):
    part = scripts["limits"].Part("part", 2, fp32=10.0, int8=100.0, seconds=0.4)
    assert part.share({"fp32": 100.0, "int8": 1000.0}) == pytest.approx(0.5)


def test_words_for_the_cost_of_tokens_are_words_to_the_service(scripts):

    fields = scripts["cost"].given(20)
    body = requests.KieRequest.model_validate(
        {"file": b"x", "words": json.loads(fields["words"]), "words_unit": fields["words_unit"]}
    )
    assert body.words is not None
    page = Page(np.zeros((100, 80, 3), np.uint8))
    words = words_of_page([GivenWord(word.text, word.box) for word in body.words], page, "fractions")
    assert [word.text for word in words] == ["total"] * 20
    assert all(0 <= word.box.x0 < word.box.x1 <= 80 and 0 <= word.box.y0 < word.box.y1 <= 100 for word in words)


def test_the_cost_is_measured_for_every_service_and_drawn(scripts, tmp_path, monkeypatch):
    cost, serving = scripts["cost"], scripts["serving"]

    class Constant:
        """Stands for a service of which every answer takes a tenth of a second."""

        def post(self, documents, clients, questions=(), fields=None):
            return serving.Load((0.1,) * len(documents), 0.1 * len(documents))

    @contextmanager
    def service(bundle=None):
        yield Constant()

    monkeypatch.setattr(cost, "service", service)
    monkeypatch.setattr(cost, "base_bundle", lambda folder, pages: folder)
    monkeypatch.setattr(cost, "CLIENTS", (1, 2))
    curves = cost.measure(serving.Pages(count=2), tmp_path, rounds=1)
    assert list(curves) == list(cost.AXES)
    assert all(list(found) == ["starter", "base int8"] for found in curves.values())
    assert curves["pages"]["starter"] == [(count, pytest.approx(0.1)) for count in cost.PAGES]
    assert [rate for _, rate in curves["clients"]["starter"]] == [pytest.approx(10)] * 2
    cost.plot(curves, tmp_path / "cost.svg")
    drawn = (tmp_path / "cost.svg").read_text()
    assert all(label in drawn for axes in cost.AXES.values() for label in axes)
