"""What a process holds, by the system's own count."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ihas_pipelines.benchmarks.timing import Measurement, System

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def most_resident() -> int:
    """Bytes that this process held at most, pages of mapped files included, since it began or since `forget_most`."""
    return _bytes_of("VmHWM")


def resident() -> int:
    """Bytes that this process holds, pages of mapped files included."""
    return _bytes_of("VmRSS")


def forget_most() -> None:
    """Let `most_resident` begin anew."""
    CLEAR.write_text("5", encoding="ascii")


def _bytes_of(name: str) -> int:
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def measured_call(call: Callable[[], object]) -> System:
    """A measurement is one call, with what the process held at most meanwhile."""

    def measurement() -> Measurement:
        forget_most()
        cpu, wall = time.process_time(), time.perf_counter()
        call()
        return Measurement(time.process_time() - cpu, time.perf_counter() - wall, most_resident())

    return measurement
