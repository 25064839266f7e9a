import datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import AliasChoices, BaseModel, BeforeValidator, Field

from layoutserve_client import Amount, Client, ExtractionError, FieldValue, MappingError


@pytest.fixture
def fill(server, wire):
    """Extract with a server that finds what it is told to; gives the filled model and what was asked."""

    def fill(schema, *, fields=None, entities=(), answers=(), model=None, min_kie=True):
        kie = {"entities": list(entities), "fields": wire.KIE["fields"] if fields is None else fields}
        docvqa = {
            "answers": [
                {
                    "question": "?",
                    "answers": [wire.ANSWER | {"text": text}] if text is not None else [],
                    "no_answer_score": 0.5,
                }
                for text in answers
            ]
        }
        server.answers(
            wire.Answer({"models": [wire.MODEL | (model or {})]}),
            wire.Answer(wire.ANSWERED | {"kie": kie, "docvqa": docvqa}),
        )
        with Client(server.url) as client:
            extraction = client.extract_with_sources(schema, b"x")
        return extraction, server.requests[-1].form

    return fill


def field(text: str, value: object = None) -> dict[str, Any]:
    return {"text": text, "value": value, "score": 0.9, "page": 1, "box": [0, 0, 1, 1]}


def test_names_and_aliases_are_labels_and_descriptions_are_questions(fill):
    class Receipt(BaseModel):
        total: Decimal
        issued: datetime.date = Field(alias="Date")
        seller: str | None = Field(None, validation_alias=AliasChoices("vendor", "COMPANY"))
        cashier: str = Field(description="Who served the customer?")
        note: str = "none"

    extraction, asked = fill(Receipt, answers=["Anna"])
    receipt = extraction.value
    assert receipt == Receipt.model_construct(
        total=Decimal("9.00"), issued=datetime.date(2018, 12, 25), seller=None, cashier="Anna", note="none"
    )
    assert asked == {"file": [b"x"], "task": [b"kie", b"docvqa"], "question": [b"Who served the customer?"]}
    source = extraction.sources["total"]
    assert isinstance(source, FieldValue)
    assert (source.page, source.box.x0) == (1, 70)
    assert extraction.sources["cashier"].boxes[0].x0 == 70
    assert "seller" not in extraction.sources


def test_only_labels_take_one_task(fill):
    class Receipt(BaseModel):
        total: Decimal = Field(description="The total is a label, so this is no question")

    _, asked = fill(Receipt)
    assert asked["task"] == [b"kie"]
    assert "question" not in asked


@pytest.mark.parametrize(
    ("annotation", "text", "value", "expected"),
    [
        (Decimal, "RM 9.00", {"amount": "9.00", "currency": "MYR"}, Decimal("9.00")),
        (float, "RM 9.00", {"amount": "9.00", "currency": "MYR"}, 9.0),
        (str, "RM 9.00", {"amount": "9.00", "currency": "MYR"}, "RM 9.00"),
        (Amount, "RM 9.00", {"amount": "9.00", "currency": "MYR"}, Amount(amount=Decimal("9.00"), currency="MYR")),
        (Amount | None, "RM 9.00", None, Amount(amount=Decimal("9.00"))),
        (Decimal | None, "1,234.50", None, Decimal("1234.50")),
        (int, "3 pcs", None, 3),
        (int | str, "3 pcs", None, "3 pcs"),
        (datetime.date, "25 DEC 2018", "2018-12-25", datetime.date(2018, 12, 25)),
        (datetime.date, "25/12/2018", None, datetime.date(2018, 12, 25)),
        (datetime.datetime | None, "25/12/2018", None, datetime.datetime(2018, 12, 25)),
        (str, "25/12/2018", None, "25/12/2018"),
        (Annotated[str, BeforeValidator(str.upper)], "abc", "abc", "ABC"),
        (Annotated[Decimal, Field(gt=0)], "$5", None, Decimal(5)),
        (bool | None, "yes", None, True),
        (Any, "yes", None, "yes"),
    ],
)
def test_values_are_read_as_the_fields_type(fill, annotation, text, value, expected):
    class Receipt(BaseModel):
        total: annotation

    extraction, _ = fill(Receipt, fields={"total": field(text, value)})
    assert extraction.value.total == expected
    assert type(extraction.value.total) is type(expected)


