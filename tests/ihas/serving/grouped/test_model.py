"""Rows go through the router and each path to where they came from."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ihas.serving.grouped.model import BLOCK_ROWS, GroupedModel
from tests.ihas.bundle_factory import LOGITS, rows, small_bundle

BUNDLE = small_bundle()
IDS = BUNDLE.encoder.encode_rows(rows())
EXPECTED = np.array([logit for movies in LOGITS.values() for logit in movies.values()], np.float32)
MODEL = GroupedModel(BUNDLE)


@given(st.lists(st.integers(0, 5), max_size=20))
def test_any_rows_in_any_order(order: list[int]) -> None:
    """Rows of both groups, mixed, repeated or none, get the logits worked out by hand, in their order."""
    scored = MODEL.score(IDS[order])
    np.testing.assert_array_equal(scored.logits, EXPECTED[order])
    np.testing.assert_array_equal(scored.model, [0 if row < 3 else 1 for row in order])


def test_rows_of_several_blocks_are_those_of_one() -> None:
    """More rows than are scored at a time come back whole and in order."""
    order = np.random.default_rng(0).integers(0, 6, 2 * BLOCK_ROWS + 5)
    scored = MODEL.score(IDS[order])
    np.testing.assert_array_equal(scored.logits, EXPECTED[order])
    np.testing.assert_array_equal(scored.group, scored.model)
    assert (len(scored.gates), len(scored.distances)) == (len(order), len(order))


def test_groups_may_share_a_path() -> None:
    """With both groups on the second path, ada's rows are scored as user minus movie too."""
    shared = GroupedModel(dataclasses.replace(BUNDLE, model_of_group=(1, 1)))
    np.testing.assert_array_equal(shared.score(IDS).logits, [0, -1, -2, 1, 0, -1])


def test_take_keeps_rows_together() -> None:
    """Taking rows takes everything that is known of them."""
    scored = MODEL.score(IDS)
    taken = scored.take(np.array([4, 0]))
    np.testing.assert_array_equal(taken.logits, EXPECTED[[4, 0]])
    np.testing.assert_array_equal(taken.group, [1, 0])
    np.testing.assert_array_equal(taken.distances, scored.distances[[4, 0]])
    assert (len(taken.model), len(taken.gates)) == (2, 2)
