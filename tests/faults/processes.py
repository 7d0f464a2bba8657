"""The processes under test: `ihas serve` and workers, as a person starts them, that may be killed and started again."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import httpx

from ihas_service.settings import Settings

IHAS = "import sys; from ihas_service.cli.main import main; main()"
WORKER = "import sys; from ihas_service.server import work; from ihas_service.settings import Settings; work(Settings(), sys.argv[1:])"
HANG_S = 180.0
Found = TypeVar("Found")


class Hangs(Exception):
    """What must happen did not."""


def eventually(find: Callable[[], Found | None], what: str, within_s: float = HANG_S) -> Found:
    """What `find` gives once it is true; `Hangs` after a time that only a hanging process takes."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if found := find():
            return found
        time.sleep(0.02)
    raise Hangs(f"{what} did not happen within {within_s:.0f} s")


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a process reads them."""
    said = settings.model_dump(mode="json", exclude_defaults=True)
    words = {f"IHAS_{name.upper()}": value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}
    return {**os.environ, **words, "PYTHONPATH": os.pathsep.join(sys.path)}


class Process:
    """A process that may be ended, stopped and started again."""

    def __init__(self, argv: Sequence[str], settings: Settings, log: Path, more: Mapping[str, str] | None = None) -> None:
        self._argv, self._environment, self._log = argv, environment(settings) | dict(more or {}), log
        self.start()

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv, env=self._environment, cwd=self._log.parent, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing where it has ended."""
        if not self.ended:
            self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """End it by a signal and wait; its exit code."""
        self.send(number)
        try:
            return self._process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise Hangs(f"the end of a process after {number.name} did not come") from None


class Api(Process):
    """`ihas serve` on a port of its own, which stays."""

    def __init__(self, settings: Settings, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__((sys.executable, "-c", IHAS, "serve"), settings.model_copy(update={"port": self.port}), log)
        self.wait()

    def wait(self) -> None:
        """Until its models are loaded, or cannot be."""

        def started() -> bool:
            if self.ended:
                raise Hangs("`ihas serve` ended before it answered")
            try:
                return httpx.get(f"{self.url}/startupz", timeout=HANG_S).status_code == 200
            except httpx.TransportError:
                return False

        eventually(started, "the start of the API")


def worker(settings: Settings, log: Path, command: Sequence[str] = (), more: Mapping[str, str] | None = None) -> Process:
    """`ihas worker`; with a command, the same worker with other children."""
    argv = (sys.executable, "-c", WORKER, *command) if command else (sys.executable, "-c", IHAS, "worker")
    return Process(argv, settings, log, more)


def new_folder(root: Path, name: str) -> Path:
    """A folder of its own."""
    folder = root / f"{name}-{secrets.token_hex(3)}"
    folder.mkdir(parents=True)
    return folder
