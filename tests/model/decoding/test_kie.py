import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from layoutserve.model.bundle import FieldSpec, Head
from layoutserve.model.decoding.fields.bio import RESUME, viterbi
from layoutserve.model.decoding.fields.conventions import Preference
from layoutserve.model.decoding.kie import Amount, decode_document, decode_page
from layoutserve.model.decoding.rules import RULES
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.errors import RequestError
from layoutserve.model.page import Box, Page, Word

LABELS = ("O", "B-TOTAL", "I-TOTAL", "B-ADDRESS", "I-ADDRESS", "B-DATE", "I-DATE", "B-COMPANY", "I-COMPANY")
HEAD = Head(
    labels=LABELS,
    fields={
        "COMPANY": FieldSpec("text"),
        "DATE": FieldSpec("date"),
        "ADDRESS": FieldSpec("text"),
        "TOTAL": FieldSpec("amount"),
    },
    rules=RULES,
)


def page_of(*lines, number=1, turn=0):
    """Words in a grid: 100 pixels a column, 20 a line; None leaves a column free."""
    words = []
    for row, line in enumerate(lines):
        for column, text in enumerate(line):
            if text is not None:
                box = Box(100.0 * column, 20.0 * row, 100.0 * column + 90, 20.0 * row + 16)
                words.append(Word.from_box(text, box, line=row))
    return Page(np.zeros((1000, 1000, 3), np.uint8), number=number, turn=turn, words=tuple(words))


def window_of(page, rows):
    """One window of a page, and what a head says of its words."""
    length, rows = len(page.words) + 2, np.asarray(rows)
    bbox = np.zeros((length, 4), np.int64)
    for row, word in zip(bbox[1:-1], page.words, strict=True):
        row[:] = word.box.x0, word.box.y0, word.box.x1, word.box.y1
    window = Encoding(
        input_ids=np.ones(length, np.int64),
        bbox=bbox,
        token_type_ids=np.zeros(length, np.int64),
        word_index=np.array([-1, *range(length - 2), -1], np.int32),
        image=np.zeros((3, 224, 224), np.uint8),
    )
    logits = np.zeros((length, rows.shape[1]), np.float32)
    logits[1:-1] = rows
    return [window], [Logits(kie=logits)]


def said(page, labels, *, sure=0.9, head=HEAD):
    """One window in which the head gives each word its label with probability ``sure``."""
    others = len(head.labels) - 1
    sureness = np.broadcast_to(np.asarray(sure, dtype=np.float64), (len(page.words),))
    rows = np.tile(np.log((1 - sureness[:, None]) / others), (1, others + 1))
    for row, label, probability in zip(rows, labels, sureness, strict=True):
        row[head.labels.index(label)] = np.log(probability)
    return decode_page(*window_of(page, rows), page, head)


def entities(page, labels, **options):
    return [(e.label, e.text) for e in said(page, labels, **options).entities]


def valid(path):
    before = "O"
    for label in path:
        if label.startswith("I-"):
            assert before[0] in "BIR" and before[2:] == label[2:], path
        if label.startswith("R-"):
            assert before[2:] != label[2:], path
        before = label


@settings(max_examples=200, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 12), st.just(len(LABELS))), elements=st.floats(-20, 0, width=32)))
def test_every_decoded_sequence_is_valid(log_probs):
    valid(viterbi(log_probs, LABELS))


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 4), st.just(5)), elements=st.floats(-9, 0, width=32), unique=True))
def test_the_decoded_sequence_is_the_best_of_all_valid_ones(log_probs):
    labels = LABELS[:5]
    states = [*labels, "R-TOTAL", "R-ADDRESS"]
    column = {**{label: i for i, label in enumerate(labels)}, "R-TOTAL": 2, "R-ADDRESS": 4}

    def weight(path):
        return sum(
            float(row[column[s]]) + (RESUME if s[0] == "R" else 0) for row, s in zip(log_probs, path, strict=True)
        )

    def is_valid(path):
        try:
            valid(path)
        except AssertionError:
            return False
        return True

    best = max(filter(is_valid, itertools.product(states, repeat=len(log_probs))), key=weight)
    assert weight(viterbi(log_probs, labels)) == pytest.approx(weight(best), abs=1e-4)


def test_an_inside_label_is_followed_only_by_its_own():
    # Alone, the second word is rather I-TOTAL; after B-ADDRESS that would be invalid and it is read as I-ADDRESS.
    log_probs = np.full((2, len(LABELS)), -9.0, np.float32)
    log_probs[0, 3] = -0.1
    log_probs[1, [2, 4]] = -0.7, -0.8
    assert viterbi(log_probs, LABELS) == ["B-ADDRESS", "I-ADDRESS"]


