"""Trainings beside each other."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ihas import parallel_training
from ihas.config import LearningConfig
from ihas.data.dataset import Dataset
from ihas.data.mapped import new_array, scratch_in
from ihas.layout import FieldLayout
from ihas.parallel_training import HELD_BYTES, TABLES_HELD, train_in_parallel
from ihas.results import EpochFigures
from ihas.training import EpochListener
from tests.oracle import ignore

LAYOUT = FieldLayout(("field",), (4,), (1,))
ROWS = Dataset(LAYOUT, np.zeros((10, 1), np.int32), np.zeros(10, np.float32))
FOREVER = 10_000
HALF_OF_THE_BOUND = HELD_BYTES // 2 // (4 * TABLES_HELD * LearningConfig().training.embedding_dim)  # values of a field whose tables fill it


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel_training, "num_threads", lambda: 2)


def _run(trainings: list[Callable[[EpochListener], object]], listen: EpochListener = ignore, rows: Dataset = ROWS) -> list[object]:
    return train_in_parallel(trainings, rows, LearningConfig(), listen)


def _figures(name: str, epoch: int) -> EpochFigures:
    return EpochFigures(model=name, epoch=epoch, loss=0.5, auc=0.5)


def test_trainings_run_beside_each_other_and_answer_in_their_order() -> None:
    """Two that wait for each other both end, and a third after them; results stand in the order that was asked for."""
    meeting = threading.Barrier(2, timeout=10.0)

    def first(_: EpochListener, number: int) -> int:
        meeting.wait()
        time.sleep(0.05 * (2 - number))
        return number

    assert _run([partial(first, number=0), partial(first, number=1), lambda _: 2]) == [0, 1, 2]


def test_no_more_than_the_threads_run_at_once() -> None:
    """Of six trainings on two threads, two are in hand at the most."""
    running, most, lock = 0, 0, threading.Lock()

    def train(_: EpochListener) -> None:
        nonlocal running, most
        with lock:
            running, most = running + 1, max(most, running + 1)
        time.sleep(0.01)
        with lock:
            running -= 1

    _run([train] * 6)

    assert most == 2


@pytest.mark.parametrize(("vocabulary", "beside"), [(HALF_OF_THE_BOUND - 1, True), (HALF_OF_THE_BOUND + 1, False)])
def test_what_runs_at_once_holds_no_more_than_its_bound(vocabulary: int, beside: bool) -> None:
    """Two trainings share the bound where twice their tables and rows fit; otherwise one follows the other on the calling thread."""
    rows = Dataset(FieldLayout(("field",), (vocabulary,), (1,)), ROWS.ids, ROWS.labels)

    ran_on = _run([lambda _: threading.current_thread()] * 2, rows=rows)

    assert (threading.current_thread() not in ran_on) == beside


def test_epochs_are_told_one_at_a_time() -> None:
    """A listener that is not made for threads hears all epochs, never two at once, each model's in order."""
    heard, inside = list[EpochFigures](), threading.Lock()

    def listen(figures: EpochFigures) -> None:
        assert inside.acquire(blocking=False)
        time.sleep(0.001)
        heard.append(figures)
        inside.release()

    def train(tell: EpochListener, name: str) -> None:
        for epoch in range(20):
            tell(_figures(name, epoch))

    _run([partial(train, name=name) for name in "abc"], listen)

    for name in "abc":
        assert [figures.epoch for figures in heard if figures.model == name] == list(range(20))


def test_an_error_ends_the_others_at_their_epoch() -> None:
    """The first error is raised as it is; what runs is stopped when it next tells of an epoch, what waits is never begun."""
    began, told = threading.Event(), list[str]()

    def endless(tell: EpochListener) -> None:
        for epoch in range(FOREVER):
            began.set()
            tell(_figures("endless", epoch))
            time.sleep(0.001)

    def fails(_: EpochListener) -> None:
        began.wait(10.0)
        raise ArithmeticError("the loss is not finite")

    with pytest.raises(ArithmeticError, match="the loss is not finite"):
        _run([endless, fails, lambda _: told.append("begun")], lambda figures: told.append(figures.model))

    assert "begun" not in told
    assert len(told) < FOREVER


def test_a_listener_that_raises_ends_all() -> None:
    """What the listener raises comes out, and no training goes on behind the caller's back."""

    def train(tell: EpochListener) -> None:
        for epoch in range(FOREVER):
            tell(_figures("model", epoch))

    def listen(figures: EpochFigures) -> None:
        if figures.epoch == 3:
            raise BrokenPipeError("nobody listens")

    before = threading.active_count()
    with pytest.raises(BrokenPipeError, match="nobody listens"):
        _run([train, train], listen)

    assert threading.active_count() == before


def test_a_training_knows_where_scratch_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that a training maps lie in the folder that its caller chose, on whatever thread it runs."""
    chosen, make = list[Path | None](), tempfile.TemporaryFile
    monkeypatch.setattr("ihas.data.mapped.IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *, dir: chosen.append(dir) or make(dir=dir))  # noqa: A002 # the library's name

    with scratch_in(tmp_path):
        _run([lambda _: new_array((4,), np.int32)] * 2)

    assert chosen == [tmp_path, tmp_path]
