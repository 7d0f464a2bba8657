"""The service of a simulation: the API and a worker, each a process of its own, by a simulated clock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ihas_service.client.client import Client
from ihas_service.server import free_port
from ihas_service.simulation.clock import ClockFile

HOST, READY_S, STOP_S, PATIENCE_S = "127.0.0.1", 120.0, 60.0, 120.0
KEPT_S = 400 * 86_400
COMMAND = (sys.executable, "-P", "-m", "ihas_service.simulation.timed")


@contextmanager
def running(folder: Path, clock: ClockFile) -> Iterator[Client]:
    """A service on a folder, and a client of it; both processes end with the block."""
    port = free_port(HOST)
    own = {"FOLDER": str(folder), "PORT": str(port), "FEEDBACK_KEPT_S": str(KEPT_S), "POLL_S": "0.1", "DASHBOARD": "false"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IHAS_")}
    environment = kept | {f"IHAS_{name}": value for name, value in own.items()}
    with ExitStack() as stack:
        for role in ("serve", "work"):
            stack.enter_context(_process(role, clock, folder / f"{role}.log", environment))
        client = stack.enter_context(Client(f"http://{HOST}:{port}", PATIENCE_S))
        client.wait_ready(READY_S)
        yield client


@contextmanager
def _process(role: str, clock: ClockFile, log: Path, environment: dict[str, str]) -> Iterator[None]:
    """A process that ends with the block, and with this process: its standard input closes then."""
    command = [*COMMAND, role, str(clock.path.resolve())]
    with (
        log.open("ab") as file,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=file, env=environment) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