@pytest.mark.parametrize(
    "labels", [("question", "answer"), ("O", "I-A", "I-B"), ("O", "B-A", "I-A", "E-A", "S-A"), ("other", "A")]
)
def test_other_schemes_decode_too(labels):
    path = viterbi(np.log(np.random.default_rng(0).dirichlet(np.ones(len(labels)), 20)).astype(np.float32), labels)
    assert len(path) == 20


def test_an_entity_goes_on_over_line_breaks():
    page = page_of(["12", "Oak", "St."], ["Springfield"])
    assert entities(page, ["B-ADDRESS", "I-ADDRESS", "I-ADDRESS", "I-ADDRESS"]) == [
        ("ADDRESS", "12 Oak St. Springfield")
    ]


def test_an_entity_goes_on_beside_another_column():
    page = page_of(["12", "Oak", None, "Date"], ["Spring", "field", None, "1.5.2020"])
    labels = ["B-ADDRESS", "I-ADDRESS", "O", "I-ADDRESS", "I-ADDRESS", "B-DATE"]
    found = said(page, labels).entities
    assert [(e.label, e.text, e.words) for e in found] == [
        ("ADDRESS", "12 Oak Spring field", (0, 1, 3, 4)),
        ("DATE", "1.5.2020", (5,)),
    ]
    assert found[0].box == Box(0, 0, 190, 36)


def test_a_resumed_entity_far_away_is_one_of_its_own():
    page = page_of(["12"], *([["x"]] * 10), ["5.00"])
    labels = ["B-TOTAL", *["O"] * 10, "I-TOTAL"]
    assert entities(page, labels) == [("TOTAL", "12"), ("TOTAL", "5.00")]


def test_scores_are_the_least_sure_words():
    page = page_of(["12", "Oak", "St."])
    (entity,) = said(page, ["B-ADDRESS", "I-ADDRESS", "I-ADDRESS"], sure=[0.9, 0.6, 0.99]).entities
    assert entity.score == pytest.approx(0.6, abs=1e-6)
    # ... and its end: the word behind it may well belong to it.
    page = page_of(["12", "Oak"])
    (entity,) = said(page, ["B-ADDRESS", "O"], sure=[0.99, 0.5]).entities
    assert entity.score == pytest.approx(1 - 0.5 / 8, abs=1e-6)


def test_temperature_makes_scores_less_sure():
    page = page_of(["12"])
    cold, warm = (
        said(page, ["B-TOTAL"], head=Head(labels=LABELS, temperature=t)).entities[0].score for t in (1.0, 2.0)
    )
    assert warm < cold


def test_a_polygon_is_in_reading_direction():
    page = page_of(["12", "Oak"])
    (entity,) = said(page, ["B-ADDRESS", "I-ADDRESS"]).entities
    assert entity.polygon == ((0, 0), (190, 0), (190, 16), (0, 16))
    turned = Page(page.image, turn=90, words=page_of(["12"], ["Oak"]).words)
    (entity,) = said(turned, ["B-ADDRESS", "I-ADDRESS"]).entities
    assert entity.polygon == ((0, 36), (0, 0), (90, 0), (90, 36))


def test_pages_without_words_have_no_entities():
    page = Page(np.zeros((10, 10, 3), np.uint8), words=())
    assert said(page, []).entities == ()
    assert decode_document([said(page, [])], HEAD).fields == ()
    assert decode_document([], HEAD).fields == ()


RECEIPT = page_of(
    ["ACME", "Ltd,"],
    ["Date:25/12/2018", "8:13"],
    ["Item", "4.00"],
    ["Total", "9.00"],
    ["Cash", "50.00"],
)
#         ACME        Ltd,         date      8:13  Item  4.00       Total 9.00      Cash 50.00
SAID = ["B-COMPANY", "I-COMPANY", "B-DATE", "O", "O", "B-TOTAL", "O", "B-TOTAL", "O", "B-TOTAL"]


def fields(result):
    return {field.label: field for field in result.fields}


def test_fields_are_normalised_beside_their_text():
    result = decode_document([said(RECEIPT, SAID)], HEAD)
    found = fields(result)
    assert (found["DATE"].text, found["DATE"].value) == ("25/12/2018", "2018-12-25")
    assert (found["TOTAL"].text, found["TOTAL"].value) == ("9.00", Amount("9.00"))
    assert (found["COMPANY"].text, found["COMPANY"].value) == ("ACME Ltd,", "ACME Ltd,")
    assert found["TOTAL"].words == (7,)
    assert "ADDRESS" not in found
    assert [f.label for f in result.fields] == ["COMPANY", "DATE", "TOTAL"]


