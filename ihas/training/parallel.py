"""Trainings that do not depend on each other, beside each other in threads.

    at once = min(trainings, threads of the arithmetic, AT_ONCE, HELD_BYTES // bytes of one),   at least 1
    bytes   = MAX_TABLES * the embedding table's + a block of rows'

Not counted: what a batch needs on its way through the network. A training has its own network and its own stream of random numbers, so
that its result is the same, to the bit, whatever runs beside it. Threads, not processes: TensorFlow lets go of the interpreter's lock
while it computes, rows stay mapped once, and a process would spend seconds on importing TensorFlow. Source: our choice (decision 10).

With `IHAS_RAY_ADDRESS`, several are spread over the machines of a Ray cluster instead (on_ray.py, decision 99); a single one stays. Within
`on_machines`, they follow one another, and each is carried out by several machines together (decision 101).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from threading import RLock
from typing import TypeVar

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset
from ihas.errors import ConfigError
from ihas.models.network import table_width
from ihas.optim.update_rules import num_threads
from ihas.results.run_result import EpochMetrics
from ihas.training.cluster_head import set_defaults
from ihas.training.ranks import current_ranks
from ihas.training.trainer import BLOCK_ROWS, EpochListener

AT_ONCE = 4  # a small network's step is mostly its call from Python, of which there is one at a time
HELD_BYTES = 1 << 30
RAY_ADDRESS = "IHAS_RAY_ADDRESS"
MAX_TABLES = 16  # of any update rule, overparameterised; Adam by rows holds 6, and 8 while an epoch is averaged

Heard = TypeVar("Heard")
Result = TypeVar("Result")
_machines: ContextVar[int] = ContextVar("machines", default=1)


@contextmanager
def on_machines(count: int) -> Iterator[None]:
    """Within the block, each training is carried out by so many processes together, on machines of the cluster."""
    token = _machines.set(count)
    try:
        yield
    finally:
        _machines.reset(token)


def has_cluster() -> bool:
    """Whether trainings are spread over a cluster."""
    return bool(os.environ.get(RAY_ADDRESS))


def train_in_parallel(
    trainings: Sequence[Callable[[EpochListener], Result]], rows: Dataset, config: LearningConfig, listen: EpochListener
) -> list[Result]:
    """Results of the trainings, in their order.

    Args:
        trainings: each is given the listener of its epochs.
        rows: the training rows, which no training has more of.
        config: their settings, of which the size of an embedding table is read.
        listen: told of every epoch, of one at a time, on the thread that trains; of trainings on a cluster, on the calling one.

    Raises:
        ConfigError: several machines were asked for, and there is no cluster.
        ClusterError: a cluster was asked for, and cannot be reached, was lost, or would compute otherwise.
        the first error of a training or of the listener: what waits is not begun, what runs ends with its epoch.
    """
    held, machines = bytes_held(rows, config), _machines.get()
    if machines > 1 and trainings and not has_cluster():
        raise ConfigError(f"`run.machines` = {machines} must have a Ray cluster, but {RAY_ADDRESS} names none. Set it, or `machines = 1`.")
    if has_cluster() and len(trainings) > (machines == 1):
        return train_on_cluster(trainings, held, listen)
    at_once = min(len(trainings), num_threads(), AT_ONCE, HELD_BYTES // held)
    if at_once <= 1 or current_ranks() is not None:  # each training's messages must come in the same order everywhere
        return [training(listen) for training in trainings]
    shared = _SharedListener(listen)
    threads = ThreadPoolExecutor(at_once, "training")
    try:
        started = [threads.submit(copy_context().run, shared.carry_out, training) for training in trainings]
        wait(started, return_when=FIRST_EXCEPTION)
    finally:
        shared.stopped = True
        threads.shutdown(cancel_futures=True)
    if shared.error is not None:
        raise shared.error
    return [training.result() for training in started]


def train_on_cluster(
    trainings: Sequence[Callable[[EpochListener], Result]],
    held: int,
    listen: EpochListener,
    arrived: Callable[[int, Result], None] = lambda *_: None,
) -> list[Result]:
    """Results of the trainings, in their order, from the cluster that `IHAS_RAY_ADDRESS` names.

    Args:
        trainings: each is given the listener of its epochs.
        held: bytes that one holds.
        listen: told of every epoch, on the calling thread.
        arrived: given a training's number and its result as soon as it is there, likewise.

    Raises:
        ClusterError: it cannot be reached, was lost, or would compute otherwise.
        the first error of a training or of a listener.
    """
    set_defaults()
    from ihas.training.on_ray import train_on_ranks, train_on_ray

    address, machines = os.environ[RAY_ADDRESS], _machines.get()
    if machines > 1:
        return train_on_ranks(trainings, address, held, listen, arrived, machines)
    return train_on_ray(trainings, address, held, listen, arrived)


def resume_on_cluster(
    tasks: Sequence[Callable[[Callable[[Heard], None]], Result]], listen: Callable[[Heard], None], arrived: Callable[[int, Result], None]
) -> list[Result]:
    """Results of tasks that keep what they have finished, in their order, from the cluster that `IHAS_RAY_ADDRESS` names.

    Args:
        tasks: each is given the listener of whatever it tells of; one that is lost is begun again and goes on from what it kept.
        listen: told of it, on the calling thread.
        arrived: given a task's number and its result as soon as it is there, likewise.

    Raises:
        ClusterError, the first error of a task or of a listener: as for `train_on_cluster`.
    """
    set_defaults()
    from ihas.training.on_ray import train_on_ray

    return train_on_ray(tasks, os.environ[RAY_ADDRESS], 0, listen, arrived, resumed=True)


def bytes_held(rows: Dataset, config: LearningConfig) -> int:
    """Memory that a training on these rows holds, in bytes, beside what a batch needs on its way through the network."""
    table, block = rows.layout.num_rows * table_width(config), min(len(rows), BLOCK_ROWS) * rows.layout.num_slots
    return 4 * (MAX_TABLES * table + block)


class _StoppedError(Exception):
    """Ends a training whose result nobody waits for."""


class _SharedListener:
    """A listener that many threads may call, until the first error of any of them."""

    def __init__(self, listen: EpochListener) -> None:
        self._listen, self._lock, self.stopped = listen, RLock(), False
        self.error: BaseException | None = None

    def carry_out(self, training: Callable[[EpochListener], Result]) -> Result:
        """The result of a training, which is not begun after an error."""
        if self.stopped:
            raise _StoppedError
        with self._noting_errors():
            return training(self.listen)

    def listen(self, epoch: EpochMetrics) -> None:
        """Tell of an epoch when no other thread does."""
        with self._lock, self._noting_errors():
            if self.stopped:
                raise _StoppedError
            self._listen(epoch)

    @contextmanager
    def _noting_errors(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            with self._lock:
                self.stopped = True
                if self.error is None and not isinstance(error, _StoppedError):
                    self.error = error
            raise
