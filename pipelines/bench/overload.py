"""What the service does when twice as much is asked as it can answer.

A round measures the capacity, by connections that ask again as soon as they are answered; then requests come at twice that rate, evenly,
whether or not the ones before were answered; then the capacity is measured once more, and the mean of both is the round's. In time is
within `IN_TIME_S` of being sent.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec

from ihas.bundle.archive import write_bundle
from ihas.bundle.values import Bundle
from ihas.errors import IhasError
from pipelines.bench.bundles import BundleShape, random_bundle
from pipelines.bench.http import running
from pipelines.bench.load import check_answer
from pipelines.bench.serving import recommend_body
from pipelines.bench.table import Cell, Table

SHAPE = BundleShape(num_items=20_000)
PATH = "/v1/models/bench/recommend"
CONNECTIONS = 4
ROUND_S, WARM_S = 10.0, 2.0
OVER = 2.0
IN_TIME_S = 1.0
NUM_BODIES = 64
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Outcome:
    """One request.

    Attributes:
        status: of the answer; 0 where the connection broke.
        seconds: from sending to the whole answer.
        retry_after: whether the answer says when to come again.
    """

    status: int
    seconds: float
    retry_after: bool


@dataclass(frozen=True)
class Overload:
    """One round.

    Attributes:
        capacity: answers a second while nobody asks more than is answered.
        seconds: that more was asked.
        outcomes: of every request of that time.
    """

    capacity: float
    seconds: float
    outcomes: Sequence[Outcome]

    def row(self) -> tuple[Cell, ...]:
        """What the table says of the round."""
        asked = len(self.outcomes) / self.seconds
        answered = [one for one in self.outcomes if one.status == 200]
        refused = [one for one in self.outcomes if one.status in (429, 503) and one.retry_after]
        in_time = sum(one.seconds <= IN_TIME_S for one in answered) / self.seconds
        others = len(self.outcomes) - len(answered) - len(refused)
        return (self.capacity, asked, in_time, in_time / self.capacity, _p99(answered), _p99(refused), len(refused), others)


def tables(rounds: int) -> Iterator[Table]:
    """One table, a row a round and their medians."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        bundle = random_bundle(SHAPE)
        write_bundle(bundle, folder / "bundle")
        command = [sys.executable, "-m", "service.bench_server", "--bundle", str(folder / "bundle"), "--folder", str(folder / "service")]
        server = stack.enter_context(running("iHAS", command, {"all items": PATH}, "/readyz"))
        bodies = whole_catalogue(bundle)
        check_answer(server.url("all items"), bodies[0])
        asyncio.run(capacity(server.url("all items"), bodies, WARM_S))
        found = [asyncio.run(measure(server.url("all items"), bodies)).row() for _ in range(rounds)]
    yield overload_table(f"the 10 best of {SHAPE.num_items:,} items, asked {OVER:g} times as often as is answered", found)


def overload_table(title: str, rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Every round, and the median of each column."""
    columns = (
        "",
        "capacity/s",
        "asked/s",
        "answered in time/s",
        "of the capacity",
        "answered p99 ms",
        "refused p99 ms",
        "refused",
        "other",
    )
    middle = [_median(cells) for cells in zip(*rows, strict=True)]
    lines = [(f"round {number}", *row) for number, row in enumerate(rows, start=1)]
    return Table(title, columns, (*lines, ("median", *middle)), f"In time: within {IN_TIME_S:g} s. Refused: 429 or 503 with `Retry-After`.")


def _median(cells: Sequence[Cell]) -> float | None:
    known = [float(cell) for cell in cells if cell is not None]
    return statistics.median(known) if known else None


def whole_catalogue(bundle: Bundle) -> list[bytes]:
    """Requests for the best of all items."""
    asked = [msgspec.json.decode(recommend_body(bundle, 1, seed)) for seed in range(NUM_BODIES)]
    return [msgspec.json.encode({"context": one["context"], "k": 10}) for one in asked]


async def measure(url: str, bodies: Sequence[bytes]) -> Overload:
    """One round: the capacity, more than that, and the capacity again."""
    before = await capacity(url, bodies, ROUND_S / 2)
    outcomes = await flood(url, bodies, OVER * before, ROUND_S)
    after = await capacity(url, bodies, ROUND_S / 2)
    return Overload((before + after) / 2, ROUND_S, outcomes)


async def capacity(url: str, bodies: Sequence[bytes], seconds: float) -> float:
    """Answers a second to connections that ask one after the other.

    Raises:
        IhasError: nothing was answered.
    """
    answered, end = 0, time.perf_counter() + seconds

    async def connection(client: httpx.AsyncClient, number: int) -> None:
        nonlocal answered
        while time.perf_counter() < end:
            number += 1
            answer = await client.post(url, content=bodies[number % len(bodies)], headers=JSON)
            answered += answer.status_code == 200  # not in one statement, which would read the count before it waits

    async with httpx.AsyncClient(timeout=30.0) as client:
        await asyncio.gather(*(connection(client, number) for number in range(CONNECTIONS)))
    if not answered:
        raise IhasError(f"A server must answer within {seconds:g} s to have a capacity, but did not.")
    return answered / seconds


async def flood(url: str, bodies: Sequence[bytes], rate: float, seconds: float) -> list[Outcome]:
    """Requests at a rate, whatever becomes of them."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(timeout=30.0, limits=limits) as client:
        began, asked = time.perf_counter(), []
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            asked.append(asyncio.create_task(_one(client, url, bodies[number % len(bodies)])))
        return list(await asyncio.gather(*asked))


async def _one(client: httpx.AsyncClient, url: str, body: bytes) -> Outcome:
    began = time.perf_counter()
    try:
        answer = await client.post(url, content=body, headers=JSON)
    except httpx.TransportError:
        return Outcome(0, time.perf_counter() - began, False)
    return Outcome(answer.status_code, time.perf_counter() - began, "retry-after" in answer.headers)


def _p99(outcomes: Sequence[Outcome]) -> float | None:
    seconds = [one.seconds * 1e3 for one in outcomes]
    return statistics.quantiles(seconds, n=100)[98] if len(seconds) > 1 else None