def test_without_rules_the_best_entity_wins():
    sure = np.full(10, 0.9)
    sure[9] = 0.95
    page = said(RECEIPT, SAID, sure=sure)
    plain = decode_document([page], HEAD, rules=())
    assert fields(plain)["TOTAL"].text == "50.00"
    assert fields(plain)["DATE"].text == "Date:25/12/2018"
    assert len(plain.entities) == 5
    assert fields(decode_document([page], HEAD, rules=["total-near-keyword"]))["TOTAL"].text == "9.00"


def test_single_valued_labels_keep_one_entity():
    result = decode_document([said(RECEIPT, SAID)], HEAD)
    assert [e.text for e in result.entities] == ["ACME Ltd,", "Date:25/12/2018", "9.00"]


def test_the_best_page_wins_and_labels_with_many_values_keep_them():
    second = page_of(["Total", "7.00"], number=2)
    pages = [said(RECEIPT, SAID, sure=0.8), said(second, ["O", "B-TOTAL"], sure=0.9)]
    assert fields(decode_document(pages, HEAD))["TOTAL"].page == 2
    many = Head(labels=LABELS, fields={"TOTAL": FieldSpec("amount", single=False)})
    assert [f.text for f in decode_document(pages, many).fields] == ["4.00", "9.00", "50.00", "7.00"]


def test_dates_and_amounts_must_parse():
    page = page_of(["soon", "1.5.2020"], ["RM", "Total"])
    found = said(page, ["B-DATE", "B-DATE", "O", "B-TOTAL"], sure=[0.99, 0.5, 0.9, 0.9])
    assert fields(decode_document([found], HEAD))["DATE"].value == "2020-05-01"
    assert "TOTAL" not in fields(decode_document([found], HEAD))
    lenient = fields(decode_document([found], HEAD, rules=()))
    assert (lenient["DATE"].text, lenient["DATE"].value) == ("soon", None)
    assert (lenient["TOTAL"].text, lenient["TOTAL"].value) == ("Total", None)


def test_the_document_tells_the_currency_and_the_order_of_dates():
    page = page_of(["RM", "12/31/2020"], ["9.00", "01/02/2020"])
    result = fields(decode_document([said(page, ["O", "O", "B-TOTAL", "B-DATE"])], HEAD))
    assert result["TOTAL"].value == Amount("9.00", "MYR")
    assert result["DATE"].value == "2020-01-02"


def test_a_company_stands_in_the_first_lines():
    page = page_of(["ACME"], *([["x"]] * 12), ["Softcorp"])
    found = said(page, ["B-COMPANY", *["O"] * 12, "B-COMPANY"], sure=[0.6, *[0.9] * 12, 0.99])
    assert fields(decode_document([found], HEAD))["COMPANY"].text == "ACME"
    assert fields(decode_document([found], HEAD, rules=()))["COMPANY"].text == "Softcorp"


def test_a_missing_field_takes_its_best_guess_with_its_own_score():
    page = page_of(["ACME"], ["Due", "1.5.2020"], ["x", "y"])
    logits = [[0.99, 0, 0], [0.9, 0.05, 0], [0.6, 0.1, 0.3], [0.9, 0, 0], [0.99, 0, 0]]
    head = Head(labels=("O", "I-DATE", "B-DATE"), fields={"DATE": FieldSpec("date"), "TOTAL": FieldSpec()})
    found = decode_page(*window_of(page, np.log(np.array(logits) + 1e-9)), page, head)
    assert found.entities == ()
    assert decode_document([found], head).fields == ()
    (field,) = decode_document([found], head, rules=["guess-missing"]).fields
    assert (field.text, field.words) == ("1.5.2020", (2,))
    assert field.score == pytest.approx(0.4, abs=1e-6)
    # What is far too improbable is not even a guess.
    never = decode_page(*window_of(page, np.log(np.array([[0.98, 0.01, 0.01]] * 5))), page, head)
    assert decode_document([never], head, rules=["guess-missing"]).fields == ()


def test_unknown_rules_are_refused():
    with pytest.raises(RequestError, match="no decoding rule 'magic'"):
        decode_document([], HEAD, rules=["magic"])


