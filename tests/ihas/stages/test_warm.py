"""Models that learn on from their own weights, on data with a known answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ihas.config.learning import LearningConfig
from ihas.config.refresh import RefreshConfig
from ihas.config.training import TrainingConfig
from ihas.data.synthetic import make_tribes
from ihas.layers.gates import BernoulliGates
from ihas.metrics import auc
from ihas.models.network import fresh_weights
from ihas.models.prediction import GroupedRows, GroupModel, predict_gated, predict_groups
from ihas.routing.grouping import PartGroups
from ihas.seeding import generator
from ihas.stages.warm import Warming
from tests.oracle import Solved, ignore, solved_tribes

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def solved() -> Solved:
    """Two tribes, taken through all stages."""
    return solved_tribes(2)


def _groups(solved: Solved) -> PartGroups:
    return solved.grouping.groups


def test_groups_models_keep_masks_names_and_what_they_reached(solved: Solved) -> None:
    """On the rows that they were trained on they are no worse on validation rows, as the better weights are kept."""
    warm = Warming(solved.oracle.parts, solved.config, RefreshConfig(epochs=1)).learn_on(solved.retrained.models, _groups(solved), ignore)
    rows = GroupedRows(solved.oracle.parts.valid, _groups(solved).valid)
    scores = [
        auc(predict_groups(models, rows, solved.config), rows.rows.labels) or 0.0 for models in (solved.retrained.models, warm.models)
    ]

    assert [model.name for model in warm.models] == [model.name for model in solved.retrained.models]
    assert all(np.array_equal(new.mask, old.mask) for new, old in zip(warm.models, solved.retrained.models, strict=True))
    assert scores[1] >= scores[0] - 1e-3


def test_what_was_forgotten_is_learnt_again(solved: Solved) -> None:
    """A table of which the values of one field were wiped out comes back to what can be reached."""
    parts = solved.oracle.parts
    models = (GroupModel("base", solved.base.weights, np.ones((parts.train.layout.num_fields, 4), bool)),)
    wiped = solved.base.weights.table.copy()
    first = int(parts.train.layout.first_rows[1])
    wiped[first : first + parts.train.layout.vocabulary_sizes[1]] = 0.0
    start = (GroupModel("base", type(solved.base.weights)(wiped, solved.base.weights.backbone), models[0].mask),)
    none = np.zeros(0, np.int32)
    warm = Warming(parts, solved.config, RefreshConfig()).learn_on(start, PartGroups(none, none, none), ignore)
    rows = GroupedRows.one_group(parts.test)
    was, lost, now = (auc(predict_groups(one, rows, solved.config), parts.test.labels) or 0.0 for one in (models, start, warm.models))

    assert lost < was - 0.02
    assert now > was - 0.01
    assert len(warm.history) == 2


def test_worse_epochs_leave_the_weights_as_they_were(solved: Solved) -> None:
    """At a rate that ruins the model nothing is changed, to the bit; not even the shrinking stays."""
    parts, mask = solved.oracle.parts, np.ones((solved.oracle.layout.num_fields, 4), bool)
    config = solved.config.with_training(learning_rate=30.0)
    none = np.zeros(0, np.int32)
    start = (GroupModel("base", solved.base.weights, mask),)
    warm = Warming(parts, config, RefreshConfig(epochs=1)).learn_on(start, PartGroups(none, none, none), ignore)

    assert np.array_equal(warm.models[0].weights.table, solved.base.weights.table)
    assert all(np.array_equal(value, solved.base.weights.backbone[name]) for name, value in warm.models[0].weights.backbone.items())


def test_a_gated_model_learns_on_with_its_gates(solved: Solved) -> None:
    """Gates that were thawed say what the frozen ones said, and after an epoch the model ranks no worse than before."""
    parts, found, layout = solved.oracle.parts, solved.found, solved.oracle.layout
    gates = BernoulliGates(layout.num_fields, 4, solved.config.search, np.random.default_rng(0))
    gates.thaw(found.gates)
    model = GroupModel("supernet", found.weights, np.ones((layout.num_fields, 4), bool))
    warm = Warming(parts, solved.config, RefreshConfig(epochs=1)).learn_on_gated(model, found.gates, ignore)
    assert warm.gates is not None
    old, new = (
        auc(predict_gated(weights, one, parts.valid, solved.config), parts.valid.labels) or 0.0
        for weights, one in ((found.weights, found.gates), (warm.models[0].weights, warm.gates))
    )

    assert np.allclose(gates.freeze().scale, found.gates.scale, rtol=1e-6)
    assert all(np.array_equal(one, other) for one, other in zip(gates.freeze().kernels, found.gates.kernels, strict=True))
    assert new >= old - 2e-3


def test_a_group_without_rows_keeps_its_model(solved: Solved) -> None:
    """A group that the newer rows do not show is left as it is."""
    parts = solved.oracle.parts
    models = tuple(GroupModel(f"group-{number}", one.weights, one.mask) for number, one in enumerate(solved.retrained.models))
    alone = PartGroups(*(np.zeros(len(rows), np.int32) for rows in (parts.train, parts.valid, parts.test)))
    warm = Warming(parts, solved.config, RefreshConfig(epochs=1)).learn_on(models, alone, ignore)

    assert all(np.array_equal(new.weights.table, old.weights.table) for new, old in zip(warm.models[1:], models[1:], strict=True))


def test_a_plain_model_also_learns_anew(solved: Solved) -> None:
    """From weights that say nothing the new one is better, and tells how it came to its own; where it hardly learns, the old goes on."""
    parts, fresh = solved.oracle.parts, np.random.default_rng(0).normal(size=solved.base.weights.table.shape).astype(np.float32)
    mask = np.ones((parts.train.layout.num_fields, 4), bool)
    lost = GroupModel("base", type(solved.base.weights)(fresh, solved.base.weights.backbone), mask)
    anew = Warming(parts, solved.config, RefreshConfig(epochs=1)).learn_on_or_anew(lost, ignore)
    slow = solved.config.with_training(learning_rate=1e-9, epochs=1)
    known = GroupModel("base", solved.base.weights, mask)
    warm = Warming(parts, slow, RefreshConfig(epochs=1, shrink=1.0)).learn_on_or_anew(known, ignore)

    assert len(anew.courses) == 1
    assert {epoch.model for epoch in anew.history} == {"refresh/base", "refresh/anew"}
    assert warm.courses == ()
    np.testing.assert_allclose(warm.models[0].weights.table, solved.base.weights.table, atol=1e-6)


def test_a_masked_model_learns_anew_under_its_mask() -> None:
    """The dimensions that it does not read stay as they were drawn: what is trained is what the mask keeps, and the mask stays."""
    oracle = make_tribes(np.random.default_rng(3), 2, (600, 400, 100), values=10)
    config = LearningConfig(training=TrainingConfig(embedding_dim=4, batch_size=128, learning_rate=0.01, embedding_l2=0.0, epochs=2))
    mask = np.ones((oracle.layout.num_fields, 4), bool)
    mask[:, 3] = False
    drawn, noise = fresh_weights(oracle.layout, config, generator(config.seed, "refresh/anew")), np.random.default_rng(0)
    lost = GroupModel("pruned-x2", replace(drawn, table=noise.normal(size=drawn.table.shape).astype(np.float32)), mask)
    anew = Warming(oracle.parts, config.with_training(epochs=6), RefreshConfig(epochs=1)).learn_on_or_anew(lost, ignore)

    assert len(anew.courses) == 1
    assert np.array_equal(anew.models[0].mask, mask)
    np.testing.assert_allclose(anew.models[0].weights.table[:, 3], drawn.table[:, 3], atol=1e-7)
    assert not np.allclose(anew.models[0].weights.table[:, :3], drawn.table[:, :3], atol=1e-3)
