"""Plain models of other sizes."""

from __future__ import annotations

import pytest

from ihas_pipelines.studies.baselines.baseline import BaselineMethod
from ihas_pipelines.studies.baselines.plain import LARGER, SMALLER, resized
from tests.contracts.baseline_method import CONFIG, BaselineContract, trained

pytestmark = pytest.mark.tf


class TestSmaller(BaselineContract):
    """The smaller models keep the contract."""

    @pytest.fixture
    def method(self) -> BaselineMethod:
        return SMALLER


class TestLarger(BaselineContract):
    """The larger models keep the contract."""

    @pytest.fixture
    def method(self) -> BaselineMethod:
        return LARGER


def test_sizes_by_hand() -> None:
    """Half of 4 dims and three times 8 units, or 16 and 8 in a second stream; sizes are whole, and at least 1; nothing else changes."""
    own = resized(CONFIG, 0.5, 3.0)
    assert (own.training.embedding_dim, own.backbone.hidden, own.backbone.second_hidden) == (2, (24,), (48, 24))
    assert resized(CONFIG, 0.01, 0.01).training.embedding_dim == resized(CONFIG, 0.01, 0.01).backbone.hidden[0] == 1
    assert resized(own, 2.0, 1 / 3) == CONFIG


def test_smaller_and_larger_by_hand() -> None:
    """Three quarters of 4 dims on 23 table rows, and one and a half times as many, with 8 hidden units above."""
    assert trained("plain-smaller")[0].cost.parameters_total == 23 * 3 + 9 * 8 + 8 + 8 + 1
    assert trained("plain-larger")[0].cost.parameters_total == 23 * 6 + 18 * 8 + 8 + 8 + 1
