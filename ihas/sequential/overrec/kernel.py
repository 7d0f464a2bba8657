"""Kernels of an infinitely wide recurrent network between item sequences, as functions on float64 arrays.

The network, with all weights N(0, 1) and n hidden units (Alemohammad et al. 2021, the recurrent neural tangent kernel):
    g_t = sigma_w / sqrt(n) W h_{t-1} + sigma_u U x_t + sigma_b b,  h_t = phi(g_t),  f = sigma_v / sqrt(n) v' h_T.
Items are one-hot, so the input term of a pair is sigma_u^2 where the items are equal and 0 elsewhere. Sequences are aligned at their
ends, for off-aligned times never reach the last step of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ihas.config.overrec import KernelConfig
from ihas.errors import ConfigError
from ihas.sequential.data.sequences import Sequences

BLOCK_PAIRS = 1 << 18
"""Pairs computed at a time, so that memory does not grow with the matrix."""


@dataclass(frozen=True)
class Kernels:
    """Values of pairs of sequences.

    Attributes:
        ntk: float64 (rows, columns). Neural tangent kernel.
        nngp: float64 (rows, columns). Covariance of the outputs at the start of training.
    """

    ntk: np.ndarray
    nngp: np.ndarray


@dataclass
class _State:
    """K and Theta of each layer at one pair of times: float64 (rows, columns)."""

    k: list[np.ndarray]
    theta: list[np.ndarray]


@dataclass(frozen=True)
class _Step:
    """A pair of times of many pairs of sequences.

    Attributes:
        matches: bool (rows, columns). Whether the two items are equal.
        begins: bool (rows, columns). Whether the overlap begins here, or has not begun yet.
        same: bool (rows, columns). Whether the two are one sequence, at one time.
        before: float64 (..., num_layers), of each of the two: variances at the time before.
        now: the same at this time.
    """

    matches: np.ndarray
    begins: np.ndarray
    same: np.ndarray
    before: tuple[np.ndarray, np.ndarray]
    now: tuple[np.ndarray, np.ndarray]


def expectations(config: KernelConfig, q: np.ndarray, r: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E[phi(u) phi(v)] and E[phi'(u) phi'(v)] for (u, v) ~ N(0, [[q, c], [c, r]]), rho = c / sqrt(q r):

        relu:    sqrt(q r) / (2 pi) (rho (pi - arccos rho) + sqrt(1 - rho^2)),  (pi - arccos rho) / (2 pi)
        erf:     2 / pi arcsin(2 c / sqrt((1 + 2 q)(1 + 2 r))),  4 / pi / sqrt((1 + 2 q)(1 + 2 r) - 4 c^2)
        linear:  c,  1
    and, in the reference mode, relu's with q = r = 1 and c clipped to [-1, 1].

    Source: Cho and Saul 2009 (relu), Williams 1997 (erf); the reference mode is OverRec's released code. All float64, broadcast.
    """
    if config.activation == "linear":
        return c, np.ones_like(c)
    if config.activation == "erf":
        scale = (1.0 + 2.0 * q) * (1.0 + 2.0 * r)
        value = 2.0 / np.pi * np.arcsin(np.clip(2.0 * c / np.sqrt(scale), -1.0, 1.0))
        return value, 4.0 / np.pi / np.sqrt(scale - 4.0 * c**2)
    root = np.ones_like(c) if config.mode == "reference" else np.sqrt(q * r)
    rho = np.clip(c / root, -1.0, 1.0)
    half_turn = np.pi - np.arccos(rho)
    return root / (2.0 * np.pi) * (rho * half_turn + np.sqrt(1.0 - rho**2)), half_turn / (2.0 * np.pi)


def variances(config: KernelConfig, max_length: int) -> np.ndarray:
    """Variance q of the pre-activations: float64 (max_length + 1, num_layers), by time from 1; row 0 is not used.

    It depends on the time alone, for an input is one-hot.
    """
    q = np.zeros((max_length + 1, config.num_layers))
    for t in range(1, max_length + 1):
        below = np.array(1.0)
        for layer in range(config.num_layers):
            before = np.array(config.sigma_h**2) if t == 1 else _own(config, q[t - 1, layer])
            q[t, layer] = config.sigma_u**2 * below + config.sigma_b**2 + config.sigma_w**2 * before
            below = _own(config, q[t, layer])
    return q


