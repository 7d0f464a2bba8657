"""Threads of a run's arithmetic, and its machines."""

from __future__ import annotations

import os

from ihas.config.run import RunOptions


def threads(options: RunOptions) -> int:
    """Threads of TensorFlow's arithmetic; they decide the order of its sums, so a run resumes only with the same number."""
    return options.num_threads or os.cpu_count() or 1


def on_several(options: RunOptions) -> dict[str, int]:
    """Machines of a run's trainings, as a stage's key has them: nothing for one, of which versions without the setting had keys."""
    return {"machines": options.machines} if options.machines > 1 else {}


def limit_threads(options: RunOptions) -> None:
    """Hold TensorFlow to `threads(options)`; imports it, which takes seconds. To be called before TensorFlow computes anything."""
    from ihas.legacy_keras import tf

    tf.config.threading.set_intra_op_parallelism_threads(threads(options))
