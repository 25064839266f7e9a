"""Bundles on disk, watched: new and changed ones are loaded beside those that are served, then take their names.

A bundle that cannot be loaded is quarantined until its files change, and the rest serves on; one that changed for the
worse leaves what was loaded before in its place. What was removed serves whoever began with it, and then gives its
memory back.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from layoutserve.model.errors import BundleError, LayoutServeError
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry, log_unexpected
from layoutserve.service.work.catalog import Catalog, Quarantined, Served
from layoutserve.service.work.loading import Loaded, look

Stamp = tuple[tuple[str, int, int, int], ...]
# Makes a loaded model a served one, with its queue; called in the event loop.
Open = Callable[[Loaded], Served]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Known:
    """A bundle as it was found: the model made of it, or why there is none."""

    stamp: Stamp
    served: Served | None = None
    fault: Quarantined | None = None


class Repository:
    """Keeps a catalog as the bundles on disk are.

    load: of a folder, on a thread. open: makes it a served model. close: gives its memory back, once nobody uses it.
    """

    def __init__(
        self,
        settings: Settings,
        telemetry: Telemetry,
        *,
        load: Callable[[Path], Loaded],
        open_: Open,
        close: Callable[[Served], Awaitable[None]],
    ) -> None:
        self.catalog = Catalog(settings)
        self._settings = settings
        self._telemetry = telemetry
        self._load, self._open, self._close = load, open_, close
        self._known: dict[Path, _Known] = {}
        # What the last look saw, so that a bundle is not taken while it is being copied.
        self._seen: dict[Path, Stamp] = {}
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bundles")
        self._retiring: set[asyncio.Task[None]] = set()

    async def refresh(self, *, settled: bool = False) -> None:
        """Serve what is there now; ``settled``: what has not changed since the last look alone."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            found, missing = await loop.run_in_executor(self._thread, _scan, self._settings)
            before, self._seen = self._seen, found
            for folder, stamp in found.items():
                known = self._known.get(folder)
                if (known is None or known.stamp != stamp) and (not settled or before.get(folder) == stamp):
                    await self._take(folder, stamp)
            gone = [folder for folder in self._known if folder not in found and not (settled and folder in before)]
            leaving = [self._known.pop(folder).served for folder in gone]
            # In the order of the settings.
            order = [folder for folder in (*found, *self._known) if folder in self._known]
            self._known = {folder: self._known[folder] for folder in order}
            self._publish(missing)
            for one in leaving:
                if one is not None:
                    self._retire(one)

    async def watch(self) -> None:
        """Look again and again."""
        while self._settings.bundles_poll_s:
            await asyncio.sleep(self._settings.bundles_poll_s)
            try:
                await self.refresh(settled=True)
            except Exception as error:
                log_unexpected(_log, "bundles cannot be looked at", error)

    async def close(self) -> None:
        """Look no more, and let nobody wait for a model that gave way."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown)

    async def _take(self, folder: Path, stamp: Stamp) -> None:
        """Load a bundle beside what is served, and let it take its name; where that fails, quarantine it."""
        known = self._known.setdefault(folder, _Known(stamp))
        known.stamp, old = stamp, known.served
        try:
            loaded = await asyncio.get_running_loop().run_in_executor(self._thread, self._load, folder)
            manifest = loaded.pipeline.bundle.manifest
            for other, one in self._known.items():
                if other != folder and one.served and one.served.address == f"{manifest.name}@{manifest.version}":
                    raise BundleError(
                        f"Two bundles have the name {one.served.address}: {other} is served, {folder} is not. Export "
                        "one of them again with --name, or give it another version."
                    )
            served = self._open(loaded)
        except Exception as error:
            told = (
                str(error) if isinstance(error, LayoutServeError) else f"it cannot be loaded ({type(error).__name__})"
            )
            known.fault = Quarantined(folder, told)
            self._telemetry.model_loads.labels("quarantined").inc()
            log_unexpected(_log, "bundle quarantined", error)
            return
        known.served, known.fault = served, None
        self._telemetry.model_loads.labels("served").inc()
        self._publish(())
        if old is not None:
            self._retire(old)

    def _publish(self, missing: tuple[Quarantined, ...]) -> None:
        served = [one.served for one in self._known.values() if one.served is not None]
        faults = [one.fault for one in self._known.values() if one.fault is not None]
        self.catalog.replace(served, [*faults, *missing])
        self._telemetry.models.show(
            [(one.name, one.bundle.manifest.version, one.bundle.manifest.precision, one.operators) for one in served]
        )
        self._telemetry.quarantined_bundles.set(len(faults))

    def _retire(self, one: Served) -> None:
        task = asyncio.create_task(self._see_off(one))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _see_off(self, one: Served) -> None:
        await one.retire()
        await self._close(one)
        fields = {"model": one.name, "version": one.bundle.manifest.version}
        # Sessions and pipelines refer to each other.
        await asyncio.to_thread(gc.collect)
        _log.info("model retired", extra={"fields": fields})


def _scan(settings: Settings) -> tuple[dict[Path, Stamp], tuple[Quarantined, ...]]:
    """The bundles that are there, each with what changes when its files do, and the places that hold none."""
    found: dict[Path, Stamp] = {}
    missing: list[Quarantined] = []
    for place, folders in look(settings):
        if isinstance(folders, BundleError):
            missing.append(Quarantined(place, str(folders)))
        else:
            found |= {folder: tuple(_files(folder)) for folder in folders}
    return found, tuple(missing)


def _files(folder: Path) -> Iterator[tuple[str, int, int, int]]:
    for path in sorted(folder.rglob("*")):
        try:
            facts = path.stat()
        except OSError:
            continue
        if path.is_file():
            yield path.relative_to(folder).as_posix(), facts.st_size, facts.st_mtime_ns, facts.st_ino
