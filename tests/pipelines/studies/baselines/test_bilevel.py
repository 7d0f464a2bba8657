"""Two kinds of variables, each learning from its own rows."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.dataset import Dataset
from ihas.models.prediction import GroupedRows
from ihas.training.trainer import Trainer
from ihas_pipelines.studies.baselines.autofield import SearchedFields
from ihas_pipelines.studies.baselines.bilevel import Bilevel, BilevelTrainer
from tests.contracts.baseline_method import CONFIG, ORACLE, PARTS, start

pytestmark = pytest.mark.tf

RATE = 0.01


def _trainer(valid: Dataset, every: int) -> BilevelTrainer:
    network, rng = SearchedFields(ORACLE.layout, CONFIG), np.random.default_rng(0)
    start(network, CONFIG)
    return BilevelTrainer(network, CONFIG.training, rng, Bilevel([network.logits], valid, every))


@pytest.mark.parametrize(("steps", "moved"), [(4, 0.0), (5, RATE), (9, RATE)])
def test_the_architecture_steps_every_few_steps(steps: int, moved: float) -> None:
    """With one step in five, four steps leave the architecture alone, and the fifth is Adam's first: about the learning rate."""
    trainer = _trainer(PARTS.valid, 5)
    trainer.run_epoch(GroupedRows.one_group(PARTS.train.take(np.arange(steps * 128))), RATE)
    np.testing.assert_allclose(np.abs(trainer.bilevel.architecture[0].numpy()), moved, rtol=0.15)


def test_the_architecture_learns_from_validation_rows_alone() -> None:
    """With other validation labels the first step of the weights is the same, and that of the architecture is not."""
    turned = Dataset(ORACLE.layout, PARTS.valid.ids, 1.0 - PARTS.valid.labels)
    trainers = [_trainer(valid, 1) for valid in (PARTS.valid, turned)]
    for trainer in trainers:
        trainer.run_epoch(GroupedRows.one_group(PARTS.train.take(np.arange(128))), RATE)
    one, other = (trainer.network.weights() for trainer in trainers)
    np.testing.assert_array_equal(one.table, other.table)
    assert (trainers[0].bilevel.architecture[0].numpy() != trainers[1].bilevel.architecture[0].numpy()).any()


def test_the_weights_step_as_ever() -> None:
    """Before the architecture's turn the weights are, to the bit, what the plain loop makes of them."""
    rows, trainer = GroupedRows.one_group(PARTS.train.take(np.arange(512))), _trainer(PARTS.valid, 1000)
    plain = Trainer(start(SearchedFields(ORACLE.layout, CONFIG), CONFIG), CONFIG.training, np.random.default_rng(0))
    losses = [each.run_epoch(rows, RATE) for each in (trainer, plain)]
    assert losses[0] == losses[1]
    np.testing.assert_array_equal(trainer.network.table, plain.network.table)
