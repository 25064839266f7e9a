"""The errors of the document model, and whose fault each is.

One request, and what can go wrong on its way::

    bytes --page--> Page --ocr--> words --encoding--> Encoding --session--> Logits --decode--> result
          |              |             |                       |
          DocumentError  OcrError      RequestError            BundleError, SessionError

The tree::

    LayoutServeError
    +-- DocumentError            the document that was sent
    |   +-- UnsupportedDocument  a type that is not read here
    |   +-- InvalidDocument      damaged, encrypted or empty
    |   +-- DocumentTooLarge     more bytes, pixels or pages than the limits allow
    +-- RequestError             the parameters beside the document (pages, words, questions, task)
    +-- ArrayError               arrays of a wrong name, dtype, shape or range
    +-- BundleError              a bundle on disk: manifest, hashes, tokenizer, graphs
    +-- CheckpointError          a checkpoint that cannot be loaded or exported
    +-- DatasetError             a labelled file that cannot be read
    +-- OcrError                 the OCR engine or its model files
    +-- SessionError             ONNX Runtime failed while running a graph

Every message is a sentence that says what is wrong and what to do. A class carries what is true of all its cases: a
slug by which programs know it, a title, and what to do about it. What HTTP makes of them is decided in
``service/errors.py`` alone.
"""

from typing import ClassVar

# The formats of documents, as a sentence names them.
FORMATS = "JPEG, PNG, WebP, AVIF, HEIC, BMP, GIF, TIFF or PDF"


class LayoutServeError(Exception):
    """Base of every error raised on purpose by this package."""

    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    action: ClassVar[str] = "Report it with the request id; the log holds the cause under the same id."


class DocumentError(LayoutServeError):
    """The document that was sent cannot be read."""

    slug = "invalid-document"
    title = "Invalid document"
    action = "Send an intact, unencrypted document."


class UnsupportedDocument(DocumentError):
    """The content is of a type that is not read here."""

    slug = "unsupported-document"
    title = "Unsupported document"
    action = f"Send a {FORMATS}."


class InvalidDocument(DocumentError):
    """The content is of a known type but damaged, encrypted or empty."""


class DocumentTooLarge(DocumentError):
    """The document exceeds a limit on bytes, pixels or pages."""

    slug = "document-too-large"
    title = "Document too large"
    action = "Send fewer bytes, pixels or pages."


class RequestError(LayoutServeError):
    """A parameter beside the document is wrong: pages, words, a question, a task the model has no head for."""

    slug = "invalid-request"
    title = "Invalid request"
    action = "Correct the parameter named in 'detail'."


class ArrayError(LayoutServeError):
    """An array has a wrong name, dtype, shape or range."""


class BundleError(LayoutServeError):
    """A bundle on disk cannot be used."""


class CheckpointError(LayoutServeError):
    """A checkpoint cannot be loaded or exported."""


class DatasetError(LayoutServeError):
    """A labelled file cannot be read."""


class OcrError(LayoutServeError):
    """The OCR engine or its model files failed."""


class SessionError(LayoutServeError):
    """ONNX Runtime failed while running a graph."""
