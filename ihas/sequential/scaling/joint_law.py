"""One performance law over several lengths or data sets of size D.

    y = b + A g_a(N) + B g_e(d) + s g_s(D)

Within one D the last term is a constant, which s and b cannot be told from; over two D it is two levels, which a small s and a large one
meet alike. D's unit shifts b and bends D^s. s may be negative, as in the released fit: figures then fall with D.
Source: Shen et al. 2024 (arXiv 2412.00430); how it is compared is our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.base import Config
from ihas.errors import ConfigError
from ihas.sequential.scaling.performance_law import EXPONENTS, PerformanceLaw, check_sizes, columns, fit_performance_law, law_of
from ihas.sequential.scaling.projection import project
from ihas.sequential.scaling.rival_laws import explained

DATA_EXPONENTS = np.concatenate([-EXPONENTS[::-5], [0.0], EXPONENTS[::5]])


@dataclass(frozen=True)
class JointLaw:
    """A fitted law.

    Attributes:
        sizes: the law of N and d; its constant is b.
        data_exponent: s.
    """

    sizes: PerformanceLaw
    data_exponent: float

    def predict(self, layers: np.ndarray, dim: np.ndarray, data: np.ndarray) -> np.ndarray:
        """y at the given sizes of model and data, float (points,)."""
        return np.asarray(self.sizes.predict(layers, dim) + of_data(data, self.data_exponent))


class JointMetrics(Config):
    """How well one law describes several D, beside a law for each and one that does not know D."""

    data_exponent: float
    """s of the joint law of all points."""
    explained: float
    """R^2 of the joint law, six numbers."""
    explained_apart: float
    """R^2 of a law of N and d for each D, five numbers each."""
    explained_without: float
    """R^2 of one law of N and d, five numbers."""
    held_out_error: float
    """Mean of |predicted - measured| / |measured| over held-out sizes, by a joint law of all others and of every size of the other D."""
    held_out_apart: float
    """The same by a law of the other sizes of that D alone."""
    left_out_error: float | None
    """The same over points whose D the joint law was not fitted to, each D left out in turn; absent with three D."""
    left_out_without: float
    """The same by one law of N and d, fitted to the other D."""


def fit_joint_law(layers: np.ndarray, dim: np.ndarray, data: np.ndarray, values: np.ndarray) -> JointLaw:
    """Fit b, A, a, B, e and s to float (points,) of each; `data` is D in any one unit, best near 1.

    Raises:
        ConfigError: fewer than three different N, d or D (two levels fit two s exactly), or fewer than seven points.
    """
    check_sizes({"N": layers, "d": dim, "D": data}, values, 7)

    def design(exponents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return of_data(data, exponents[2]), columns(layers, dim, exponents)

    fit = project(design, np.asarray(values, np.float64), (EXPONENTS, EXPONENTS, DATA_EXPONENTS))
    return JointLaw(law_of(fit, layers, dim), float(fit.exponents[2]))


def of_data(data: np.ndarray, exponent: float) -> np.ndarray:
    """s g_s(D) = s ln D - D^s / 2: rises with D near 1 where s > 0, and falls where s < 0."""
    logs = np.log(np.asarray(data, np.float64))
    return np.asarray(exponent * logs - np.exp(exponent * logs) / 2.0)


def relative_to_mean(sizes: np.ndarray) -> np.ndarray:
    """Sizes in units of the geometric mean of the different ones: a unit that favours none, and in which D lies near 1.

    Raises:
        ConfigError: a size is not positive.
    """
    if np.min(sizes) <= 0.0:
        raise ConfigError(f"D must be positive, but its smallest is {np.min(sizes):g}. Leave that one out.")
    return np.asarray(sizes / np.exp(np.log(np.unique(sizes)).mean()))


def compare_joint(layers: np.ndarray, dim: np.ndarray, data: np.ndarray, values: np.ndarray, held_out: np.ndarray) -> JointMetrics:
    """The joint law of float (points,) of each; `held_out` bool (points,) are predicted and not fitted, one D's at a time.

    Raises:
        ConfigError: as `fit_joint_law`, no size is held out, or what is left of a D is too little for a law.
    """
    if not held_out.any():
        raise ConfigError("Some sizes must be held out, but none is. Hold out the largest.")
    points = _Points(layers, dim, data, values)
    joint, every = fit_joint_law(layers, dim, data, values), np.ones(len(values), bool)
    belongs = [data == size for size in np.unique(data)]
    errors = {
        "held_out_error": [points.joint_error(~(own & held_out), own & held_out) for own in belongs if held_out[own].any()],
        "held_out_apart": [points.error(own & ~held_out, own & held_out) for own in belongs if held_out[own].any()],
        "left_out_error": [points.joint_error(~own, own) for own in belongs] if len(belongs) > 3 else [],
        "left_out_without": [points.error(~own, own) for own in belongs],
    }
    apart = np.sum([np.where(own, points.predicted(own, every), 0.0) for own in belongs], axis=0)
    return JointMetrics(
        data_exponent=joint.data_exponent,
        explained=explained(values, joint.predict(layers, dim, data)),
        explained_apart=explained(values, apart),
        explained_without=explained(values, points.predicted(every, every)),
        **{name: float(np.concatenate(found).mean()) if found else None for name, found in errors.items()},  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class _Points:
    """Measured points, float (points,) of each; masks are bool (points,)."""

    layers: np.ndarray
    dim: np.ndarray
    data: np.ndarray
    values: np.ndarray

    def predicted(self, fitted: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """What a law without D, fitted to some points, predicts of others."""
        return fit_performance_law(self.layers[fitted], self.dim[fitted], self.values[fitted]).predict(self.layers[asked], self.dim[asked])

    def error(self, fitted: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """|predicted - measured| / |measured| of a law without D."""
        return np.asarray(np.abs(self.predicted(fitted, asked) / self.values[asked] - 1.0))

    def joint_error(self, fitted: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """The same of the joint law."""
        law = fit_joint_law(self.layers[fitted], self.dim[fitted], self.data[fitted], self.values[fitted])
        predicted = law.predict(self.layers[asked], self.dim[asked], self.data[asked])
        return np.asarray(np.abs(predicted / self.values[asked] - 1.0))
