"""Cases run through a model once, so that decoding can be tried on their logits again and again.

The model is anything that turns encodings into logits: a bundle's session or a checkpoint in torch.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from layoutserve.model.bundle import Head
from layoutserve.model.decoding.classification import DocumentClass
from layoutserve.model.decoding.document import Run, decode_document, decode_page
from layoutserve.model.decoding.docvqa import Answers
from layoutserve.model.decoding.kie import KieResult
from layoutserve.model.encoding.encoder import Encoder
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.training.data.cases import Case

Infer = Callable[[Sequence[Encoding]], Sequence[Logits]]


@dataclass(frozen=True, slots=True, eq=False)
class Inferred:
    """A case with its windows and their logits, without a question or with one of its questions."""

    case: Case
    windows: tuple[Encoding, ...]
    logits: tuple[Logits, ...]

    def kie(self, head: Head, rules: Collection[str] | None = None) -> KieResult:
        """The fields and entities of the page, decoded as a document of one page is served."""
        heads = {"kie": head}
        page = decode_page(heads, self.case.page, Run(self.windows, self.logits))
        found = decode_document(heads, [page], rules=rules).kie
        assert found is not None
        return found

    def classes(self, head: Head) -> tuple[DocumentClass, ...]:
        """The classes of the page, best first."""
        heads = {"classification": head}
        page = decode_page(heads, self.case.page, Run(self.windows, self.logits))
        return decode_document(heads, [page]).classes or ()

    def answers(self, head: Head, question: str) -> Answers:
        """The best answer to the question that the windows were made for."""
        heads = {"docvqa": head}
        page = decode_page(heads, self.case.page, asked=[Run(self.windows, self.logits)])
        (found,) = decode_document(heads, [page], [question]).answers or ()
        return found


def infer_pages(cases: Iterable[Case], encoder: Encoder, infer: Infer) -> list[Inferred]:
    """Run every case's page once, without a question."""
    result = []
    for case in cases:
        windows = tuple(encoder.encode(case.page))
        result.append(Inferred(case, windows, tuple(infer(windows))))
    return result


def infer_questions(cases: Iterable[Case], encoder: Encoder, infer: Infer) -> list[tuple[Inferred, ...]]:
    """Run every question of every case, in the order of the case's questions."""
    result = []
    for case in cases:
        tokens = encoder.tokens(case.page)
        rows = []
        for question, _ in case.questions:
            windows = tuple(encoder.windows(tokens, question))
            rows.append(Inferred(case, windows, tuple(infer(windows))))
        result.append(tuple(rows))
    return result
