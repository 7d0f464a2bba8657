"""Costs by hand, and answers that agree with the models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ihas.metrics import auc
from ihas.models.prediction import GroupModel
from ihas.results.run_result import Cost
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


def _two_models(*names: str) -> tuple[GroupModel, ...]:
    """Two groups' models with two and one kept dims of field 0, and one and two of field 1."""
    masks = np.zeros((2, 4, 4), bool)
    masks[0, 0, :2] = masks[0, 1, 0] = masks[1, 0, 0] = masks[1, 1, :2] = True
    return tuple(GroupModel(name, solved_tribes(2).base.weights, mask) for name, mask in zip(names, masks, strict=True))


def _grouped_cost(*names: str, sums: bool) -> Cost:
    solved = solved_tribes(2)
    grouping = solved.grouping if sums else replace(solved.grouping, sums=None)
    return grouped_variant("grouped", _two_models(*names), grouping, solved.found.gates, solved.oracle.parts, solved.config).cost


def test_sums_cost_an_addition_per_field_and_group_and_a_number_per_id():
    """70 ids: 140 numbers and 2 biases in place of table, gates and centroids; one field speaks: 2 additions, and 3 products."""
    sums, nearest = (_grouped_cost("group-0", "group-1", sums=sums) for sums in (True, False))

    paths = (4 * 2 + 22 * 1 + 4) + (4 * 1 + 22 * 2 + 4)
    assert sums.parameters_total == paths + 140 + 2
    assert nearest.parameters_total == paths + 70 * 4 + (256 + 3 * 16) + 2 * 16
    assert (sums.multiply_adds, nearest.multiply_adds) == (3 + 2, 3 + 16 + 256 + 32)


def test_groups_that_share_a_model_store_one_table():
    """Both keep two dims of field 0 and of field 1 between them: one table of 52 numbers, two backbones of 4."""
    shared = _grouped_cost("shared", "shared", sums=True)

    assert shared.parameters_total == (4 * 2 + 22 * 2) + 2 * 4 + 142
    share = np.bincount(solved_tribes(2).grouping.groups.train) / 20_000
    assert shared.parameters_per_path == pytest.approx(share @ [34, 52])
    assert shared.kept_dims == 3.0


def test_the_supernet_answers_under_each_rows_own_gates():
    """Its AUC is near the best; the plain model's is not."""
    solved = solved_tribes(2)
    parts, config = solved.oracle.parts, solved.config

    gated = gated_variant(solved.found.weights, solved.found.gates, 0.5, parts, config)
    plain = plain_variant("base", solved.base.weights, parts, config)

    assert gated.cost.kept_dims == 8.0
    assert auc(gated.test_logits, parts.test.labels) > auc(plain.test_logits, parts.test.labels) + 0.05
