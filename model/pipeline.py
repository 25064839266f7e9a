"""The order of things: read, recognize, encode, run, decode.

A page is a generator. It yields what it needs done, is sent the result, and returns what the page contributes::

    steps = pipeline.page(page, index, request)
    work = next(steps)                              # Recognize(page) or Infer(encodings)
    work = steps.send(recognized_page_or_logits)    # until StopIteration, whose value is a PageResult
    pipeline.document(results, request)             # -> DocumentResult

So the command line, the batcher of the service and a cluster drive the same code, each with its own queues, and
pages of one document can be worked on side by side. A page is recognized at most once and all its windows, for all
tasks and questions, are one Infer; a page that has words (a PDF's own, the caller's, the cache's) is not recognized,
and a window whose logits are in the cache is not run.
An exception thrown into the generator at a yield ends the page.

Stages of ``timings_ms``: read, ocr, encode, infer, decode, in milliseconds. ``ocr`` and ``infer`` are the time until
the driver sent the result, its queues included; the generator knows nothing of ``read``, which the driver adds.
"""

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from layoutserve.model.bundle import Bundle, Head, Task
from layoutserve.model.decoding.classification import DocumentClass
from layoutserve.model.decoding.document import PageFindings, Run, decode_document, decode_page
from layoutserve.model.decoding.docvqa import Answers
from layoutserve.model.decoding.fields.conventions import DateOrder, Preference, check
from layoutserve.model.decoding.kie import KieResult
from layoutserve.model.decoding.rules import check_rules
from layoutserve.model.encoding.encoder import MAX_TOKENS, STRIDE, Encoder, PageTokens
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.errors import BundleError, RequestError
from layoutserve.model.inference.caches import Cache, LogitsCache, PageCache, ReadWords
from layoutserve.model.page import FormField, Page, SelectionMark, Word
from layoutserve.model.page.given_words import GivenWord, WordsUnit, words_of_page

NO_WORDS = PageCache(0)
NO_LOGITS = LogitsCache(0)
_NOTHING = PageFindings(None, None, ())


@dataclass(frozen=True, slots=True, eq=False)
class Recognize:
    """Read a page: ``Ocr.recognize(page)`` with models for ``language``, None for the default. Send back the Page."""

    page: Page
    language: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Infer:
    """Run windows: ``Session.run(encodings)``. Send back their Logits, in the same order."""

    encodings: tuple[Encoding, ...]


