"""A contender in another process has turns here."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from pipelines.benchmarks.child import Child
from pipelines.benchmarks.timing import Contender, Turn


def process_numbers(offset: int) -> Mapping[str, Contender]:
    """A contender whose "cost" tells which process it ran in."""
    return {"number": lambda: Turn(float(os.getpid() + offset), 0.0)}


def failing() -> Mapping[str, Contender]:
    """Cannot be prepared."""
    raise ValueError("no such model")


def test_turns_are_taken_in_another_process() -> None:
    """The child's process number is not this one's, and is the same every turn."""
    with Child(process_numbers, 0) as child:
        contender = child.contenders()["number"]
        assert contender().cpu == contender().cpu != float(os.getpid())


def test_a_child_that_cannot_be_prepared_says_why() -> None:
    """The child's error comes here."""
    with Child(failing) as child, pytest.raises(RuntimeError, match="ValueError: no such model"):
        child.contenders()
