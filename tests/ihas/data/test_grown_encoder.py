"""A vocabulary that grows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.config.data import SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.data.encoder import Encoder
from ihas.data.fitting import encode_blocks, fit_encoder
from ihas.data.grown_encoder import Growth, grow_encoder
from ihas.data.inference import infer_schema
from ihas.data.readers import read_table
from tests.ihas.data.tables import written

COLUMNS = SchemaConfig(label="label", categorical=("user",), numeric=("age",), multivalued={"tags": "|"})
OLD = [("a", 1, "x"), ("a", 2, "x|y"), ("b", 3, "y"), ("b", 4, "y"), ("b", 5, "x")]
NEW = [*OLD, ("c", 90, "z"), ("c", 91, "z|x"), ("c", 92, "z"), ("d", 93, "w"), ("e", 94, "x"), ("e", 95, "y")]


def _table(folder: Path, rows: list[tuple[str, int, str]]):
    lines = [f"{number % 2},{user},{age},{tags}" for number, (user, age, tags) in enumerate(rows)]
    return read_table(written(folder / f"{len(rows)}.csv", "\n".join(["label,user,age,tags", *lines]) + "\n"))


def _grown(folder: Path, min_count: int = 2) -> tuple[Encoder, Encoder]:
    old = _table(folder, OLD)
    encoder = fit_encoder(old, infer_schema(old, COLUMNS), EncodingConfig(min_count=1, num_buckets=2))
    return encoder, grow_encoder(encoder, _table(folder, NEW), min_count, np.arange(len(NEW)))


def test_known_values_keep_their_ids_and_new_ones_follow(tmp_path: Path) -> None:
    """Old values come first in the old order; of the others those that occur often enough, commonest first; buckets stay."""
    old, new = _grown(tmp_path)

    assert old.fields[0].values == ("b", "a")
    assert new.fields[0].values == ("b", "a", "c", "e")
    assert new.fields[2].values == ("x", "y", "z")
    assert new.fields[1] == old.fields[1]
    assert new.encode_row({"user": "e", "age": 1, "tags": "z"})[0] == 5


def test_a_value_that_is_too_rare_stays_unknown(tmp_path: Path) -> None:
    """With a minimum of three rows only `c` is new."""
    assert _grown(tmp_path, min_count=3)[1].fields[0].values == ("b", "a", "c")


def test_nothing_new_gives_an_equal_encoder(tmp_path: Path) -> None:
    """A table without new values leaves the encoder as it is."""
    old, _ = _grown(tmp_path)

    assert grow_encoder(old, _table(tmp_path, OLD), 1, np.arange(len(OLD))) == old


def test_known_rows_stay_to_the_bit_and_new_ones_start_at_their_fields_mean(tmp_path: Path) -> None:
    """Every old row is found again bit for bit; a new value has the mean of its field's values, all columns alike."""
    old, new = _grown(tmp_path)
    stored = np.random.default_rng(0).normal(size=(old.layout.num_rows, 3)).astype(np.float32)
    growth = Growth.between(old.layout, new.layout)
    grown = growth.rows(stored, "mean")

    assert growth.new_values == {"user": 2, "tags": 1}
    assert np.array_equal(grown[growth.source >= 0], stored)
    users = stored[2:4].astype(np.float64).mean(axis=0).astype(np.float32)
    assert np.array_equal(grown[4:6], np.stack([users, users]))
    first = new.layout.first_rows[2] + 4
    tags = stored[old.layout.first_rows[2] + 2 :].astype(np.float64).mean(axis=0).astype(np.float32)
    assert np.array_equal(grown[first], tags)


def test_new_ids_may_start_unknown_or_at_zero(tmp_path: Path) -> None:
    """As unknown values they have their field's unknown row; a router's numbers start at zero."""
    old, new = _grown(tmp_path)
    growth = Growth.between(old.layout, new.layout)
    sums = np.arange(2 * old.layout.num_rows, dtype=np.int16).reshape(-1, 2) + 1

    assert np.array_equal(growth.rows(sums, "unknown")[4:6], sums[[0, 0]])
    assert np.array_equal(growth.rows(sums, "zero")[4:6], np.zeros((2, 2), np.int16))
    assert growth.rows(sums, "zero").dtype == np.int16


def test_a_value_that_was_never_learnt_starts_at_the_mean_too(tmp_path: Path) -> None:
    """A row that equals its field's unknown row was a copy of it, left by a refresh whose model was not served."""
    old, new = _grown(tmp_path)
    stored = np.random.default_rng(0).normal(size=(old.layout.num_rows, 3)).astype(np.float32)
    once = Growth.between(old.layout, new.layout)
    copied, again = once.rows(stored, "unknown"), Growth.between(new.layout, new.layout)

    assert np.array_equal(again.rows(copied, "mean"), once.rows(stored, "mean"))
    assert np.array_equal(again.rows(copied, "unknown"), copied)


def test_ids_read_as_before_are_those_of_the_old_encoder(tmp_path: Path) -> None:
    """What the new encoder says, turned back, is what the old one says of every row of the newer table."""
    old, new = _grown(tmp_path)
    table = _table(tmp_path, NEW)
    (_, expected), (_, ids) = next(encode_blocks(table, old)), next(encode_blocks(table, new))

    assert np.array_equal(Growth.between(old.layout, new.layout).as_before(ids), expected)


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 4)), min_size=1, max_size=5))
@pytest.mark.full
def test_every_old_row_comes_from_itself_whatever_grows(sizes: list[tuple[int, int]]) -> None:
    """Over any fields and any growth, sources are the old rows in order, and as many are new as values were added."""
    from ihas.data.layout import FieldLayout

    names, ones = tuple(f"f{n}" for n in range(len(sizes))), (1,) * len(sizes)
    old = FieldLayout(names, tuple(size + 2 for size, _ in sizes), ones)
    new = FieldLayout(names, tuple(size + added + 2 for size, added in sizes), ones)
    source = Growth.between(old, new).source

    assert source[source >= 0].tolist() == list(range(old.num_rows))
    assert int((source < 0).sum()) == sum(added for _, added in sizes)
