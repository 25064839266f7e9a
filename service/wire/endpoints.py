"""The table of endpoints that take a document, a row each.

Routes, engine, jobs, contract and command line read it, so a new endpoint is one row here beside its types in
``requests`` and ``schemas``. Nobody else lists endpoints.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from layoutserve.model.pipeline import DocumentResult
from layoutserve.service.wire import answers, examples, requests, schemas

Results = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that takes a document.

    name: of the operation, and of the task of its jobs. outcome: the answer in a few words. results: the members of
    ``response`` beyond those of every answer, made of what was found. by_ocr: answered by the OCR models alone.
    """

    name: str
    path: str
    summary: str
    description: str
    outcome: str
    request: type[requests.ReadRequest]
    response: type[schemas.Answered]
    results: Callable[[DocumentResult], Results]
    example: schemas.Answered
    example_request: Mapping[str, object]
    by_ocr: bool = False

    def answer(self, result: DocumentResult, model: schemas.Model, request_id: str) -> schemas.Answered:
        """Write the result of a document as the answer of this endpoint."""
        return self.response(**dict(answers.common(result, model, request_id)), **self.results(result))


def _kie(result: DocumentResult) -> Results:
    return dict(answers.kie(result) or ())


def _classification(result: DocumentResult) -> Results:
    return dict(answers.classification(result) or ())


def _docvqa(result: DocumentResult) -> Results:
    return dict(answers.docvqa(result) or ())


def _ocr(result: DocumentResult) -> Results:
    return {}


def _analyze(result: DocumentResult) -> Results:
    return {
        "kie": answers.kie(result),
        "classification": answers.classification(result),
        "docvqa": answers.docvqa(result),
    }


ROWS = (
    Endpoint(
        name="kie",
        path="/v1/kie",
        summary="Key information",
        description="Find the key information of a document: labelled entities with their place, and typed fields.",
        outcome="Entities and fields",
        request=requests.KieRequest,
        response=schemas.KieResponse,
        results=_kie,
        example=examples.KIE,
        example_request={"file": examples.PIXEL, "pages": "1"},
    ),
    Endpoint(
        name="classification",
        path="/v1/classification",
        summary="Class",
        description="Tell what kind of document it is, as a whole and page by page.",
        outcome="Classes, best first",
        request=requests.ClassificationRequest,
        response=schemas.ClassificationResponse,
        results=_classification,
        example=examples.CLASSIFICATION,
        example_request={"file": examples.PIXEL},
    ),
    Endpoint(
        name="docvqa",
        path="/v1/docvqa",
        summary="Answers to questions",
        description="Answer questions about a document with words that stand on it, or say that it holds no answer.",
        outcome="Ranked answers to each question, or none",
        request=requests.DocvqaRequest,
        response=schemas.DocvqaResponse,
        results=_docvqa,
        example=examples.DOCVQA,
        example_request={"file": examples.PIXEL, "question": ["What is the total?"], "top_k": 2},
    ),
    Endpoint(
        name="ocr",
        path="/v1/ocr",
        summary="Words",
        description="Read the words of a document in reading order, each with its place.",
        outcome="Words in reading order",
        request=requests.OcrRequest,
        response=schemas.OcrResponse,
        results=_ocr,
        example=examples.OCR,
        example_request={"file": examples.PIXEL, "ocr": "always"},
        by_ocr=True,
    ),
    Endpoint(
        name="analyze",
        path="/v1/analyze",
        summary="Several tasks with one reading",
        description="Do several tasks on a document that is read once.",
        outcome="The results of the tasks",
        request=requests.AnalyzeRequest,
        response=schemas.AnalyzeResponse,
        results=_analyze,
        example=examples.ANALYZE,
        example_request={"file": examples.PIXEL, "task": ["kie", "docvqa"], "question": ["What is the total?"]},
    ),
)
ENDPOINTS = {row.name: row for row in ROWS}
