"""A system in another process has measurements here."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from ihas_pipelines.benchmarks.child import Child
from ihas_pipelines.benchmarks.timing import Measurement, System


def process_numbers(offset: int) -> Mapping[str, System]:
    """A system whose "cost" tells which process it ran in."""
    return {"number": lambda: Measurement(float(os.getpid() + offset), 0.0)}


def failing() -> Mapping[str, System]:
    """Cannot be prepared."""
    raise ValueError("no such model")


def test_measurements_are_taken_in_another_process() -> None:
    """The child's process number is not this one's, and is the same every measurement."""
    with Child(process_numbers, 0) as child:
        system = child.systems()["number"]
        assert system().cpu == system().cpu != float(os.getpid())


def test_a_child_that_cannot_be_prepared_says_why() -> None:
    """The child's error comes here."""
    with Child(failing) as child, pytest.raises(RuntimeError, match="ValueError: no such model"):
        child.systems()
