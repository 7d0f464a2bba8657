"""Threads of a run's arithmetic."""

from __future__ import annotations

import os

from ihas.config.run import RunOptions


def threads(options: RunOptions) -> int:
    """Threads of TensorFlow's arithmetic; they decide the order of its sums, so a run resumes only with the same number."""
    return options.num_threads or os.cpu_count() or 1


def limit_threads(options: RunOptions) -> None:
    """Hold TensorFlow to `threads(options)`; imports it, which takes seconds. To be called before TensorFlow computes anything."""
    from ihas.legacy_keras import tf

    tf.config.threading.set_intra_op_parallelism_threads(threads(options))
