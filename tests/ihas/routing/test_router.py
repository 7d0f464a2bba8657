"""Rows are embedded, gated and sent to their nearest centroid."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data.layout import PADDING, FieldLayout
from ihas.routing.router import Gates, PointsOf, Router, embed, nearest, points

SINGLE = FieldLayout(("a", "b"), (2, 3), (1, 1))
MULTI = FieldLayout(("a", "b"), (2, 3), (1, 2))
TABLE = np.array([[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]], np.float32)
seeds = st.integers(0, 2**32 - 1)


def _gates(rng: np.random.Generator, size: int, kernel: np.ndarray, form: str = "full") -> Gates:
    mean, scale = rng.normal(size=size), rng.uniform(0.5, 2.0, size)
    bias = rng.normal(size=size)
    return Gates(form, mean.astype(np.float32), scale.astype(np.float32), (kernel.astype(np.float32),), (bias.astype(np.float32),))


def _router(seed: int, num_groups: int = 3) -> tuple[Router, np.ndarray]:
    """A router on random numbers and 20 random rows."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(MULTI.num_rows, 2)).astype(np.float32)
    ids = np.stack([rng.integers(0, 2, 20), rng.integers(2, 5, 20), rng.integers(2, 5, 20)], axis=1).astype(np.int32)
    ids[::3, 2] = PADDING
    gates = _gates(rng, 4, rng.normal(size=(4, 4)))
    return Router(MULTI, table, gates, rng.normal(size=(num_groups, 4)).astype(np.float32)), ids


def test_embeds_single_valued_fields() -> None:
    """Each id brings its table row, fields side by side."""
    ids = np.array([[0, 2], [1, 4]], np.int32)
    np.testing.assert_array_equal(embed(ids, TABLE, SINGLE), [[1, 2, 5, 6], [3, 4, 9, 10]])


def test_embeds_the_mean_of_several_values() -> None:
    """A multi-valued cell is the mean of its values; padding does not count."""
    ids = np.array([[0, 2, 4], [1, 3, PADDING]], np.int32)
    np.testing.assert_array_equal(embed(ids, TABLE, MULTI), [[1, 2, 7, 8], [3, 4, 7, 8]])


def test_embeds_an_empty_cell_as_zeros() -> None:
    """A multi-valued cell without a value is the zero vector."""
    ids = np.array([[0, PADDING, PADDING]], np.int32)
    np.testing.assert_array_equal(embed(ids, TABLE, MULTI), [[1, 2, 0, 0]])


def test_embeds_no_rows() -> None:
    """No rows give no rows."""
    assert embed(np.zeros((0, 3), np.int32), TABLE, MULTI).shape == (0, 4)
    assert embed(np.zeros((0, 2), np.int32), TABLE, SINGLE).shape == (0, 4)


@given(seeds)
def test_order_of_values_does_not_matter(seed: int) -> None:
    """A multi-valued cell with its values in another order, or with padding before them, embeds alike."""
    router, ids = _router(seed)
    swapped = ids[:, [0, 2, 1]]
    np.testing.assert_allclose(embed(ids, router.table, MULTI), embed(swapped, router.table, MULTI), rtol=1e-6)


def test_full_gates_by_hand() -> None:
    """Standardised (3, -1) and W = [[1, 2], [0, 1]] give the logits (3 + 0 - 1, 6 - 1 + 0.5) = (2, 5.5); 0 is closed."""
    kernel, bias = np.array([[1, 2], [0, 1]], np.float32), np.array([-1, 0.5], np.float32)
    gates = Gates("full", np.array([1, 1], np.float32), np.array([1, 2], np.float32), (kernel,), (bias,))
    np.testing.assert_allclose(gates.logits(np.array([[4, -1]], np.float32)), [[2.0, 5.5]])
    np.testing.assert_array_equal(gates.open(np.array([[2, 0.0], [2.5, -9]], np.float32)), [[False, True], [True, False]])


