"""A user's pydantic model, filled from a document.

A field of the model is matched with the labels of the served model by its aliases, then by its name, ignoring case and
``_``, ``-`` and spaces. A field that is no label but has a description becomes that question. A field that is neither
keeps its default. A list takes everything the document says for its label, from top to bottom.
"""

from __future__ import annotations

import datetime
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from layoutserve_client.conversion import date_in, number_in
from layoutserve_client.errors import ExtractionError, MappingError
from layoutserve_client.results import Amount, AnalyzeResponse, Answer, FieldText, KieResult, ModelInfo, Task

Source: TypeAlias = FieldText | Answer | list[FieldText]
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Plan:
    """The source of each field of the user's model: a label in lower case, or a question."""

    labels: Mapping[str, str]
    questions: Mapping[str, str]

    @property
    def tasks(self) -> list[Task]:
        """The tasks it takes."""
        tasks: list[Task] = []
        if self.labels:
            tasks.append("kie")
        if self.questions:
            tasks.append("docvqa")
        return tasks


def choose(models: Sequence[ModelInfo], name: str | None) -> ModelInfo:
    """Find the model that will answer. Raises MappingError."""
    for model in models:
        if model.name == name or (name is None and model.default):
            return model
    known = ", ".join(model.name for model in models) or "none"
    raise MappingError(f"The server has no model {name or 'that answers by default'} (it has: {known}).", {})


def plan(schema: type[BaseModel], model: ModelInfo) -> Plan:
    """Match the fields of the user's model with labels and questions. Raises MappingError, naming every field."""
    labels = {_plain(label): label.lower() for label in model.entity_labels}
    found: dict[str, str] = {}
    questions: dict[str, str] = {}
    faults: dict[str, str] = {}
    for name, field in schema.model_fields.items():
        label = next((labels[_plain(known)] for known in _names(name, field) if _plain(known) in labels), None)
        if label is not None:
            found[name] = label
        elif field.description and "docvqa" in model.tasks:
            questions[name] = field.description
        elif field.description and field.is_required():
            faults[name] = f"is no label of model {model.name}, which answers no questions either"
        elif field.is_required():
            faults[name] = "is no label and has no description to ask as a question"
    if not found and not questions and not faults:
        faults = dict.fromkeys(schema.model_fields, "is no label and has no description to ask as a question")
    if faults:
        told = "; ".join(f"'{name}' {fault}" for name, fault in faults.items()) or "it has no fields"
        known = ", ".join(sorted(labels.values())) or "none"
        raise MappingError(
            f"{schema.__name__} cannot be mapped: {told}. The labels of model {model.name}: {known}.", faults
        )
    return Plan(found, questions)


@dataclass(frozen=True, slots=True)
class Filled(Generic[T]):
    """A filled model, where its values came from, and why a field kept its default whatever the document says."""

    value: T
    sources: Mapping[str, Source]
    faults: Mapping[str, str]


def fill(schema: type[T], plan: Plan, response: AnalyzeResponse) -> Filled[T]:
    """Build the user's model from an answer.

    What does not fit a field with a default leaves the default. Raises ExtractionError, naming every field without
    one that is missing or unfit.
    """
    sources = dict(_sources(schema, plan, response))
    values: dict[str, object] = {}
    unfit: dict[str, str] = {}
    for name, source in sources.items():
        try:
            values[name] = _value(schema.model_fields[name], source)
        except ValueError as error:
            unfit[name] = str(error)
    needed = [name for name, field in schema.model_fields.items() if field.is_required() and name not in values]
    faults = {name: unfit.get(name, "is not on the document") for name in needed}
    try:
        if not faults:
            return Filled(schema.model_validate(values, by_alias=False, by_name=True), sources, unfit)
    except ValidationError as error:
        faults = {".".join(map(str, fault["loc"])) or "the whole": fault["msg"] for fault in error.errors()}
    told = "; ".join(f"'{name}' {fault}" for name, fault in faults.items())
    raise ExtractionError(f"{schema.__name__} cannot be filled: {told} (request {response.request_id}).", faults)


def _sources(schema: type[BaseModel], plan: Plan, response: AnalyzeResponse) -> Iterator[tuple[str, Source]]:
    kie = response.kie
    for name, label in plan.labels.items():
        if kie is None:
            continue
        found = _found(kie, label)
        if _is_list(schema.model_fields[name].annotation):
            yield name, sorted(found, key=lambda text: (text.page, text.box.y0, text.box.x0))
        elif found:
            yield name, found[0]
    answers = response.docvqa.answers if response.docvqa else []
    for name, asked in zip(plan.questions, answers, strict=False):
        if asked.best is not None:
            yield name, asked.best


def _found(kie: KieResult, label: str) -> list[FieldText]:
    """Give what the document says for a label, best first; of a label that is no field, its entities."""
    if (field := kie.fields.get(label)) is not None:
        return [field, *field.more]
    return [
        FieldText(text=entity.text, value=None, score=entity.score, page=entity.page, box=entity.box)
        for entity in sorted(kie.of(label), key=lambda entity: -entity.score)
    ]


def _value(field: FieldInfo, source: Source) -> object:
    annotation = field.annotation
    if isinstance(source, list):
        (element,) = get_args(annotation) or (str,)
        return [_fit(element, (), found.text, found.value) for found in source]
    return _fit(annotation, field.metadata, source.text, source.value if isinstance(source, FieldText) else None)


def _fit(annotation: object, metadata: Sequence[Any], text: str, value: str | Amount | None) -> object:
    """Give the first reading of a value that the annotation, with its constraints and validators, accepts."""
    form: Any = Annotated[annotation, *metadata] if metadata else annotation
    adapter: TypeAdapter[object] = TypeAdapter(form)
    refused = ""
    for reading in _readings(annotation, text, value):
        try:
            adapter.validate_python(reading)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            if not fault["type"].endswith("_type"):  # a reading of another type was not meant for this field
                refused = fault["msg"]
        else:
            return reading
    kind = getattr(annotation, "__name__", str(annotation))
    raise ValueError(f"reads {text!r}, which does not fit ({refused or f'no {kind} in it'})")


def _readings(annotation: object, text: str, value: str | Amount | None) -> Iterator[object]:
    if isinstance(value, Amount):
        yield value
        yield value.amount
    elif value is not None:
        yield value
    if _mentions(annotation, datetime.date):
        if (date := date_in(text)) is not None:
            yield date
    elif (number := number_in(text)) is not None and not _mentions(annotation, str):
        yield Amount(amount=number) if _mentions(annotation, Amount) else number
    if not _mentions(annotation, Decimal):  # else "1,234.50" and the like have been read, or are not numbers
        yield text


def _names(name: str, field: FieldInfo) -> Iterator[str]:
    match field.validation_alias:
        case str(alias):
            yield alias
        case AliasChoices(choices=choices):
            yield from (choice for choice in choices if isinstance(choice, str))
    if field.alias is not None:
        yield field.alias
    yield name


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


def _is_list(annotation: object) -> bool:
    return get_origin(annotation) is list or annotation is list


def _mentions(annotation: object, kind: type) -> bool:
    """True where the annotation is the type, or a union or Annotated of it; datetime counts as a date."""
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return any(_mentions(part, kind) for part in get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, kind)
