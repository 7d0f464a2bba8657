"""Behaviour of the service under twice the load that it can serve.

The capacity is the number of responses per second to connections that send the next request at once, with as many connections as it takes
until more of them bring no more. A repetition measures it, then sends requests at twice that rate, evenly, without waiting for responses,
then measures it again; the mean of both is the repetition's capacity. In time is within `IN_TIME_S` of being due.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from ihas.bundle.archive import write_bundle
from ihas.bundle.values import Bundle
from ihas.errors import IhasError
from ihas_pipelines.benchmarks.asking import Client, Flood, Outcome
from ihas_pipelines.benchmarks.bundles import BundleShape, random_bundle
from ihas_pipelines.benchmarks.http import running
from ihas_pipelines.benchmarks.load import check_answer, cpu_seconds
from ihas_pipelines.benchmarks.serving import recommend_body
from ihas_pipelines.benchmarks.table import Cell, Table

SHAPES: Mapping[str, BundleShape] = {"MLP 64-32": BundleShape(), "MLP 64-32, 4 groups": BundleShape(num_groups=4)}
PATH = "/v1/models/bench/recommend"
CONNECTIONS = (2, 4, 8, 16)
RISES = 1.05
REPETITION_S = 4.0
OVER = 2.0
IN_TIME_S = 1.0
NUM_BODIES = 64


@dataclass(frozen=True)
class Overload:
    """One repetition.

    Attributes:
        capacity: answers a second while nobody asks more than is answered.
        capacity_cpu: cores that the server kept busy for them.
        flood: what came of more than that.
        flood_cpu: cores that the server kept busy meanwhile.
    """

    capacity: float
    capacity_cpu: float
    flood: Flood
    flood_cpu: float

    def row(self) -> tuple[Cell, ...]:
        """What the table says of the repetition."""
        outcomes, seconds = self.flood.outcomes, self.flood.seconds
        answered = [one for one in outcomes if one.status == 200]
        refused = [one for one in outcomes if one.status in (429, 503) and one.retry_after]
        in_time = sum(one.seconds <= IN_TIME_S for one in answered) / seconds
        others = len(outcomes) - len(answered) - len(refused)
        shares = (in_time / self.capacity, in_time / self.capacity * self.capacity_cpu / self.flood_cpu, len(refused) / len(outcomes))
        cores = (self.capacity_cpu, self.flood_cpu, self.flood.cpu, self.flood.late_s * 1e3)
        return (self.capacity, len(outcomes) / seconds, in_time, *shares, _p99(answered), _p99(refused), others, *cores)


def tables(repetitions: int) -> Iterator[Table]:
    """Of each shape: a row a repetition, and one of all repetitions together."""
    return (_shape_table(name, shape, repetitions) for name, shape in SHAPES.items())


def _shape_table(name: str, shape: BundleShape, repetitions: int) -> Table:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        bundle = random_bundle(shape)
        write_bundle(bundle, folder / "bundle")
        command = [
            sys.executable,
            "-P",
            "-m",
            "ihas_service.benchmark_server",
            "--bundle",
            str(folder / "bundle"),
            "--folder",
            str(folder / "service"),
        ]
        server = stack.enter_context(running("iHAS", command, {"all items": PATH}, "/readyz"))
        bodies = whole_catalogue(bundle)
        check_answer(server.url("all items"), bodies[0])
        client = stack.enter_context(Client(server.url("all items"), bodies))
        connections = enough_connections(client)
        found = [measure(client, connections, server.processes) for _ in range(repetitions)]
    asked = f"the 10 best of {shape.num_items:,} items, asked {OVER:g} times as often as {connections} connections are answered"
    return overload_table(f"{name}: {asked}", found)


def overload_table(title: str, repetitions: Sequence[Overload]) -> Table:
    """Every repetition, and all of them together: capacities differ by a third from one to the next on a shared machine."""
    rates = ("capacity/s", "asked/s", "answered in time/s", "of the capacity", "the same a CPU second", "share refused")
    cores = ("server's cores at capacity", "server's cores", "client's cores", "client late p99 ms")
    columns = ("", *rates, "answered p99 ms", "refused p99 ms", "other", *cores)
    lines = [(f"repetition {number}", *one.row()) for number, one in enumerate(repetitions, start=1)]
    said = f"In time: within {IN_TIME_S:g} s. Refused: 429 or 503 with `Retry-After`."
    return Table(title, columns, (*lines, ("all", *together(repetitions).row())), said)


def together(repetitions: Sequence[Overload]) -> Overload:
    """Repetitions as one: capacities and cores are means, outcomes are pooled."""
    floods = [one.flood for one in repetitions]
    outcomes = [outcome for flood in floods for outcome in flood.outcomes]
    late_s, cpu = statistics.fmean(flood.late_s for flood in floods), statistics.fmean(flood.cpu for flood in floods)
    return Overload(
        statistics.fmean(one.capacity for one in repetitions),
        statistics.fmean(one.capacity_cpu for one in repetitions),
        Flood(outcomes, sum(flood.seconds for flood in floods), late_s, cpu),
        statistics.fmean(one.flood_cpu for one in repetitions),
    )


def whole_catalogue(bundle: Bundle) -> list[bytes]:
    """Requests for the best of all items."""
    asked = [msgspec.json.decode(recommend_body(bundle, 1, seed)) for seed in range(NUM_BODIES)]
    return [msgspec.json.encode({"context": one["context"], "k": 10}) for one in asked]


def enough_connections(client: Client) -> int:
    """The fewest of `CONNECTIONS` beyond which more are answered no more often.

    Raises:
        IhasError: nothing was answered.
    """
    answered = {connections: client.saturate(connections, REPETITION_S / 4) for connections in CONNECTIONS}
    if not any(answered.values()):
        raise IhasError(f"A server must answer within {REPETITION_S / 4:g} s to have a capacity, but did not.")
    return next(connections for connections in CONNECTIONS if max(answered.values()) <= RISES * answered[connections])


def measure(client: Client, connections: int, server: Sequence[int]) -> Overload:
    """One repetition: the capacity, more than that, and the capacity again; `server` is its processes."""
    spent = [cpu_seconds(server)]
    before = client.saturate(connections, REPETITION_S / 2)
    spent.append(cpu_seconds(server))
    flood = client.flood(OVER * before, REPETITION_S)
    spent.append(cpu_seconds(server))
    after = client.saturate(connections, REPETITION_S / 2)
    spent.append(cpu_seconds(server))
    first, flooded, second = (end - start for start, end in pairwise(spent))
    return Overload((before + after) / 2, (first + second) / REPETITION_S, flood, flooded / REPETITION_S)


def _p99(outcomes: Sequence[Outcome]) -> float | None:
    seconds = [one.seconds * 1e3 for one in outcomes]
    return statistics.quantiles(seconds, n=100)[98] if len(seconds) > 1 else None
