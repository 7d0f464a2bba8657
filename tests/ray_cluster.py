"""A Ray cluster of own processes on this machine: a head without processors on 127.0.0.2, machines with one each on 127.0.0.3 and up.

Processes are ended by their ids, never by `ray stop`, which would end other clusters' too.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import psutil

from tests.clock import HANG_S

ROOT = Path(__file__).parent.parent
START = (sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", "--object-store-memory=80000000")
STARTED, ATTEMPTS, START_S = "Ray runtime started", 6, 180.0
HEAD_IP = "127.0.0.2"


def environment(token: str, **more: str) -> dict[str, str]:
    """Variables of the cluster's processes, and of drivers that know its token."""
    paths = os.pathsep.join([more.pop("first_path", ""), str(ROOT), str(ROOT / ".packages")]).strip(os.pathsep)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "IHAS_"))}
    return (
        kept
        | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "RAY_worker_niceness": "0", "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
        | more
    )


@dataclass
class Node:
    """One machine of it.

    Attributes:
        process: which started the others.
        log: what it wrote.
    """

    process: subprocess.Popen[bytes]
    log: Path

    def tree(self) -> list[psutil.Process]:
        """All its processes."""
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        return []

    def one(self, name: str) -> psutil.Process:
        """Its process of that name."""
        return next(process for process in self.tree() if process.name() == name)

    def kill(self) -> None:
        """End all of them at once."""
        tree = self.tree()
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(HANG_S)
        psutil.wait_procs(tree, HANG_S)


@dataclass
class Cluster:
    """Head and machines that are up."""

    folder: Path
    port: int
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    nodes: dict[str, Node] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """For `IHAS_RAY_ADDRESS`."""
        return f"{HEAD_IP}:{self.port}"

    def start(self, ip: str, *options: str, more: Mapping[str, str] | None = None) -> Node:
        """Another machine, up; a start that the busy system lets fail is tried again."""
        for attempt in range(ATTEMPTS):
            node = self._begin(ip, attempt, options, more or {})
            if _is_up(node):
                self.nodes[ip] = node
                return node
            node.kill()
        raise AssertionError(node.log.read_text(encoding="utf-8", errors="replace")[-2_000:])

    def _begin(self, ip: str, attempt: int, options: tuple[str, ...], more: Mapping[str, str]) -> Node:
        own = self.folder / f"{ip.rpartition('.')[2]}-{len(self.nodes)}-{attempt}"
        own.mkdir()
        command = [*START, f"--node-ip-address={ip}", f"--temp-dir={own}", *options]
        with (own / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment(self.token, **more), start_new_session=True)
        return Node(process, own / "log")

    def start_machine(self, ip: str, **more: str) -> Node:
        """A machine with one processor."""
        return self.start(ip, f"--address={self.address}", "--num-cpus=1", more=more)

    def variables(self, **more: str) -> dict[str, str]:
        """Of a driver, which asks for a token by itself."""
        found = environment(self.token, IHAS_RAY_ADDRESS=self.address, **more)
        return {name: value for name, value in found.items() if name != "RAY_AUTH_MODE"}


def _is_up(node: Node) -> bool:
    waiting, looks = Event(), round(START_S / 0.2)
    for _ in range(looks):
        if STARTED in node.log.read_text(encoding="utf-8", errors="replace"):
            return True
        if node.process.poll() is not None:
            return False
        waiting.wait(0.2)
    return False


@contextmanager
def running_cluster(port: int, *ips: str) -> Iterator[Cluster]:
    """A head, and machines of one processor at these addresses; all processes are ended at last."""
    with tempfile.TemporaryDirectory(prefix="r", ignore_cleanup_errors=True) as folder:  # short: sockets' names have 107 letters
        cluster = Cluster(Path(folder), port)
        try:
            cluster.start(HEAD_IP, "--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false")
            for ip in ips:
                cluster.start_machine(ip)
            yield cluster
        finally:
            for node in cluster.nodes.values():
                node.kill()
