"""The search for a query's nearest prefixes, compiled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ihas.sequential.overrec.recursion import compiled, pair_value

SLACK = 1e-9
"""Share by which a bound must fall short before a prefix is passed over; far above what rounding can do to a value."""


class Layout(NamedTuple):
    """Sequences and their indexes. A prefix is the position of its last item.

    Attributes:
        items: int32 (total,). Items of all sequences, end to end.
        begins: int32 (total,). Position where the sequence of each position begins.
        first_ends: int32 (total,). First position in the sequence of each that ends a prefix.
        ends: int32 (total,). Last position of the sequence of each; it ends no prefix, for nothing comes after.
        occurrences: int32 (total,). Positions by item, then in order.
        item_offsets: int64 (num_items + 1,). Item i occurs at `occurrences[item_offsets[i]:item_offsets[i + 1]]`.
        by_length: int32 (num_prefixes,). Prefixes by length, then in order.
        length_offsets: int64 (max_length + 2,). Where each length begins in `by_length`.
    """

    items: np.ndarray
    begins: np.ndarray
    first_ends: np.ndarray
    ends: np.ndarray
    occurrences: np.ndarray
    item_offsets: np.ndarray
    by_length: np.ndarray
    length_offsets: np.ndarray


@compiled
def nearest(
    layout: Layout,
    parts: tuple[Any, ...],
    bounds: np.ndarray,
    offsets: np.ndarray,
    items: np.ndarray,
    prefixes: np.ndarray,
    values: np.ndarray,
) -> None:
    """Fill `prefixes`, int64 (queries, k), and `values`, float64 (queries, k), of the queries between `offsets`; -1 stands for none."""
    seen = np.full(len(layout.items), -1, np.int32)
    state = np.zeros((2, parts[3].shape[1]))
    for query in range(len(offsets) - 1):
        history = items[offsets[query] : offsets[query + 1]]
        count = _matching(layout, parts, bounds, history, query, seen, state, prefixes[query], values[query])
        count = _unmatched(layout, parts[6][len(history)], query, seen, count, prefixes[query], values[query])
        _sort(prefixes[query], values[query], count)


@compiled
def _matching(
    layout: Layout,
    parts: tuple[Any, ...],
    bounds: np.ndarray,
    history: np.ndarray,
    query: int,
    seen: np.ndarray,
    state: np.ndarray,
    prefixes: np.ndarray,
    values: np.ndarray,
) -> int:
    """Prefixes that share an item at an equal distance from the end; how many of the k places they take."""
    count, own, k, longest = 0, len(history), len(values), bounds.shape[0]
    for back in range(own):
        item = history[own - 1 - back]
        if item < 0 or item + 1 >= len(layout.item_offsets):
            continue
        if count == k and _best(bounds[back, own]) < values[0]:
            break
        for entry in range(layout.item_offsets[item], layout.item_offsets[item + 1]):
            position = layout.occurrences[entry]
            end = position + back
            if end >= layout.ends[position] or end < layout.first_ends[position] or seen[end] == query:
                continue
            length = min(end - layout.begins[position] + 1, longest)
            if count == k and bounds[back, own, length] * (1.0 + SLACK) < values[0]:
                continue
            seen[end] = query
            value = pair_value(parts, state, history, layout.items, end, length)
            count = _insert(prefixes, values, count, end, value)
    return count


@compiled
def _unmatched(
    layout: Layout, unmatched: np.ndarray, query: int, seen: np.ndarray, count: int, prefixes: np.ndarray, values: np.ndarray
) -> int:
    """Prefixes that were not met, by the value of their length; how many places are taken then."""
    k = len(values)
    for length in range(len(unmatched) - 1, 0, -1):  # the longest first, whose values are mostly the largest
        for entry in range(layout.length_offsets[length], layout.length_offsets[length + 1]):
            end = layout.by_length[entry]
            if count == k and (unmatched[length] < values[0] or (unmatched[length] == values[0] and end > prefixes[0])):
                break
            if seen[end] != query:
                count = _insert(prefixes, values, count, end, unmatched[length])
    return count


@compiled
def _insert(prefixes: np.ndarray, values: np.ndarray, count: int, prefix: int, value: float) -> int:
    """Keep a prefix where it is among the best: the k places are a heap with the worst on top; the new count."""
    k = len(values)
    if count == k:
        if not _worse(values[0], prefixes[0], value, prefix):
            return count
        values[0], prefixes[0] = value, prefix
        _sink(prefixes, values, 0, k)
        return count
    place = count
    while place > 0:
        above = (place - 1) // 2
        if not _worse(value, prefix, values[above], prefixes[above]):
            break
        values[place], prefixes[place] = values[above], prefixes[above]
        place = above
    values[place], prefixes[place] = value, prefix
    return count + 1


@compiled
def _sink(prefixes: np.ndarray, values: np.ndarray, place: int, count: int) -> None:
    """Move an entry down until no entry below it is worse."""
    value, prefix = values[place], prefixes[place]
    while 2 * place + 1 < count:
        below = 2 * place + 1
        if below + 1 < count and _worse(values[below + 1], prefixes[below + 1], values[below], prefixes[below]):
            below += 1
        if not _worse(values[below], prefixes[below], value, prefix):
            break
        values[place], prefixes[place] = values[below], prefixes[below]
        place = below
    values[place], prefixes[place] = value, prefix


@compiled
def _sort(prefixes: np.ndarray, values: np.ndarray, count: int) -> None:
    """Turn the heap into a list, the best first: the worst goes to the end, again and again."""
    for end in range(count - 1, 0, -1):
        values[0], values[end] = values[end], values[0]
        prefixes[0], prefixes[end] = prefixes[end], prefixes[0]
        _sink(prefixes, values, 0, end)


@compiled
def _worse(value: float, prefix: int, other: float, other_prefix: int) -> bool:
    """Whether an entry stands behind another: smaller values, and of equal values larger numbers."""
    return value < other or (value == other and prefix > other_prefix)


@compiled
def _best(bounds: np.ndarray) -> float:
    """Largest bound over lengths, with the slack."""
    return bounds.max() * (1.0 + SLACK)  # type: ignore[no-any-return]
