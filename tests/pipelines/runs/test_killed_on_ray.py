"""One job on a Ray cluster of two machines that is disturbed at ten points of its progress: it ends as the one in threads, to the bit.

    process    every process of a machine that trains or has trained is killed; the cluster begins its training again
    machine    all processes of a machine are killed; the other one goes on, and a new one comes
    run        the run itself is killed; the next attempt goes on from its finished stages
    head       the head's whole machine is killed; the run says so in one line, a new cluster comes, and the next attempt goes on

Points are what the run has told of, never times.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson
import psutil
import pytest

from tests.clock import HANG_S
from tests.pipelines.runs.test_run_on_ray import MACHINES, are_equal, log_of, run
from tests.pipelines.small_run import small_recipe, start
from tests.ray_cluster import HEAD_IP, Cluster, environment, running_cluster

pytest.importorskip("ray", reason="ihas[ray] is not installed")
pytestmark = [pytest.mark.tf, pytest.mark.slow, pytest.mark.timeout(3_600)]

PORT = 26_459
HEAD_PORTS = range(PORT, PORT + 60, 20)
Victim = Literal["process", "machine", "run", "head"]
Line = dict[str, Any]


def _epoch(line: Line) -> bool:
    return "auc" in line.get("metrics", {})


def _any(_: Line) -> bool:
    return True


def _larger(line: Line) -> bool:
    return str(line["message"]).startswith("Training larger models")


POINTS: tuple[tuple[Victim, str, Callable[[Line], bool]], ...] = (
    ("process", "base", _epoch),
    ("run", "base", _epoch),
    ("machine", "base", _larger),
    ("process", "distil", _epoch),
    ("head", "distil", _epoch),
    ("run", "search", _epoch),
    ("machine", "cluster", _any),
    ("process", "retrain", _epoch),
    ("head", "evaluate", _any),
    ("run", "evaluate", _any),
)


@dataclass
class Disturbed:
    """A job on its way through its points.

    Attributes:
        folder: of the run.
        left: points that have not come yet.
        attempts: starts of the run.
        said: the last line of each attempt that ended by itself.
    """

    folder: Path
    left: list[tuple[Victim, str, Callable[[Line], bool]]] = field(default_factory=lambda: list(POINTS))
    attempts: int = 0
    said: list[Line] = field(default_factory=list)

    def attempt(self, cluster: Cluster) -> int:
        """Exit code of an attempt, disturbed as its points come, up to the loss of its head or to its end."""
        self.attempts += 1
        process = start(small_recipe(), self.folder, cluster.variables())
        assert process.stdout is not None
        assert process.stdin is not None
        last: Line = {}
        try:
            for text in process.stdout:
                last = orjson.loads(text)
                if self.left and self.left[0][1] == last["stage"] and self.left[0][2](last):
                    self._disturb(self.left.pop(0)[0], process, cluster)
            self.said.append(last)
            return process.wait(HANG_S)
        finally:
            process.kill()
            process.stdin.close()
            process.stdout.close()

    def _disturb(self, victim: Victim, process: subprocess.Popen[bytes], cluster: Cluster) -> None:
        if victim == "run":
            process.kill()
        elif victim == "head":
            cluster.nodes[HEAD_IP].kill()
        elif victim == "process":
            assert _kill_processes(cluster)
        else:
            cluster.nodes[MACHINES[0]].kill()
            cluster.start_machine(MACHINES[0])


def _kill_processes(cluster: Cluster) -> int:
    """Kill the processes that train on the first machine that has any; how many there were."""
    for ip in MACHINES:
        found = [process for process in cluster.nodes[ip].tree() if _trains(process)]
        for process in found:
            process.kill()
        if found:
            return len(found)
    return 0


def _trains(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.name().startswith("ray::")
    return False


def test_a_job_that_is_killed_at_ten_points_equals_that_of_threads(tmp_path: Path) -> None:
    """Result, stages and bundle to the bit; a lost head is one line, with the way out, and nothing else ends an attempt by itself."""
    threads, job, ports = tmp_path / "threads", Disturbed(tmp_path / "disturbed"), iter(HEAD_PORTS)
    assert run(threads, environment("none")) == 0, log_of(threads)
    code = -1
    while code != 0:
        assert job.attempts <= len(POINTS), log_of(job.folder)
        with running_cluster(next(ports), *MACHINES) as cluster:
            heads = _heads(job.left)
            while code != 0 and heads == _heads(job.left):
                code = job.attempt(cluster)
                assert code <= 0 or heads != _heads(job.left), (job.said[-1], log_of(job.folder))

    assert not job.left
    are_equal(job.folder, threads)
    told = [line for line in job.said if line["outcome"] == "failed"]
    assert [line["error"]["code"] for line in told] == ["machine"] * 2
    for line in told:
        assert line["error"]["detail"].startswith("The Ray head")
        assert "\n" not in line["error"]["detail"]
    assert job.attempts == 1 + sum(victim in ("run", "head") for victim, *_ in POINTS)


def _heads(points: Sequence[tuple[Victim, str, Callable[[Line], bool]]]) -> int:
    return sum(victim == "head" for victim, *_ in points)
