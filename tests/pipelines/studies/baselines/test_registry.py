"""All baseline methods by name."""

from __future__ import annotations

import pytest

from ihas_pipelines.studies.baselines.registry import BASELINES

pytestmark = pytest.mark.tf


def test_every_baseline_is_there() -> None:
    """Seven baseline methods, each under its own name."""
    expected = ["adafs-hard", "adafs-soft", "autofield", "mixture", "pep", "plain-larger", "plain-smaller"]
    assert sorted(BASELINES) == expected
    assert all(method.name == name for name, method in BASELINES.items())
