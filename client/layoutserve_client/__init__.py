"""Client of LayoutServe: post a document, get key information, classes and answers with their place on the page.

>>> from layoutserve_client import Client
>>> client = Client("http://127.0.0.1:8080")
>>> result = client.kie("receipt.jpg")                      # doctest: +SKIP
>>> result.fields["total"].amount                           # doctest: +SKIP
Decimal('9.00')
"""

from importlib.metadata import version

from layoutserve_client.async_client import AsyncClient
from layoutserve_client.batches import Outcome
from layoutserve_client.client import Client
from layoutserve_client.documents import Document
from layoutserve_client.errors import (
    AnswerTimeout,
    BadRequest,
    ConfigurationError,
    Conflict,
    DeadlineExceeded,
    DocumentTooLarge,
    DocumentUnreadable,
    ExtractionError,
    InvalidAnswer,
    InvalidRequest,
    JobCancelled,
    JobError,
    JobExpired,
    JobFailed,
    JobTimeout,
    LayoutServeError,
    MappingError,
    NoAnswer,
    NotFound,
    Overloaded,
    ServerFault,
    ServerUnavailable,
    StatusError,
    Unauthorized,
    UnsupportedDocument,
)
from layoutserve_client.operations import Extraction, InputWord
from layoutserve_client.results import (
    Amount,
    AnalyzeResponse,
    Answer,
    Answered,
    Box,
    ClassificationResponse,
    ClassificationResult,
    ClassScore,
    DocvqaResponse,
    DocvqaResult,
    Entity,
    FieldText,
    FieldValue,
    FormField,
    Job,
    KieResponse,
    KieResult,
    Model,
    ModelInfo,
    OcrResponse,
    Page,
    QuestionAnswers,
    SelectionMark,
    Word,
)

__version__ = version("layoutserve-client")

__all__ = [
    "Amount",
    "AnalyzeResponse",
    "Answer",
    "AnswerTimeout",
    "Answered",
    "AsyncClient",
    "BadRequest",
    "Box",
    "ClassScore",
    "ClassificationResponse",
    "ClassificationResult",
    "Client",
    "ConfigurationError",
    "Conflict",
    "DeadlineExceeded",
    "Document",
    "DocumentTooLarge",
    "DocumentUnreadable",
    "DocvqaResponse",
    "DocvqaResult",
    "Entity",
    "Extraction",
    "ExtractionError",
    "FieldText",
    "FieldValue",
    "FormField",
    "InputWord",
    "InvalidAnswer",
    "InvalidRequest",
    "Job",
    "JobCancelled",
    "JobError",
    "JobExpired",
    "JobFailed",
    "JobTimeout",
    "KieResponse",
    "KieResult",
    "LayoutServeError",
    "MappingError",
    "Model",
    "ModelInfo",
    "NoAnswer",
    "NotFound",
    "OcrResponse",
    "Outcome",
    "Overloaded",
    "Page",
    "QuestionAnswers",
    "SelectionMark",
    "ServerFault",
    "ServerUnavailable",
    "StatusError",
    "Unauthorized",
    "UnsupportedDocument",
    "Word",
]
