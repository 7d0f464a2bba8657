"""Values of some fields are the kept columns of their embedding."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas.data.layout import PADDING, FieldLayout
from ihas.routing.router import embed
from ihas.serving.grouped.gather import FEW_ROWS, Gather


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([1, 2, FEW_ROWS, FEW_ROWS + 1]), st.sampled_from([0.0, 0.5, 1.0]))
def test_any_fields_by_any_way(seed: int, several: bool, rows: int, share: float) -> None:
    """Few rows or many, one value or several in a cell, all dimensions or some or none: as embedding in full and cutting."""
    rng = np.random.default_rng(seed)
    layout = FieldLayout(("a", "b", "c"), (3, 4, 2), (1, 2 if several else 1, 1))
    mask, table = rng.random((3, 3)) < share, rng.normal(size=(9, 3)).astype(np.float32)
    ragged = np.concatenate([block[:, kept].ravel() for block, kept in zip(np.split(table, layout.first_rows[1:]), mask, strict=True)])
    fields = sorted(rng.choice(3, rng.integers(1, 4), replace=False).tolist())
    field_of_slot = np.repeat(np.arange(3), layout.slots)
    ids = np.stack(
        [rng.integers(layout.first_rows[f], layout.first_rows[f] + layout.vocabulary_sizes[f], rows) for f in field_of_slot], axis=1
    )
    ids = ids.astype(np.int32)
    if several:
        ids[::2, 2] = PADDING
        ids[:1, 1] = PADDING
    held = mask | (rng.random((3, 3)) < 0.5)
    shared = np.concatenate([block[:, own].ravel() for block, own in zip(np.split(table, layout.first_rows[1:]), held, strict=True)])
    columns = np.isin(np.nonzero(np.ones((3, 3)))[0], fields) & mask.ravel()

    found = Gather(ragged, mask, layout, fields)(ids[:, np.isin(field_of_slot, fields)])

    np.testing.assert_array_equal(Gather(shared, mask, layout, fields, held)(ids[:, np.isin(field_of_slot, fields)]), found)
    np.testing.assert_allclose(found, embed(ids, table, layout)[:, columns], rtol=1e-6)
    assert found.flags.owndata or found.base is not ragged
