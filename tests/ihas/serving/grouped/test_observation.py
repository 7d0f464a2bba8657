"""How rows are routed, counted by hand on the small bundle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import read_bundle, write_bundle
from ihas.bundle.reference import Reference
from ihas.bundle.values import Bundle
from ihas.serving.grouped.observation import observe
from ihas.serving.grouped.recommender import GroupedRecommender
from tests.ihas.bundle_factory import rows, small_bundle, summed_bundle


def referred_bundle() -> Bundle:
    """The small bundle, whose training rows were its six rows, but for the item table's order."""
    bundle = small_bundle()
    return dataclasses.replace(bundle, reference=Reference.of(bundle.router, bundle.golden.ids))


def test_the_reference_is_that_of_the_training_rows() -> None:
    """Half of the rows are ada's, in group 0 with her first gate open, half bob's; all lie on their centroids, so that far begins at 0."""
    reference = referred_bundle().reference
    assert reference is not None
    assert reference.shares.tolist() == [0.5, 0.5]
    assert reference.gate_rates.tolist() == [0.5, 0.5, 0.0, 0.0, 0.0, 0.0]
    assert reference.far == 0.0


def test_a_hundredth_of_the_training_rows_is_far() -> None:
    """Of 1,000 rows at growing distances the last ten lie beyond the bound."""
    bundle = small_bundle()
    table = bundle.router.table.copy()
    router = dataclasses.replace(bundle.router, table=table)
    ids = np.repeat(bundle.golden.ids[:1], 1_000, axis=0)
    ids[990:, 0] = 0  # nobody known: embedding (-1, 1), 1 from bob's centroid
    reference = Reference.of(router, ids)
    assert observe(router, reference, ids).far.tolist() == [0.0, 10.0]


def test_rows_are_counted_by_group_gate_and_distance() -> None:
    """Two of ada's rows and one of an unknown user, who falls into group 1 at distance 1: far from every group."""
    found = GroupedRecommender(referred_bundle()).observe([*rows()[:2], {"user": "eve"}], None)
    assert found is not None
    assert (found.rows.tolist(), found.far.tolist()) == ([2.0, 1.0], [0.0, 1.0])
    assert found.gates.tolist() == [2.0, 1.0, 0.0, 0.0, 0.0, 0.0]


def summed_and_referred() -> Bundle:
    """The small bundle with sums, whose training rows were its six rows."""
    bundle = summed_bundle()
    return dataclasses.replace(bundle, reference=Reference.of(bundle.router, bundle.golden.ids))


def test_sums_are_observed_by_their_margins() -> None:
    """The six rows' margins are 1793 and more. ada's two, 2140 and 1793, and an unknown user's, 64: the last two lie between two groups.
    Nobody knows eve: her part is 0, where the training rows have 2048 each."""
    bundle = summed_and_referred()
    assert bundle.reference is not None
    assert bundle.reference.margins is not None
    found = GroupedRecommender(bundle).observe([*rows()[:2], {"user": "eve"}], None)

    assert found is not None
    assert (found.rows.tolist(), found.far.tolist(), found.gates.tolist()) == ([2.0, 1.0], [1.0, 1.0], [])
    assert bundle.reference.far == 1956 / 1024  # the second smallest: at least a hundredth of the rows lies below
    assert found.margins[0].tolist() == [1.0] + [0.0] * 8 + [2.0]
    assert bundle.reference.margins.shares[0].tolist() == [0.0] * 9 + [1.0]
    assert found.margins.sum(axis=1).tolist() == [3.0] * 4


def test_a_context_is_counted_with_its_items() -> None:
    """Bob with two films is two rows of group 1; a bundle without a reference, and no items, count nothing."""
    recommender = GroupedRecommender(referred_bundle())
    found = recommender.observe([{"user": "bob"}], ("m1", "m3"))
    assert found is not None
    assert (found.rows.tolist(), found.far.tolist()) == ([0.0, 2.0], [0.0, 0.0])
    assert recommender.observe([{"user": "bob"}], ()) is None
    assert GroupedRecommender(small_bundle()).observe(rows(), None) is None


def test_the_reference_travels(tmp_path: Path) -> None:
    """Written and read again, shares, rates and bound are the same; with another number of groups a bundle is refused."""
    write_bundle(referred_bundle(), tmp_path / "bundle")
    found, written = read_bundle(tmp_path / "bundle").reference, referred_bundle().reference
    assert found is not None
    assert written is not None
    assert (found.shares.tolist(), found.far) == (written.shares.tolist(), written.far)
    assert found.gate_rates.tolist() == pytest.approx(written.gate_rates.tolist())


def test_margins_of_the_reference_travel(tmp_path: Path) -> None:
    """Written and read again, edges and shares are the same."""
    write_bundle(summed_and_referred(), tmp_path / "bundle")
    found, written = read_bundle(tmp_path / "bundle").reference, summed_and_referred().reference
    assert found is not None
    assert written is not None
    assert found.far == written.far
    np.testing.assert_array_equal(found.margins.edges, written.margins.edges)
    np.testing.assert_array_equal(found.margins.shares, written.margins.shares)
