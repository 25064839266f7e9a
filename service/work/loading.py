"""Bundles and sessions, loaded as everybody runs them: the service, a replica of a cluster, the command line."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from layoutserve.model import bundle
from layoutserve.model.bundle import Bundle
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.errors import BundleError
from layoutserve.model.inference.caches import LogitsCache, PageCache
from layoutserve.model.inference.session import CPU, Session
from layoutserve.model.pipeline import NO_LOGITS, NO_WORDS, Pipeline
from layoutserve.service.settings import Settings
from layoutserve.service.work.batching import run_all
from layoutserve.service.work.cores import cores
from layoutserve.service.work.ocr_pool import ocr_model

MIB = 2**20
STARTER = "starter"
# Another processor rounds otherwise; a wrong graph is wrong by more.
SELFTEST_BOUND = 1e-3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batching:
    """Limits of batches: most tokens of one, and batches side by side."""

    max_batch_tokens: int
    workers: int


# A CPU works best on what its caches hold, a GPU on large batches (benchmarks/LOG.md, inference).
CPU_BATCHING = Batching(512, 2)
GPU_BATCHING = Batching(2048, 1)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to run."""

    pipeline: Pipeline
    session: Session
    batching: Batching

    def infer(self, encodings: Sequence[Encoding]) -> list[Logits]:
        """Run windows in batches one after the other: the queue of a process that answers one document at a time."""
        return run_all(self.session.run, encodings, self.batching.max_batch_tokens)


def load(
    folder: Path,
    settings: Settings,
    *,
    pages_at_once: int = 1,
    words: PageCache = NO_WORDS,
    logits: LogitsCache = NO_LOGITS,
) -> Loaded:
    """Load the bundle in a folder, self-test it and make its pipeline; ``words`` and ``logits`` are its caches.

    Raises BundleError, SessionError.
    """
    found = bundle.load(folder)
    session = open_session(found, settings, pages_at_once)
    pipeline = open_pipeline(found, settings, window_tokens=session.window_tokens, words=words, logits=logits)
    return Loaded(pipeline, session, batching(session, settings))


def open_session(found: Bundle, settings: Settings, pages_at_once: int) -> Session:
    """Load the graphs of a bundle and repeat its golden input. Raises BundleError when the numbers are others."""
    manifest = found.manifest
    # A network that looks at no picture has nothing to keep.
    page_bytes = manifest.inputs.visual_tokens * int(manifest.config.get("hidden_size", 768)) * 4
    session = Session(
        found,
        providers=settings.providers or None,
        threads=settings.session_threads or cores(),
        native_ops=settings.native_ops,
        # The rest of the memory for pages. Windows of a page that is worked on share its visual embeddings even where
        # nothing is kept.
        visual_cache_pages=max(pages_at_once, settings.page_cache_mib * MIB // 4 // page_bytes) if page_bytes else 0,
    )
    difference = session.selftest()
    bound = max(manifest.parity.get("bound", 0.0), SELFTEST_BOUND)
    if not difference <= bound:
        raise BundleError(
            f"The model {manifest.name} fails its self-test: its outputs differ by {difference:.2g} from those it was "
            f"exported with, more than {bound:.2g}. Export it again on this machine, or use another precision."
        )
    fields = {"model": manifest.name, "precision": manifest.precision, "operators": session.operators}
    _log.info("model ready", extra={"fields": fields | {"licence": manifest.licence}})
    return session


def open_pipeline(
    found: Bundle, settings: Settings, *, window_tokens: int, words: PageCache, logits: LogitsCache
) -> Pipeline:
    """Make the pipeline of a bundle for sessions that run windows of ``window_tokens``. Raises BundleError."""
    reader = ocr_model(settings).name
    return Pipeline(found, pages=words, logits=logits, reader=reader, window_tokens=window_tokens)


def batching(session: Session, settings: Settings) -> Batching:
    """Batches that fit what a session runs on, where the settings leave it open."""
    fitting = CPU_BATCHING if session.providers[0] == CPU else GPU_BATCHING
    return Batching(settings.max_batch_tokens or fitting.max_batch_tokens, settings.session_workers or fitting.workers)


def look(settings: Settings) -> Iterator[tuple[Path, list[Path] | BundleError]]:
    """The places of the settings, the starter bundle first, each with the folders of its bundles or why it has none."""
    if settings.starter:
        try:
            yield Path(STARTER), [bundle.locate(STARTER)]
        except BundleError as error:
            yield Path(STARTER), error
    for path in map(Path.expanduser, settings.bundles):
        if (path / bundle.MANIFEST).is_file():
            yield path, [path]
        elif inside := sorted(found.parent for found in path.glob(f"*/{bundle.MANIFEST}")):
            yield path, inside
        else:
            yield path, BundleError(f"{path} is no bundle and holds none; make one with layoutserve export.")
    if not settings.starter and not settings.bundles:
        yield Path(), BundleError("There is no model to serve: name a bundle in LAYOUTSERVE_BUNDLES.")


def find_bundles(settings: Settings) -> list[Path]:
    """Folders of the bundles to serve, the starter bundle first. Raises BundleError where a place holds none."""
    folders: list[Path] = []
    for place, found in look(settings):
        if not isinstance(found, BundleError):
            folders += found
        elif place == Path(STARTER) and settings.bundles:
            _log.warning("The starter bundle is not served: %s", found)
        else:
            raise found
    return folders
