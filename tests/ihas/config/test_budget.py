"""Limits of a run: what may be stated, and what a limit admits."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ihas.config.budget import BudgetConfig


@pytest.mark.parametrize(
    "limits",
    [
        {"memory_bytes": 0}, {"memory_bytes": 1.5}, {"candidates_p99_ms": 0.0}, {"candidates_p99_ms": float("inf")}, {"candidates": 0},
        {"candidates": 10_001}, {"candidates": None}, {"parameters": 0}, {"p99_ms": -1.0}, {"memory": 9},
    ],
)  # fmt: skip
def test_a_limit_is_above_zero_and_finite(limits: dict[str, object]) -> None:
    """Candidates are at most as many as a request may name at once, and have a number always."""
    with pytest.raises(ValidationError):
        BudgetConfig.model_validate(limits)


def test_the_number_of_candidates_is_no_limit() -> None:
    """It says what latencies are measured with; limits are those that are stated."""
    assert BudgetConfig(candidates=200).limits == {}
    assert BudgetConfig(candidates_p99_ms=4, memory_bytes=10, groups=2).limits == {"candidates_p99_ms": 4, "memory_bytes": 10, "groups": 2}


@pytest.mark.parametrize(
    ("limits", "admits"),
    [
        ({}, False), ({"multiply_adds": 1}, True), ({"candidates_p99_ms": 1.0}, True), ({"p99_ms": 1.0}, False), ({"parameters": 1}, False),
        ({"memory_bytes": 1}, False), ({"candidates": 9}, False),
    ],
)  # fmt: skip
def test_what_a_request_may_cost_admits_larger_models(limits: dict[str, float], admits: bool) -> None:
    """In multiply-adds or in milliseconds for its candidates; other limits only exclude."""
    assert BudgetConfig.model_validate(limits).admits_larger is admits
