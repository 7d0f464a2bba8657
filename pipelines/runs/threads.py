"""Threads of a run's arithmetic, and its machines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ihas.config.run import RunOptions

_cores: ContextVar[int] = ContextVar("cores", default=0)


def threads(options: RunOptions) -> int:
    """Threads of TensorFlow's arithmetic; they decide the order of its sums, so a run resumes only with the same number."""
    return options.num_threads or _cores.get() or os.cpu_count() or 1


@contextmanager
def counting_cores(count: int) -> Iterator[None]:
    """Within the block, a run without a number of threads has so many, whatever the machine's cores: those of the machine that asks."""
    token = _cores.set(count)
    try:
        yield
    finally:
        _cores.reset(token)


def on_several(options: RunOptions) -> dict[str, int]:
    """Machines of a run's trainings, as a stage's key has them: nothing for one, of which versions without the setting had keys."""
    return {"machines": options.machines} if options.machines > 1 else {}


def limit_threads(options: RunOptions) -> None:
    """Hold TensorFlow to `threads(options)`; imports it, which takes seconds. To be called before TensorFlow computes anything."""
    from ihas.legacy_keras import tf

    tf.config.threading.set_intra_op_parallelism_threads(threads(options))
