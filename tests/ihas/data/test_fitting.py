"""Encoders from tables, and tables through encoders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.config.encoding import EncodingConfig
from ihas.data import fitting
from ihas.data.encoder import Encoder
from ihas.data.fitting import encode_table, fit_encoder
from ihas.data.schema import Field, FieldKind, Schema
from ihas.errors import DataError
from tests.ihas.data.tables import LISTS, NUMBERS, SCALARS, fault_places, made_table

pytestmark = pytest.mark.full

SCHEMA = Schema(
    label="label",
    fields=(
        Field(name="c", kind="categorical"),
        Field(name="n", kind="numeric"),
        Field(name="l", kind="multivalued", role="item"),
        Field(name="s", kind="multivalued", separator="|"),
    ),
)
ROWS = st.fixed_dictionaries(
    {"label": st.integers(0, 1), "c": SCALARS, "n": NUMBERS, "l": LISTS, "s": st.one_of(st.none(), LISTS.map("|".join))}
)


def _fit(cells: list[Any], kind: FieldKind, separator: str | None = None, **settings: Any) -> Any:
    schema = Schema(label="label", fields=(Field(name="a", kind=kind, separator=separator),))
    return fit_encoder(made_table({"a": cells}), schema, EncodingConfig(**settings)).fields[0]


@given(train=st.lists(ROWS, min_size=1, max_size=8), other=st.lists(ROWS, min_size=1, max_size=8), config=st.builds(EncodingConfig))
def test_tables_and_rows_encode_alike(train: list[dict[str, Any]], other: list[dict[str, Any]], config: EncodingConfig) -> None:
    """Whatever a table and the encoder's training rows hold, the table's ids are those of its rows one by one."""
    tables = [made_table({name: [row[name] for row in rows] for name in rows[0]}) for rows in (train, other)]
    encoder = fit_encoder(tables[0], SCHEMA, config)
    for table, rows in zip(tables, (train, other), strict=True):
        ids, labels = encode_table(table, SCHEMA, encoder)
        assert ids.dtype == np.int32
        assert np.array_equal(ids, encoder.encode_rows([{name: row[name] for name in "cnls"} for row in rows]))
        assert labels.tolist() == [row["label"] for row in rows]


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoding in blocks of three rows gives what encoding at once gives."""
    rows = [{"label": n % 2, "c": n % 3, "n": n / 2, "l": ["a", "b"][: n % 3], "s": "x|y" if n % 2 else None} for n in range(10)]
    table = made_table({name: [row[name] for row in rows] for name in rows[0]})
    encoder = fit_encoder(table, SCHEMA, EncodingConfig(min_count=1))
    whole, _ = encode_table(table, SCHEMA, encoder)
    monkeypatch.setattr(fitting, "_BLOCK_ROWS", 3)
    assert np.array_equal(encode_table(table, SCHEMA, encoder)[0], whole)


def test_values_are_ordered_by_count_and_rare_ones_left_out() -> None:
    """The commonest value comes first, equally common ones by text, and a rare value has no id of its own."""
    assert _fit(["b", "a", "c", "c", "c", "b", "a", "rare", None, None], "categorical", min_count=2).values == ("c", "a", "b")


def test_values_within_cells_are_counted() -> None:
    """Multi-valued cells count for each value in them, and the longest cell sets the slots up to the limit."""
    cells = ["x|y|z", "y", "y|x", None]
    encoder = _fit(cells, "multivalued", "|", min_count=2)
    assert (encoder.values, encoder.slots) == (("y", "x"), 3)
    assert _fit([cell and cell.split("|") for cell in cells], "multivalued", min_count=2).values == ("y", "x")
    assert _fit(cells, "multivalued", "|", max_values=2).slots == 2
    assert _fit([None], "multivalued", "|").slots == 1


def test_buckets_hold_equal_shares() -> None:
    """Edges are training values, and with distinct numbers every bucket holds its share of the rows."""
    encoder = _fit([number / 10 for number in range(100)], "numeric", num_buckets=4)
    assert encoder.edges == (2.4, 4.9, 7.4)
    assert [int(np.searchsorted(encoder.edges, value, side="right")) for value in (0.0, 2.3, 2.4, 9.9, 99.0)] == [0, 0, 1, 3, 3]


@pytest.mark.parametrize(("cells", "edges"), [(["5"] * 9, ()), ([None, None], ()), (["0"] * 90 + ["1"] * 10, ())])
def test_buckets_without_a_spread(cells: list[Any], edges: tuple[float, ...]) -> None:
    """A constant, an empty and a nearly constant numeric column have the buckets that their quantiles allow."""
    assert _fit(cells, "numeric").edges == edges


def test_values_of_other_rows_are_not_seen() -> None:
    """Taking rows from a table leaves no trace of the rest: what only they hold is unknown."""
    table = made_table({"label": [0, 1, 0, 1], "a": ["x", "x", "y", "y"], "g": ["p|q", "p", "r|s|t", "r"]})
    fields = (Field(name="a", kind="categorical"), Field(name="g", kind="multivalued", separator="|"))
    encoder: Encoder = fit_encoder(table.take([0, 1]), Schema(label="label", fields=fields), EncodingConfig(min_count=1))
    assert [getattr(field, "values", ()) for field in encoder.fields] == [("x",), ("p", "q")]
    assert encoder.layout.slots == (1, 2)


@pytest.mark.parametrize(
    ("column", "cells", "place"),
    [
        ("n", ["x"], ("not_a_number", 1, "n")),
        ("c", [["x"]], ("unexpected_list", None, "c")),
        ("label", [2], ("label_not_binary", 1, "label")),
    ],
)
def test_cells_that_do_not_fit_are_errors(column: str, cells: list[Any], place: tuple[str, int | None, str]) -> None:
    """A text in a numeric field, a list in a single-valued one, and a wrong label are refused with their place."""
    good: dict[str, list[Any]] = {"label": [1], "c": ["x"], "n": ["1"], "l": [["x"]], "s": ["x"]}
    encoder = fit_encoder(made_table(good), SCHEMA, EncodingConfig())
    with pytest.raises(DataError) as error:
        encode_table(made_table(good | {column: cells}), SCHEMA, encoder)
    assert fault_places(error) == [place]
