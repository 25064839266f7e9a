"""Fair turns: documents take them round robin, and jobs have a bounded share of those that requests want, too."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Generic, TypeVar

Item = TypeVar("Item")

# While both wait, every so many turns one is a job's.
JOB_TURN = 4


class Party:
    """A document among those that wait; ``later`` for one that is a job's."""

    def __init__(self, later: bool = False) -> None:
        self.later = later


# The document that is being worked on; whoever has none is a party alone.
party_var: ContextVar[Party | None] = ContextVar("party", default=None)


def party() -> Party:
    """The document at hand."""
    return party_var.get() or Party()


class Turns(Generic[Item]):
    """What waits, by document."""

    def __init__(self) -> None:
        self._classes: tuple[OrderedDict[Party, deque[Item]], ...] = (OrderedDict(), OrderedDict())
        self._count = 0
        self._since_job = 0

    def __len__(self) -> int:
        return self._count

    def add(self, item: Item, party: Party) -> None:
        """Let an item wait for its document's turn."""
        self._classes[party.later].setdefault(party, deque()).append(item)
        self._count += 1

    def take(self) -> Item:
        """Take the item whose turn it is. Raises IndexError where nothing waits."""
        requests, jobs = self._classes
        if requests and jobs:
            self._since_job = (self._since_job + 1) % JOB_TURN
        waiting = jobs if jobs and (not requests or self._since_job == 0) else requests
        if not waiting:
            raise IndexError("nothing waits")
        party, items = next(iter(waiting.items()))
        item = items.popleft()
        self._count -= 1
        waiting.move_to_end(party)
        if not items:
            del waiting[party]
        return item

    def first(self, most: int) -> Iterator[tuple[Party, Item]]:
        """Items of all documents, in turns, those of requests first; at most so many."""
        for waiting in self._classes:
            for row in range(max(map(len, waiting.values()), default=0)):
                for party, items in waiting.items():
                    if row < len(items):
                        if most <= 0:
                            return
                        most -= 1
                        yield party, items[row]

    def keep(self, wanted: Callable[[Item], bool]) -> list[tuple[Party, Item]]:
        """Keep what is wanted; gives the rest."""
        left: list[tuple[Party, Item]] = []
        for waiting in self._classes:
            for party, items in list(waiting.items()):
                kept = deque(item for item in items if wanted(item))
                left += [(party, item) for item in items if not wanted(item)]
                self._count -= len(items) - len(kept)
                if kept:
                    waiting[party] = kept
                else:
                    del waiting[party]
        return left


class Room:
    """A number of places that documents take in fair turns."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: Turns[asyncio.Future[None]] = Turns()

    async def acquire(self) -> None:
        """Take a place once it is this document's turn."""
        if self._free > 0:
            self._free -= 1
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting, party())
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a place back."""
        while self._waiting:
            waiting = self._waiting.take()
            if not waiting.done():
                waiting.set_result(None)
                return
        self._free += 1
