"""What an answer costs over HTTP: CPU of the server's processes per request, latency and throughput.

Servers run beside each other, each in a process of its own, and are loaded alternately; one that is not loaded costs nothing. The floor is
a plain Starlette route that reads the body and answers an empty list. `iHAS, empty route` is such a route inside the service, behind its
middleware: the difference to the floor is the price of request ids, limits, metrics and the log, the difference to `iHAS` that of a
score. Bodies come one after the other from 64 requests.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from ihas.bundle.archive import write_bundle
from ihas.bundle.values import Bundle
from ihas.errors import IhasError
from ihas_pipelines.benchmarks.bundles import BundleShape, random_bundle
from ihas_pipelines.benchmarks.load import Load, check_answer, cpu_seconds, load, resident_bytes
from ihas_pipelines.benchmarks.serving import CANDIDATES, LARGE, SMALL, recommend_body, score_body
from ihas_pipelines.benchmarks.table import Cell, Table

SHAPES: Mapping[str, BundleShape] = {
    "MLP 64-32": BundleShape(hidden=SMALL),
    "MLP 400x3": BundleShape(hidden=LARGE),
    "MLP 64-32, 4 groups": BundleShape(hidden=SMALL, num_groups=4),
}
BASELINES = ("onnxruntime", "tf.function", "keras")
NUM_BODIES = 64
MEASUREMENT_S = 1.0
WAIT_S = 300.0
FLOOR, OURS, TWO = "empty plain route", "iHAS", "iHAS, 2 processes"
WORKLOADS = ("one row", *(f"{count} candidates" for count in CANDIDATES))
CONNECTIONS = {"one row": (1, 16), "100 candidates": (4,), "500 candidates": (4,)}
MIB = 2**20


@dataclass(frozen=True)
class Running:
    """A server at work.

    Attributes:
        name: what the tables call it.
        processes: their numbers.
        port: where it answers.
        paths: path of each workload that it takes.
        ready_s: seconds from its start until it said that it is ready, the first process.
        ready_cpu_s: CPU seconds until then, the first process.
    """

    name: str
    processes: tuple[int, ...]
    port: int
    paths: Mapping[str, str]
    ready_s: float
    ready_cpu_s: float

    def url(self, workload: str) -> str:
        """Where a workload goes."""
        return f"http://127.0.0.1:{self.port}{self.paths[workload]}"


@dataclass(frozen=True)
class HttpMeasurement:
    """One measurement: CPU seconds per request, and what the client saw."""

    cpu: float
    load: Load


def tables(repetitions: int) -> Iterator[Table]:
    """Of each shape: every workload with each number of connections, then memory and start."""
    return (table for name, shape in SHAPES.items() for table in _shape_tables(name, shape, repetitions))


def _shape_tables(name: str, shape: BundleShape, repetitions: int) -> Iterator[Table]:
    bundle = random_bundle(shape)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        write_bundle(bundle, folder / "bundle")
        servers = _start(stack, folder, plain=shape.num_groups == 1)
        bodies = bodies_of(bundle)
        for workload in WORKLOADS:
            taking = {server.name: server for server in servers if workload in server.paths}
            for connections in CONNECTIONS[workload]:
                measurements = _measurements(taking, workload, bodies[workload], connections, repetitions)
                yield http_table(f"{name}: {workload}, {connections} connections", measurements)
        yield Table(f"{name}: memory and start", ("", "resident MiB", "ready s", "CPU s until ready"), tuple(map(_standing, servers)))


def bodies_of(bundle: Bundle) -> Mapping[str, Sequence[bytes]]:
    """Requests of each workload."""
    makers: Mapping[str, Callable[[int], bytes]] = {
        "one row": lambda seed: score_body(bundle, seed),
        **{f"{count} candidates": lambda seed, count=count: recommend_body(bundle, count, seed) for count in CANDIDATES},  # type: ignore[misc]
    }
    return {workload: [maker(seed) for seed in range(NUM_BODIES)] for workload, maker in makers.items()}


def http_table(title: str, measurements: Mapping[str, Sequence[HttpMeasurement]]) -> Table:
    """Medians over the repetitions; ratios are those of one repetition."""
    columns = ("", "CPU µs per request", "cpu / floor", "cpu / iHAS, empty route", "p50 ms", "p99 ms", "requests/s")
    return Table(title, columns, tuple(_row(name, measurements) for name in measurements))


def _row(name: str, measurements: Mapping[str, Sequence[HttpMeasurement]]) -> tuple[Cell, ...]:
    own = measurements[name]
    ratios = [
        statistics.median(one.cpu / other.cpu for one, other in zip(own, measurements[reference], strict=True))
        if reference in measurements
        else None
        for reference in (FLOOR, f"{OURS}, empty route")
    ]
    middle = [statistics.median(values) for values in ([t.load.p50 for t in own], [t.load.p99 for t in own])]
    rate = statistics.median(measurement.load.requests / measurement.load.seconds for measurement in own)
    return (name, statistics.median(measurement.cpu for measurement in own) * 1e6, *ratios, *middle, rate)


def _measurements(
    servers: Mapping[str, Running], workload: str, bodies: Sequence[bytes], connections: int, repetitions: int
) -> dict[str, list[HttpMeasurement]]:
    measurements: dict[str, list[HttpMeasurement]] = {name: [] for name in servers}
    for server in servers.values():
        check_answer(server.url(workload), bodies[0])
        load(server.url(workload), bodies, connections, 1.0)
    names = list(servers)
    for number in range(repetitions):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            measurements[name].append(_measure(servers[name], workload, bodies, connections))
    return measurements


def _measure(server: Running, workload: str, bodies: Sequence[bytes], connections: int) -> HttpMeasurement:
    before = cpu_seconds(server.processes)
    seen = load(server.url(workload), bodies, connections, MEASUREMENT_S)
    if seen.failed:
        raise IhasError(f"{server.name} must answer every request, but refused {seen.failed} of {seen.requests}.")
    return HttpMeasurement((cpu_seconds(server.processes) - before) / seen.requests, seen)


def _start(stack: ExitStack, folder: Path, *, plain: bool) -> list[Running]:
    """Every server; those that hold the empty routes first."""
    bundle, all_workloads = folder / "bundle", dict.fromkeys(WORKLOADS, "/empty")
    scoring = {workload: "/score" if workload == "one row" else "/recommend" for workload in WORKLOADS}
    ours = {workload: f"/v1/models/bench{path}" for workload, path in scoring.items()}
    floor = stack.enter_context(running(FLOOR, _method(bundle, "empty"), all_workloads, "/empty"))
    single = stack.enter_context(running(OURS, _service(bundle, folder / "one"), ours, "/readyz"))
    double = stack.enter_context(running(TWO, _service(bundle, folder / "two"), ours, "/readyz", count=2))
    empty = Running(f"{OURS}, empty route", single.processes, single.port, all_workloads, single.ready_s, single.ready_cpu_s)
    peers = [stack.enter_context(running(name, _method(bundle, name), scoring, "/empty")) for name in BASELINES if plain or name != "keras"]
    return [floor, empty, single, double, *peers]


def _method(bundle: Path, scorer: str) -> list[str]:
    return [sys.executable, "-P", "-m", "ihas_pipelines.benchmarks.reference_server", "--bundle", str(bundle), "--scorer", scorer]


def _service(bundle: Path, folder: Path) -> list[str]:
    return [sys.executable, "-P", "-m", "ihas_service.benchmark_server", "--bundle", str(bundle), "--folder", str(folder)]


@contextmanager
def running(name: str, command: Sequence[str], paths: Mapping[str, str], probe: str, count: int = 1) -> Iterator[Running]:
    """Processes that listen on one port, ended at the end of the `with` block."""
    port, processes = _free_port(), []
    try:
        began = time.perf_counter()
        for _ in range(count):
            process = subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            processes.append(process)
            _wait(process, f"http://127.0.0.1:{port}{probe}", name)
            if process is processes[0]:  # at a shared port the first answers for the second
                ready_s, ready_cpu_s = time.perf_counter() - began, cpu_seconds([process.pid])
        yield Running(name, tuple(process.pid for process in processes), port, paths, ready_s, ready_cpu_s)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(WAIT_S)


def _wait(process: subprocess.Popen[bytes], url: str, name: str) -> None:
    """Until the server answers, or refuses the method, which it can only once it is there."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise IhasError(f"The server {name!r} must stay, but ended with status {process.returncode}. Start it by hand to see why.")
        try:
            if httpx.get(url, timeout=5.0).status_code in (200, 405):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise IhasError(f"The server {name!r} must answer within {WAIT_S:.0f} s, but does not.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _standing(server: Running) -> tuple[Cell, ...]:
    return (server.name, statistics.mean(resident_bytes(process) for process in server.processes) / MIB, server.ready_s, server.ready_cpu_s)
