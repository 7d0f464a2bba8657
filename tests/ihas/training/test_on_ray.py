"""Independent trainings on a Ray cluster: a head and two machines of one processor each, as processes on 127.0.0.2 and up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import psutil
import pytest

from ihas.data.dataset import Dataset, Splits
from ihas.data.mapped import load_mapped
from ihas.data.shared_arrays import SharedArrays
from ihas.data.synthetic import make_tribes
from ihas.errors import ClusterError
from ihas.training.plain import train_plain
from tests import clock
from tests.ihas.training.ray_driver import CONFIG, NAMES
from tests.oracle import ignore
from tests.ray_cluster import Cluster, Node, environment, running_cluster

pytest.importorskip("ray", reason="ihas[ray] is not installed")
pytestmark = pytest.mark.tf

PORT = 26_379
DRIVER = (sys.executable, "-m", "tests.ihas.training.ray_driver")
MACHINES = ("127.0.0.3", "127.0.0.4")
KB = 1_024
HANG_S = 2 * clock.HANG_S  # a driver, and the processes that train for it, each import TensorFlow


def _run(folder: Path, plan: str, variables: dict[str, str], machines: int = 1) -> dict[str, Any]:
    done = subprocess.run([*DRIVER, str(folder), plan, str(machines)], env=variables, capture_output=True, text=True, timeout=HANG_S)
    return _printed(done.stdout, done.stderr)


def _printed(out: str, err: str) -> dict[str, Any]:
    """The one line that a driver may print."""
    assert len(out.splitlines()) == 1, (out, err[-3_000:])
    found: dict[str, Any] = json.loads(out)
    return found


def _until(met: Callable[[], bool]) -> None:
    waiting = Event()
    for _ in range(round(HANG_S / 0.1)):
        if met():
            return
        waiting.wait(0.1)
    raise AssertionError("what must come did not")


def _began_in(folder: Path, name: str) -> list[int]:
    return [int(path.suffix[1:]) for path in folder.glob(f"{name}.[0-9]*")]


def _is_there(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@contextmanager
def _waiting(cluster: Cluster, folder: Path, machines: int = 1) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A driver of which trainings on both machines wait after their second epoch, and the names of these."""
    command = [*DRIVER, str(folder), "gated", str(machines)]
    process = subprocess.Popen(command, env=cluster.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        _until(lambda: len(list(folder.glob("*.waits"))) == len(MACHINES) // machines or process.poll() is not None)
        yield process, [path.stem for path in folder.glob("*.waits")]
    finally:
        process.kill()
        process.communicate(timeout=HANG_S)


def _ended(process: subprocess.Popen[str], folder: Path) -> dict[str, Any]:
    """What a waiting driver prints once its trainings may go on."""
    (folder / "go").touch()
    return _printed(*process.communicate(timeout=HANG_S))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """The cluster that tests leave as it was."""
    with running_cluster(PORT, *MACHINES) as running:
        yield running


@pytest.fixture(scope="module")
def in_threads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the four trainings give without a cluster."""
    return _run(tmp_path_factory.mktemp("threads"), "plain", environment("none"))


def test_a_training_is_sent_as_a_few_kilobytes(tmp_path: Path) -> None:
    """Rows and weights stay in files; what is unpacked trains to the same weights."""
    on_ray = pytest.importorskip("ihas.training.on_ray")
    made = make_tribes(np.random.default_rng(0), 2, (3_000, 500, 1)).parts
    np.save(tmp_path / "ids.npy", made.train.ids)
    parts = Splits(Dataset(made.train.layout, load_mapped(tmp_path / "ids.npy"), made.train.labels), made.valid, made.test)
    arrays = SharedArrays(tmp_path)

    packed = [on_ray.pack(partial(train_plain, parts, CONFIG, name), arrays) for name in NAMES]

    assert max(map(len, packed)) < 4 * KB
    assert len(list(tmp_path.glob("*.npy"))) == 1 + 3  # ids, which had a file, labels, ids and labels of validation rows
    sent, own = on_ray.unpack(packed[0])(ignore), train_plain(parts, CONFIG, NAMES[0], ignore)
    np.testing.assert_array_equal(sent.weights.table, own.weights.table)


def test_a_training_of_a_local_function_is_sent(tmp_path: Path) -> None:
    """What a stage defines within itself travels with the values that it uses."""
    on_ray = pytest.importorskip("ihas.training.on_ray")
    rows, factor = np.arange(1_000.0), 2.0

    def training(_: object) -> float:
        return float(factor * rows.sum())

    packed = on_ray.pack(training, SharedArrays(tmp_path))

    assert len(packed) < 4 * KB
    assert on_ray.unpack(packed)(ignore) == 999_000.0
    (tmp_path / "0.npy").unlink()
    with pytest.raises(ClusterError, match="must see the folder of the run"):
        on_ray.unpack(packed)


def test_a_head_that_does_not_answer_is_told_in_a_line(tmp_path: Path) -> None:
    """Nothing listens at the port."""
    found = _run(tmp_path, "plain", environment("token", IHAS_RAY_ADDRESS=f"127.0.0.2:{PORT - 1}"))

    assert found["error"] == "ClusterError"
    assert found["detail"].startswith(f"The Ray head must answer at 127.0.0.2:{PORT - 1} (IHAS_RAY_ADDRESS), but does not.")
    assert list(tmp_path.glob("*.[0-9]*")) == []


@pytest.mark.slow
@pytest.mark.timeout(1_200)
class TestOnTwoMachines:
    """One cluster for all, which each test leaves with two machines."""

    def test_results_equal_those_of_threads(self, cluster: Cluster, in_threads: dict[str, Any], tmp_path: Path) -> None:
        """Weights and epochs are equal to the bit, each epoch is told once, in order, and no file is left."""
        assert _run(tmp_path, "plain", cluster.variables()) == in_threads
        assert list(tmp_path.glob("sent-*")) == []

    def test_a_killed_process_costs_its_training_alone(self, cluster: Cluster, in_threads: dict[str, Any], tmp_path: Path) -> None:
        """The training begins again in another process; results and what was told are those of threads."""
        with _waiting(cluster, tmp_path) as (process, names):
            os.kill(_began_in(tmp_path, names[0])[0], signal.SIGKILL)
            found = _ended(process, tmp_path)

        assert found == in_threads
        assert [len(_began_in(tmp_path, name)) for name in names] == [2, 1]
        assert sum(len(_began_in(tmp_path, name)) for name in NAMES) == len(NAMES) + 1

    def test_a_killed_run_leaves_no_training(self, cluster: Cluster, tmp_path: Path) -> None:
        """The processes that trained for it end."""
        with _waiting(cluster, tmp_path) as (process, names):
            process.kill()
            _until(lambda: not any(_is_there(pid) for name in names for pid in _began_in(tmp_path, name)))

    def test_two_machines_carry_out_a_training_together(self, cluster: Cluster, in_threads: dict[str, Any], tmp_path: Path) -> None:
        """Losses are those of one machine within rounding, and both machines have begun each training."""
        found = _run(tmp_path, "plain", cluster.variables(), machines=2)

        assert found["heard"] == in_threads["heard"]
        np.testing.assert_allclose(found["losses"], in_threads["losses"], rtol=1e-6)
        assert [len(_began_in(tmp_path, name)) for name in NAMES] == [2] * len(NAMES)

    def test_a_killed_machine_of_a_training_begins_it_again(self, cluster: Cluster, in_threads: dict[str, Any], tmp_path: Path) -> None:
        """Of one killed process both begin again; no epoch is told twice."""
        with _waiting(cluster, tmp_path, machines=2) as (process, names):
            os.kill(_began_in(tmp_path, names[0])[0], signal.SIGKILL)
            found = _ended(process, tmp_path)

        assert found["heard"] == in_threads["heard"]
        np.testing.assert_allclose(found["losses"], in_threads["losses"], rtol=1e-6)
        assert len(_began_in(tmp_path, names[0])) == 4
        _until(lambda: not any(_is_there(pid) for name in NAMES for pid in _began_in(tmp_path, name)))

    def test_more_machines_than_there_are_cannot_train_together(self, cluster: Cluster, tmp_path: Path) -> None:
        """It is told after a minute."""
        found = _run(tmp_path, "plain", cluster.variables(), machines=3)

        assert found["error"] == "ClusterError"
        assert found["detail"].startswith("A training on 3 machines must have a processor and")

    def test_an_error_of_a_training_ends_the_others(self, cluster: Cluster, tmp_path: Path) -> None:
        """It comes out as it was raised, and what would have waited for ever is ended."""
        found = _run(tmp_path, "failing", cluster.variables())

        assert found == {"error": "ArithmeticError", "detail": "the loss is not finite"}
        _until(lambda: not any(_is_there(pid) for name in NAMES if name != "1" for pid in _began_in(tmp_path, name)))

    def test_a_wrong_token_is_told_in_a_line(self, cluster: Cluster, tmp_path: Path) -> None:
        """The run is not let in."""
        found = _run(tmp_path, "plain", cluster.variables() | {"RAY_AUTH_TOKEN": "f" * 32})

        assert found["error"] == "ClusterError"
        assert "must let this run in, but did not" in found["detail"]
        assert "\n" not in found["detail"]
        assert list(tmp_path.glob("*.[0-9]*")) == []

    def test_a_killed_machine_costs_its_training_alone(self, cluster: Cluster, in_threads: dict[str, Any], tmp_path: Path) -> None:
        """The other machine repeats it, and the cluster goes on with a new one."""
        with _waiting(cluster, tmp_path) as (process, names):
            pid = _began_in(tmp_path, names[0])[0]
            ip = next(ip for ip in MACHINES if pid in {one.pid for one in cluster.nodes[ip].tree()})
            cluster.nodes[ip].kill()
            found = _ended(process, tmp_path)
        cluster.start_machine(ip)

        assert found == in_threads
        assert sum(len(_began_in(tmp_path, name)) for name in NAMES) == len(NAMES) + 1

    def test_another_tensorflow_is_refused(self, cluster: Cluster, tmp_path: Path) -> None:
        """A machine whose TensorFlow is said to be another one's trains nothing for the run, and the difference is named."""
        said = tmp_path / "tensorflow-2.20.0.dist-info"
        said.mkdir()
        (said / "METADATA").write_text("Metadata-Version: 2.1\nName: tensorflow\nVersion: 2.20.0\n", encoding="utf-8")
        other: Node = cluster.start_machine("127.0.0.5", first_path=str(tmp_path))
        try:
            found = _run(tmp_path, "plain", cluster.variables())
        finally:
            other.kill()

        assert found["error"] == "ClusterError"
        assert found["detail"].startswith(
            "Machines that train together must compute alike, to the bit, but 127.0.0.5 has tensorflow 2.20.0, not"
        )

    def test_a_killed_head_is_told_in_a_line(self, cluster: Cluster, tmp_path: Path) -> None:
        """The last test: what waits is told that the head is gone, long before Ray ends the process."""
        with _waiting(cluster, tmp_path) as (process, _):
            cluster.nodes["127.0.0.2"].one("gcs_server").kill()
            out, err = process.communicate(timeout=HANG_S)

        found = _printed(out, err)
        assert found["error"] == "ClusterError"
        assert found["detail"].startswith(f"The Ray head at 127.0.0.2:{PORT} has been gone for more than 10 s.")
