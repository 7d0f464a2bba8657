"""A path's table is read field by field."""

from __future__ import annotations

import numpy as np

from tests.ihas.bundle_factory import small_bundle


def test_field_tables_by_hand() -> None:
    """The second path keeps one dimension of user, none of genres and one of movie."""
    bundle = small_bundle()
    users, genres, movies = bundle.models[1].field_tables(bundle.encoder.layout)
    np.testing.assert_array_equal(users, [[0], [0], [1], [2]])
    assert genres.shape == (4, 0)
    np.testing.assert_array_equal(movies, [[0], [0], [1], [2], [3]])


def test_field_tables_are_views() -> None:
    """A mapped table is not copied."""
    bundle = small_bundle()
    assert all(np.shares_memory(table, bundle.models[0].table) for table in bundle.models[0].field_tables(bundle.encoder.layout))
