import random
from dataclasses import replace

from layoutserve.model.training.stages.batches import sheet
from layoutserve.model.training.stages.questions import WORDINGS, about_line, about_span, absent, ask, ask_own, places


def test_a_question_about_a_value_is_answered_where_it_stands(page):
    for seed in range(20):
        question = about_span(page, random.Random(seed))
        (run, *_) = question.spans
        assert " ".join(page.words[i].text for i in run) == question.answers[0]


def test_every_place_with_the_same_text_is_an_answer(page):
    assert places((3,), (*page.words, page.words[3])) == ((3,), (len(page.words),))


def test_a_line_answers_for_its_key(page):
    found = {about_line(page, random.Random(seed)).answers for seed in range(10)}
    assert found == {("25/12/2018",)}


def test_what_is_on_the_page_is_never_asked_for_as_absent(receipt):
    page = sheet(receipt(company="HOSPITAL JUDGE IBAN"))
    for seed in range(200):
        question = absent(page, random.Random(seed))
        assert question.answers == question.spans == ()
        assert not {"hospital", "judge", "iban"} & set(question.text.lower().strip("?.").split())


def test_about_a_third_of_the_questions_has_no_answer(page):
    rng = random.Random(0)
    asked = [ask(page, rng, unanswerable=0.33) for _ in range(600)]
    # The page's own questions count a half that has none.
    share = sum(not q.answers for q in asked if q is not None) / len(asked)
    assert 0.28 < share < 0.75


def test_no_wording_stands_twice():
    wordings = [text.lower() for texts in WORDINGS.values() for text in texts]
    assert len(wordings) == len(set(wordings))


def test_an_invoice_is_asked_for_nothing_that_it_may_state_after_all(page):
    invoice = replace(page, document_class="invoice")
    own = {question.text for question in page.questions if not question.answers}
    dice = random.Random(3)
    asked = [ask(invoice, dice, unanswerable=1.0) for _ in range(50)]
    assert {question.text for question in asked if not question.answers} == own


def test_its_own_questions_are_asked_with_and_without_answer(page):
    dice = random.Random(4)
    asked = [ask_own(page, dice, unanswerable=0.3) for _ in range(300)]
    assert 0.2 < sum(not question.answers for question in asked) / 300 < 0.4
    assert ask_own(replace(page, questions=()), dice) is None
