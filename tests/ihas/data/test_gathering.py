"""Tables in batches."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.data import mapped
from ihas.data.columns import LIST, TEXT, canonical_lists, canonical_texts, one_array
from ihas.data.gathering import Dictionary, gather

pytestmark = pytest.mark.full

CELLS = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "d", "e", "7.0", "7", "é"]))
ROWS = st.lists(st.tuples(CELLS, st.one_of(st.none(), st.lists(CELLS, max_size=3))), max_size=30)


def _one_form(_: str, column: Any) -> Any:
    return canonical_lists(one_array(column)) if pa.types.is_list(column.type) else canonical_texts(column)


def _batch(rows: list[Any]) -> pa.Table:
    return pa.table({"a": pa.array([row[0] for row in rows], pa.string()), "b": pa.array([row[1] for row in rows], pa.list_(pa.string()))})


@pytest.mark.parametrize("limit", [0, 100, 1 << 28])
@given(rows=ROWS, size=st.integers(1, 31))
def test_batches_do_not_show(limit: int, rows: list[Any], size: int) -> None:
    """However a table is cut, and whether it lies in memory, in a file or first in one and then in the other, its cells are the same."""
    batches = [_batch(rows[start : start + size]) for start in range(0, len(rows), size)] or [_batch(rows)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapped, "IN_MEMORY_BYTES", limit)
        table = gather(iter(batches), _one_form)
    assert table.schema.types == [TEXT, LIST]
    whole = _batch(rows)
    assert table.to_pylist() == pa.table({name: _one_form(name, whole.column(name)) for name in "ab"}).to_pylist()


def test_a_dictionary_keeps_the_order_in_which_texts_came() -> None:
    """A text keeps the code that it was given first, and a missing cell has none."""
    dictionary = Dictionary()
    first = dictionary.codes_of(pa.array(["b", None, "a"]).dictionary_encode())
    second = dictionary.codes_of(pa.array(["c", "a", None]).dictionary_encode())
    assert (first.to_pylist(), second.to_pylist()) == ([0, None, 1], [2, 1, None])
    assert dictionary.texts.to_pylist() == ["b", "a", "c"]
