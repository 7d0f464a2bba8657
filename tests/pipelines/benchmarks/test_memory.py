"""What a process holds."""

from __future__ import annotations

import numpy as np

from ihas_pipelines.benchmarks.memory import measured_call, resident


def test_a_measurement_knows_what_was_held_meanwhile() -> None:
    """A call that fills 64 MiB and lets them go held that much more than one that does nothing, though it ran before it."""
    filling, idle = measured_call(lambda: np.ones(2**23)), measured_call(lambda: None)
    before = resident()
    full, empty = filling(), idle()
    assert full.memory - before > 2**25
    assert full.memory - empty.memory > 2**25
