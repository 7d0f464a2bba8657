"""The recurrent kernels against values by construction and against a wide network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ihas.config.overrec import KernelConfig
from ihas.errors import ConfigError
from ihas.sequential.data.sequences import Sequences
from ihas.sequential.overrec.kernel import expectations, kernels, own_similarities, similarities, variances
from tests.ihas.sequential.wide_network import Weights, empirical, run

pytestmark = pytest.mark.full

PAIRS = [
    ([1, 2, 3, 4], [1, 2, 3, 4]),
    ([1, 2, 3, 4], [1, 5, 3, 4]),
    ([1, 2, 3, 4], [7, 8, 3, 4]),
    ([1, 2, 3, 4], [7, 8, 9, 4]),
    ([1, 2, 3, 4], [1, 2, 3, 9]),
    ([1, 2, 3, 4], [7, 8, 3, 9]),
    ([1, 2, 3, 4], [5, 6, 7, 8]),
    ([1, 2, 3, 4, 5, 6], [3, 4, 5, 6]),
]
EXACT = [
    (2.5625, 0.9375),
    (1.8955, 0.8644),
    (1.7774, 0.8482),
    (1.2630, 0.7181),
    (1.2867, 0.5503),
    (0.8518, 0.4873),
    (0.5152, 0.3917),
    (2.3849, 0.9440),
]
REFERENCE = [
    (1.875, 0.5),
    (1.6595, 0.5),
    (1.5612, 0.5),
    (1.1409, 0.5),
    (0.8878, 0.3045),
    (0.6786, 0.3045),
    (0.2960, 0.2159),
    (1.875, 0.5),
]
NETWORKS: list[tuple[dict[str, Any], list[int], list[int]]] = [
    ({"sigma_w": 1.2, "sigma_u": 0.8, "sigma_b": 0.2}, [1, 2, 3, 4], [1, 5, 3, 4]),
    ({}, [1, 2, 3, 4, 5, 6, 7, 8], [9, 4, 2, 7, 8]),
    ({"sigma_w": 1.4142, "sigma_u": 0.5, "sigma_b": 0.1}, [5] * 8, [5] * 3),
    ({"sigma_h": 0.7, "sigma_v": 1.5}, [1, 2, 3], [4, 2, 3]),
    ({"activation": "erf", "sigma_w": 1.3, "sigma_b": 0.1}, [1, 2, 3, 4], [1, 5, 3, 4]),
    ({"activation": "linear", "sigma_w": 0.9}, [1, 2, 3, 4], [1, 5, 3, 4]),
    ({"num_layers": 2, "sigma_w": 1.2}, [1, 2, 3, 4], [5, 3, 4]),
    ({"pooling": "average", "sigma_b": 0.1}, [1, 2, 3, 4], [1, 3, 4]),
]


def _pair(config: KernelConfig, one: list[int], other: list[int]) -> tuple[float, float]:
    found = kernels(config, Sequences.of([one]), Sequences.of([other]))
    return float(found.ntk[0, 0]), float(found.nngp[0, 0])


def _random(rng: np.random.Generator, count: int, num_items: int = 12, longest: int = 10) -> Sequences:
    return Sequences.of([rng.integers(0, num_items, rng.integers(1, longest + 1)) for _ in range(count)])


@pytest.mark.parametrize(("pair", "values"), list(zip(PAIRS, EXACT, strict=True)))
def test_exact_values(pair: tuple[list[int], list[int]], values: tuple[float, float]) -> None:
    """NTK and NNGP of known pairs, all deviations 1."""
    assert _pair(KernelConfig(), *pair) == pytest.approx(values, abs=1e-4)


@pytest.mark.parametrize(("pair", "values"), list(zip(PAIRS, REFERENCE, strict=True)))
def test_reference_values(pair: tuple[list[int], list[int]], values: tuple[float, float]) -> None:
    """What the released formula gives for the same pairs, which is something else."""
    assert _pair(KernelConfig(mode="reference"), *pair) == pytest.approx(values, abs=1e-4)


def test_two_steps_by_hand() -> None:
    """[1] with itself: K = Theta = 1, so 1/2 and 1; [1, 2] with itself: K = 3/2, Theta = 2, so 3/4 and 7/4 by ReLU's V = q/2, V' = 1/2."""
    assert _pair(KernelConfig(), [1], [1]) == pytest.approx((1.0, 0.5))
    assert _pair(KernelConfig(), [1, 2], [1, 2]) == pytest.approx((1.75, 0.75))


def test_linear_network_by_hand() -> None:
    """With phi the identity a match j steps from the overlap's begin, of o, counts o - j + 2: matches at 1 and 3 of 3 give 4 + 2."""
    assert _pair(KernelConfig(activation="linear"), [4, 1, 5, 3], [1, 2, 3]) == pytest.approx((4.0 + 2.0, 2.0))


