"""Kernel ridge regression on histories."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.overrec import KernelConfig
from ihas.sequential.data.sequences import NextItem, Sequences, prefixes
from ihas.sequential.overrec.kernel import similarities
from ihas.sequential.overrec.ridge import KernelRidge, drawn


def _rows() -> NextItem:
    rng = np.random.default_rng(0)
    return prefixes(Sequences.of([rng.integers(0, 6, rng.integers(2, 8)) for _ in range(12)]))


@pytest.mark.parametrize("pooling", ["last", "average"])
def test_is_the_solution_of_the_normal_equations(pooling: str) -> None:
    """The scores are Theta(X*, X) alpha with alpha the solution of the ridge's linear system for one-hot targets."""
    config, rows = KernelConfig(sigma_h=0.3, pooling=pooling), _rows()
    asked = Sequences.of([[0, 1], [3], [7, 7, 2]])
    gram = similarities(config, rows.histories)
    ridge = 0.5 * np.trace(gram) / len(gram)
    alpha = np.linalg.solve(gram + ridge * np.eye(len(gram)), np.eye(6)[rows.targets])
    expected = similarities(config, asked, rows.histories) @ alpha
    np.testing.assert_allclose(KernelRidge.fitted(config, rows, 0.5).scores(asked, 6), expected, atol=1e-10)


def test_without_a_ridge_it_repeats_what_it_saw() -> None:
    """With a ridge near 0 every history of different ones gets its own target."""
    rows = prefixes(Sequences.of([[0, 1, 2, 3], [4, 2, 0], [5, 5, 1, 1]]))
    scores = KernelRidge.fitted(KernelConfig(), rows, 1e-9).scores(rows.histories, 6)
    np.testing.assert_allclose(scores, np.eye(6)[rows.targets], atol=1e-5)


def test_draws_in_order_without_repeats() -> None:
    """A draw has the number asked for, in order, and all rows where that is enough."""
    rows = _rows()
    found = drawn(rows, 10, np.random.default_rng(1))
    assert len(found) == len(found.histories) == 10
    assert (np.diff(found.users) >= 0).all()
    assert drawn(rows, 10_000, np.random.default_rng(1)) is rows
