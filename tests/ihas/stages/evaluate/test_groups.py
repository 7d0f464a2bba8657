"""How each group fares, on figures made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import CategoricalEncoder
from ihas.metrics import auc_difference
from ihas.results.run_result import Cost, GroupResult
from ihas.routing.grouping import Grouping, PartGroups
from ihas.stages.evaluate.groups import group_results
from ihas.stages.evaluate.variants import Variant

pytestmark = pytest.mark.tf

ENCODER = Encoder(fields=(CategoricalEncoder(name="f", role="context", values=("a", "b")),))
LABELS = np.array([0, 0, 1, 1, 0, 1, 0, 1, 1, 0], np.float32)
GROUP = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2], np.int32)  # the last group has one row of each label
RIGHT, WRONG = 2.0 * LABELS - 1.0, 1.0 - 2.0 * LABELS


def _variant(name: str, test: np.ndarray) -> Variant:
    cost = Cost(parameters_per_path=1, parameters_total=1, multiply_adds=1, kept_dims=1)
    return Variant(name, (), False, test, test, cost, LearningConfig())


def _groups(chosen: Variant, base: Variant) -> tuple[GroupResult, ...]:
    ids = np.where(GROUP[:, None] == 0, 2, 3).astype(np.int32)
    rows = Dataset(ENCODER.layout, ids, LABELS)
    gates, masks = np.full((3, 1, 2), 0.5, np.float32), np.ones((3, 1, 2), bool)
    grouping = Grouping("mask", np.zeros((3, 2), np.float32), PartGroups(GROUP, GROUP, GROUP), gates, (0.5,) * 3, masks, ())
    return group_results(Splits(rows, rows, rows), grouping, chosen, base, ENCODER)


def test_a_groups_gain_is_that_of_its_own_rows() -> None:
    """Right where the base is wrong in group 0, the base's equal in group 1: gains 1 and 0 with DeLong's intervals of those rows alone."""
    base = _variant("base", np.where(GROUP == 0, WRONG, RIGHT).astype(np.float32))
    first, second, third = _groups(_variant("static", RIGHT.astype(np.float32)), base)

    assert first.gain == auc_difference(RIGHT[:4], WRONG[:4], LABELS[:4])
    assert (first.gain.difference, first.test.auc, first.base_test.auc) == (1.0, 1.0, 0.0)
    assert second.gain is not None
    assert second.gain.difference == 0.0
    assert third.gain is None
    assert third.test.auc == 1.0


def test_the_base_gains_nothing_over_itself() -> None:
    """Where the base was chosen, no group has a gain."""
    base = _variant("base", RIGHT.astype(np.float32))
    assert [group.gain for group in _groups(base, base)] == [None, None, None]


def test_members_and_what_is_typical_of_them() -> None:
    """Shares and click rates are counts; value a makes up group 0 and four rows of ten, b the rest."""
    base = _variant("base", RIGHT.astype(np.float32))
    first, second, third = _groups(base, base)

    assert [group.share for group in (first, second, third)] == pytest.approx([0.4, 0.4, 0.2])
    assert [group.click_rate for group in (first, second, third)] == pytest.approx([0.5, 0.5, 0.5])
    assert first.typical == ("f = a (2.5 times as often)",)
    assert second.typical == third.typical == ("f = b (1.7 times as often)",)