def test_reference_average_pooling_by_hand() -> None:
    """Aligned outputs of [1, 2] with itself: 1 and, clipped, K = 3/2 to 1, Theta = 2: 1/2 + 1; their mean is 5/4."""
    assert _pair(KernelConfig(mode="reference", pooling="average"), [1, 2], [1, 2])[0] == pytest.approx(1.25)


@pytest.mark.parametrize("activation", ["relu", "erf", "linear"])
def test_expectations_are_those_of_draws(activation: Any) -> None:
    """V and V' are the means over 400,000 draws of the two variables."""
    q, r, c = 1.7, 0.6, 0.5
    draws = np.random.default_rng(0).multivariate_normal([0, 0], [[q, c], [c, r]], 400_000).T
    from scipy.special import erf

    value = {"relu": lambda g: np.maximum(g, 0), "erf": erf, "linear": lambda g: g}[activation]
    slope = {"relu": lambda g: 1.0 * (g > 0), "erf": lambda g: 2 / np.sqrt(np.pi) * np.exp(-(g**2)), "linear": np.ones_like}[activation]
    found = expectations(KernelConfig(activation=activation), np.array(q), np.array(r), np.array(c))
    assert found[0] == pytest.approx(float((value(draws[0]) * value(draws[1])).mean()), abs=0.005)
    assert found[1] == pytest.approx(float((slope(draws[0]) * slope(draws[1])).mean()), abs=0.005)


def test_variances_by_hand() -> None:
    """ReLU: q_1 = s_u^2 + s_b^2 + s_w^2 s_h^2, then s_u^2 + s_b^2 + s_w^2 q / 2."""
    q = variances(KernelConfig(sigma_w=2.0, sigma_u=3.0, sigma_b=0.5, sigma_h=0.25), 2)[:, 0]
    assert q[1:].tolist() == pytest.approx([9.5, 9.25 + 2.0 * 9.5])


