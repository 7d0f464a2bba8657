"""Settings of all tests."""

from __future__ import annotations

import re
import signal
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from hypothesis import settings

LEFT_OUT = ("tf", "full")
"""Markers of whole modules that a run can leave out without importing them."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores the interrupt, and so would every process that a test starts and interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine makes a right answer late, not wrong.
settings.register_profile("ihas", deadline=None)
settings.load_profile("ihas")


class NoTensorFlow:
    """Refuses TensorFlow in a run of tests that need none, so that a test without its marker is found."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Import hook (PEP 451): no module but TensorFlow concerns it."""
        if name == "tensorflow":
            raise ImportError("A test that loads TensorFlow must be marked `tf`, but this one is not.")
        return None


def _without_tensorflow(config: pytest.Config) -> bool:
    return "not tf" in str(config.getoption("markexpr"))


def pytest_configure(config: pytest.Config) -> None:
    """With `-m "not tf"`, TensorFlow cannot be imported."""
    if _without_tensorflow(config):
        sys.meta_path.insert(0, NoTensorFlow())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m "not tf and not full"`, modules that are marked as a whole are not even imported."""
    expression = str(config.getoption("markexpr"))
    left_out = [rf"^pytestmark = .*\bpytest\.mark\.{marker}\b" for marker in LEFT_OUT if f"not {marker}" in expression]
    if collection_path.suffix != ".py" or not left_out:
        return None
    text = collection_path.read_text(encoding="utf-8")
    return True if any(re.search(line, text, re.MULTILINE) for line in left_out) else None