def test_a_list_takes_everything_of_its_label_from_top_to_bottom(fill):
    class Receipt(BaseModel):
        item_amount: list[Decimal]
        total: list[str] = []

    amount = field("$ 5.00", {"amount": "5.00", "currency": None}) | {"box": [0, 50, 1, 60]}
    extraction, _ = fill(Receipt, fields={"item_amount": amount | {"more": [field("$ 4.00")]}})
    assert extraction.value.item_amount == [Decimal("4.00"), Decimal("5.00")]
    assert extraction.value.total == []


def test_a_label_that_is_no_field_gives_its_surest_entity(fill, wire):
    class Receipt(BaseModel):
        item_amount: Decimal

    entities = [
        wire.TOTAL | {"label": "ITEM_AMOUNT", "text": text, "score": score}
        for text, score in (("4.00", 0.6), ("5.00", 0.9), ("6.00", 0.7))
    ]
    assert fill(Receipt, entities=entities)[0].value.item_amount == Decimal("5.00")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([None], "'due' is not on the document"),
        (["soon"], "'due' reads 'soon', which does not fit"),
        (["03/04/2019"], "'due' reads '03/04/2019', which does not fit"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_said(fill, answers, told):
    class Invoice(BaseModel):
        due: datetime.date = Field(description="When is it due?")

    with pytest.raises(ExtractionError, match=r"Invoice cannot be filled") as caught:
        fill(Invoice, answers=answers)
    assert told in str(caught.value)
    assert list(caught.value.faults) == ["due"]


def test_what_is_optional_may_be_missing(fill):
    class Invoice(BaseModel):
        due: datetime.date | None = Field(None, description="When is it due?")

    assert fill(Invoice, answers=[None])[0].value.due is None


def test_what_does_not_fit_leaves_the_default_and_says_so(fill):
    class Invoice(BaseModel):
        due: datetime.date | None = Field(None, description="When is it due?")

    extraction, _ = fill(Invoice, answers=["03/04/2019"])
    assert extraction.value.due is None
    assert extraction.sources["due"].text == "03/04/2019"
    assert "'03/04/2019', which does not fit" in extraction.faults["due"]


def test_a_constraint_that_is_broken_is_said(fill):
    class Receipt(BaseModel):
        total: Decimal = Field(gt=10)

    with pytest.raises(ExtractionError, match="greater than 10"):
        fill(Receipt)


def test_a_validator_of_the_whole_model_is_heard(fill):
    from pydantic import model_validator

    class Receipt(BaseModel):
        total: Decimal

        @model_validator(mode="after")
        def refuse(self) -> "Receipt":
            raise ValueError("never enough")

    with pytest.raises(ExtractionError, match="never enough"):
        fill(Receipt)


def test_a_field_that_is_nothing_is_refused_before_the_document_is_sent(fill, server):
    class Receipt(BaseModel):
        total: Decimal
        iban: str
        swift: str = Field(description="What is the SWIFT code?")

    with pytest.raises(MappingError, match="'iban' is no label and has no description") as caught:
        fill(Receipt)
    assert "company, date, itemamount, total" in str(caught.value).replace("_", "")
    assert len(server.requests) == 1
    with pytest.raises(MappingError, match="'swift' is no label of model starter, which answers no questions"):
        fill(Receipt, model={"tasks": ["kie"]})
    with pytest.raises(MappingError, match="has no model that answers by default"):
        fill(Receipt, model={"default": False})


def test_a_model_without_anything_to_ask_is_refused(fill):
    class Nothing(BaseModel):
        note: str = ""

    with pytest.raises(MappingError, match="'note' is no label"):
        fill(Nothing)
