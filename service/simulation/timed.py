"""The API or a worker by a simulated clock: `python -m ihas_service.simulation.timed serve CLOCK`, with settings in IHAS_* as always.

Both are what `ihas serve` and `ihas work` start. The API's maintenance looks at schedules four times a second and not once a minute, since
a simulated day takes seconds; and the worker's children are forked.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

from ihas_service import server
from ihas_service.retention import maintenance
from ihas_service.settings import Settings
from ihas_service.simulation.clock import ClockFile, databases_follow
from ihas_service.simulation.forking import forked_children

LOOK_S = 0.25


def main(role: str, clock: str) -> None:
    """Play a role until SIGTERM, or until standard input closes, as it does when whoever simulates has ended."""
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    maintenance.LOOK_S = LOOK_S
    with databases_follow(ClockFile(Path(clock))):
        if role == "serve":
            server.serve(Settings(), drains=False)
        else:
            settings = Settings()
            with TemporaryDirectory() as folder, forked_children(Path(folder) / "children") as command:
                server.work(settings, command)


def _end_with_standard_input() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(*sys.argv[1:])