def kernels(config: KernelConfig, rows: Sequences, columns: Sequences | None = None) -> Kernels:
    """Both kernels between every row and every column.

        K = sigma_u^2 [x_i = x'_j] + sigma_b^2 + sigma_w^2 V(q_{i-1}, q'_{j-1}, K),  Theta = K + sigma_w^2 V'(...) Theta,
        NNGP = sigma_v^2 V(q_T, q'_T', K),  NTK = NNGP + sigma_v^2 V'(q_T, q'_T', K) Theta,
    from the first step of the overlap on, where the recurrent terms are 0. A layer above reads sigma_u^2 V(K below) for its input, and
    its Theta gains sigma_u^2 V'(K below) Theta below. Average pooling is the mean over all pairs of times (in the reference mode: over
    the overlap's aligned ones).

    Args:
        config: the network.
        rows: sequences, none of them empty; a negative item equals nothing, itself neither.
        columns: other sequences; without them, the rows, each the same as itself, so that the initial state counts on the diagonal.

    Raises:
        ConfigError: a sequence is empty.
    """
    others = rows if columns is None else columns
    _check_not_empty(rows)
    _check_not_empty(others)
    shape = (len(rows), len(others))
    found = Kernels(np.empty(shape), np.empty(shape))
    for start, block in _blocks(rows, max(1, BLOCK_PAIRS // max(1, len(others)))):
        same = np.zeros((len(block), len(others)), bool)
        if columns is None:
            same[np.arange(len(block)), start + np.arange(len(block))] = True
        part = _block_kernels(config, block, others, same)
        found.ntk[start : start + len(block)], found.nngp[start : start + len(block)] = part.ntk, part.nngp
    return found


def similarities(config: KernelConfig, rows: Sequences, columns: Sequences | None = None) -> np.ndarray:
    """The configured function between every row and every column, normalised where the configuration says so: float64 (rows, columns)."""
    found = kernels(config, rows, columns)
    values = found.ntk if config.function == "ntk" else found.nngp
    if not config.normalize:
        return values
    own = own_similarities(config, rows)
    return np.asarray(values / np.sqrt(own[:, None] * (own if columns is None else own_similarities(config, columns))))


def own_similarities(config: KernelConfig, sequences: Sequences) -> np.ndarray:
    """The configured function of each sequence with itself, not normalised: float64 (sequences,)."""
    plain = config.model_copy(update={"normalize": False})
    if config.pooling == "average":
        return np.array([similarities(plain, sequences.take(np.array([row])))[0, 0] for row in range(len(sequences))])
    lengths, inverse = np.unique(sequences.lengths, return_inverse=True)
    return np.array([similarities(plain, Sequences.of([np.arange(length)]))[0, 0] for length in lengths.tolist()])[inverse]


def _own(config: KernelConfig, q: np.ndarray) -> np.ndarray:
    return expectations(config, q, q, q)[0]


def _blocks(sequences: Sequences, size: int) -> Iterator[tuple[int, Sequences]]:
    for start in range(0, len(sequences), size):
        yield start, sequences.take(np.arange(start, min(start + size, len(sequences))))


def _block_kernels(config: KernelConfig, rows: Sequences, columns: Sequences, same: np.ndarray) -> Kernels:
    if config.pooling == "average" and config.mode == "exact":
        return _averaged(config, rows, columns, same)
    return _aligned(config, rows, columns, same)


def _aligned(config: KernelConfig, rows: Sequences, columns: Sequences, same: np.ndarray) -> Kernels:
    """One pass over the overlap, oldest step first."""
    own, other = rows.lengths[:, None], columns.lengths[None, :]
    overlap = np.minimum(own, other)
    q = variances(config, int(max(own.max(), other.max())))
    state = _State(*([np.zeros(same.shape) for _ in range(config.num_layers)] for _ in range(2)))
    total = Kernels(np.zeros(same.shape), np.zeros(same.shape))
    for back in range(int(overlap.max()) - 1, -1, -1):
        begun = overlap > back
        i, j = np.where(begun, own - back, 1), np.where(begun, other - back, 1)
        matches = _from_end(rows, back)[:, None] == _from_end(columns, back)[None, :]
        matches &= begun & (_from_end(rows, back) >= 0)[:, None]
        fresh = _advance(config, state, _Step(matches, overlap <= back + 1, same, (q[i - 1], q[j - 1]), (q[i], q[j])))
        for layer in range(config.num_layers):
            state.k[layer] = np.where(begun, fresh.k[layer], 0.0)
            state.theta[layer] = np.where(begun, fresh.theta[layer], 0.0)
        if config.pooling == "average":
            step = _output(config, state, q[i], q[j])
            total.ntk[...] += np.where(begun, step.ntk, 0.0) / overlap
            total.nngp[...] += np.where(begun, step.nngp, 0.0) / overlap
    return total if config.pooling == "average" else _output(config, state, q[own], q[other])


def _averaged(config: KernelConfig, rows: Sequences, columns: Sequences, same: np.ndarray) -> Kernels:
    """Mean over every pair of times: the state at (i, j) comes from (i - 1, j - 1), so a row of states is kept by j."""
    own, other = rows.lengths[:, None], columns.lengths[None, :]
    q = variances(config, int(max(own.max(), other.max())))
    total = Kernels(np.zeros(same.shape), np.zeros(same.shape))
    above: dict[int, _State] = {}
    for i in range(1, int(own.max()) + 1):
        here: dict[int, _State] = {}
        for j in range(1, int(other.max()) + 1):
            matches = (_from_start(rows, i)[:, None] == _from_start(columns, j)[None, :]) & (_from_start(rows, i) >= 0)[:, None]
            before = above.get(j - 1) or _State(*([np.zeros(same.shape) for _ in range(config.num_layers)] for _ in range(2)))
            begins = np.full(same.shape, i == 1 or j == 1)
            here[j] = _advance(config, before, _Step(matches, begins, same & (i == j), (q[i - 1], q[j - 1]), (q[i], q[j])))
            step, counts = _output(config, here[j], q[i], q[j]), (own >= i) & (other >= j)
            total.ntk[...] += np.where(counts, step.ntk, 0.0) / (own * other)
            total.nngp[...] += np.where(counts, step.nngp, 0.0) / (own * other)
        above = here
    return total


def _advance(config: KernelConfig, state: _State, step: _Step) -> _State:
    """One step of both sequences."""
    fresh = _State([], [])
    initial = np.where(step.begins & step.same, config.sigma_h**2, 0.0)
    for layer in range(config.num_layers):
        one, two = (np.where(step.begins, 1.0, variance[..., layer]) for variance in step.before)
        value, slope = expectations(config, one, two, state.k[layer])
        recurrent, remembered = np.where(step.begins, initial, value), np.where(step.begins, 0.0, slope * state.theta[layer])
        if layer == 0:
            below, learnt = step.matches.astype(np.float64), np.zeros(step.matches.shape)
        else:
            below, slope = expectations(config, step.now[0][..., layer - 1], step.now[1][..., layer - 1], fresh.k[-1])
            learnt = slope * fresh.theta[-1]
        fresh.k.append(config.sigma_u**2 * below + config.sigma_b**2 + config.sigma_w**2 * recurrent)
        fresh.theta.append(fresh.k[-1] + config.sigma_w**2 * remembered + config.sigma_u**2 * learnt)
    return fresh


def _output(config: KernelConfig, state: _State, q: np.ndarray, r: np.ndarray) -> Kernels:
    value, slope = expectations(config, q[..., -1], r[..., -1], state.k[-1])
    nngp = config.sigma_v**2 * value
    return Kernels(nngp + config.sigma_v**2 * slope * state.theta[-1], nngp)


def _from_end(sequences: Sequences, back: int) -> np.ndarray:
    """Item `back` places before the last of each sequence, -1 where there is none: int32 (sequences,)."""
    inside = sequences.lengths > back
    return np.where(inside, sequences.items[np.where(inside, sequences.offsets[1:] - 1 - back, 0)], -1)


def _from_start(sequences: Sequences, time: int) -> np.ndarray:
    """Item at a time from 1, -1 where there is none: int32 (sequences,)."""
    inside = sequences.lengths >= time
    return np.where(inside, sequences.items[np.where(inside, sequences.offsets[:-1] + time - 1, 0)], -1)


def _check_not_empty(sequences: Sequences) -> None:
    empty = np.flatnonzero(sequences.lengths == 0)
    if len(empty):
        raise ConfigError(f"A sequence must have an item, but {len(empty)} have none, the first at {empty[0]}. Leave them out.")