Work = Recognize | Infer
Steps = Generator[Work, Page | Sequence[Logits], "PageResult"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request for the findings of a document.

    tasks: none for the words alone. questions: for docvqa, with at most ``top_k`` answers each. language: of the OCR
    models. words: the caller's own for all pages, instead of reading them. rules: decoding rules that are on, None
    for the manifest's. date_order: of dates in figures, None where the document is to decide. locale: language and
    country of the document, such as "en-GB".
    """

    tasks: tuple[Task, ...] = ()
    questions: tuple[str, ...] = ()
    top_k: int = 1
    language: str | None = None
    words: tuple[GivenWord, ...] | None = None
    words_unit: WordsUnit = "pixels"
    rules: tuple[str, ...] | None = None
    date_order: DateOrder | None = None
    locale: str | None = None

    @property
    def preference(self) -> Preference:
        """What the caller knows of how the document writes."""
        return Preference(self.date_order, self.locale)


@dataclass(frozen=True, slots=True)
class PageInfo:
    """A page without its pixels: number from 1, size in pixels, PDF resolution, turn, words in reading order.

    selection_marks, form_fields: of a PDF's form.
    """

    number: int
    width: int
    height: int
    dpi: float | None
    turn: int
    words: tuple[Word, ...]
    selection_marks: tuple[SelectionMark, ...] = ()
    form_fields: tuple[FormField, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PageResult:
    """A page's part in its document."""

    page: PageInfo
    findings: PageFindings
    timings_ms: Mapping[str, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """Pages and findings of a document; None for tasks that were not asked for.

    classes: of the document, best first; page_classes: of each of ``pages``. answers: one for each question, in
    their order. timings_ms: by stage, pages added up.
    """

    pages: tuple[PageInfo, ...]
    kie: KieResult | None
    classes: tuple[DocumentClass, ...] | None
    page_classes: tuple[tuple[DocumentClass, ...], ...] | None
    answers: tuple[Answers, ...] | None
    timings_ms: Mapping[str, float]
    warnings: tuple[str, ...]


class Pipeline:
    """The steps for one bundle. Holds no state of a request: share it between threads.

    pages, logits: the caches, off by default; they may be shared between pipelines. reader: says which OCR models with
    which settings read the pages, so that a cache never mixes them up. window_tokens: most text tokens of a window,
    where the session runs shorter ones better than the longest the model takes. Raises BundleError for a bundle
    without a tokenizer or with damaged heads.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        pages: PageCache = NO_WORDS,
        logits: LogitsCache = NO_LOGITS,
        reader: str = "",
        stride: int = STRIDE,
        window_tokens: int = MAX_TOKENS,
    ) -> None:
        if bundle.tokenizer is None:
            raise BundleError(
                f"The bundle {bundle.path} has no tokenizer.json and cannot read documents: export it again from a "
                "checkpoint that has one."
            )
        self.bundle = bundle
        # Two versions of a model share the cache: what they compute is told apart by the hashes of their files.
        self._identity = f"{bundle.manifest.name}\0{sorted(bundle.manifest.files.items())}"
        # LayoutXLM has 514 positions, two of them never used.
        max_tokens = min(bundle.manifest.max_tokens, MAX_TOKENS, window_tokens)
        self._encoder = Encoder(bundle.tokenizer, bundle.manifest.inputs, max_tokens=max_tokens, stride=stride)
        self._pages = pages
        self._logits = logits
        # A page that comes again is not tokenized and resized again either. Its picture is most of what that takes.
        self._tokens = Cache[PageTokens](logits.max_bytes, lambda page: page.nbytes)
        self._reader = reader

    def check(self, request: Request) -> None:
        """Refuse a request that cannot be answered, before any work: raises RequestError."""
        for task in request.tasks:
            if task not in self.bundle.manifest.heads:
                able = ", ".join(self.bundle.manifest.tasks) or "none"
                raise RequestError(
                    f"The model {self.bundle.manifest.name} has no head for {task} (it has {able}): choose another."
                )
        if "docvqa" in request.tasks and not request.questions:
            raise RequestError("docvqa needs at least one question.")
        if request.questions and "docvqa" not in request.tasks:
            raise RequestError("Questions were given but the task docvqa was not asked for.")
        if request.top_k < 1:
            raise RequestError(f"top_k must be at least 1, not {request.top_k}.")
        check_rules(request.rules or ())
        check(request.preference)
        for question in request.questions:
            self._encoder.check_question(question)

    def page(self, page: Page, index: int, request: Request) -> Steps:
        """Work one page through all stages; ``index`` counts the pages of the request from 0."""
        timings: dict[str, float] = {}
        page, key = yield from self._read(page, request, timings)
        words = page.words or ()
        info = PageInfo(
            page.number,
            page.width,
            page.height,
            page.dpi,
            page.turn,
            words,
            page.selection_marks,
            page.form_fields,
        )
        if not request.tasks:
            return PageResult(info, _NOTHING, timings, ())
        begun = time.perf_counter()
        if (known := self._tokens.get(key)) is not None:
            tokens = replace(known, index=index)
        else:
            tokens = self._encoder.tokens(page, index)
            self._tokens.put(key, tokens)
        plain = self._encoder.windows(tokens) if {"kie", "classification"} & set(request.tasks) else []
        asked = [self._encoder.windows(tokens, question) for question in request.questions]
        timings["encode"] = _since(begun)
        logits = yield from self._infer((plain, *asked), timings)
        begun = time.perf_counter()
        runs = [Run(windows, found) for windows, found in zip((plain, *asked), logits, strict=True)]
        findings = decode_page(self._heads(request), page, runs[0], runs[1:], request.rules)
        timings["decode"] = _since(begun)
        return PageResult(info, findings, timings, _warnings(tokens, info))

    def document(self, pages: Sequence[PageResult], request: Request) -> DocumentResult:
        """Put the pages of a document together, in their order."""
        begun = time.perf_counter()
        said = [page.findings for page in pages]
        found = decode_document(
            self._heads(request),
            said,
            request.questions,
            request.rules,
            top_k=request.top_k,
            preference=request.preference,
        )
        timings: dict[str, float] = {}
        for page in pages:
            for stage, spent in page.timings_ms.items():
                timings[stage] = timings.get(stage, 0.0) + spent
        if request.tasks:
            timings["decode"] = timings.get("decode", 0.0) + _since(begun)
        warnings = tuple(warning for page in pages for warning in page.warnings)
        infos = tuple(page.page for page in pages)
        warnings += _wordless(infos) + _unread(request, infos)
        return DocumentResult(infos, found.kie, found.classes, found.page_classes, found.answers, timings, warnings)

    def _heads(self, request: Request) -> dict[str, Head]:
        return {task: self.bundle.manifest.heads[task] for task in request.tasks}

    def _read(
        self, page: Page, request: Request, timings: dict[str, float]
    ) -> Generator[Work, Page | Sequence[Logits], tuple[Page, bytes | None]]:
        """The page with its words, and by which key it is known again; None for words that were not read here."""
        if request.words is not None:
            return replace(page, words=words_of_page(request.words, page, request.words_unit), turn=0), None
        if page.words is not None:
            return page, None
        begun = time.perf_counter()
        key = self._pages.key(page, f"{self._reader}\0{request.language}")
        if (known := self._pages.get(key)) is not None:
            page = replace(page, words=known.words, turn=known.turn, known=None, unread=None)
        else:
            read = yield Recognize(page, request.language)
            if not isinstance(read, Page) or read.words is None:
                raise TypeError("Recognize must be sent a Page with words.")
            page = read
            self._pages.put(key, ReadWords(read.words, read.turn))
        timings["ocr"] = _since(begun)
        return page, key

    def _infer(
        self, groups: Sequence[Sequence[Encoding]], timings: dict[str, float]
    ) -> Generator[Work, Page | Sequence[Logits], list[list[Logits]]]:
        """Have the unknown among all windows run as one piece of work, and give each group its own logits."""
        begun = time.perf_counter()
        windows = [window for group in groups for window in group]
        keys = [self._logits.key(window, self._identity) for window in windows]
        found = [self._logits.get(key) for key in keys]
        missing = [place for place, logits in enumerate(found) if logits is None]
        if missing:
            ran = yield Infer(tuple(windows[place] for place in missing))
            if isinstance(ran, Page) or len(ran) != len(missing):
                raise TypeError(f"Infer must be sent the Logits of its {len(missing)} windows.")
            for place, computed in zip(missing, ran, strict=True):
                found[place] = computed
                self._logits.put(keys[place], computed)
        timings["infer"] = _since(begun)
        complete = [logits for logits in found if logits is not None]
        ends = np.cumsum([len(group) for group in groups]).tolist()
        return [complete[end - len(group) : end] for group, end in zip(groups, ends, strict=True)]


def run(
    pipeline: Pipeline,
    pages: Iterable[Page],
    request: Request,
    *,
    recognize: Callable[[Recognize], Page],
    infer: Callable[[Sequence[Encoding]], Sequence[Logits]],
    progress: Callable[[int], None] | None = None,
) -> DocumentResult:
    """Drive the pages of a document one after the other in this thread: for the command line and for evaluation.

    progress: told the number of pages done after each. Raises RequestError for a request that cannot be answered,
    and what reading, ``recognize`` and ``infer`` raise.
    """
    pipeline.check(request)
    results: list[PageResult] = []
    begun, reading = time.perf_counter(), 0.0
    for index, page in enumerate(pages):
        reading += _since(begun)
        steps = pipeline.page(page, index, request)
        try:
            work = next(steps)
            while True:
                work = steps.send(recognize(work) if isinstance(work, Recognize) else infer(work.encodings))
        except StopIteration as done:
            results.append(done.value)
        if progress is not None:
            progress(len(results))
        begun = time.perf_counter()
    result = pipeline.document(results, request)
    return replace(result, timings_ms={"read": reading, **result.timings_ms})


def _wordless(pages: Sequence[PageInfo]) -> tuple[str, ...]:
    numbers = [str(page.number) for page in pages if not page.words]
    if not numbers:
        return ()
    more = f" and {len(numbers) - 10} more" if len(numbers) > 10 else ""
    named = f"{'page' if len(numbers) == 1 else 'pages'} {', '.join(numbers[:10])}{more}"
    return (f"No words were found on {named}: blank, or nothing there was read; ocr=always reads all that is seen.",)


def _unread(request: Request, pages: Sequence[PageInfo]) -> tuple[str, ...]:
    unread = sorted({word.page for word in request.words or ()} - {page.number for page in pages})
    if not unread:
        return ()
    return (f"Words were given for pages that were not read: {', '.join(map(str, unread[:10]))}.",)


def _warnings(tokens: PageTokens, page: PageInfo) -> tuple[str, ...]:
    if not tokens.clipped:
        return ()
    return (f"{tokens.clipped} of {len(page.words)} words of page {page.number} reach beyond it and were cut to it.",)


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
