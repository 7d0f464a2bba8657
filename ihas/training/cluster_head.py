"""The head of a cluster, asked without any of the cluster's own programs: they wait for it where we want to be told."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from ihas.errors import ClusterError, ConfigError

RETRIES = 3
DEFAULTS = {
    "RAY_AUTH_MODE": "token",  # a cluster without one lets everybody in its network run programs
    "RAY_USAGE_STATS_ENABLED": "0",  # tells nobody
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # sends no source folder
    "RAY_task_oom_retries": str(RETRIES),  # else for ever
}
LOOK_S, HEAD_GRACE_S, NODES_GRACE_S, ANSWER_S = 1.0, 10.0, 60.0, 3.0
"""Seconds between looks; without an answer of the head; without a machine that trains; for an answer."""


def set_defaults() -> None:
    """Set what Ray reads as it is imported, where the environment does not say it."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)


@dataclass(frozen=True)
class Head:
    """Where a head listens."""

    host: str
    port: int

    @staticmethod
    def at(address: str) -> Head:
        """The head at `host:port`.

        Raises:
            ConfigError: it is written otherwise.
        """
        host, _, port = address.rpartition(":")
        if not host or "/" in host or not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 65_536:
            raise ConfigError(f"IHAS_RAY_ADDRESS must be host:port of a Ray head, but got {address!r}. Write it as 10.0.0.5:6379.")
        return Head(host.strip("[]"), int(port))

    def answers(self) -> bool:
        """Whether something accepts a connection there."""
        try:
            with socket.create_connection((self.host, self.port), ANSWER_S):
                return True
        except OSError:
            return False


class Lookout:
    """Notices that the head is gone, or every machine that trains; Ray itself waits for them, and then ends this process.

    Args:
        head: of the cluster.
        has_processors: whether a machine of it offers any; asked while the head answers.
        clock: seconds.
    """

    def __init__(self, head: Head, has_processors: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._head, self._has_processors, self._clock = head, has_processors, clock
        self._looked = self._answered = self._trained = clock()

    def look(self) -> None:
        """Look, at most every `LOOK_S`.

        Raises:
            ClusterError: one of them was gone at every look for longer than a while.
        """
        now = self._clock()
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        if self._head.answers():
            self._answered = now
            self._trained = now if self._has_processors() else self._trained
        if now - self._answered > HEAD_GRACE_S:
            raise ClusterError(_gone(f"The Ray head at {self._head.host}:{self._head.port}", HEAD_GRACE_S))
        if now - self._trained > NODES_GRACE_S:
            raise ClusterError(_gone("Every machine of the Ray cluster that offers a processor", NODES_GRACE_S))


def _gone(what: str, seconds: float) -> str:
    return f"{what} has been gone for more than {seconds:g} s. Finished stages are kept: start it again, then resume the run."
