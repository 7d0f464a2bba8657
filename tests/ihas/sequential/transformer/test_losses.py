"""Losses of next-item prediction, by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ihas.config.transformer import TransformerTraining
from ihas.legacy_keras import tf
from ihas.sequential.transformer.losses import calibration_power, next_item_losses

pytestmark = pytest.mark.tf

EMBEDDINGS = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
STATES = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
TARGETS = np.array([0, 3, 6, 3], np.int32)
SEED = np.array([1, 2], np.int32)


def _losses(**settings: Any) -> np.ndarray:
    training = TransformerTraining.model_validate(settings)
    return np.asarray(next_item_losses(tf.constant(STATES), tf.constant(EMBEDDINGS), tf.constant(TARGETS), tf.constant(SEED), training))


def _drawn(count: int) -> np.ndarray:
    return np.asarray(tf.random.stateless_uniform([count], SEED, 0, 7, tf.int32))


def test_full_by_hand() -> None:
    """ln sum exp of all scores minus the target's."""
    scores = STATES @ EMBEDDINGS.T
    expected = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(4), TARGETS]
    np.testing.assert_allclose(_losses(loss="full"), expected, rtol=1e-5)


def test_smoothed_by_hand() -> None:
    """Cross-entropy against 1 - e on the target and e spread evenly over all items."""
    scores = (STATES @ EMBEDDINGS.T).astype(np.float64)
    wanted = np.full((4, 7), 0.3 / 7)
    wanted[np.arange(4), TARGETS] += 0.7
    expected = -(wanted * (scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))).sum(axis=1)
    np.testing.assert_allclose(_losses(loss="full", label_smoothing=0.3), expected, rtol=1e-5)


def test_drawn_losses_are_not_smoothed() -> None:
    """What has no effect is refused."""
    with pytest.raises(ValueError, match="needs the loss 'full'"):
        TransformerTraining(loss="gbce", label_smoothing=0.1)


def test_sampled_by_hand() -> None:
    """The same over the target and the drawn items, with draws of the target itself left out."""
    drawn, scores = _drawn(5), STATES @ EMBEDDINGS.T
    for row, (found, target) in enumerate(zip(_losses(loss="sampled", num_negatives=5), TARGETS, strict=True)):
        others = [scores[row, item] for item in drawn if item != target]
        own = scores[row, target]
        assert found == pytest.approx(math.log(math.exp(own) + sum(map(math.exp, others))) - own, rel=1e-5)


def test_gbce_by_hand() -> None:
    """The target's logit is transformed as the paper does, ln(1 / (sigma^-beta - 1)), and binary cross-entropy taken of it."""
    drawn, scores = _drawn(4), (STATES @ EMBEDDINGS.T).astype(np.float64)
    beta = calibration_power(4, 7, 0.75)
    for row, (found, target) in enumerate(zip(_losses(loss="gbce", num_negatives=4, calibration=0.75), TARGETS, strict=True)):
        transformed = math.log(1.0 / ((1.0 / (1.0 + math.exp(-scores[row, target]))) ** -beta - 1.0))
        expected = math.log1p(math.exp(-transformed)) + sum(math.log1p(math.exp(scores[row, item])) for item in drawn if item != target)
        assert found == pytest.approx(expected, rel=1e-5)


def test_calibration_between_its_ends() -> None:
    """t = 0 is plain binary cross-entropy, beta = 1; t = 1 gives the share of items drawn."""
    assert calibration_power(256, 12_101, 0.0) == pytest.approx(1.0)
    assert calibration_power(256, 12_101, 1.0) == pytest.approx(256 / 12_100)
