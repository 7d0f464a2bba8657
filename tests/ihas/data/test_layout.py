"""Where fields lie."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ihas.data.layout import FieldLayout


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4)), min_size=1, max_size=6))
def test_fields_lie_end_to_end(sizes: list[tuple[int, int]]) -> None:
    """Each field starts where the one before it ends, in the table as in the id matrix."""
    vocabulary_sizes, slots = (tuple(column) for column in zip(*sizes, strict=True))
    layout = FieldLayout(tuple(map(str, range(len(sizes)))), vocabulary_sizes, slots)
    assert [*layout.first_rows.tolist(), layout.num_rows] == [sum(vocabulary_sizes[:end]) for end in range(len(sizes) + 1)]
    assert [*layout.first_slots.tolist(), layout.num_slots] == [sum(slots[:end]) for end in range(len(sizes) + 1)]
    assert layout.num_fields == len(sizes)
    assert layout.single_valued == (layout.num_slots == layout.num_fields)
