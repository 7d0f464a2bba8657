"""Limits of a process that reads what somebody sent."""

from __future__ import annotations

import resource
import signal


def limit(memory_bytes: int | None, cpu_s: int | None) -> None:
    """Limit this process's memory, its processor time, and its wall time to twice that; None sets no limit."""
    if memory_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    if cpu_s is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))  # the first ends it by SIGXCPU, which says why; the second by SIGKILL
        signal.setitimer(signal.ITIMER_REAL, 2.0 * cpu_s)  # Arrow waits forever for a thread that there is no memory for
