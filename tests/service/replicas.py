"""Replicas of the API, each a process with an empty folder of its own, and a balancer that sends requests to those that are ready."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ihas_service.server import free_port
from tests.clock import HANG_S
from tests.service.conftest import eventually

SERVE = (sys.executable, "-c", "from ihas_service.cli.main import main; main()", "serve")
LOOK_S, PAUSE_S = 0.5, 0.05
START_S = 4 * HANG_S
"""Seconds after which a replica that does not become ready counts as hanging; it imports everything, and fetches and tries each bundle."""


class Replica:
    """A process of the API.

    Attributes:
        folder: that it alone has.
        url: where it answers.
        http: sends requests to it.
    """

    def __init__(self, folder: Path, variables: Mapping[str, str], headers: Mapping[str, str]) -> None:
        folder.mkdir()
        port = free_port("127.0.0.1")
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        known = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "error", "IHAS_FOLDER": str(folder), "IHAS_PORT": str(port)}
        self._log = (folder.parent / f"{folder.name}.log").open("wb")
        self.process = subprocess.Popen(SERVE, cwd=folder, env={**os.environ, **variables, **known}, stdout=self._log, stderr=self._log)
        self.http = httpx.Client(base_url=self.url, timeout=HANG_S, headers=dict(headers))

    @property
    def ready(self) -> bool:
        """What `/readyz` says; no answer is none."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=HANG_S).status_code == 200
        except httpx.TransportError:
            return False

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The document that a request must be answered with."""
        response = self.http.request(method, path, **options)
        assert response.is_success, response.text
        return response.json()

    def end(self, left: Callable[[str], bool] = lambda _: True) -> int:
        """Ask it to stop, as an orchestrator does; its exit code.

        Args:
            left: whether nothing sends requests to a URL any more; until then it answers, however long that takes.
        """
        self.process.send_signal(signal.SIGTERM)
        eventually(lambda: not self.ready or None)
        eventually(lambda: left(self.url) or None)
        self.process.send_signal(signal.SIGTERM)  # the rest of IHAS_DRAIN_S need not pass
        code = self.process.wait(HANG_S)
        self.http.close()
        self._log.close()
        return code

    def kill(self) -> None:
        """Leave nothing of it."""
        self.process.kill()
        self.process.wait()
        self._log.close()


@contextmanager
def replicas(folder: Path, variables: Mapping[str, str], headers: Mapping[str, str], count: int) -> Iterator[list[Replica]]:
    """So many of them, ready; whatever runs at the end of the block, also one that was added to the list, is killed."""
    started = [Replica(folder / f"replica-{number}", variables, headers) for number in range(count)]
    try:
        for one in started:
            eventually(lambda one=one: one.ready or None, START_S)  # type: ignore[misc]
        yield started
    finally:
        for one in started:
            one.kill()


@dataclass
class Balancer:
    """Sends each request to the next replica that was ready when it last looked, once; what is not answered has failed.

    Attributes:
        targets: all replicas; may change.
        answers: how often each status was answered, by each replica.
        failures: what was answered otherwise, or not at all.
    """

    targets: Sequence[Replica]
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ready: list[str] = []
        self._busy = Counter[str]()
        self._turn, self._stop, self._guard = itertools.count(), threading.Event(), threading.Lock()

    @contextmanager
    def load(self, clients: int, headers: Mapping[str, str], path: str, body: Any) -> Iterator[None]:
        """Keep so many clients sending the same request, one after the other, within the block."""
        self._look()
        threads = [threading.Thread(target=self._keep_looking)]
        threads += [threading.Thread(target=self._send, args=(headers, path, body)) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def left(self, url: str) -> bool:
        """Whether a replica gets no more requests, and has answered all that it got."""
        with self._guard:
            return url not in self._ready and not self._busy[url]

    def _look(self) -> None:
        self._ready = [one.url for one in list(self.targets) if one.ready]

    def _keep_looking(self) -> None:
        while not self._stop.wait(LOOK_S):
            self._look()

    def _send(self, headers: Mapping[str, str], path: str, body: Any) -> None:
        with httpx.Client(timeout=HANG_S, headers=dict(headers)) as client:
            while not self._stop.wait(PAUSE_S):
                with self._guard:
                    url = self._ready[next(self._turn) % len(self._ready)]
                    self._busy[url] += 1
                try:
                    answer = client.post(f"{url}{path}", json=body)
                    self._note(url, answer.status_code, answer.text)
                except httpx.TransportError as error:
                    self._note(url, 0, f"{type(error).__name__}: {error}")

    def _note(self, url: str, status: int, text: str) -> None:
        with self._guard:
            self._busy[url] -= 1
            self.answers[url, status] += 1
            if status != 200:
                self.failures.append(f"{url} {status} {text[:200]}")
