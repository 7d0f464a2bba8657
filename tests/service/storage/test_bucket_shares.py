"""Buckets go to versions, and stay with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas_service.storage.bucket_shares import BUCKETS, Shares, allocate, buckets_of, owners

WANTED = st.dictionaries(st.integers(1, 6), st.integers(0, BUCKETS // 6), max_size=6)


def of(shares: Shares) -> dict[int, set[int]]:
    """Buckets of each version."""
    return {version: {bucket for first, end in ranges for bucket in range(first, end)} for version, ranges in shares.items()}


def test_shares_are_as_worked_by_hand() -> None:
    """2 has [0, 500) and 3 [500, 1000). 2 grows to 800; then 3 goes and 4 comes with 600; then 2 shrinks to 100."""
    first = allocate({}, {2: 500, 3: 500})
    grown = allocate(first, {2: 800, 3: 500})
    changed = allocate(grown, {2: 800, 4: 600})
    shrunk = allocate(changed, {2: 100, 4: 600})

    assert first == {2: ((0, 500),), 3: ((500, 1000),)}
    assert grown == {2: ((0, 500), (1000, 1300)), 3: ((500, 1000),)}
    assert changed == {2: ((0, 500), (1000, 1300)), 4: ((500, 1000), (1300, 1400))}
    assert shrunk == {2: ((0, 100),), 4: ((500, 1000), (1300, 1400))}
    assert owners(changed, (2, 4))[499:501] == b"\x01\x02"


@given(plans=st.lists(WANTED, min_size=1, max_size=6))
def test_a_share_that_does_not_shrink_keeps_whom_it_had(plans: list[dict[int, int]]) -> None:
    """Whatever becomes of the others; each version has what it wants, and no bucket has two versions."""
    shares: Shares = {}
    for wanted in plans:
        before, shares = of(shares), allocate(shares, wanted)
        now = of(shares)
        assert {version: len(buckets) for version, buckets in now.items()} == wanted
        assert sum(map(len, now.values())) == len(set().union(*now.values()) if now else set())
        for version, buckets in now.items():
            had = before.get(version, set())
            assert had <= buckets if len(buckets) >= len(had) else buckets <= had


@pytest.mark.parametrize(("percent", "buckets"), [(0.0, 0), (0.001, 1), (5.0, 500), (33.335, 3_334), (99.995, 10_000), (100.0, 10_000)])
def test_a_percentage_is_so_many_buckets(percent: float, buckets: int) -> None:
    """A hundredth of a percent each, rounded up."""
    assert buckets_of(percent) == buckets