def test_switched_off_rules_leave_what_the_model_said():
    page = page_of(["ACME", "Motors", "Ltd"], ["12", "Oak", "Street"], ["1.5.2020"])
    labels = ["O", "B-COMPANY", "I-COMPANY", "O", "B-ADDRESS", "I-ADDRESS", "B-DATE"]
    found = said(page, labels)
    assert fields(decode_document([found], HEAD, rules=()))["COMPANY"].text == "Motors Ltd"
    whole = fields(decode_document([found], HEAD, rules=["whole-lines"]))
    assert (whole["COMPANY"].text, whole["ADDRESS"].text) == ("ACME Motors Ltd", "12 Oak Street")
    # It is as sure as the words that the model said.
    assert whole["COMPANY"].score == pytest.approx(0.9, abs=0.03)


def test_the_line_with_the_legal_form_is_the_company():
    page = page_of(["Big", "Burger"], ["ACME", "Foods", "Ltd"], ["Main", "Street"])
    found = said(page, ["B-COMPANY", *["I-COMPANY"] * 4, "O", "O"])
    (entity,) = decode_document([found], HEAD, rules=["company-with-legal-form"]).entities
    assert (entity.text, entity.words) == ("ACME Foods Ltd", (2, 3, 4))
    # ... also where another line was surer.
    two = said(page, ["B-COMPANY", "I-COMPANY", "B-COMPANY", *["I-COMPANY"] * 2, "O", "O"], sure=[0.9] * 2 + [0.6] * 5)
    assert fields(decode_document([two], HEAD, rules=["company-with-legal-form"]))["COMPANY"].text == "ACME Foods Ltd"


def test_fragments_of_one_line_become_one_entity():
    page = page_of(["12", "Oak", "Hill", "Street"])
    found = said(page, ["B-ADDRESS", "I-ADDRESS", "O", "B-ADDRESS"], sure=[0.9, 0.9, 0.9, 0.6])
    (entity,) = decode_document([found], HEAD, rules=["whole-lines"]).entities
    assert (entity.text, entity.score) == ("12 Oak Hill Street", pytest.approx(0.9, abs=0.03))


def test_the_total_is_what_was_paid_less_the_change():
    page = page_of(["Tea", "4.00"], ["Bill", "9.00"], ["Cash", "50.00"], ["Change", "41.00"])
    labels = ["O", "O", "O", "O", "O", "B-TOTAL", "O", "O"]
    found = said(page, labels)
    assert fields(decode_document([found], HEAD, rules=()))["TOTAL"].text == "50.00"
    result = decode_document([found], HEAD, rules=["single-valued", "paid-less-change"])
    assert fields(result)["TOTAL"].text == "9.00"
    # What was chosen beside the entities is one of them now.
    assert [(e.label, e.words) for e in result.entities] == [("TOTAL", (3,))]


def test_the_total_is_the_amount_after_rounding():
    page = page_of(["Total", "9.02"], ["Rounding", "-0.02"], ["Total", "9.00"])
    found = said(page, ["O", "B-TOTAL", "O", "O", "O", "B-TOTAL"], sure=[0.9, 0.95, 0.9, 0.9, 0.9, 0.6])
    assert fields(decode_document([found], HEAD, rules=()))["TOTAL"].text == "9.02"
    assert fields(decode_document([found], HEAD, rules=["rounded-total"]))["TOTAL"].text == "9.00"


def test_the_places_of_a_value_add_up():
    page = page_of(["Total", "9.00"], ["Paid", "9.00"], ["Tea", "4.00"])
    rows = np.log(
        [
            [0.98, 0.01, 0.01],
            [0.55, 0.44, 0.01],
            [0.98, 0.01, 0.01],
            [0.6, 0.39, 0.01],
            [0.98, 0.01, 0.01],
            [0.3, 0.69, 0.01],
        ]
    )
    head = Head(labels=("O", "B-TOTAL", "I-TOTAL"), fields={"TOTAL": FieldSpec("amount")})
    found = decode_page(*window_of(page, rows), page, head)
    assert [e.text for e in found.entities] == ["4.00"]
    assert fields(decode_document([found], head))["TOTAL"].score == pytest.approx(0.7, abs=0.01)
    likely = np.log([[0.98, 0.01, 0.01], [0.4, 0.59, 0.01], *np.exp(rows[2:]).tolist()])
    both = decode_page(*window_of(page, likely), page, head)
    field = fields(decode_document([both], head))["TOTAL"]
    assert (field.text, field.words) == ("9.00", (1,))
    assert field.score == pytest.approx(1.0)


def close_page(*lines):
    """Words with the spaces of a text line: 10 pixels a letter, two columns where a line has two spaces."""
    words = []
    for row, line in enumerate(lines):
        at = 0
        for text in line.split(" "):
            if text:
                words.append(
                    Word.from_box(text, Box(10.0 * at, 20.0 * row, 10.0 * (at + len(text)), 20.0 * row + 16), line=row)
                )
            at += len(text) + 1 if text else 8
    return Page(np.zeros((1000, 1000, 3), np.uint8), number=1, turn=0, words=tuple(words))


