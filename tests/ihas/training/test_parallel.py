"""Trainings beside each other."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.data.layout import FieldLayout
from ihas.data.mapped import new_array, scratch_in
from ihas.data.synthetic import make_tribes
from ihas.errors import ConfigError, missing_package
from ihas.results.run_result import EpochMetrics
from ihas.training import parallel
from ihas.training.parallel import AT_ONCE, on_machines, train_in_parallel
from ihas.training.plain import train_plain
from ihas.training.trainer import EpochListener
from tests.clock import HANG_S
from tests.oracle import ignore

pytestmark = pytest.mark.tf

LAYOUT = FieldLayout(("field",), (4,), (1,))
ROWS = Dataset(LAYOUT, np.zeros((10, 1), np.int32), np.zeros(10, np.float32))
FOREVER, NEVER = 1_000 * round(HANG_S), threading.Event()
"""Epochs of a millisecond and more that nobody waits for; what an epoch waits for."""
PLAIN = LearningConfig(backbone=BackboneConfig(hidden=(8,), dropout=0.2), training=TrainingConfig(epochs=2, embedding_l2=1e-4))


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IHAS_RAY_ADDRESS", raising=False)
    monkeypatch.setattr(parallel, "num_threads", lambda: 2)


def _run(trainings: list[Callable[[EpochListener], object]], listen: EpochListener = ignore, rows: Dataset = ROWS) -> list[object]:
    return train_in_parallel(trainings, rows, LearningConfig(), listen)


def _figures(name: str, epoch: int) -> EpochMetrics:
    return EpochMetrics(model=name, epoch=epoch, loss=0.5, auc=0.5)


def test_several_machines_need_a_cluster() -> None:
    """Without its address the setting is refused in a line."""
    with on_machines(2), pytest.raises(ConfigError, match=r"`run\.machines` = 2 must have a Ray cluster, but IHAS_RAY_ADDRESS names none"):
        _run([lambda _: 1])
    assert _run([lambda _: 1]) == [1]


def test_trainings_run_beside_each_other_and_answer_in_their_order() -> None:
    """Two that wait for each other both end, the second first, and a third after them; results stand in the order that was asked for."""
    meeting, second = threading.Barrier(2, timeout=HANG_S), threading.Event()

    def first(_: EpochListener, number: int) -> int:
        meeting.wait()
        if number == 1:
            second.set()
        assert second.wait(HANG_S)
        return number

    assert _run([partial(first, number=0), partial(first, number=1), lambda _: 2]) == [0, 1, 2]


@pytest.mark.parametrize(("num_threads", "most"), [(2, 2), (64, AT_ONCE)])
def test_no_more_run_at_once_than_threads_or_the_bound(num_threads: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as may run meet at a barrier; never is one more in hand."""
    monkeypatch.setattr(parallel, "num_threads", lambda: num_threads)
    meeting, lock, running, seen = threading.Barrier(most, timeout=HANG_S), threading.Lock(), list[int](), list[int]()

    def train(_: EpochListener) -> None:
        with lock:
            running.append(1)
            seen.append(len(running))
        meeting.wait()
        with lock:
            running.pop()

    _run([train] * (2 * most))

    assert max(seen) == most


@pytest.mark.parametrize(("vocabulary", "beside"), [(500_000, True), (1_000_000, False)])
def test_what_runs_at_once_holds_no_more_than_its_bound(vocabulary: int, beside: bool) -> None:
    """Sixteen tables of a million values of 16 are nearly 1 GiB and leave one, on the calling thread; half of it leaves two."""
    rows = Dataset(FieldLayout(("field",), (vocabulary,), (1,)), ROWS.ids, ROWS.labels)

    ran_on = _run([lambda _: threading.current_thread()] * 2, rows=rows)

    assert (threading.current_thread() not in ran_on) == beside


