"""What a process holds."""

from __future__ import annotations

import numpy as np

from pipelines.benchmarks.memory import measured_turn, resident


def test_a_turn_knows_what_was_held_meanwhile() -> None:
    """A call that fills 64 MiB and lets them go held that much more than one that does nothing, though it ran before it."""
    filling, idle = measured_turn(lambda: np.ones(2**23)), measured_turn(lambda: None)
    before = resident()
    full, empty = filling(), idle()
    assert full.memory - before > 2**25
    assert full.memory - empty.memory > 2**25
