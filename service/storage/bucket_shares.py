"""Which buckets of sticky keys belong to which version: a share that grows takes free buckets, and nobody else's.

A key's bucket is fixed, so whoever a version has stays with it as long as its share does not shrink, whatever becomes of the other shares.
That cannot be told from the shares alone, so the buckets are kept with the plan. Buckets that no version has are the champion's.

    before: 2 has [0, 500), 3 has [500, 1000)        2 grows to 800:  2 has [0, 500) and [1000, 1300), 3 has [500, 1000)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BUCKETS = 10_000
"""Sticky keys fall into this many buckets, a hundredth of a percent each."""
Ranges = tuple[tuple[int, int], ...]
"""Half-open ranges of buckets, in the order in which they were taken."""
Shares = Mapping[int, Ranges]
"""Ranges of each version; the number of a version that is interleaved with the champion is negative."""


def buckets_of(percent: float) -> int:
    """Buckets of a share in hundredths; a share above 0 has one at least."""
    return min(BUCKETS, -int(-percent * BUCKETS // 100))


def allocate(before: Shares, wanted: Mapping[int, int]) -> Shares:
    """Ranges of each version, as many buckets as it wants; the sum must be at most `BUCKETS`.

    A version keeps its first buckets, gives the last ones back, and takes the lowest free ones.
    """
    kept = {version: _first(before.get(version, ()), count) for version, count in wanted.items()}
    free = _free([one for ranges in kept.values() for one in ranges])
    shares: dict[int, Ranges] = {}
    for version, ranges in kept.items():
        missing = wanted[version] - _size(ranges)
        taken = _first(free, missing)
        free = _without(free, missing)
        shares[version] = _joined((*ranges, *taken))
    return shares


def owners(shares: Shares, order: Sequence[int]) -> bytes:
    """Of each bucket the place of its version in `order`, from 1; 0 where it is the champion's."""
    found = bytearray(BUCKETS)
    for place, version in enumerate(order, start=1):
        for first, end in shares.get(version, ()):
            found[first:end] = bytes([place]) * (end - first)
    return bytes(found)


def _size(ranges: Ranges) -> int:
    return sum(end - first for first, end in ranges)


def _first(ranges: Ranges, count: int) -> Ranges:
    """The first buckets of ranges."""
    found: list[tuple[int, int]] = []
    for first, end in ranges:
        if count <= 0:
            break
        found.append((first, min(end, first + count)))
        count -= end - first
    return tuple(found)


def _without(ranges: Ranges, count: int) -> Ranges:
    """Ranges without their first buckets."""
    found: list[tuple[int, int]] = []
    for first, end in ranges:
        gone = min(end - first, max(0, count))
        count -= gone
        if first + gone < end:
            found.append((first + gone, end))
    return tuple(found)


def _free(taken: Sequence[tuple[int, int]]) -> Ranges:
    """Ranges that nobody has, lowest first."""
    found: list[tuple[int, int]] = []
    at = 0
    for first, end in sorted(taken):
        if at < first:
            found.append((at, first))
        at = max(at, end)
    return (*found, (at, BUCKETS)) if at < BUCKETS else tuple(found)


def _joined(ranges: Ranges) -> Ranges:
    """The same buckets, neighbours as one range."""
    found: list[tuple[int, int]] = []
    for first, end in ranges:
        if found and found[-1][1] == first:
            found[-1] = (found[-1][0], end)
        else:
            found.append((first, end))
    return tuple(found)
