"""One training carried out by several processes together."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.errors import ClusterError
from ihas.training.ranks import AT_ONCE_BYTES, Connected, Door, RankLostError
from tests.clock import HANG_S
from tests.ihas.training.rank_driver import CASES, EPOCHS, train_case
from tests.oracle import ignore

pytestmark = pytest.mark.tf

LOSSES, WEIGHTS = 1e-6, 5e-5
"""By how much another order of sums may change them in two epochs."""


def _carried_out(folder: Path, count: int, cases: Sequence[str]) -> list[list[dict[str, Any]]]:
    """What each of the processes says of each case."""
    command = [sys.executable, "-m", "tests.ihas.training.rank_driver", str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen([*command, str(rank), *cases], text=True, **pipes) for rank in range(count)]  # type: ignore[call-overload]
    try:
        addresses = [json.loads(process.stdout.readline()) for process in processes]
        for process in processes:
            process.stdin.write(json.dumps(addresses) + "\n")
            process.stdin.flush()
        said = [process.communicate(timeout=3 * HANG_S)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [[json.loads(line) for line in one.splitlines()] for one in said]


def _equals_one_process(folder: Path, count: int, cases: Sequence[str]) -> None:
    said = _carried_out(folder, count, cases)
    for number, case in enumerate(cases):
        own = [one[number] for one in said]
        assert len({one["digest"] for one in own}) == 1, case
        weights, history = train_case(case, ignore)
        assert len(history) == EPOCHS
        np.testing.assert_allclose(own[0]["losses"], [epoch.loss for epoch in history], rtol=LOSSES, err_msg=case)
        with np.load(folder / f"{case}.npz") as found:
            for name, value in weights.items():
                np.testing.assert_allclose(found[name.replace("/", "|")], value, atol=WEIGHTS, err_msg=f"{case} {name}")


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """Losses and weights are one process's within rounding, and both processes' to the bit."""
    _equals_one_process(tmp_path, 2, ["plain", "rows", "search"])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_that_is_trained_is_trained_together(tmp_path: Path) -> None:
    """Backbones, members, update rules, weights of rows, penalties, and batches of fewer rows than processes."""
    _equals_one_process(tmp_path, 2, list(CASES))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_three_processes_train_as_one(tmp_path: Path) -> None:
    """Gradients of more than a message's size are added up in parts, and the last batch gives one of them no row."""
    _equals_one_process(tmp_path, 3, ["dropout", "rows", "stacked", "search", "tiny_batches"])


@pytest.mark.slow
def test_a_process_that_dies_is_told_by_the_others(tmp_path: Path) -> None:
    """The error is not TensorFlow's."""
    (tmp_path / "dies").touch()

    first, second = _carried_out(tmp_path, 2, ["rows"])

    assert second == []
    assert [one["error"] for one in first] == ["RankLostError"]
    assert first[0]["detail"].startswith("All machines of a training must stay, but one is gone (")


def _on_each(count: int, work: Any) -> list[Any]:
    """What `work` gives for each of connected ranks, each on a thread."""
    doors = [Door("127.0.0.1", b"key") for _ in range(count)]

    def one(rank: int) -> Any:
        with doors[rank].joined(rank, [door.address for door in doors]) as ranks:
            return work(ranks)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count), timeout=HANG_S))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("values", [1, 5, 100_003])
def test_totals_are_sums_equal_to_the_bit(count: int, values: int) -> None:
    """Of few and of many values, of which parts are not equally long."""
    own = np.random.default_rng(0).normal(size=(count, values)).astype(np.float32)

    found = _on_each(count, lambda ranks: [ranks.total(own[ranks.rank]), ranks.sent])

    for total, sent in found:
        np.testing.assert_array_equal(total, found[0][0])
        np.testing.assert_allclose(total, own.sum(axis=0, dtype=np.float64), atol=1e-5)
        assert sent <= 2 * 4 * values * (count - 1) / count + 4 * count or 4 * values <= AT_ONCE_BYTES


def test_arrays_of_any_length_are_gathered() -> None:
    """Also none, and more than a connection takes without a reader."""
    sizes = [0, 1, 3_000_000]

    found = _on_each(3, lambda ranks: ranks.gather(np.full(sizes[ranks.rank], ranks.rank, np.float32)))

    for parts in found:
        assert [len(part) for part in parts] == sizes
        assert all((part == rank).all() for rank, part in enumerate(parts))


def test_machines_that_compute_otherwise_are_told() -> None:
    """Both figures are in the line."""

    def say(ranks: Connected) -> str:
        ranks.agree("loss 0.5")
        with pytest.raises(ClusterError, match="must compute alike") as error:
            ranks.agree(f"loss 0.{ranks.rank}")
        return str(error.value)

    first, _ = _on_each(2, say)

    assert "machine 0 has (loss 0.0) and machine 1 has (loss 0.1)" in first


def test_who_does_not_know_the_key_is_not_let_in() -> None:
    """The one that waits goes no further, and is told."""
    door, other = Door("127.0.0.1", b"key"), Door("127.0.0.1", b"other")
    addresses = [door.address, other.address]

    def join(one: Door, rank: int) -> None:
        with pytest.raises((RankLostError, ClusterError)), one.joined(rank, addresses):
            pass

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(join, (door, other), (0, 1), timeout=HANG_S))
