"""Weights on fields, for every backbone."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.backbone import BACKBONES
from ihas_pipelines.studies.baselines.field_weights import ChosenFields, num_chosen
from tests.contracts.baseline_method import ORACLE, config_of, plain_logits, start, training_logits

pytestmark = pytest.mark.tf

FIELDS = ORACLE.layout.num_fields


@pytest.mark.parametrize("kind", sorted(BACKBONES))
def test_all_fields_are_the_plain_model(kind: str) -> None:
    """With every field chosen the network is the plain one."""
    network = start(ChosenFields(ORACLE.layout, config_of(kind), np.ones(FIELDS, bool)), config_of(kind))
    np.testing.assert_allclose(training_logits(network), plain_logits(config_of(kind)), atol=1e-5)


@pytest.mark.parametrize("kind", sorted(BACKBONES))
def test_a_field_not_chosen_is_a_field_of_zeros(kind: str) -> None:
    """Dropping a field equals setting its table rows, the first-order weights among them, to zero."""
    network = start(ChosenFields(ORACLE.layout, config_of(kind), np.arange(FIELDS) != 1), config_of(kind))
    table = network.table.numpy()
    table[ORACLE.layout.first_rows[1] : ORACLE.layout.first_rows[2]] = 0.0
    np.testing.assert_allclose(training_logits(network), plain_logits(config_of(kind), table), atol=1e-5)


@pytest.mark.parametrize(("share", "number"), [(0.01, 1), (0.5, 5), (0.84, 8), (1.0, 10)])
def test_a_share_of_ten_fields(share: float, number: int) -> None:
    """The nearest whole number, and at least one."""
    assert num_chosen(share, 10) == number
