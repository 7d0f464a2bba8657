"""Adam on the variables beside the table."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.legacy_keras import tf
from ihas.optim.optimizer import Adam
from tests.ihas.optim.test_table_optimizer import RATE, textbook_adam

pytestmark = pytest.mark.tf


def test_variables_follow_the_textbook() -> None:
    """Several steps on several variables give what Adam in NumPy gives."""
    rng = np.random.default_rng(1)
    starts = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 2), (4,))]
    gradients = [[rng.normal(size=start.shape).astype(np.float32) for start in starts] for _ in range(6)]
    variables = [tf.Variable(start) for start in starts]
    adam = Adam(variables)
    for step in gradients:
        adam.apply([tf.constant(gradient) for gradient in step], tf.constant(RATE))
    for i, (variable, start) in enumerate(zip(variables, starts, strict=True)):
        expected = textbook_adam(start.astype(np.float64), [step[i] for step in gradients], RATE)
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-4, atol=1e-5)
