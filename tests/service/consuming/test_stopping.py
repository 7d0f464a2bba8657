"""Stops by a signal."""

from __future__ import annotations

import os
import signal

import pytest

from ihas_service.consuming.stopping import STOPS, stopping


@pytest.mark.parametrize("number", STOPS)
def test_the_first_signal_is_noted_and_the_second_ends(number: signal.Signals) -> None:
    """One signal asks to stop; after it, and after the block, signals do what they did before."""
    before = {one: signal.getsignal(one) for one in STOPS}
    with stopping() as stopped:
        assert not stopped()
        os.kill(os.getpid(), number)
        assert stopped()
        assert signal.getsignal(number) == before[number]
    assert {one: signal.getsignal(one) for one in STOPS} == before
