"""Costs by hand, and answers that agree with the models."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.metrics import auc
from ihas.models.prediction import GroupModel
from ihas.stages.evaluate.variants import (
    gate_parameters,
    gated_variant,
    group_model_cost,
    grouped_variant,
    plain_variant,
    routing_multiply_adds,
)
from tests.oracle import solved_tribes

pytestmark = pytest.mark.tf


def test_the_cost_of_a_path_is_what_it_stores_and_multiplies():
    """Linear model, fields of 4, 22, 22 and 22 values: two kept dims of field 0 and one of field 1 are 30 + 4 numbers and 3 products."""
    solved = solved_tribes(2)
    mask = np.zeros((4, 4), bool)
    mask[0, :2] = mask[1, 0] = True

    parameters, adds = group_model_cost(GroupModel("own", solved.base.weights, mask), solved.oracle.layout, solved.config)

    assert parameters == (4 * 2 + 22 * 1) + (3 + 1)
    assert adds == 3


def test_routing_costs_the_gate_and_the_distances():
    """N = 16: standardise 16, gate 16 x 16, two distances of 16."""
    gates = solved_tribes(2).found.gates

    assert routing_multiply_adds(gates, 2) == 16 + 256 + 32
    assert gate_parameters(gates) == 256 + 16 + 16 + 16


def test_the_grouped_variant_counts_the_router_and_every_path():
    """In total: the search's table, the gates, the centroids and both paths; per path: the average over training rows."""
    solved = solved_tribes(2)
    layout, models = solved.oracle.layout, solved.retrained.models

    cost = grouped_variant("grouped", models, solved.grouping, solved.found.gates, solved.oracle.parts, solved.config).cost

    paths = [group_model_cost(model, layout, solved.config)[0] for model in models]
    share = np.bincount(solved.grouping.groups.train) / 20_000
    assert cost.parameters_total == sum(paths) + layout.num_rows * 4 + (256 + 3 * 16) + 2 * 16
    assert cost.parameters_per_path == share @ paths
    assert cost.kept_dims < 16


def test_the_supernet_answers_under_each_rows_own_gates():
    """Its AUC is near the best; the plain model's is not."""
    solved = solved_tribes(2)
    parts, config = solved.oracle.parts, solved.config

    gated = gated_variant(solved.found.weights, solved.found.gates, 0.5, parts, config)
    plain = plain_variant("base", solved.base.weights, parts, config)

    assert gated.cost.kept_dims == 8.0
    assert auc(gated.test_logits, parts.test.labels) > auc(plain.test_logits, parts.test.labels) + 0.05
