"""Load on an HTTP server: wrk where it is installed, else a client in Python; and what the server's process spends on it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import orjson

from ihas.errors import IhasError

WRK_HINT = "wrk is not installed; the client in Python takes its place. On Debian and Ubuntu: apt-get install wrk"
TICKS = os.sysconf("SC_CLK_TCK")
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
SCRIPT = """
local bodies, turn = {}, 0
for line in io.lines("BODIES") do bodies[#bodies + 1] = line end
local headers = {["Content-Type"] = "application/json"}
request = function()
  turn = turn % #bodies + 1
  return wrk.format("POST", nil, headers, bodies[turn])
end
"""


@dataclass(frozen=True)
class Load:
    """What a server did under load.

    Attributes:
        requests: answers received.
        failed: of these, answers with another status than 2xx or 3xx.
        seconds: on the clock.
        p50: median latency in milliseconds.
        p99: latency in milliseconds that one answer of a hundred takes longer than.
    """

    requests: int
    failed: int
    seconds: float
    p50: float
    p99: float


def load(url: str, bodies: Sequence[bytes], connections: int, seconds: float) -> Load:
    """POST bodies in turn, each connection its next as soon as it is answered.

    Raises:
        IhasError: wrk's report cannot be read, or nothing was answered.
    """
    if shutil.which("wrk"):
        return _wrk(url, bodies, connections, seconds)
    return asyncio.run(_client(url, bodies, connections, seconds))


def cpu_seconds(processes: Sequence[int]) -> float:
    """CPU seconds that processes have used so far."""
    used = [Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split() for process in processes]
    return sum(int(fields[11]) + int(fields[12]) for fields in used) / TICKS


def resident_bytes(process: int) -> int:
    """Resident memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(encoding="utf-8"))
    return int(found[1]) * 1024 if found else 0


def read_wrk(report: str, seconds: float) -> Load:
    """The metrics of wrk's report with `--latency`.

    Raises:
        IhasError: it is none, or nothing was answered.
    """
    requests = re.search(r"(\d+) requests in", report)
    latencies = {part: re.search(rf"^\s+{part}%\s+([\d.]+)(us|ms|s|m)\s*$", report, re.MULTILINE) for part in ("50", "99")}
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
    if requests is None or not int(requests[1]) or None in latencies.values():
        raise IhasError(f"wrk must report requests and latencies, but said: {report.strip()[-500:]}")
    p50, p99 = (float(found[1]) * UNITS[found[2]] for found in latencies.values() if found is not None)
    return Load(int(requests[1]), int(failed[1]) if failed else 0, seconds, p50, p99)


def _wrk(url: str, bodies: Sequence[bytes], connections: int, seconds: float) -> Load:
    with TemporaryDirectory() as folder:
        lines, script = Path(folder) / "bodies", Path(folder) / "load.lua"
        lines.write_bytes(b"\n".join(bodies) + b"\n")
        script.write_text(SCRIPT.replace("BODIES", str(lines)))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", "-s", str(script), url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return read_wrk(done.stdout + done.stderr, seconds)


async def _client(url: str, bodies: Sequence[bytes], connections: int, seconds: float) -> Load:
    latencies: list[float] = []
    failed = 0
    end = time.perf_counter() + seconds

    async def connection(client: httpx.AsyncClient, number: int) -> None:
        nonlocal failed
        while (began := time.perf_counter()) < end:
            number += 1
            response = await client.post(url, content=bodies[number % len(bodies)], headers={"content-type": "application/json"})
            failed += response.is_error
            latencies.append((time.perf_counter() - began) * 1e3)

    async with httpx.AsyncClient(timeout=30.0) as client:
        await asyncio.gather(*(connection(client, number) for number in range(connections)))
    if len(latencies) < 2:
        raise IhasError(f"A server must answer at least twice in {seconds} s, but answered {len(latencies)} times.")
    return Load(len(latencies), failed, seconds, statistics.median(latencies), statistics.quantiles(latencies, n=100)[98])


def check_answer(url: str, body: bytes) -> object:
    """The document that a server answers a body with.

    Raises:
        IhasError: it refuses.
    """
    response = httpx.post(url, content=body, headers={"content-type": "application/json"}, timeout=30.0)
    if response.is_error:
        raise IhasError(f"{url} must answer before it is measured, but said {response.status_code}: {response.text[:500]}")
    return orjson.loads(response.content)
