"""Whether masks differ between instances, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.dataset import Dataset
from ihas.data.layout import FieldLayout
from ihas.routing.router import Gates
from ihas.stages import mask_diversity as diversity
from ihas.stages.mask_diversity import mask_diversity

LAYOUT = FieldLayout(("a", "b"), (2, 2), (1, 1))
TABLE = np.array([[1], [-1], [1], [-1]], np.float32)
QUARTER = np.log(4) - 0.75 * np.log(3)
"""Entropy of 3/4 and of 1/4, in nats."""


def _rows(*ids: tuple[int, int]) -> Dataset:
    return Dataset(LAYOUT, np.array(ids, np.int32), np.zeros(len(ids), np.float32))


def _gates(scale: float, bias: float = 0.0) -> Gates:
    """Gate logits scale * e + bias; with ln 3 and no bias, pi is 3/4 for e = 1 and 1/4 for e = -1."""
    kernel = scale * np.eye(2, dtype=np.float32)
    return Gates("full", np.zeros(2, np.float32), np.ones(2, np.float32), (kernel,), (np.full(2, bias, np.float32),))


def test_two_opposite_halves() -> None:
    """Rows open either the one gate or the other: two masks, half open, variance 1/4, information ln 2 - H(1/4)."""
    found = mask_diversity(_rows((0, 3), (1, 2), (0, 3), (1, 2)), TABLE, _gates(np.log(3)))
    assert (found.rows, found.distinct_masks, found.kept_fraction, found.mean_variance) == (4, 2, 0.5, 0.25)
    assert found.mutual_information == pytest.approx(np.log(2) - QUARTER, abs=1e-6)


def test_decided_halves_carry_ln_2() -> None:
    """The surer the gates, the more of ln 2 they tell."""
    found = mask_diversity(_rows((0, 3), (1, 2)), TABLE, _gates(40.0))
    assert found.mutual_information == pytest.approx(np.log(2), abs=1e-6)


def test_one_mask_for_all() -> None:
    """Gates that open for every row are a static search: one mask, no variance, no information."""
    found = mask_diversity(_rows((0, 2), (1, 3), (0, 3)), TABLE, _gates(0.0, bias=1.0))
    assert (found.distinct_masks, found.kept_fraction, found.mean_variance) == (1, 1.0, 0.0)
    assert found.mutual_information == pytest.approx(0.0, abs=1e-9)


def test_gates_are_averaged() -> None:
    """The first gate splits the rows 3 to 1, the second never closes: kept 7/8, variance 3/32, information of the first halved."""
    found = mask_diversity(_rows((0, 2), (0, 2), (0, 2), (1, 2)), TABLE, _gates(40.0))
    assert (found.distinct_masks, found.kept_fraction, found.mean_variance) == (2, 7 / 8, 3 / 32)
    assert found.mutual_information == pytest.approx(QUARTER / 2, abs=1e-6)


def test_looks_at_the_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large part only the first rows are looked at."""
    monkeypatch.setattr(diversity, "MAX_ROWS", 2)
    found = mask_diversity(_rows((0, 2), (0, 2), (1, 3)), TABLE, _gates(1.0))
    assert (found.rows, found.distinct_masks) == (2, 1)
