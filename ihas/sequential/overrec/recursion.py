"""The kernel of one pair at a time, compiled, for sequences whose matches are few.

With pooling by the last step a pair's value depends on the two lengths and on which of the overlap's items are equal. So the
recursion begins at the oldest match, from a tabulated state, and a pair without a match is a look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from ihas.config.overrec import KernelConfig
from ihas.sequential.overrec.kernel import variances

RELU, ERF, LINEAR, CLIPPED_RELU = 0, 1, 2, 3


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile without the interpreter lock, and keep the machine code on disk where there is a place for it."""
    try:
        return numba.njit(nogil=True, cache=True)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # no folder to write to
        return numba.njit(nogil=True)(function)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Tables:
    """What the compiled recursion reads. L is the most items of a sequence; times count from 1.

    Attributes:
        code: activation and mode.
        squares: float64 (4,). sigma_w^2, sigma_u^2, sigma_b^2, sigma_v^2.
        ntk: whether the value is the NTK, or the NNGP.
        q: float64 (L + 1, num_layers). Variances.
        scale: float64 (L + 1, L + 1). Factor of the values of two lengths, 1 without normalisation.
        states: float64 (L + 1, L + 1, 2, num_layers). K and Theta at two times where nothing has matched.
        unmatched: float64 (L + 1, L + 1). Value of two lengths where nothing matches.
        bounds: float64 (L, L + 1, L + 1). Value where the `p` newest items do not match and all older ones do, by p.
    """

    code: int
    squares: np.ndarray
    ntk: bool
    q: np.ndarray
    scale: np.ndarray
    states: np.ndarray
    unmatched: np.ndarray
    bounds: np.ndarray

    @property
    def parts(self) -> tuple[Any, ...]:
        """The tables as compiled functions take them."""
        return (self.code, self.squares, self.ntk, self.q, self.scale, self.states, self.unmatched)


def tables(config: KernelConfig, max_length: int) -> Tables:
    """Tables for sequences of at most `max_length` items; the values are those of `kernel.similarities`, two different sequences each."""
    q = variances(config, max_length)
    code = {"relu": RELU if config.mode == "exact" else CLIPPED_RELU, "erf": ERF, "linear": LINEAR}[config.activation]
    squares = np.array([config.sigma_w, config.sigma_u, config.sigma_b, config.sigma_v]) ** 2
    ntk, ones = config.function == "ntk", np.ones((max_length + 1, max_length + 1))
    states = _states(code, squares, q, False)
    matched = _states(code, squares, q, True)
    scale = ones
    if config.normalize:
        own = _own_values(code, squares, ntk, q, config.sigma_h**2)
        scale = 1.0 / np.sqrt(own[:, None] * own[None, :])
    unmatched = _values(code, squares, ntk, q, states) * scale
    return Tables(code, squares, ntk, q, scale, states, unmatched, _bounds(code, squares, ntk, q, matched) * scale)


@compiled
def expectations(code: int, q: float, r: float, c: float) -> tuple[float, float]:
    """See `kernel.expectations`."""
    if code == LINEAR:
        return c, 1.0
    if code == ERF:
        scale = (1.0 + 2.0 * q) * (1.0 + 2.0 * r)
        sine = min(1.0, max(-1.0, 2.0 * c / np.sqrt(scale)))
        return 2.0 / np.pi * np.arcsin(sine), 4.0 / np.pi / np.sqrt(scale - 4.0 * c * c)
    root = 1.0 if code == CLIPPED_RELU else np.sqrt(q * r)
    rho = min(1.0, max(-1.0, c / root))
    half_turn = np.pi - np.arccos(rho)
    return root / (2.0 * np.pi) * (rho * half_turn + np.sqrt(1.0 - rho * rho)), half_turn / (2.0 * np.pi)


@compiled
def advance(code: int, squares: np.ndarray, q: np.ndarray, state: np.ndarray, i: int, j: int, match: float, initial: float) -> None:
    """One step to times i and j, in place: `state` is float64 (2, num_layers), K and Theta at i - 1 and j - 1.

    `initial` is the covariance of the two initial states; the recurrent terms are absent at time 1 of either.
    """
    begins = i == 1 or j == 1
    below, learnt = match, 0.0
    for layer in range(q.shape[1]):
        value, slope = initial, 0.0
        if not begins:
            value, slope = expectations(code, q[i - 1, layer], q[j - 1, layer], state[0, layer])
        k = squares[1] * below + squares[2] + squares[0] * value
        state[1, layer] = k + squares[0] * slope * state[1, layer] + squares[1] * learnt
        state[0, layer] = k
        if layer + 1 < q.shape[1]:
            below, slope = expectations(code, q[i, layer], q[j, layer], k)
            learnt = slope * state[1, layer]