def _errors(network: tuple[dict[str, Any], list[int], list[int]], width: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard scores and relative errors of NTK and NNGP of a network of that width."""
    settings, one, other = network
    config, rng = KernelConfig(**settings), np.random.default_rng(0)
    matches = np.equal.outer(np.array(one), np.array(other)).astype(float)
    found = []
    for _ in range(draws):
        weights = Weights.drawn(width, 10, config.num_layers, rng)
        found.append(empirical(config, run(config, weights, one, rng), run(config, weights, other, rng), matches))
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(draws)
    exact = np.array(_pair(config, one, other))
    return (mean - exact) / error, mean / exact - 1.0


@pytest.mark.parametrize("network", NETWORKS)
def test_a_wide_network_has_the_kernel(network: tuple[dict[str, Any], list[int], list[int]]) -> None:
    """Networks of 300 units have, in the mean over 100 draws, the exact kernels: |z| < 3.5, error below 10 %."""
    scores, errors = _errors(network, 300, 100)
    assert np.abs(scores).max() < 3.5
    assert np.abs(errors).max() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_a_wider_network_is_nearer(network: tuple[dict[str, Any], list[int], list[int]]) -> None:
    """Networks of 1,000 units have, in the mean over 100 draws, the exact kernels: |z| < 3.5, error below 2 %."""
    scores, errors = _errors(network, 1000, 100)
    assert np.abs(scores).max() < 3.5
    assert np.abs(errors).max() < 0.02


@pytest.mark.parametrize(
    "settings",
    [{}, {"function": "nngp"}, {"activation": "erf", "sigma_h": 0.5}, {"num_layers": 2, "sigma_w": 1.4}, {"pooling": "average"}],
)
def test_gram_matrix_is_positive_semidefinite(settings: dict[str, Any]) -> None:
    """An exact kernel is an inner product: no eigenvalue lies below rounding."""
    sequences = _random(np.random.default_rng(1), 300)
    gram = similarities(KernelConfig(**settings), sequences)
    assert np.linalg.eigvalsh(gram)[0] > -1e-10 * np.abs(gram).max()


def test_the_released_formula_is_no_inner_product() -> None:
    """The reference mode's Gram matrix has an eigenvalue well below 0."""
    assert np.linalg.eigvalsh(similarities(KernelConfig(mode="reference"), _random(np.random.default_rng(1), 300)))[0] < -1e-3


@pytest.mark.parametrize("settings", [{}, {"mode": "reference"}, {"pooling": "average"}, {"num_layers": 2, "normalize": True}])
def test_names_of_items_do_not_matter(settings: dict[str, Any]) -> None:
    """Under any renaming of the items every value stays, to the bit."""
    rng = np.random.default_rng(2)
    sequences = _random(rng, 20)
    renamed = Sequences(sequences.offsets, rng.permutation(100).astype(np.int32)[sequences.items])
    config = KernelConfig(**settings)
    assert (similarities(config, sequences) == similarities(config, renamed)).all()


def test_order_matters() -> None:
    """The same items in another order are further away, and recent matches count more than old ones with ReLU."""
    config = KernelConfig()
    same, swapped = _pair(config, [1, 2, 3], [1, 2, 3])[0], _pair(config, [1, 2, 3], [3, 2, 1])[0]
    recent, old = _pair(config, [1, 2, 3], [8, 9, 3])[0], _pair(config, [1, 2, 3], [1, 8, 9])[0]
    assert same > swapped
    assert recent > old


@pytest.mark.parametrize("pooling", ["last", "average"])
def test_normalised_values_are_cosines(pooling: Any) -> None:
    """A sequence has 1 with itself and at most 1 with any other, whatever the lengths."""
    sequences = _random(np.random.default_rng(3), 40)
    config = KernelConfig(normalize=True, sigma_h=0.3, pooling=pooling)
    values = similarities(config, sequences)
    np.testing.assert_allclose(np.diag(values), 1.0)
    assert values.max() <= 1.0 + 1e-12
    assert own_similarities(config, sequences) == pytest.approx(
        np.diag(similarities(config.model_copy(update={"normalize": False}), sequences))
    )


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are the same however many pairs are computed at a time, the diagonal of a Gram matrix included."""
    sequences, config = _random(np.random.default_rng(4), 30), KernelConfig(sigma_h=1.0)
    whole = similarities(config, sequences)
    monkeypatch.setattr("ihas.sequential.overrec.kernel.BLOCK_PAIRS", 100)
    assert (similarities(config, sequences) == whole).all()


def test_unknown_items_match_nothing() -> None:
    """An item below 0 does not even match itself."""
    assert _pair(KernelConfig(), [-1, 2], [-1, 2]) == _pair(KernelConfig(), [5, 2], [6, 2])


def test_refuses_an_empty_sequence() -> None:
    """Without a step there is no value."""
    with pytest.raises(ConfigError, match="1 have none, the first at 1"):
        kernels(KernelConfig(), Sequences.of([[1], []]))


@pytest.mark.parametrize("settings", [{"activation": "erf"}, {"sigma_h": 1.0}])
def test_reference_mode_has_what_was_released(settings: dict[str, Any]) -> None:
    """The released code has neither erf nor an initial state."""
    with pytest.raises(ValidationError, match="reference formula"):
        KernelConfig(mode="reference", **settings)
