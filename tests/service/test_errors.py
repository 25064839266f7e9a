import json
import pickle

import pytest

from layoutserve.model.errors import InvalidDocument, LayoutServeError, RequestError
from layoutserve.service import errors
from layoutserve.service.errors import (
    InvalidParameters,
    MethodNotAllowed,
    Overloaded,
    ServiceError,
    Unauthorized,
    is_internal,
    status_of,
)
from layoutserve.service.http import openapi
from layoutserve.service.wire.problems import TYPE_PREFIX, problem_response


def tree(class_: type[LayoutServeError]) -> list[type[LayoutServeError]]:
    return [class_, *(found for below in class_.__subclasses__() for found in tree(below))]


# Those that are there; tests add some of their own.
CLASSES = [class_ for class_ in tree(LayoutServeError) if class_.__module__.startswith("layoutserve")]


@pytest.mark.parametrize("class_", CLASSES)
def test_every_error_of_both_trees_is_answered_as_a_problem(class_):
    error = class_.example() if issubclass(class_, ServiceError) else class_("A sentence.")
    answer = problem_response(error, "id")
    body = json.loads(answer.body)
    assert 400 <= answer.status_code == body["status"] <= 599
    assert body["type"] == TYPE_PREFIX + class_.slug
    assert body["title"] and body["action"].endswith(".")
    assert body["detail"] == ("Something failed that should not." if is_internal(error) else str(error))


def test_only_slugs_that_mean_the_same_are_shared():
    kinds = {(c.slug, status_of(c), c.title, c.action) for c in CLASSES if c is not errors.Temporary}
    slugs = [slug for slug, *_ in kinds]
    assert len(slugs) == len(set(slugs))


def test_the_contract_lists_every_error_that_a_document_may_get():
    listed = {class_.slug for class_ in openapi.DOCUMENT_PROBLEMS}
    elsewhere = {"method-not-allowed", "attempts-exhausted", "client-departed"}
    assert {class_.slug for class_ in CLASSES} == listed | elsewhere


def test_a_new_error_is_one_class():
    class NoToner(errors.Temporary):
        """The printer is empty."""

        status = 507
        slug = "no-toner"
        title = "No toner"

    answer = problem_response(NoToner("It is empty.", 9), "id")
    assert (answer.status_code, answer.headers["Retry-After"]) == (507, "9")
    assert json.loads(answer.body)["action"].startswith("Wait")


def test_an_error_of_the_model_takes_the_status_of_its_nearest_base():
    assert [status_of(c) for c in (InvalidDocument, RequestError, LayoutServeError)] == [422, 422, 500]


def test_headers_go_with_their_errors():
    assert problem_response(Unauthorized("No key."), "id").headers["WWW-Authenticate"].startswith("Bearer")
    assert problem_response(MethodNotAllowed(["GET", "HEAD"]), "id").headers["Allow"] == "GET, HEAD"
    assert problem_response(Overloaded("Full.", 7), "id").headers["Retry-After"] == "7"
    assert "Retry-After" not in problem_response(InvalidParameters([]), "id").headers


@pytest.mark.parametrize("class_", [c for c in CLASSES if issubclass(c, ServiceError)])
def test_an_error_crosses_processes_as_it_is(class_):
    error = class_.example()
    found = pickle.loads(pickle.dumps(error))
    assert (type(found), str(found), vars(found)) == (class_, str(error), vars(error))


def test_what_nobody_foresaw_is_not_quoted():
    answer = problem_response(KeyError("Mrs Smith"), "id")
    assert answer.status_code == 500
    assert b"Smith" not in answer.body
