"""The joint law: recovery, what one length cannot tell, and what is predicted of a length that was left out."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.errors import ConfigError
from ihas.sequential.scaling.joint_law import JointLaw, compare_joint, fit_joint_law, relative_to_mean
from ihas.sequential.scaling.performance_law import PerformanceLaw

pytestmark = pytest.mark.full

TRUE = PerformanceLaw(0.1, 0.04, 0.25, 0.03, 0.2, (2.0, 32.0), (16.0, 128.0))
POINTS = tuple(v.ravel() for v in np.meshgrid([4.0, 8.0, 16.0, 32.0], [16.0, 32.0, 64.0, 128.0], [0.5, 1.0, 2.0]))


@pytest.mark.parametrize("s", [-0.4, 0.3, 1.7])
def test_joint_fit_recovers_the_data_exponent(s: float) -> None:
    """Three sizes of data identify s and everything else, to 1e-6."""
    layers, dims, data = POINTS
    found = fit_joint_law(layers, dims, data, JointLaw(TRUE, s).predict(layers, dims, data))
    assert found.data_exponent == pytest.approx(s, abs=1e-6)
    assert found.sizes.constant == pytest.approx(0.1, abs=1e-6)
    assert (found.sizes.layers_exponent, found.sizes.dim_exponent) == pytest.approx((0.25, 0.2), abs=1e-6)


def test_one_length_does_not_tell_the_data_exponent() -> None:
    """With one D the joint fit is refused, and says that the exponent cannot be told from the constant."""
    layers, dims, _ = POINTS
    with pytest.raises(ConfigError, match="D must take three different positive values or more, or its exponent cannot be told"):
        fit_joint_law(layers, dims, np.ones_like(layers), TRUE.predict(layers, dims))


@pytest.mark.slow
def test_a_length_left_out_is_foretold_where_the_law_is_true() -> None:
    """Values of a joint law at four lengths: it describes all and predicts a length and large sizes exactly, a law without D does not."""
    layers, dims, data = (v.ravel() for v in np.meshgrid([2.0, 4.0, 8.0, 32.0], [16.0, 64.0, 128.0], [0.5, 1.0, 2.0, 4.0]))
    found = compare_joint(layers, dims, data, JointLaw(TRUE, 0.3).predict(layers, dims, data), (layers > 8.0) & (data > 2.0))
    assert (found.data_exponent, found.explained) == pytest.approx((0.3, 1.0), abs=1e-6)
    assert found.left_out_error is not None
    assert max(found.left_out_error, found.held_out_error) < 1e-5
    assert found.explained_without < 0.9
    assert found.left_out_without > 0.1


def test_sizes_in_units_of_their_mean_by_hand() -> None:
    """25, 50 and 100 become a half, one and two, however often each occurs; a size of zero has no unit."""
    assert relative_to_mean(np.array([25.0, 25.0, 50.0, 100.0])).tolist() == pytest.approx([0.5, 0.5, 1.0, 2.0])
    with pytest.raises(ConfigError, match="D must be positive"):
        relative_to_mean(np.array([0.0, 1.0]))
