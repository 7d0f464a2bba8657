"""A holder is silent when its sign did not change for a lease of the observer's own looks."""

from __future__ import annotations

import pytest

from ihas_service.storage.silence import Sign, Silence
from tests.clock import Clock

LEASE_S = 12.0
ADA, BOB = Sign(1, 1, 0), Sign(2, 5, 3)


@pytest.fixture
def clock() -> Clock:
    """Of the observer."""
    return Clock()


@pytest.mark.parametrize("looks", [2, 3, 12])
def test_a_sign_that_stays_for_a_lease_is_silent_then(clock: Clock, looks: int) -> None:
    """However often the observer looked; at every look before the last it is not."""
    silence = Silence(clock)
    found = []
    for _ in range(looks + 1):
        found.append(silence.look([ADA], LEASE_S))
        clock.advance(LEASE_S / looks)

    assert found == [frozenset()] * looks + [{ADA}]


@pytest.mark.parametrize("change", [{"token": 2}, {"beats": 1}])
def test_a_sign_that_changes_begins_anew(clock: Clock, change: dict[str, int]) -> None:
    """A heartbeat and another claim alike; the other holder, who showed nothing, is silent in time."""
    silence = Silence(clock)
    for _ in range(2):
        silence.look([ADA, BOB], LEASE_S)
        clock.advance(LEASE_S / 2)

    assert silence.look([ADA._replace(**change), BOB], LEASE_S) == {BOB}


def test_a_sign_that_was_away_begins_anew(clock: Clock) -> None:
    """A job that was let go is forgotten."""
    silence = Silence(clock)
    for signs in ([ADA], [ADA], [], [ADA], [ADA]):
        assert silence.look(signs, LEASE_S) == frozenset()
        clock.advance(LEASE_S / 2)


def test_a_gap_between_looks_counts_half_a_lease_at_most(clock: Clock) -> None:
    """After a gap of a year there is time for a sign; a second gap is enough."""
    silence = Silence(clock)
    found = []
    for _ in range(3):
        found.append(silence.look([ADA], LEASE_S))
        clock.advance(3.2e7)

    assert found == [frozenset(), frozenset(), {ADA}]
