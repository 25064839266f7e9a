"""More documents than can be answered: ``python benchmarks/overload.py [--seconds 15]``.

Measures capacity with clients that wait for their answers, then sends documents at 1, 2 and 5 times that rate whether
or not earlier ones were answered (an open loop), while a job of twenty pages is worked on in the last row. A row tells
what was answered in time, what was turned away and how soon, and how long accepted ones waited.
"""

import argparse
import asyncio
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.table import Table
from serving import Pages, Service, service

DEADLINE_S = 20.0
MAX_DOCUMENTS = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """A request: its status, 0 where there was none, the seconds it took, and the Retry-After it was told."""

    status: int
    seconds: float
    retry_after_s: int | None


async def arrivals(url: str, documents: Sequence[bytes], rate: float) -> list[Outcome]:
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=None)) as session:

        async def send(number: int, document: bytes) -> Outcome:
            await asyncio.sleep(number / rate)
            began = time.perf_counter()
            try:
                answer = await session.post("/v1/kie", files={"file": document})
            except httpx.HTTPError:
                return Outcome(0, time.perf_counter() - began, None)
            told = answer.headers.get("retry-after")
            return Outcome(answer.status_code, time.perf_counter() - began, int(told) if told else None)

        return await asyncio.gather(*(send(number, document) for number, document in enumerate(documents)))


def at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else math.nan


def row(running: Service, pages: Pages, rate: float, seconds: float, name: str) -> list[str]:
    documents = [pages.next() for _ in range(max(round(rate * seconds), 1))]
    began = time.perf_counter()
    outcomes = asyncio.run(arrivals(running.url, documents, rate))
    # What comes after the last arrival counts for the time it takes.
    elapsed = max(time.perf_counter() - began, seconds)
    answered = [outcome.seconds for outcome in outcomes if outcome.status == 200 and outcome.seconds <= DEADLINE_S]
    refused = [outcome for outcome in outcomes if outcome.status == 429]
    told = [outcome.retry_after_s for outcome in refused if outcome.retry_after_s is not None]
    others = len(outcomes) - len(refused) - sum(outcome.status == 200 for outcome in outcomes)
    return [
        name,
        str(len(outcomes)),
        f"{len(answered) / elapsed:.2f}",
        f"{at(answered, 0.5):.2f}",
        f"{at(answered, 0.95):.2f}",
        str(len(refused)),
        f"{at([outcome.seconds for outcome in refused], 0.95) * 1000:.0f}",
        f"{min(told)} to {max(told)}" if told else "",
        str(others),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each row")
    arguments = parser.parse_args()
    pages = Pages()
    names = (
        "arrivals",
        "sent",
        "goodput, 1/s",
        "median, s",
        "p95, s",
        "429",
        "429 at p95, ms",
        "Retry-After, s",
        "else",
    )
    table = Table(*names)
    with service(max_documents=MAX_DOCUMENTS) as running:
        running.post([pages.next() for _ in range(4)], 2)
        measured = [running.post([pages.next() for _ in range(12)], 4) for _ in range(2)]
        capacity = statistics.median(len(load.latencies) / load.elapsed for load in measured)
        for times in (1, 2, 5):
            table.add_row(*row(running, pages, times * capacity, arguments.seconds, f"{times} x {capacity:.1f}/s"))
        job = {"file": pages.document(20)}
        httpx.post(f"{running.url}/v1/kie", files=job, headers={"Prefer": "respond-async"}).raise_for_status()
        table.add_row(*row(running, pages, capacity / 4, arguments.seconds, f"1/4 x {capacity:.1f}/s beside a job"))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
