"""Contributions are what occlusion says they are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ihas.routing.additive import AdditiveRouter
from ihas.serving.grouped.explanation import contributions, explain_rows
from ihas.serving.grouped.model import BLOCK_ROWS, GroupedModel
from tests.ihas.bundle_factory import rows, small_bundle, summed_bundle

BUNDLE = small_bundle()
IDS = BUNDLE.encoder.encode_rows(rows())


def test_contributions_of_a_linear_model_add_up_to_its_logit() -> None:
    """The unknown values of the small bundle weigh nothing, so contributions and bias are the logit."""
    model = GroupedModel(BUNDLE)
    scored = model.score(IDS)
    bias = np.where(scored.group == 0, 0.5, 0.0)
    np.testing.assert_allclose(contributions(model, IDS, scored).sum(axis=1) + bias, scored.logits)


def test_contribution_is_the_fall_of_the_logit_on_the_same_path() -> None:
    """Each contribution is the logit less that of a row scored on the same path with the field's cell unknown."""
    model = GroupedModel(BUNDLE)
    scored = model.score(IDS)
    for field, slots in enumerate((slice(0, 1), slice(1, 3), slice(3, 4))):
        occluded = IDS.copy()
        occluded[:, slots] = -1
        occluded[:, slots.start] = BUNDLE.encoder.layout.first_rows[field]
        expected = scored.logits - model.model_logits(occluded, scored.gates, scored.model)
        np.testing.assert_allclose(contributions(model, IDS, scored)[:, field], expected)


def test_contributions_of_many_rows_are_those_of_each() -> None:
    """More rows than are occluded at a time get the contributions that they get alone."""
    model = GroupedModel(BUNDLE)
    order = np.random.default_rng(0).integers(0, 6, BLOCK_ROWS)
    alone = contributions(model, IDS, model.score(IDS))
    np.testing.assert_array_equal(contributions(model, IDS[order], model.score(IDS[order])), alone[order])


def test_one_group_has_no_runner_up() -> None:
    """With a single group there is no margin, and the sentence says that the group is the only one."""
    router = dataclasses.replace(BUNDLE.router, centroids=BUNDLE.router.centroids[:1])
    model = GroupedModel(dataclasses.replace(BUNDLE, router=router, models=BUNDLE.models[:1], model_of_group=(0,)))
    (reason, *_) = explain_rows(model, BUNDLE, IDS, model.score(IDS))
    assert (reason.runner_up, reason.margin, len(reason.distances)) == (None, None, 1)
    assert reason.sentence.startswith("Group 0 is the only one; its model gives a probability of 0.989")


def test_sums_are_explained_field_by_field() -> None:
    """ada with m1 has 1103 and -1037 units: 2140 ahead of group 1, of which 2048 are hers, 156 the genres', 0 m1's, -64 the bias."""
    bundle = summed_bundle()
    model = GroupedModel(bundle)
    reasons = explain_rows(model, bundle, IDS, model.score(IDS))
    reason = reasons[0]

    assert (reason.runner_up, reason.margin) == (1, 2140 / 1024)
    assert reason.group_scores == (1103 / 1024, -1037 / 1024)
    assert reason.group_contributions == {"user": 2.0, "genres": 156 / 1024, "movie": 0.0}
    assert reason.group_bias == -64 / 1024
    assert (reason.distances, reason.gates_open, reason.dim) == ((), {}, 2)
    assert reason.kept_dims == {"user": 1, "genres": 1, "movie": 2}
    assert reason.sentence.startswith("Group 0 is ahead, by 2.09 of group 1, most by user (+2.00); its model gives a probability of 0.989")
    for one in reasons:
        assert one.group_bias is not None
        assert one.group_bias + sum(one.group_contributions.values()) == one.margin


def test_one_group_of_sums_has_no_runner_up() -> None:
    """With a single group there is no margin, and nothing speaks against another."""
    layout = BUNDLE.encoder.layout
    router = AdditiveRouter(layout, np.zeros((layout.num_rows, 1), np.int16), np.zeros(1, np.int32))
    model = GroupedModel(dataclasses.replace(BUNDLE, router=router, models=BUNDLE.models[:1], model_of_group=(0,)))
    (reason, *_) = explain_rows(model, BUNDLE, IDS, model.score(IDS))
    assert (reason.runner_up, reason.margin, reason.group_contributions) == (None, None, {})
    assert reason.sentence.startswith("Group 0 is the only one")


def test_gates_open_are_counted_per_field() -> None:
    """ada opens the first gate of user, bob the second, and no item opens any."""
    model = GroupedModel(BUNDLE)
    reasons = explain_rows(model, BUNDLE, IDS, model.score(IDS))
    assert all(reason.gates_open == {"user": 1, "genres": 0, "movie": 0} for reason in reasons)
    assert reasons[0].margin == pytest.approx(np.sqrt(8.0))
