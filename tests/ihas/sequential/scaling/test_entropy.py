"""Entropies of item sequences against brute force and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.errors import ConfigError
from ihas.sequential.data.sequences import Sequences
from ihas.sequential.scaling.entropy import (
    approximate_entropies,
    approximate_entropy,
    entropy_metrics,
    lempel_ziv_entropies,
    lempel_ziv_entropy,
    repeats_a_block,
)

ITEMS = st.lists(st.integers(0, 3), min_size=4, max_size=14)


def _brute_force(values: list[float], block: int, tolerance: float) -> float:
    """Approximate entropy by its definition, pair by pair."""

    def phi(m: int) -> float:
        blocks = [values[i : i + m] for i in range(len(values) - m + 1)]
        logs = []
        for one in blocks:
            near = sum(max(abs(a - b) for a, b in zip(one, other, strict=True)) <= tolerance for other in blocks)
            logs.append(np.log(near / len(blocks)))
        return float(np.mean(logs))

    return abs(phi(block) - phi(block + 1))


def _brute_lempel_ziv(values: list[int]) -> float:
    """Lempel-Ziv entropy by its definition: blocks searched in what lies before them, as texts."""
    total = 0
    for i in range(len(values)):
        before = [values[start:stop] for start in range(i) for stop in range(start + 1, i + 1)]
        total += 1 + max((size for size in range(1, len(values) - i + 1) if values[i : i + size] in before), default=0)
    return float(np.log(len(values)) / (total / len(values)))


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=12), st.integers(1, 3), st.floats(0, 1.5))
def test_equals_brute_force_on_numbers(values: list[float], block: int, tolerance: float) -> None:
    """With any tolerance it is the definition's value, to 1e-12."""
    assert approximate_entropy(np.array(values), block, tolerance) == pytest.approx(_brute_force(values, block, tolerance), abs=1e-12)


@given(st.lists(ITEMS, min_size=1, max_size=4), st.integers(1, 3))
def test_equals_brute_force_on_items(sequences: list[list[int]], block: int) -> None:
    """All sequences at once give each what the definition gives it alone, to 1e-12."""
    found = approximate_entropies(Sequences.of(sequences), block)
    assert found == pytest.approx([_brute_force(list(map(float, items)), block, 0.0) for items in sequences], abs=1e-12)


@given(ITEMS)
def test_lempel_ziv_equals_brute_force(items: list[int]) -> None:
    """Lambda by lags is Lambda by search, to 1e-12."""
    assert lempel_ziv_entropy(np.array(items)) == pytest.approx(_brute_lempel_ziv(items), abs=1e-12)


@given(st.lists(st.lists(st.integers(0, 2), max_size=12), min_size=1, max_size=5))
def test_lempel_ziv_of_all_sequences_equals_brute_force(sequences: list[list[int]]) -> None:
    """All sequences at once give each what the definition gives it alone, to 1e-12; a match does not run on into the next one."""
    expected = [_brute_lempel_ziv(items) if items else np.nan for items in sequences]
    assert lempel_ziv_entropies(Sequences.of(sequences)) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(("length", "expected"), [(25, 0.04256), (50, 0.020619), (100, 0.010152), (200, 0.005038)])
def test_without_repeats_only_length_counts(length: int, expected: float) -> None:
    """ln((L - 1) / (L - 2)) for any order of L different items, and ln L by Lempel-Ziv."""
    items = np.random.default_rng(length).permutation(length)
    closed = np.log((length - 1) / (length - 2))
    assert closed == pytest.approx(expected, abs=6e-6)
    assert approximate_entropy(items) == pytest.approx(closed, abs=1e-12)
    assert approximate_entropies(Sequences.of([items]))[0] == pytest.approx(closed, abs=1e-12)
    assert lempel_ziv_entropy(items) == pytest.approx(np.log(length), abs=1e-12)


def test_of_independent_symbols() -> None:
    """Independent draws of four symbols have nearly ln 4 nats: 200 draws with m = 1, and 5,000 by Lempel-Ziv."""
    rng = np.random.default_rng(0)
    assert approximate_entropy(rng.integers(4, size=200), 1) == pytest.approx(np.log(4), abs=0.05)
    assert lempel_ziv_entropy(rng.integers(4, size=5000)) == pytest.approx(np.log(4), abs=0.1)


def test_of_a_period() -> None:
    """A sequence that repeats with period two is nearly without entropy."""
    items = np.array([0, 1] * 50)
    assert approximate_entropy(items) < 0.001
    assert lempel_ziv_entropy(items) < 0.25


def test_figures_say_when_only_length_is_measured() -> None:
    """Repeat-free sequences are called so, and cannot scale interactions; a repeated item is not yet a repeated block of two."""
    figures = entropy_metrics(Sequences.of([[0, 1, 2, 3], [3, 1, 0, 3], [5]]))
    assert (figures.sequences, figures.interactions) == (2, 9)
    assert (figures.repeating_blocks, figures.repeating_items) == (0.0, 0.5)
    assert figures.approximate_entropy == pytest.approx(np.log(3 / 2))
    assert "lengths alone" in figures.caution
    with pytest.raises(ConfigError, match="Use the number of interactions, 9"):
        _ = figures.scaled_interactions


def test_figures_with_repeats() -> None:
    """Where blocks repeat, interactions are divided by ApEn; where few sequences repeat one, the figures say how many."""
    repeating = [0, 1, 2, 0, 1, 3, 0, 1]
    figures = entropy_metrics(Sequences.of([repeating]))
    assert figures.caution == ""
    assert figures.scaled_interactions == pytest.approx(8 / approximate_entropy(np.array(repeating)))
    mixed = entropy_metrics(Sequences.of([repeating, [0, 1, 2, 3], [3, 2, 1, 0]]))
    assert mixed.caution.startswith("Only 33.3% of the sequences repeat a block of 2 items")


def test_repeats_by_hand() -> None:
    """0 1 twice is a repeated pair; 0 twice is a repeated item; a pair across two sequences is none."""
    sequences = Sequences.of([[0, 1, 2, 0, 1], [0, 1, 0, 2], [0, 1], [0, 1]])
    assert repeats_a_block(sequences, 2).tolist() == [True, False, False, False]
    assert repeats_a_block(sequences, 1).tolist() == [True, True, False, False]


def test_short_sequences_have_no_figure() -> None:
    """A sequence not longer than a block is nan among others, and an error alone."""
    assert np.isnan(approximate_entropies(Sequences.of([[0, 1], [0, 1, 0]]))).tolist() == [True, False]
    with pytest.raises(ConfigError, match="longer than `block`"):
        approximate_entropy(np.array([0, 1]))
    with pytest.raises(ConfigError, match="longer than `block`"):
        entropy_metrics(Sequences.of([[0, 1]]))


def test_refuses_impossible_settings() -> None:
    """A negative tolerance, a block of none and an empty sequence are errors."""
    with pytest.raises(ConfigError, match="must hold, but got"):
        approximate_entropy(np.arange(5), 2, -1.0)
    with pytest.raises(ConfigError, match="must hold, but got"):
        approximate_entropies(Sequences.of([[0, 1, 2]]), 0)
    with pytest.raises(ConfigError, match="is empty"):
        lempel_ziv_entropy(np.array([], np.int64))
