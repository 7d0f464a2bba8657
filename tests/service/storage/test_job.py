"""Which state may follow which."""

from __future__ import annotations

import pytest

from ihas_service.errors import ConflictError
from ihas_service.states import RUNNING, TERMINAL, JobState
from ihas_service.storage.job import TRANSITIONS, check_transition


def test_every_state_has_its_transitions() -> None:
    """Each state is queued, running or terminal, and in the table."""
    assert set(TRANSITIONS) == set(JobState) == {JobState.QUEUED} | RUNNING | TERMINAL


def test_success_is_final() -> None:
    """Nothing follows it."""
    assert TRANSITIONS[JobState.SUCCEEDED] == frozenset()


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_failure_and_cancellation_are_left_by_queueing_alone(state: JobState) -> None:
    """A person resumes; nothing else happens to them."""
    assert TRANSITIONS[state] == {JobState.QUEUED}


@pytest.mark.parametrize("state", sorted(JobState))
def test_from_every_state_that_can_end_there_is_a_way_to_success(state: JobState) -> None:
    """No state is a trap but success itself."""
    reached, frontier = {state}, {state}
    while frontier:
        frontier = {new for old in frontier for new in TRANSITIONS[old]} - reached
        reached |= frontier

    assert JobState.SUCCEEDED in reached


def test_an_illegal_transition_names_the_legal_ones() -> None:
    """The message says what is possible instead."""
    with pytest.raises(ConflictError, match=r"queued cannot become succeeded; what may follow is: cancelled, running\."):
        check_transition(JobState.QUEUED, JobState.SUCCEEDED)
