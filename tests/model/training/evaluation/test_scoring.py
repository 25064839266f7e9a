"""Scores of a model that is told what to say: with the truth they are perfect, and every kind of mistake costs."""

from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from layoutserve.model.bundle import FieldSpec, Head
from layoutserve.model.decoding.rules import ANSWER_RULES
from layoutserve.model.encoding.encoder import Encoder
from layoutserve.model.encoding.tensors import Logits
from layoutserve.model.page import Box, Page, Word
from layoutserve.model.training.data.cases import Case
from layoutserve.model.training.evaluation.inference import infer_pages, infer_questions
from layoutserve.model.training.evaluation.scoring import score_classification, score_docvqa, score_kie
from layoutserve.model.training.starter.tuning import choose_answer_rules, choose_rules, fit_temperature

LABELS = ("O", "B-COMPANY", "I-COMPANY", "B-TOTAL", "I-TOTAL")
HEAD = Head(labels=LABELS, fields={"COMPANY": FieldSpec(), "TOTAL": FieldSpec("amount")})
KINDS = Head(labels=("receipt", "letter"))
TEXT = ("acme", "trading", "tea", "4.00", "total", "9.00")
TRUTH = (1, 2, 0, 0, 0, 3)


@pytest.fixture
def encoder(tmp_path):
    vocabulary = {t: i for i, t in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "how", "much", *TEXT))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=special
    )
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return Encoder(path)


@pytest.fixture
def case():
    words = tuple(Word.from_box(text, Box(10, 20 * i, 60, 20 * i + 10), line=i) for i, text in enumerate(TEXT))
    return Case(
        page=Page(np.zeros((200, 100, 3), np.uint8), words=words),
        values={"COMPANY": ("ACME Trading",), "TOTAL": ("9.00",)},
        spans=(("COMPANY", (0, 1)), ("TOTAL", (5,))),
        document_class="receipt",
        questions=(("how much", ("9.00",)), ("much", ())),
    )


def saying(labels=TRUTH, kind=0, answer=5, sure=8.0):
    """A model that gives these labels to the words, this class, and points at this word (None: nowhere)."""

    def infer(encodings):
        result = []
        for encoding in encodings:
            size = len(encoding)
            kie = np.zeros((size, len(LABELS)), np.float32)
            place = np.zeros(size, np.float32)
            for token, word in enumerate(encoding.word_index):
                if word >= 0:
                    kie[token, labels[word]] = sure
                    place[token] = sure if word == answer else 0
            if answer is None:
                place[0] = sure
            classes = np.zeros(2, np.float32)
            classes[kind] = sure
            result.append(Logits(kie, classes, place, place))
        return result

    return infer


def kie(case, encoder, **said):
    return score_kie(infer_pages([case], encoder, saying(**said)), HEAD).metrics()


def test_the_truth_scores_one(case, encoder):
    scores = kie(case, encoder)
    assert scores["f1"] == scores["value_f1"] == scores["em"] == scores["em_no_space"] == 1.0


def test_a_missing_word_costs_its_entity(case, encoder):
    scores = kie(case, encoder, labels=(1, 0, 0, 0, 0, 3))
    assert scores["f1"] == 0.5
    assert scores["em_company"] == 0.0
    assert scores["em_total"] == 1.0


def test_a_wrong_place_with_the_right_text_is_wrong_as_entity_only(case, encoder):
    words = list(case.page.words)
    words[3] = replace(words[3], text="9.00")
    twice = replace(case, page=replace(case.page, words=tuple(words)))
    scores = kie(twice, encoder, labels=(1, 2, 0, 3, 0, 0))
    assert scores["em_total"] == 1.0
    assert scores["f1_total"] == 0.0


def test_what_a_source_does_not_label_is_not_counted(case, encoder):
    only = replace(case, values={"COMPANY": ("ACME Trading",)}, spans=case.spans[:1])
    assert kie(only, encoder)["f1"] == 1.0


def test_confusion_counts_words(case, encoder):
    scores = score_kie(infer_pages([case], encoder, saying(labels=(1, 0, 0, 3, 0, 3))), HEAD, ())
    assert scores.labels == ("O", "COMPANY", "TOTAL")
    assert scores.confusion.tolist() == [[2, 0, 1], [1, 1, 0], [0, 0, 1]]


def test_classes(case, encoder):
    letter = replace(case, document_class="letter")
    runs = infer_pages([case, letter, replace(case, document_class="unheard of")], encoder, saying(kind=0))
    scores = score_classification(runs, KINDS)
    assert scores.accuracy == {"receipt": 1.0, "letter": 0.0}
    assert scores.metrics()["macro_accuracy"] == scores.metrics()["accuracy"] == 0.5
    assert scores.confusion.tolist() == [[1, 0], [1, 0]]


def test_answers(case, encoder):
    told = score_docvqa(infer_questions([case], encoder, saying(answer=5)), Head())
    assert (told.anls, told.exact, told.found, told.refused) == (1.0, 1.0, 1.0, 0.0)
    silent = score_docvqa(infer_questions([case], encoder, saying(answer=None)), Head())
    assert (silent.anls, silent.found, silent.refused) == (0.0, 0.0, 1.0)
    assert silent.metrics()["no_answer_balanced_accuracy"] == 0.5


def test_only_rules_that_help_are_chosen(case, encoder):
    # Two totals with the same certainty: the first is kept unless a rule knows better.
    runs = infer_pages([case], encoder, saying(labels=(1, 2, 0, 3, 0, 3)))
    chosen = choose_rules(runs, HEAD, ("values-parse", "company-in-first-lines", "single-valued", "total-near-keyword"))
    assert "total-near-keyword" in chosen
    assert "company-in-first-lines" not in chosen


def test_rules_of_answers_that_change_nothing_are_left_out(case, encoder):
    assert choose_answer_rules(infer_questions([case], encoder, saying(answer=5)), Head(), ANSWER_RULES) == ()


def test_a_sure_model_that_is_often_wrong_gets_a_higher_temperature(case, encoder):
    right = infer_pages([case] * 2, encoder, saying(kind=0))
    wrong = infer_pages([case] * 2, encoder, saying(kind=1))

    def ece(head):
        return score_classification([*right, *wrong], head).ece

    fitted = fit_temperature(ece, KINDS)
    assert fitted.temperature > 2
    assert ece(fitted) < ece(KINDS)
