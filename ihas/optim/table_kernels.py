"""Loops over rows of the embedding table, compiled by Numba: what a graph of array operations would pass over memory many times for.

A row's weights and what its rule keeps of it lie side by side, float32 (rows, 3, width) for Adam's two moments and (rows, 2, width)
for AdaGrad's sum of squares, so that one place in memory is read for it and not three. Other arrays are float32 or int32; a row
number below 0 is padding, reads zeros and gets no gradient.
Sums run in the order of the batch, on one thread, so equal inputs give equal results to the bit. Distinct rows may be divided among
threads (`ihas.optim.row_shares`). Rows of a large table wait for memory more than for arithmetic, hence `_fetch`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
SPANS = 24
REST = 1e-9  # a weight that is nothing
AHEAD = 64  # rows that are fetched before they are worked on
SLOW_SPAN = 3  # from 2 ** 3 left-out steps on, momentum is nearly spent and a change of sign is L2's overshooting

_SPAN_STEPS = 2.0 ** np.arange(SPANS)
_STEPS = _SPAN_STEPS.astype(np.float32)
_DECAY_1 = (BETA_1**_SPAN_STEPS).astype(np.float32)
_DECAY_2 = (BETA_2**_SPAN_STEPS).astype(np.float32)
_HALF_2 = (BETA_2 ** (_SPAN_STEPS / 2.0)).astype(np.float32)
_REACH = (BETA_1 * (1.0 - BETA_1**_SPAN_STEPS) / (1.0 - BETA_1)).astype(np.float32)
_ZERO, _LEAST = np.float32(0.0), np.float32(-np.inf)
_FRESH_1, _FRESH_2, _EPSILON, _REST = np.float32(1.0 - BETA_1), np.float32(1.0 - BETA_2), np.float32(EPSILON), np.float32(REST)

_compiled = njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def _fetch(state: np.ndarray, rows: np.ndarray) -> np.float32:
    """Read a number of every plane of each row, from many places of memory at once; their sum, so that no compiler leaves it out."""
    total = _ZERO
    for k in range(len(rows)):
        row = state[rows[k]]
        for plane in range(len(row)):
            total += row[plane, 0]
    return total


@_compiled
def gather(state: np.ndarray, ids: np.ndarray, out: np.ndarray) -> None:
    """out[k] = w of row ids[k]: state (rows, planes, width), ids (n,), out (n, width)."""
    for k in range(len(ids)):
        row, found = ids[k], out[k]
        if row < 0:
            found[:] = _ZERO
        else:
            w = state[row, 0]
            for j in range(len(found)):
                found[j] = w[j]


@_compiled
def distinct(ids: np.ndarray, seen: np.ndarray, rows: np.ndarray, positions: np.ndarray) -> int:
    """Number the distinct rows of a batch by their first occurrence; their count.

    `rows` (n,) gets the row numbers, `positions` (n,) the number of each id's row, -1 for padding; `seen` (table rows,) is
    all -1 before and after.
    """
    count = 0
    for k in range(len(ids)):
        row = ids[k]
        if row < 0:
            positions[k] = -1
            continue
        if seen[row] < 0:
            seen[row] = count
            rows[count] = row
            count += 1
        positions[k] = seen[row]
    for k in range(count):
        seen[rows[k]] = -1
    return count


@_compiled
def scatter_sum(gradient: np.ndarray, positions: np.ndarray, sums: np.ndarray) -> None:
    """sums[p] = sum of gradient[k] over positions[k] = p: gradient (n, width), sums (distinct, width)."""
    sums[:] = _ZERO
    for k in range(len(positions)):
        position = positions[k]
        if position >= 0:
            for j in range(sums.shape[1]):
                sums[position, j] += gradient[k, j]


@_compiled
def adam(state: np.ndarray, rows: np.ndarray, sums: np.ndarray, rate: np.float32, l2: np.float32) -> np.float32:
    """One step of Adam at each of `rows` (n,) with the gradient sums[k] + l2 w: state (table rows, 3, width), sums (n, width).

    What it returns is of no use (`_fetch`).
    """
    fetched = _ZERO
    for k in range(len(rows)):
        if k % AHEAD == 0:
            fetched += _fetch(state, rows[k : k + AHEAD])
        w, m, v, total = state[rows[k], 0], state[rows[k], 1], state[rows[k], 2], sums[k]
        for j in range(len(total)):
            gradient = total[j] + l2 * w[j]
            m[j] += _FRESH_1 * (gradient - m[j])
            v[j] += _FRESH_2 * (gradient * gradient - v[j])
            w[j] -= rate * m[j] / (np.sqrt(v[j]) + _EPSILON)
    return fetched


@_compiled
def adam_left_out(state: np.ndarray, rows: np.ndarray, last: np.ndarray, now: int, rate: np.float32, l2: np.float32) -> np.float32:
    """Give each of `rows` (n,) the steps last[row] + 1 .. now, in which no batch read it and its gradient was l2 w.

    In spans of 1, 2, 4, ... steps, each with the weight w held at its start; with g = l2 w and n steps
        m <- g + b1^n (m - g),   v <- g^2 + b2^n (v - g^2)
        w <- w - rate (n g + (m - g) b1 (1 - b1^n) / (1 - b1)) / (sqrt(v half way) + eps)
    A long span that would carry w across zero leaves it there, at rest. What it returns is of no use (`_fetch`).
    """
    fetched = _ZERO
    for k in range(len(rows)):
        if k % AHEAD == 0:
            fetched += _fetch(state, rows[k : k + AHEAD])
        row = rows[k]
        left, span = now - last[row], 0
        last[row] = now
        while left > 0:
            while (1 << span) > left:
                span -= 1
            steps, reach, decay_1, decay_2, half_2 = _STEPS[span], _REACH[span], _DECAY_1[span], _DECAY_2[span], _HALF_2[span]
            least = _ZERO if span >= SLOW_SPAN else _LEAST
            for j in range(state.shape[2]):
                w = state[row, 0, j]
                g = l2 * w
                momentum, spread = state[row, 1, j] - g, state[row, 2, j] - g * g
                moved = w - rate * (steps * g + momentum * reach) / (np.sqrt(g * g + spread * half_2) + _EPSILON)
                beyond = moved * w < least
                state[row, 0, j] = _ZERO if beyond else moved
                state[row, 1, j] = _ZERO if beyond else g + momentum * decay_1
                state[row, 2, j] = g * g + spread * decay_2
            left -= 1 << span
            span = min(span + 1, SPANS - 1)
    return fetched


@_compiled
def adagrad(state: np.ndarray, rows: np.ndarray, sums: np.ndarray, rate: np.float32, l2: np.float32) -> None:
    """One step of AdaGrad at each of `rows` (n,) with the gradient sums[k] + l2 w: state (table rows, 2, width), sums (n, width)."""
    for k in range(len(rows)):
        w, squares, total = state[rows[k], 0], state[rows[k], 1], sums[k]
        for j in range(len(total)):
            gradient = total[j] + l2 * w[j]
            squares[j] += gradient * gradient
            w[j] -= rate * gradient / (np.sqrt(squares[j]) + _EPSILON)


@_compiled
def adagrad_left_out(state: np.ndarray, rows: np.ndarray, last: np.ndarray, now: int, rate: np.float32, l2: np.float32) -> None:
    """Give each of `rows` (n,) the steps last[row] + 1 .. now, in which no batch read it and its gradient was l2 w.

    One by one: without L2 there are none. A row rests once no step changes a weight, for steps only shrink, or can change it by more
    than `REST`, which is as far as zero is.
    """
    for k in range(len(rows)):
        w, squares, left = state[rows[k], 0], state[rows[k], 1], now - last[rows[k]]
        last[rows[k]] = now
        if l2 == _ZERO:
            continue
        for step in range(left):
            moving = 0
            for j in range(len(w)):
                before, gradient = w[j], l2 * w[j]
                squares[j] += gradient * gradient
                root = np.sqrt(squares[j]) + _EPSILON
                w[j] = before - rate * gradient / root
                moving += (w[j] != before) & ((np.abs(w[j]) > _REST) | (root < rate * l2))
            if moving == 0:
                for j in range(len(w)):
                    squares[j] += np.float32(left - 1 - step) * (l2 * w[j]) * (l2 * w[j])
                break
