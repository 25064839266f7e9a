"""The models that are served now, by name and version, and the bundles that cannot be.

A name stands for its newest version, or for the one that the setting ``model_versions`` pins; ``name@version`` for that
one. A model that gives way is used to the end by whoever began with it.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from packaging.version import InvalidVersion, Version

from layoutserve.model.bundle import Bundle
from layoutserve.model.pipeline import Pipeline
from layoutserve.service.errors import NotFound, NotReady
from layoutserve.service.settings import Settings

# After this time somebody may have mended a bundle.
MENDED_S = 60


class Served:
    """A model that is served: its pipeline, and ``native`` or ``portable`` operators."""

    def __init__(self, pipeline: Pipeline, operators: str) -> None:
        self.pipeline = pipeline
        self.operators = operators
        self.closed = False
        self._users = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def bundle(self) -> Bundle:
        """The bundle it came from."""
        return self.pipeline.bundle

    @property
    def name(self) -> str:
        """Its name, which other versions of it share."""
        return self.bundle.manifest.name

    @property
    def address(self) -> str:
        """Its name and version, by which it can be asked for."""
        return f"{self.name}@{self.bundle.manifest.version}"

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the model for as long as a document is worked on."""
        self._users += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                self._idle.set()

    async def retire(self) -> None:
        """Wait until nobody uses the model; it cannot be used after that."""
        while self._users:
            await self._idle.wait()
        self.closed = True


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A bundle that cannot be served, and why."""

    folder: Path
    reason: str
    since: float = field(default_factory=time.time)


class Catalog:
    """The models that are served, in the order of their bundles, and the bundles that are not."""

    def __init__(
        self, settings: Settings, served: Iterable[Served] = (), quarantined: Iterable[Quarantined] = ()
    ) -> None:
        self._default = settings.model
        self._pinned = dict(address.split("@", 1) for address in settings.model_versions)
        self._served: Mapping[str, Served] = {}
        self.quarantined: tuple[Quarantined, ...] = ()
        self.replace(served, quarantined)

    def replace(self, served: Iterable[Served], quarantined: Iterable[Quarantined] = ()) -> None:
        """Serve these models from now on."""
        self._served = {one.address: one for one in served}
        self.quarantined = tuple(quarantined)

    @property
    def served(self) -> list[Served]:
        """The models, the default one first."""
        default = self._standing_for(self._default_name())
        others = [one for one in self._served.values() if one is not default]
        return others if default is None else [default, *others]

    def current(self, one: Served) -> bool:
        """True for the version that a name without a version stands for."""
        return self._standing_for(one.name) is one

    def find(self, name: str | None) -> Served:
        """The model of a name or ``name@version``, the default one without. Raises NotFound, NotReady."""
        if name is None:
            return self.default()
        if (found := self._standing_for(name)) is None:
            addresses = ", ".join(dict.fromkeys(one.name for one in self.served)) or "none"
            versions = ", ".join(one.address for one in self._served.values() if one.name == name.partition("@")[0])
            known = f"its versions are {versions}" if versions else f"the models are {addresses}"
            raise NotFound(f"There is no model {name!r}; {known}.")
        return found

    def default(self) -> Served:
        """The model of requests that name none. Raises NotReady where it is not there."""
        name = self._default_name()
        if (found := self._standing_for(name)) is None:
            reasons = " ".join(dict.fromkeys(one.reason for one in self.quarantined))
            missing = f"The model {name} is not among those that are served." if self._served else "There is no model."
            raise NotReady(f"{missing} {reasons}".strip(), MENDED_S)
        return found

    def check(self) -> None:
        """Raise NotReady where no model at all is served."""
        if not self._served:
            self.default()

    def _default_name(self) -> str:
        return self._default or next((one.name for one in self._served.values()), "")

    def _standing_for(self, name: str) -> Served | None:
        if name in self._served:
            return self._served[name]
        if pinned := self._pinned.get(name):
            return self._served.get(f"{name}@{pinned}")
        return max((one for one in self._served.values() if one.name == name), key=_age, default=None)


def _age(one: Served) -> tuple[bool, Version, str]:
    """What is newer is larger: versions as packages have them, and above no others whatever else is written there."""
    version = one.bundle.manifest.version
    try:
        return True, Version(version), version
    except InvalidVersion:
        return False, Version("0"), version
