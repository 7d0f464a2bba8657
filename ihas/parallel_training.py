"""Trainings that do not depend on each other, beside each other in threads.

    at once = min(trainings, threads of the arithmetic, HELD_BYTES // bytes that one holds),   at least 1
    bytes   = TABLES_HELD * the embedding table's + a block of rows'

A training has its own network and its own stream of random numbers, so that its result is the same, to the bit, whatever runs beside it.
Threads, not processes: TensorFlow lets go of the interpreter's lock while it computes, rows stay mapped once, and a process would spend
seconds on importing TensorFlow. Source: our choice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from threading import Lock
from typing import TypeVar

from ihas.config import LearningConfig
from ihas.data.dataset import Dataset
from ihas.models.network import table_width
from ihas.results import EpochFigures
from ihas.training import BLOCK_ROWS, EpochListener
from ihas.update_rules import num_threads

HELD_BYTES = 1 << 30
TABLES_HELD = 6  # what it starts from, the network's, the optimiser's with two moments, and the best so far

Result = TypeVar("Result")


def train_in_parallel(
    trainings: Sequence[Callable[[EpochListener], Result]], rows: Dataset, config: LearningConfig, listen: EpochListener
) -> list[Result]:
    """Results of the trainings, in their order.

    Args:
        trainings: each is given the listener of its epochs.
        rows: the training rows, which no training has more of.
        config: their settings, of which the size of an embedding table is read.
        listen: told of every epoch, of one at a time.

    Raises:
        what a training raises: the others are stopped at the end of their epoch.
    """
    at_once = min(len(trainings), num_threads(), HELD_BYTES // _bytes_held(rows, config))
    if at_once <= 1:
        return [training(listen) for training in trainings]
    turns = _Turns(listen)
    with ThreadPoolExecutor(at_once, "training") as threads:
        started = [threads.submit(copy_context().run, training, turns.listen) for training in trainings]
        try:
            ended, _ = wait(started, return_when=FIRST_EXCEPTION)
            failed = [training for training in ended if training.exception() is not None]
            return [training.result() for training in failed or started]
        finally:
            turns.stopped = True
            threads.shutdown(cancel_futures=True)


def _bytes_held(rows: Dataset, config: LearningConfig) -> int:
    table, block = rows.layout.num_rows * table_width(config), min(len(rows), BLOCK_ROWS) * rows.layout.num_slots
    return 4 * (TABLES_HELD * table + block)


class _StoppedError(Exception):
    """Ends a training whose result nobody waits for."""


class _Turns:
    """A listener that many threads may call."""

    def __init__(self, listen: EpochListener) -> None:
        self._listen, self._lock = listen, Lock()
        self.stopped = False

    def listen(self, figures: EpochFigures) -> None:
        """Tell of an epoch, when it is this thread's turn."""
        with self._lock:
            if self.stopped:
                raise _StoppedError
            self._listen(figures)
