"""The threshold searcher, on gates small enough to follow by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.stages.cluster.thresholds import masks_at, search_thresholds

pytestmark = pytest.mark.tf


class _ScriptedScorer:
    """Loss of a row = its group's price of each kept dimension, so that the best mask is known."""

    def __init__(self, prices: np.ndarray) -> None:
        self.prices = prices  # (num_groups, N): gain of keeping a dimension

    def row_losses(self, masks: np.ndarray, group: np.ndarray) -> np.ndarray:
        return -(masks * self.prices).sum(axis=1)[group]


MEAN_GATES = np.array([[0.9, 0.5, 0.2], [0.1, 0.6, 0.8]], np.float32)
GROUP = np.array([0, 0, 1], np.int32)


def test_each_group_gets_the_threshold_with_the_least_loss_on_its_own_rows():
    """Group 0 gains from its first two dimensions and loses by the third; group 1 gains from its last alone."""
    scorer = _ScriptedScorer(np.array([[1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]))

    thresholds, masks = search_thresholds(MEAN_GATES, GROUP, scorer, (0.1, 0.3, 0.7))

    assert thresholds == (0.3, 0.7)
    np.testing.assert_array_equal(masks, [[True, True, False], [False, False, True]])


def test_of_equal_thresholds_the_sparser_mask_wins():
    """When no dimension matters, the highest threshold is taken."""
    thresholds, _ = search_thresholds(MEAN_GATES, GROUP, _ScriptedScorer(np.zeros((2, 3))), (0.1, 0.3, 0.7))

    assert thresholds == (0.7, 0.7)


def test_a_group_never_loses_its_last_dimension():
    """Above every mean gate the most open dimension alone is kept."""
    np.testing.assert_array_equal(masks_at(MEAN_GATES, np.array([0.95, 0.95])), [[True, False, False], [False, False, True]])


def test_a_dimension_at_the_threshold_is_kept():
    """Figure 1 keeps a mean of one half at the threshold one half."""
    np.testing.assert_array_equal(masks_at(np.array([[1.0, 0.5, 0.0]], np.float32), np.array([0.5])), [[True, True, False]])


def test_a_share_that_single_precision_rounds_still_reaches_its_threshold():
    """A gate open in exactly nine tenths of the rows is kept at the threshold .9."""
    np.testing.assert_array_equal(masks_at(np.array([[1.0, 9 / 10]], np.float32), np.array([0.9])), [[True, True]])


def test_a_group_without_validation_rows_gets_the_middle_threshold():
    """Nothing speaks for any threshold, so the one nearest to a half is taken, not the sparsest."""
    thresholds, _ = search_thresholds(MEAN_GATES, np.zeros(3, np.int32), _ScriptedScorer(np.zeros((2, 3))), (0.1, 0.4, 0.9))

    assert thresholds == (0.9, 0.4)
