"""Mixture of experts: several backbones on one embedding."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.config.backbone import BACKBONES
from ihas.legacy_keras import tf
from ihas_pipelines.studies.baselines.baseline import BaselineMethod
from ihas_pipelines.studies.baselines.mixture import MixtureNetwork, mixture_cost
from ihas_pipelines.studies.baselines.registry import BASELINES
from tests.contracts.baseline_method import CONFIG, ORACLE, BaselineContract, config_of, plain_logits, start, training_logits

pytestmark = pytest.mark.tf


class TestMixture(BaselineContract):
    """The baseline method keeps the contract."""

    @pytest.fixture
    def method(self) -> BaselineMethod:
        return BASELINES["mixture"]


def _network(kind: str, num_experts: int) -> MixtureNetwork:
    network = MixtureNetwork(ORACLE.layout, config_of(kind), num_experts, np.random.default_rng(0))
    start(network, config_of(kind))
    return network


@pytest.mark.parametrize("kind", sorted(BACKBONES))
def test_one_expert_is_the_plain_model(kind: str) -> None:
    """With K = 1 the gate is 1 whatever it reads."""
    np.testing.assert_allclose(training_logits(_network(kind, 1)), plain_logits(config_of(kind)), atol=1e-5)


@pytest.mark.parametrize("kind", sorted(BACKBONES))
def test_an_undecided_gate_takes_the_mean(kind: str) -> None:
    """A gate of zeros gives the mean of what the experts say alone."""
    network = _network(kind, 2)
    alone = []
    for bias in ([40.0, -40.0], [-40.0, 40.0], [0.0, 0.0]):
        network.gate.kernel.assign(tf.zeros_like(network.gate.kernel))
        network.gate.bias.assign(bias)
        alone.append(training_logits(network))
    np.testing.assert_allclose(alone[0], plain_logits(config_of(kind)), atol=1e-5)
    np.testing.assert_allclose(alone[2], (alone[0] + alone[1]) / 2, atol=1e-5)


def test_experts_start_apart() -> None:
    """No two experts say the same, or they could never come to differ."""
    kernels = [expert.weights()["hidden_0/kernel"] for expert in _network("mlp", 3).experts]
    assert all((kernels[a] != kernels[b]).all() for a, b in ((0, 1), (0, 2), (1, 2)))


def test_gradient_reaches_every_expert_and_the_gate() -> None:
    """All added variables learn."""
    network, ids = _network("mlp", 3), tf.constant(ORACLE.parts.train.ids[:64])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.square(network.mixed_logits(network.look_up(ids), ids, None)))
    assert len(network.added_variables) == 2 * 4 + 2
    assert all(np.abs(gradient.numpy()).max() > 0.0 for gradient in tape.gradient(total, network.added_variables))


def test_cost_by_hand() -> None:
    """One table, three backbones of 12 -> 8 -> 1 and a gate of 12 -> 3."""
    cost = mixture_cost(MixtureNetwork(ORACLE.layout, CONFIG, 3, np.random.default_rng(0)))
    assert cost.parameters_total == ORACLE.layout.num_rows * 4 + 3 * (12 * 8 + 8 + 8 + 1) + 13 * 3
    assert cost.multiply_adds == 3 * (12 * 8 + 8) + 12 * 3 + 3
    assert cost.kept_dims == 12
