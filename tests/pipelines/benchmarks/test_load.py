"""Load is counted rightly, by wrk and without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from ihas.errors import IhasError
from ihas_pipelines.benchmarks import load as loading
from ihas_pipelines.benchmarks.http import _free_port, running
from ihas_pipelines.benchmarks.load import Load, check_answer, cpu_seconds, load, read_wrk, resident_bytes
from tests.clock import HANG_S

pytestmark = pytest.mark.full

REPORT = """
Running 2s test @ http://127.0.0.1:8000/empty
  1 threads and 16 connections
  Latency Distribution
     50%  812.00us
     75%    1.20ms
     90%    2.00ms
     99%    1.10s
  4321 requests in 2.00s, 512.00KB read
  Non-2xx or 3xx responses: 7
Requests/sec:   2160.50
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server that answers an empty list."""
    command = [sys.executable, "-m", "ihas_pipelines.benchmarks.reference_server", "--bundle", "none", "--scorer", "empty"]
    with running("empty", command, {}, "/empty") as server:
        yield f"http://127.0.0.1:{server.port}/empty"


def test_wrks_report_is_read() -> None:
    """4,321 requests, 7 of them refused, 0.812 ms and 1,100 ms."""
    seen = read_wrk(REPORT, 2.0)

    assert (seen.requests, seen.failed, seen.seconds) == (4321, 7, 2.0)
    assert (seen.p50, seen.p99) == pytest.approx((0.812, 1100.0))


@pytest.mark.parametrize("report", ["", "unable to connect to 127.0.0.1", REPORT.replace("4321", "0")])
def test_a_report_without_requests_is_none(report: str) -> None:
    """Nothing answered is an error, with what wrk said."""
    with pytest.raises(IhasError, match="wrk must report"):
        read_wrk(report, 2.0)


def loaded(url: str, bodies: Sequence[bytes], connections: int) -> Load:
    """Load for a second, or for longer where the machine is too busy for two answers in that."""
    for seconds in (1.0, 4.0, 16.0):
        with suppress(IhasError):
            return load(url, bodies, connections, seconds)
    return load(url, bodies, connections, 64.0)


@pytest.mark.parametrize("wrk", [True, False], ids=["wrk", "client"])
def test_a_server_is_loaded(url: str, wrk: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four connections get answers, none refused, in times that make sense; an unknown path is refused every time."""
    if wrk and not shutil.which("wrk"):
        pytest.skip(loading.WRK_HINT)
    if not wrk:
        monkeypatch.setattr(shutil, "which", lambda _: None)
    seen, refused = loaded(url, [b"{}", b'{"a": 1}'], 4), loaded(f"{url}/no", [b"{}"], 1)

    assert seen.requests >= 2
    assert seen.failed == 0
    assert 0.0 < seen.p50 <= seen.p99
    assert refused.failed == refused.requests > 0


def test_answers_are_looked_at_before_anything_is_measured(url: str) -> None:
    """What a server says, or that it refuses."""
    assert check_answer(url, b"{}") == {"scores": []}
    with pytest.raises(IhasError, match="404"):
        check_answer(f"{url}/no", b"{}")


def test_cpu_of_a_process_that_works_and_of_one_that_sleeps() -> None:
    """A loop costs CPU, a sleep does not; both hold memory."""
    commands = ("while True: pass", "import sys; sys.stdin.read()")
    working, sleeping = (subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE) for command in commands)
    try:
        end = time.monotonic() + HANG_S
        while cpu_seconds([working.pid]) < cpu_seconds([sleeping.pid]) + 0.2 and time.monotonic() < end:
            os.sched_yield()
        busy, idle = cpu_seconds([working.pid]), cpu_seconds([sleeping.pid])
        assert busy >= idle + 0.2
        assert cpu_seconds([working.pid, sleeping.pid]) >= busy + idle - 1e-6  # hundredths of a second as floats
        assert resident_bytes(os.getpid()) > resident_bytes(sleeping.pid) > 2**20
    finally:
        for process in (working, sleeping):
            process.kill()
            process.communicate()


def test_a_server_that_ends_is_told() -> None:
    """A process that cannot start is not waited for."""
    with pytest.raises(IhasError, match="ended with status 3"), running("broken", [sys.executable, "-c", "raise SystemExit(3)"], {}, "/"):
        pass


def test_free_ports_are_free() -> None:
    """A port that nobody listens on."""
    assert 1024 <= _free_port() < 65_536
