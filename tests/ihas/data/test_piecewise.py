"""Numbers between knots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.config.encoding import EncodingConfig
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import FIRST_VALUE, MISSING, PARTS_OF_WAY, CategoricalEncoder, PiecewiseEncoder
from ihas.data.fitting import encode_table, fit_encoder
from ihas.data.schema import Field, Schema
from ihas.errors import RequestError
from ihas.serving.grouped.row_reader import RowReader
from tests.ihas.data.tables import made_table

SCHEMA = Schema(label="label", fields=(Field(name="price", kind="numeric"),))
CONFIG = EncodingConfig(numeric="piecewise", num_buckets=4)
finite = st.floats(allow_nan=False, allow_infinity=False)


def _fitted(cells: list[Any], config: EncodingConfig = CONFIG) -> Encoder:
    return fit_encoder(made_table({"price": cells, "label": [1] * len(cells)}), SCHEMA, config)


def _field(*knots: float) -> PiecewiseEncoder:
    return PiecewiseEncoder(name="price", role="context", knots=knots)


@given(st.lists(st.none() | finite | st.integers(-5, 5), min_size=1, max_size=30), st.lists(st.none() | finite, max_size=10))
def test_tables_and_rows_encode_alike(train: list[Any], other: list[Any]) -> None:
    """The table and single rows get the same ids, whatever the numbers; JSON brings back an equal encoder."""
    encoder = Encoder.from_json(_fitted(train).to_json())
    assert encoder == _fitted(train)
    cells = train + other
    ids, _ = encode_table(made_table({"price": cells, "label": [1] * len(cells)}), SCHEMA, encoder)
    np.testing.assert_array_equal(ids, encoder.encode_rows([{"price": cell} for cell in cells]))


@given(st.none() | finite | st.integers(-(2**60), 2**60) | st.sampled_from(["3", " 2.5 ", "", True, "x", [1.0], float("nan"), 10**400]))
def test_the_short_way_of_serving_reads_alike(cell: Any) -> None:
    """Whatever the cell, a request is read as the encoder reads it, or refused alike; -0.0 and numbers beyond 2^53 among them."""
    encoder = Encoder(fields=(_field(-4.0, 0.0, 2.5, 1e6), CategoricalEncoder(name="user", role="context", values=("ada",))))
    reader, row = RowReader(encoder, encoder.layout.names), {"price": cell, "user": "ada"}

    def outcome(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except RequestError as error:
            return str(error), error.pointer

    assert outcome(lambda: reader.read(row, "").ids) == outcome(lambda: encoder.encode_row(row).tolist())


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=9, unique=True), st.floats(-1000, 1000))
def test_the_mix_lies_where_the_number_lies(places: list[int], number: float) -> None:
    """The mean of a cell's knots is the number, to an eighth of the way between the two; beyond the outermost it is that knot."""
    field = _field(*map(float, sorted(places)))
    knots = np.array(field.knots)
    mix = float(np.mean([knots[local - FIRST_VALUE] for local in field.encode(number, "")]))
    inside = float(np.clip(number, knots[0], knots[-1]))
    upper = int(np.clip(np.searchsorted(knots, inside), 1, len(knots) - 1))
    assert abs(mix - inside) <= (knots[upper] - knots[upper - 1]) / (2 * PARTS_OF_WAY) + 1e-9


@pytest.mark.parametrize(
    ("number", "ids"),
    [
        (0, [2]),
        (1, [2, 2, 2, 3]),
        ("2.0", [2, 3]),
        (3, [2, 3, 3, 3]),
        (4, [3]),
        (14, [3, 4]),
        (24, [4]),
        (99, [4]),
        (-99.5, [2]),
        (None, [1]),
    ],
)
def test_quarters_of_the_way(number: Any, ids: list[int]) -> None:
    """Between the knots 0, 4 and 24."""
    assert list(_field(0.0, 4.0, 24.0).encode(number, "")) == ids


def test_knots_are_quantiles_of_training_rows() -> None:
    """Heavy tails get as many knots as rows: the largest of a hundred does not spread the others out."""
    encoder = _fitted([*range(1, 100), 1e9])
    (field,) = encoder.fields
    assert isinstance(field, PiecewiseEncoder)
    assert field.knots == (1.0, 25.0, 50.0, 75.0, 1e9)
    assert [field.text(local) for local in (0, MISSING, FIRST_VALUE + 1)] == ["(unknown)", "(missing)", "near 25"]


def test_a_column_without_a_spread_has_one_knot() -> None:
    """One number is one value; without any number there are buckets, of which one holds all."""
    (field,) = _fitted([3, 3, None]).fields
    assert (field.slots, field.vocabulary_size, field.encode(7, "")) == (1, 3, (FIRST_VALUE,))
    assert _fitted([None, None]).fields[0].kind == "numeric"


@pytest.mark.parametrize("knots", [(-1.7e308, 1.7e308), (-5e-324, 5e-324), (0.0, 5e-324)])
def test_any_two_floats_have_a_way_between_them(knots: tuple[float, float]) -> None:
    """Their distance may be more than a float holds, or the least there is; the table reads what a row does."""
    field, cells = _field(*knots), [*knots, 0.0, -1e308, 1e308]
    assert [len(set(field.encode(number, ""))) for number in knots] == [1, 1]
    ids, _ = encode_table(made_table({"price": cells, "label": [1] * 5}), SCHEMA, Encoder(fields=(field,)))
    np.testing.assert_array_equal(ids, Encoder(fields=(field,)).encode_rows([{"price": cell} for cell in cells]))


@pytest.mark.parametrize("cell", ["much", [1], True, float("nan"), float("inf"), "1e999"])
def test_what_is_no_number_is_refused(cell: Any) -> None:
    """As of a field of buckets."""
    with pytest.raises(RequestError, match="`price` must be a number"):
        _field(0.0, 1.0).encode(cell, "/price")


def test_settings_that_are_not_stated_leave_no_key() -> None:
    """A run folder made before is gone on with."""
    assert "numeric" not in EncodingConfig().model_dump()