@compiled
def output(code: int, squares: np.ndarray, ntk: bool, q: np.ndarray, state: np.ndarray, i: int, j: int) -> float:
    """Value of the read-out at times i and j."""
    last = q.shape[1] - 1
    value, slope = expectations(code, q[i, last], q[j, last], state[0, last])
    return squares[3] * (value + slope * state[1, last]) if ntk else squares[3] * value  # type: ignore[no-any-return]


@compiled
def pair_value(parts: tuple[Any, ...], state: np.ndarray, query: np.ndarray, items: np.ndarray, end: int, length: int) -> float:
    """Value of a query and of the `length` items of `items` up to position `end`, both not empty; `state` is scratch."""
    code, squares, ntk, q, scale, states, unmatched = parts
    own = len(query)
    back = min(own, length) - 1
    while back >= 0 and (query[own - 1 - back] != items[end - back] or query[own - 1 - back] < 0):
        back -= 1
    if back < 0:
        return unmatched[own, length]  # type: ignore[no-any-return]
    state[:] = states[own - back - 1, length - back - 1]
    while back >= 0:
        item = query[own - 1 - back]
        match = 1.0 if item == items[end - back] and item >= 0 else 0.0
        advance(code, squares, q, state, own - back, length - back, match, 0.0)
        back -= 1
    return output(code, squares, ntk, q, state, own, length) * scale[own, length]  # type: ignore[no-any-return]


@compiled
def pair_values(
    parts: tuple[Any, ...], offsets: np.ndarray, items: np.ndarray, other_offsets: np.ndarray, other_items: np.ndarray, found: np.ndarray
) -> None:
    """Fill `found`, float64 (rows, columns), with the values of all pairs of two sets of sequences, all different and none empty."""
    state = np.zeros((2, parts[3].shape[1]))
    for row in range(len(offsets) - 1):
        query = items[offsets[row] : offsets[row + 1]]
        for column in range(len(other_offsets) - 1):
            end = other_offsets[column + 1] - 1
            found[row, column] = pair_value(parts, state, query, other_items, end, end - other_offsets[column] + 1)


@compiled
def _states(code: int, squares: np.ndarray, q: np.ndarray, matched: bool) -> np.ndarray:
    """States at all pairs of times where nothing, or everything, has matched."""
    size, num_layers = q.shape
    states = np.zeros((size, size, 2, num_layers))
    for i in range(1, size):
        for j in range(1, size):
            states[i, j] = states[i - 1, j - 1]
            advance(code, squares, q, states[i, j], i, j, 1.0 if matched else 0.0, 0.0)
    return states


@compiled
def _values(code: int, squares: np.ndarray, ntk: bool, q: np.ndarray, states: np.ndarray) -> np.ndarray:
    size = len(q)
    values = np.zeros((size, size))
    for i in range(1, size):
        for j in range(1, size):
            values[i, j] = output(code, squares, ntk, q, states[i, j], i, j)
    return values


@compiled
def _own_values(code: int, squares: np.ndarray, ntk: bool, q: np.ndarray, initial: float) -> np.ndarray:
    """Value of each length with itself; 1 for the length 0, which has none."""
    values, state = np.ones(len(q)), np.zeros((2, q.shape[1]))
    for i in range(1, len(q)):
        advance(code, squares, q, state, i, i, 1.0, initial)
        values[i] = output(code, squares, ntk, q, state, i, i)
    return values


@compiled
def _bounds(code: int, squares: np.ndarray, ntk: bool, q: np.ndarray, matched: np.ndarray) -> np.ndarray:
    """Values where everything matches but the `p` newest items."""
    size = len(q)
    bounds, states = np.zeros((size - 1, size, size)), matched.copy()
    for p in range(size - 1):
        bounds[p] = _values(code, squares, ntk, q, states)
        for i in range(size - 1, 0, -1):
            for j in range(size - 1, 0, -1):
                states[i, j] = states[i - 1, j - 1]
                advance(code, squares, q, states[i, j], i, j, 0.0, 0.0)
    return bounds