def test_mlp_gates_by_hand() -> None:
    """One hidden unit relu(e1 - e2) = 2 gives the logits (2 - 1, -2 + 3); a unit below 0 gives the biases."""
    kernels = np.array([[1], [-1]], np.float32), np.array([[1, -1]], np.float32)
    biases = np.zeros(1, np.float32), np.array([-1, 3], np.float32)
    gates = Gates("mlp", np.zeros(2, np.float32), np.ones(2, np.float32), kernels, biases)
    np.testing.assert_allclose(gates.logits(np.array([[3, 1], [1, 3]], np.float32)), [[1, 1], [-1, 3]])


@given(seeds, st.integers(1, 4), st.integers(1, 4))
def test_field_gates_are_full_gates_with_a_block_diagonal_kernel(seed: int, num_fields: int, dim: int) -> None:
    """A gate per field sees what a full gate sees whose kernel has the fields' kernels on its diagonal."""
    rng = np.random.default_rng(seed)
    blocks, size = rng.normal(size=(num_fields, dim, dim)), num_fields * dim
    diagonal = np.zeros((size, size))
    for field in range(num_fields):
        diagonal[field * dim : (field + 1) * dim, field * dim : (field + 1) * dim] = blocks[field]
    fields = _gates(rng, size, blocks, "field")
    full = dataclasses.replace(fields, form="full", kernels=(diagonal.astype(np.float32),))
    embedded = rng.normal(size=(7, size)).astype(np.float32)
    np.testing.assert_allclose(fields.logits(embedded), full.logits(embedded), rtol=1e-4, atol=1e-4)


def test_nearest_by_hand() -> None:
    """(3, 4) is 5 from the origin and 4 from (3, 0); a tie goes to the lower group."""
    distances, group = nearest(np.array([[3, 4], [1.5, 0]], np.float32), np.array([[0, 0], [3, 0]], np.float32))
    np.testing.assert_allclose(distances, [[5.0, 4.0], [1.5, 1.5]])
    np.testing.assert_array_equal(group, [1, 0])


@pytest.mark.parametrize(
    ("on", "expected"),
    [("masked", [[0, 4, 0, 6]]), ("mask", [[0, 1, 0, 1]]), ("embedding", [[3, 4, 5, 6]]), ("openness", [[0.5, 0.5, 0.625, 0.625]])],
)
def test_points(on: PointsOf, expected: list[list[int]]) -> None:
    """What is clustered is e * z, z, e, or the mean openness of each field: -2 and 2 make a half, -2 and 9 (as 4) five eighths."""
    logits = np.array([[-2, 2, -2, 9]], np.float32)
    np.testing.assert_array_equal(points(np.array([[3, 4, 5, 6]], np.float32), logits, on, 2), expected)


@given(seeds, st.sampled_from(["masked", "mask", "openness", "embedding"]))
def test_every_row_goes_to_its_nearest_centroid(seed: int, on: PointsOf) -> None:
    """No centroid is nearer to a row's point than that of its group, by distances worked out one by one."""
    router, ids = _router(seed)
    route = dataclasses.replace(router, on=on).route(ids)
    embedded = embed(ids, router.table, router.layout)
    point = points(embedded, router.gates.logits(embedded), on, router.dim)
    exact = np.linalg.norm(point[:, None] - router.centroids, axis=2)
    np.testing.assert_allclose(route.distances, exact, atol=2e-3)
    assert (exact[np.arange(len(ids)), route.group] <= exact.min(axis=1) + 2e-3).all()


@given(seeds, st.permutations(range(4)))
def test_relabelling_centroids_relabels_groups(seed: int, order: list[int]) -> None:
    """With the centroids in another order, a row's group is the same centroid under its new number."""
    router, ids = _router(seed, num_groups=4)
    relabelled = dataclasses.replace(router, centroids=router.centroids[order])
    before, after = router.route(ids), relabelled.route(ids)
    clear = np.diff(np.sort(before.distances, axis=1)[:, :2], axis=1)[:, 0] > 1e-3
    np.testing.assert_array_equal(np.array(order)[after.group][clear], before.group[clear])


def test_sizes() -> None:
    """A router knows its dim and its number of groups."""
    router, _ = _router(0, num_groups=3)
    assert (router.dim, router.num_groups) == (2, 3)