def field_of(label, *lines, caught):
    """The field of a page on which the model labelled only the words ``caught``."""
    page = close_page(*lines)
    labels = [f"B-{label}" if word.text == caught else "O" for word in page.words]
    return fields(decode_document([said(page, labels)], HEAD)).get(label)


@pytest.mark.parametrize(
    ("lines", "caught", "text", "amount"),
    [
        (["Gesamtbetrag 3 038,40 EUR"], "038,40", "3 038,40", Amount("3038.40", "EUR")),
        (["Gesamtbetrag 3 038,40 EUR"], "3", "3 038,40", Amount("3038.40", "EUR")),
        (["Total Rs 1939"], "Rs", "Rs 1939", Amount("1939", "INR")),
        (["Total Rs 1939"], "1939", "1939", Amount("1939", "INR")),
        (["Total Rs.1,500/-"], "Rs.1,500/-", "Rs.1,500/-", Amount("1500", "INR")),
        (["Total $10.10 CAD", "Cash $20.00"], "$10.10", "$10.10", Amount("10.10", "CAD")),
        (["Chairs 2  310,00"], "310,00", "310,00", Amount("310.00")),
        (["Chairs 2 310.00"], "310.00", "310.00", Amount("310.00")),
        (["VAT 20 % 506,40"], "506,40", "506,40", Amount("506.40")),
        (["PEN BLUE 3.20", "TOTAL 10.10"], "10.10", "10.10", Amount("10.10")),
        (["TOTAL R1,010.00"], "R1,010.00", "R1,010.00", Amount("1010.00", "ZAR")),
        (["TOTAL 9.00"], "TOTAL", "TOTAL 9.00", None),
    ],
)
def test_an_amount_is_read_with_what_stands_beside_it(lines, caught, text, amount):
    found = field_of("TOTAL", *lines, caught=caught)
    if amount is None:
        assert found.value == Amount("9.00")
    else:
        assert (found.text, found.value) == (text, amount)


@pytest.mark.parametrize(
    ("line", "caught", "day"),
    [
        ("Datum 7. Mai 2014", "7.", "2014-05-07"),
        ("Datum 7. Mai 2014", "Mai", "2014-05-07"),
        ("Datum 7. Mai 2014", "2014", "2014-05-07"),
        ("le 14 mars 2024 a Paris", "14", "2024-03-14"),
        ("Date: 14 / 03 / 2024", "03", "2024-03-14"),
        ("Jun 17 '13", "Jun", "2013-06-17"),
        ("Date 14/03/2024-10:22", "14/03/2024-10:22", "2024-03-14"),
    ],
)
def test_a_date_is_read_with_what_stands_beside_it(line, caught, day):
    assert field_of("DATE", line, caught=caught).value == day


def test_what_cannot_be_normalised_keeps_its_text():
    found = field_of("DATE", "Period 13/2024", caught="13/2024")
    assert (found.text, found.value) == ("13/2024", None)


@pytest.mark.parametrize("caught", ["20%", "A234", "soon"])
def test_a_rate_a_code_and_a_word_are_no_amount(caught):
    assert field_of("TOTAL", f"x {caught}", caught=caught) is None


def test_what_a_page_does_not_decide_shares_the_probability():
    found = field_of("DATE", "Date 04/07/2017", caught="04/07/2017")
    (other,) = found.alternatives
    assert {found.value, other.value} == {"2017-07-04", "2017-04-07"}
    assert found.score + other.score == pytest.approx(0.9, abs=0.02) and other.score < found.score
    decided = field_of("DATE", "Date 04/07/2017", "Redmond, WA 98052", "Printed 12/31/2016", caught="04/07/2017")
    assert (decided.value, decided.alternatives) == ("2017-04-07", ())


def test_the_request_says_which_day_it_is():
    page = close_page("Date 04/07/2017", "Redmond, WA 98052")
    found = said(page, ["O", "B-DATE", "O", "O", "O"])
    asked = {
        order: fields(decode_document([found], HEAD, preference=Preference(date_order=order)))["DATE"].value
        for order in ("dmy", "mdy")
    }
    assert asked == {"dmy": "2017-07-04", "mdy": "2017-04-07"}
    british = fields(decode_document([found], HEAD, preference=Preference(locale="en-GB")))["DATE"]
    assert british.value == "2017-07-04"
