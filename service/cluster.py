"""The service on Ray Serve: the same app, engine and pipeline, with OCR and models in deployments of their own.

Three kinds of deployment, each scaled by itself::

    gateway            the FastAPI app and its engine: reads documents, drives pages, decodes; holds no model
    ocr                OCR workers: Page -> words
    encoder-<model>    a model's session behind its batcher: Encodings -> Logits; on a GPU if it is given one

``serve run`` and ``serve deploy`` take ``layoutserve.service.cluster:application``, with settings
(``service.settings``) by name as its arguments. Every node needs the same bundles and OCR models under the same paths.

Reading a page and running windows change nothing, so work that went down with a replica is given to another, and
answered with a problem (503) if that one goes down too. A queue that is full is Overloaded (429), as in one process.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import ray
from fastapi import FastAPI
from ray import serve
from ray.exceptions import ActorUnavailableError, RayActorError, RayTaskError
from ray.serve.config import BackpressureConfig
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from layoutserve.model import bundle
from layoutserve.model.allocator import keep_freed_memory
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.errors import LayoutServeError
from layoutserve.model.inference.caches import ReadWords
from layoutserve.model.page import Page
from layoutserve.service import settings, tracing
from layoutserve.service.errors import Conflict, NotReady, Overloaded
from layoutserve.service.http.app import create_app
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.wire import schemas
from layoutserve.service.work.backend import caches, open_batcher
from layoutserve.service.work.catalog import Catalog, Served
from layoutserve.service.work.engine import Engine
from layoutserve.service.work.loading import find_bundles, open_pipeline, open_session
from layoutserve.service.work.ocr_pool import load_ocr, ocr_model, ocr_pools, pool_for

OCR = "ocr"
# Pages that a gateway holds decoded: they keep a few OCR replicas busy. The setting max_pages_at_once goes before.
PAGES_AT_ONCE = 16
# What takes its replica down takes down one more, not all of them.
ATTEMPTS = 2
# Requests beside documents: health, metrics, models, jobs.
SMALL_REQUESTS = 32
GONE = (RayActorError, ActorUnavailableError, ReplicaUnavailableError)


def application(arguments: dict[str, object]) -> serve.Application:
    """Build the application; ``arguments`` are settings by name. Raises SettingsError, BundleError."""
    chosen = settings.load(None, **arguments)
    folders = find_bundles(chosen)

    def app() -> FastAPI:
        tracing.start()
        telemetry = Telemetry()
        return create_app(chosen, Engine(chosen, telemetry, ClusterBackend(chosen, folders, telemetry)), telemetry)

    gateway = serve.deployment(
        serve.ingress(app)(Gateway),
        name="gateway",
        # The engine turns documents away with a problem before the queue does so with a line of text.
        max_ongoing_requests=chosen.max_documents + SMALL_REQUESTS,
        max_queued_requests=SMALL_REQUESTS,
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=1),
        graceful_shutdown_timeout_s=chosen.drain_timeout_s + 15,
    )
    ocr = serve.deployment(OcrReplica, name=OCR, max_ongoing_requests=4, max_queued_requests=chosen.max_documents)
    encoder = serve.deployment(EncoderReplica, max_ongoing_requests=64, max_queued_requests=chosen.max_documents)
    encoders = [
        encoder.options(name=_encoder(bundle.load(folder).manifest.name)).bind(chosen, folder) for folder in folders
    ]
    return gateway.bind(ocr.bind(chosen), *encoders)


class Gateway:
    """Serves the app; Ray routes requests to it. Its arguments only say which deployments belong to it."""

    app: FastAPI

    def __init__(self, *deployments: DeploymentHandle) -> None:
        pass

    def check_health(self) -> None:
        """Have the replica replaced when its models could not be loaded."""
        loading: asyncio.Task[None] = self.app.state.loading
        if loading.done() and not loading.cancelled():
            loading.result()


class OcrReplica:
    """Reads pages, one at a time for each of its workers."""

    def __init__(self, chosen: Settings) -> None:
        keep_freed_memory()
        tracing.start()
        self._pools = ocr_pools(load_ocr(_share(chosen)), Telemetry())

    async def recognize(self, page: Page, language: str | None, carried: Mapping[str, str]) -> tuple[ReadWords, float]:
        """Give the words and turn of a page, and the seconds it took without waiting. Raises RequestError."""
        began = time.perf_counter()
        with tracing.continued(carried), tracing.span("ocr replica"):
            read, waited = await pool_for(language, self._pools).recognize(page)
        return ReadWords(read.words or (), read.turn), time.perf_counter() - began - waited


class EncoderReplica:
    """Runs windows of many requests in batches."""

    def __init__(self, chosen: Settings, folder: Path) -> None:
        keep_freed_memory()
        tracing.start()
        chosen = _share(chosen)
        self._session = open_session(bundle.load(folder), chosen, PAGES_AT_ONCE)
        self._batcher = open_batcher(self._session, chosen, Telemetry(), folder.name)

    async def infer(self, encodings: Sequence[Encoding], carried: Mapping[str, str]) -> tuple[list[Logits], float]:
        """Give the logits of windows in their order, and the seconds they took without waiting."""
        began = time.perf_counter()
        with tracing.continued(carried), tracing.span("encoder replica", windows=len(encodings)):
            logits, waited = await self._batcher.submit(encodings)
        return logits, time.perf_counter() - began - waited

    def describe(self) -> tuple[str, int]:
        """Say which operators run and how long windows should be, once the model has passed its self-test."""
        return self._session.operators, self._session.window_tokens


class ClusterBackend:
    """The backend of a gateway: OCR and models in other processes, on other machines perhaps."""

    def __init__(self, chosen: Settings, folders: Sequence[Path], telemetry: Telemetry) -> None:
        self._settings = chosen
        self._folders = folders
        self._telemetry = telemetry
        self._handles: dict[str, DeploymentHandle] = {}
        self._tokens = 0

    @property
    def full(self) -> bool:
        """True while no more tokens of this gateway may be under way."""
        return self._tokens >= self._settings.max_queue_tokens

    @property
    def pages_at_once(self) -> int:
        """Decoded pages that a gateway holds at once."""
        return self._settings.max_pages_at_once or PAGES_AT_ONCE

    @property
    def ocr_model(self) -> schemas.Model:
        """The OCR model, as answers name it."""
        return ocr_model(self._settings)

    async def load(self) -> Catalog:
        """Load the tokenizers, and wait until a replica of each model is up. Raises LayoutServeError."""
        words, logits = caches(self._settings, self._telemetry)
        self._handles[OCR] = serve.get_deployment_handle(OCR)
        served: list[Served] = []
        for folder in self._folders:
            # The files were compared with their hashes where they are run.
            found = bundle.load(folder, verify=False)
            deployment = _encoder(found.manifest.name)
            self._handles[deployment] = serve.get_deployment_handle(deployment)
            operators, tokens = cast(tuple[str, int], await self._call(deployment, "describe"))
            pipeline = open_pipeline(found, self._settings, window_tokens=tokens, words=words, logits=logits)
            served.append(Served(pipeline, operators))
        return Catalog(self._settings, served)

    async def reload(self) -> None:
        """Refuse: the replicas of a model are deployed with the application."""
        raise Conflict("On a cluster the models change when the application is deployed again.")

    async def recognize(self, page: Page, language: str | None) -> tuple[Page, float]:
        """Have a page read."""
        began = time.perf_counter()
        read, worked = cast(
            tuple[ReadWords, float], await self._call(OCR, "recognize", page, language, tracing.carried_on())
        )
        return replace(page, words=read.words, turn=read.turn), time.perf_counter() - began - worked

    async def infer(self, model: Served, encodings: Sequence[Encoding]) -> tuple[list[Logits], float]:
        """Have windows run."""
        waiting = self._telemetry.queue_tokens.labels(model.address)
        began = time.perf_counter()
        tokens = sum(encoding.all_tokens for encoding in encodings)
        self._tokens += tokens
        waiting.inc(tokens)
        try:
            logits, worked = cast(
                tuple[list[Logits], float],
                await self._call(_encoder(model.name), "infer", encodings, tracing.carried_on()),
            )
        finally:
            self._tokens -= tokens
            waiting.dec(tokens)
        return logits, time.perf_counter() - began - worked

    async def close(self) -> None:
        """Nothing is held here."""

    async def _call(self, name: str, method: str, *arguments: object) -> object:
        """Call a deployment; whoever stops waiting stops the work."""
        for attempt in range(ATTEMPTS):
            response = getattr(self._handles[name], method).remote(*arguments)
            try:
                return await response
            except asyncio.CancelledError:
                response.cancel()
                raise
            except BackPressureError as error:
                raise Overloaded(f"As many requests wait for {name} as may.", 2) from error
            except DeploymentUnavailableError as error:
                raise NotReady(f"{name} is not there: its replicas did not start.", 5) from error
            except GONE as error:
                if attempt + 1 == ATTEMPTS:
                    raise NotReady(f"{name} broke down {ATTEMPTS} times over this document.", 5) from error
            except RayTaskError as error:
                # What it failed with over there is what it fails with here.
                raise (error.cause if isinstance(error.cause, LayoutServeError) else error) from None
        raise AssertionError("unreachable")


def _encoder(model: str) -> str:
    """Name of a model's deployment."""
    return f"encoder-{model}"


def _share(chosen: Settings) -> Settings:
    """The settings of one replica: as many threads as it has cores, where the settings leave it open."""
    cores = max(int(ray.get_runtime_context().get_assigned_resources().get("CPU", 0)), 1)
    return chosen.model_copy(
        update={
            "ocr_workers": chosen.ocr_workers or 1,
            "ocr_threads": chosen.ocr_threads or cores,
            "session_threads": chosen.session_threads or cores,
        }
    )
