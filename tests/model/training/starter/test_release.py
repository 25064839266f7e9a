from dataclasses import replace

import numpy as np
import pytest

from layoutserve.model.bundle import FieldSpec, Head, Manifest
from layoutserve.model.decoding import kie
from layoutserve.model.encoding.encoder import Encoder
from layoutserve.model.encoding.tensors import Logits
from layoutserve.model.training.data.cases import Case
from layoutserve.model.training.evaluation.inference import infer_pages
from layoutserve.model.training.starter import card
from layoutserve.model.training.starter.tuning import fit_biases, fit_calibration

HEAD = Head(
    labels=("O", "B-TOTAL", "I-TOTAL"), temperature=1.3, fields={"TOTAL": FieldSpec("amount")}, rules=("trim-values",)
)


@pytest.fixture
def run(page, tokenizer):
    """A receipt whose total the model sees, but believes in less than in no label at all."""
    total = len(page.words) - 1

    def infer(encodings):
        result = []
        for encoding in encodings:
            kie = np.zeros((len(encoding), 3), np.float32)
            kie[:, 0] = 4.0
            kie[encoding.word_index == total, 1] = 2.9
            kie[encoding.word_index != total, 1:] = -6.0
            result.append(Logits(kie))
        return result

    case = Case(page.page, {"TOTAL": ("9.00",)}, (("TOTAL", (total,)),))
    return infer_pages([case], Encoder(tokenizer), infer)[0]


def test_a_label_that_is_always_missed_is_raised(run):
    assert fit_biases([run], HEAD)["TOTAL"] > 1.0


def test_the_card_states_every_figure_beside_its_float32_form():
    manifest = Manifest("starter", "1", "Apache-2.0", "", "int8", "fused", {"kie": HEAD}, {}, {})
    table = {"sroie kie, words given": {"cases": 98.0, "f1": 0.81234, "em_no_space": 0.75, "ece": 0.05}}
    text = card.write(manifest, {"sroie kie, words given": {"f1": 0.82}}, table)
    assert "### sroie kie, words given (98)" in text
    assert "| f1 | 0.820 | 0.812 |" in text
    assert "| em_no_space |  | 0.750 |" in text
    assert "temperature 1.30; fields total; decoding rules trim-values" in text
    assert "What it is not good at" in text


def test_the_notice_names_whom_to_thank():
    assert "all-MiniLM-L6-v2" in card.NOTICE
    assert "SROIE" in card.NOTICE and "Creative Commons Attribution 4.0" in card.NOTICE


def test_a_label_that_is_right_less_often_than_it_is_sure_is_shifted_down(run, page):
    raised = replace(HEAD, rules=("guess-missing",))
    wrong = replace(run, case=replace(run.case, values={"TOTAL": ("1.00",)}))
    spec = fit_calibration([run, wrong, wrong, wrong], raised, {"TOTAL"})["TOTAL"]
    sure = kie.decode_document([kie.decode_page(run.windows, run.logits, run.case.page, raised)], raised).fields
    after = replace(raised, fields={"TOTAL": spec})
    said = kie.decode_document([kie.decode_page(run.windows, run.logits, run.case.page, raised)], after).fields
    assert abs(said[0].score - 0.25) <= abs(sure[0].score - 0.25)
    assert spec.type == "amount"
    assert fit_calibration([], HEAD, {"TOTAL"})["TOTAL"] == HEAD.fields["TOTAL"]