def test_a_single_training_stays_where_the_run_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a cluster is named, which nobody asks: the training runs on the calling thread, and so does none."""
    monkeypatch.setenv("IHAS_RAY_ADDRESS", "127.0.0.1:1")

    assert _run([lambda _: threading.current_thread()]) == [threading.current_thread()]
    assert _run([]) == []


def test_a_cluster_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ray is needed until an address is set; then what is missing is `ihas[ray]`."""
    monkeypatch.setattr("ihas.extras.requires", lambda _name: ["ray>=2.52; extra == 'ray'"])
    monkeypatch.setattr(parallel, "set_defaults", lambda: None)
    monkeypatch.delitem(sys.modules, "ihas.training.on_ray", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    assert _run([lambda _: 1, lambda _: 2]) == [1, 2]

    monkeypatch.setenv("IHAS_RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ModuleNotFoundError) as caught:
        _run([lambda _: 1, lambda _: 2])
    assert str(missing_package(caught.value)).endswith("Install `ihas[ray]`.")


def test_epochs_are_told_one_at_a_time() -> None:
    """A listener that is not made for threads hears all epochs, never two at once, each model's in order."""
    heard, inside = list[EpochMetrics](), threading.Lock()

    def listen(figures: EpochMetrics) -> None:
        assert inside.acquire(blocking=False)
        os.sched_yield()  # to whoever would come in beside
        heard.append(figures)
        inside.release()

    def train(listen: EpochListener, name: str) -> None:
        for epoch in range(20):
            listen(_figures(name, epoch))

    _run([partial(train, name=name) for name in "abc"], listen)

    for name in "abc":
        assert [figures.epoch for figures in heard if figures.model == name] == list(range(20))


def test_an_error_ends_the_others_at_their_epoch() -> None:
    """The first error is raised as it is; what runs is stopped when it next tells of an epoch, what waits is never begun."""
    third, told = threading.Event(), list[str]()

    def listen(figures: EpochMetrics) -> None:
        told.append(figures.model)
        if figures.epoch == 3:
            third.set()

    def endless(listen: EpochListener) -> None:
        for epoch in range(FOREVER):
            listen(_figures("endless", epoch))
            NEVER.wait(0.001)

    def fails(_: EpochListener) -> None:
        assert third.wait(HANG_S)
        raise ArithmeticError("the loss is not finite")

    before = threading.active_count()
    with pytest.raises(ArithmeticError, match="the loss is not finite"):
        _run([endless, fails, lambda _: told.append("begun")], listen)

    assert "begun" not in told
    assert 3 <= len(told) < FOREVER
    assert threading.active_count() == before


def test_a_listener_that_raises_ends_all() -> None:
    """What the listener raises comes out, it is never called again, and no training goes on behind the caller's back."""
    calls = list[int]()

    def train(listen: EpochListener) -> None:
        for epoch in range(FOREVER):
            listen(_figures("model", epoch))

    def listen(_: EpochMetrics) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise BrokenPipeError("nobody listens")

    before = threading.active_count()
    with pytest.raises(BrokenPipeError, match="nobody listens"):
        _run([train, train, train], listen)

    assert len(calls) == 3
    assert threading.active_count() == before


def test_a_thread_that_cannot_start_ends_those_that_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's refusal comes out at once, and what was handed out is not carried out to its end."""
    start, told = threading.Thread.start, list[int]()

    def refuse(thread: threading.Thread) -> None:
        if thread.name.endswith("_1"):
            raise RuntimeError("can't start new thread")
        start(thread)

    def train(listen: EpochListener) -> None:
        for epoch in range(FOREVER):
            listen(_figures("model", epoch))
            NEVER.wait(0.001)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        _run([train, train, train], lambda figures: told.append(figures.epoch))

    assert len(told) < FOREVER


@pytest.mark.slow
@pytest.mark.parametrize(
    "training",
    [{}, {"optimizer": "adagrad"}, {"optimizer": "sgd"}, {"overparameterisation": "vector"}],
    ids=lambda changed: "-".join(changed.values()) or "adam",
)
def test_results_are_those_of_one_after_another(training: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Table, backbone and epochs of plain models with dropout are equal to the bit, by every kind of rule."""
    parts = make_tribes(np.random.default_rng(0), 2, (3_000, 500, 1)).parts
    trainings = [partial(train_plain, parts, PLAIN.with_training(**training), str(number)) for number in range(3)]

    found = []
    for at_once in (3, 1):
        monkeypatch.setattr(parallel, "num_threads", lambda at_once=at_once: at_once)
        found.append(train_in_parallel(trainings, parts.train, PLAIN, ignore))

    for beside, after in zip(*found, strict=True):
        assert beside.history == after.history
        np.testing.assert_array_equal(beside.weights.table, after.weights.table)
        for name, value in after.weights.backbone.items():
            np.testing.assert_array_equal(beside.weights.backbone[name], value)


def test_a_training_knows_where_scratch_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that a training maps lie in the folder that its caller chose, on whatever thread it runs."""
    chosen, make = list[Path | None](), tempfile.TemporaryFile
    monkeypatch.setattr("ihas.data.mapped.IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *, dir: chosen.append(dir) or make(dir=dir))  # noqa: A002 # the library's name

    with scratch_in(tmp_path):
        _run([lambda _: new_array((4,), np.int32)] * 2)

    assert chosen == [tmp_path, tmp_path]
