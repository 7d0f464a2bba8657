"""Text as words, and hashed categories: what is read, told, refused, and learnt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import FIRST_VALUE, MISSING, UNKNOWN, HashedEncoder, TextEncoder
from ihas.data.findings import ValidationReport
from ihas.data.fitting import encode_table, fit_encoder
from ihas.data.grown_encoder import grow_encoder
from ihas.data.ingest import inspect
from ihas.data.schema import Field, Schema
from ihas.data.words import bucket_of
from ihas.errors import ConfigError, DataError, RequestError
from ihas.serving.grouped.row_reader import RowReader
from tests.ihas.data.tables import SCALARS, made_table, written

FIELDS = (Field(name="title", kind="text", buckets=64, max_words=3), Field(name="user", kind="categorical", buckets=8))
SCHEMA = Schema(label="label", fields=FIELDS)
CONFIG = EncodingConfig(min_count=1)
SHORT = st.text(st.sampled_from("aB 東é-_\u0301"), max_size=8)


def _fitted(titles: list[Any], users: list[Any], config: EncodingConfig = CONFIG) -> Encoder:
    return fit_encoder(made_table({"title": titles, "user": users, "label": [1] * len(titles)}), SCHEMA, config)


@given(st.lists(st.tuples(st.none() | SHORT, SCALARS), min_size=1, max_size=12), st.lists(st.tuples(SHORT, SCALARS), max_size=6))
def test_tables_and_rows_encode_alike(train: list[tuple[Any, Any]], other: list[tuple[Any, Any]]) -> None:
    """The table, single rows and the short way of serving get the same ids; JSON brings back an equal encoder."""
    encoder = _fitted([title for title, _ in train], [user for _, user in train])
    encoder = Encoder.from_json(encoder.to_json())
    cells = [*train, *other]
    columns: dict[str, list[Any]] = {"title": [one for one, _ in cells], "user": [one for _, one in cells], "label": [1] * len(cells)}
    rows = [{"title": title, "user": user} for title, user in cells]
    ids, _ = encode_table(made_table(columns), SCHEMA, encoder)
    np.testing.assert_array_equal(ids, encoder.encode_rows(rows))
    reader = RowReader(encoder, encoder.layout.names)
    np.testing.assert_array_equal(ids, reader.read_all(rows, "")[0])


def test_a_bucket_needs_rows() -> None:
    """Words of buckets that too few training rows have are unknown; a text without words is missing; ids tell their words."""
    encoder = _fitted(["Red shoe", "red RED hat", None, "?"], ["ada"] * 4, EncodingConfig(min_count=2))
    title, user = encoder.fields
    assert isinstance(title, TextEncoder)
    assert isinstance(user, HashedEncoder)
    assert (title.values, title.words, title.slots) == ((bucket_of("red", 64),), ("red",), 2)
    assert title.encode("a RED coat", "") == (UNKNOWN, FIRST_VALUE)
    assert [title.encode(cell, "") for cell in (None, "?", " ")] == [(MISSING,)] * 3
    assert [title.text(local) for local in range(3)] == ["(unknown)", "(missing)", "red"]
    assert user.text(FIRST_VALUE) == f"bucket {bucket_of('ada', 8)}"
    assert (user.encode("ada", ""), user.encode(None, "")) == ((FIRST_VALUE,), (MISSING,))


def test_words_of_one_bucket_are_told_together() -> None:
    """The most frequent first; beyond three they are others."""
    schema = Schema(label="label", fields=(Field(name="title", kind="text", buckets=2, max_words=9),))
    table = made_table({"title": ["a b c d e f g h", "c d e"], "label": [1, 0]})
    (field,) = fit_encoder(table, schema, CONFIG).fields
    assert isinstance(field, TextEncoder)
    of_bucket = {bucket: [word for word in "cdeabfgh" if bucket_of(word, 2) == bucket] for bucket in ("0", "1")}
    for value, told in zip(field.values, field.words, strict=True):
        words = of_bucket[value]
        assert told == " or ".join(words[:3]) + (" or another" if len(words) > 3 else "")


def test_a_grown_encoder_keeps_its_ids() -> None:
    """New buckets follow, with their words; a value of a known bucket adds none."""
    encoder = _fitted(["red shoe"], ["ada"])
    table = made_table({"title": ["blue shoe"] * 2, "user": ["bob"] * 2, "label": [1, 0]})
    grown = grow_encoder(encoder, table, 2, np.arange(2))
    for old, new in zip(encoder.fields, grown.fields, strict=True):
        assert isinstance(old, TextEncoder | HashedEncoder)
        assert isinstance(new, TextEncoder | HashedEncoder)
        assert new.values[: len(old.values)] == old.values
        assert len(new.values) == len(old.values) + 1
    assert isinstance(grown.fields[0], TextEncoder)
    assert grown.fields[0].words[-1] == "blue"
    assert grow_encoder(grown, table, 2, np.arange(2)) == grown


@pytest.mark.parametrize("cell", [["red"], {"a": 1}, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["title", "user"])
def test_what_is_no_single_value_is_refused_at_its_place(name: str, cell: Any) -> None:
    """In a request, with its pointer."""
    with pytest.raises(RequestError, match=f"`{name}` must be") as caught:
        _fitted(["a"], ["b"]).encode_row({name: cell}, pointer="/rows/3")
    assert caught.value.pointer == f"/rows/3/{name}"


def test_a_table_with_lists_is_refused_with_its_column() -> None:
    """Where the encoder has one value a cell."""
    table = made_table({"title": [["a"], ["b"]], "user": ["a", "b"], "label": [1, 0]})
    with pytest.raises(DataError, match="column holds lists") as caught:
        encode_table(table, SCHEMA, _fitted(["a"], ["b"]))
    assert [finding.column for finding in caught.value.findings] == ["title"]


def _sentences(path: Path, rows: int = 400) -> Path:
    colours, stuffs = ("red", "blue", "green", "grey", "pink"), ("wool", "felt", "silk", "lace", "linen", "hemp")
    lines = (f"u{n},a {colours[n % 5]} shoe of {stuffs[n % 6]},{n * 7 % 3 % 2}" for n in range(rows))
    return written(path, "\n".join(["user,title,click", *lines]) + "\n")


def _report(path: Path, **columns: Any) -> ValidationReport:
    return inspect(DataConfig(path=path, columns=SchemaConfig(**columns)))


def test_text_is_told_with_its_reason(tmp_path: Path) -> None:
    """Unless something else is stated; what is stated is as it is said, and words beyond the most are told."""
    path = _sentences(tmp_path / "x.csv")
    report = _report(path)
    fields = {field.name: field for field in report.columns.fields}
    assert (fields["title"].kind, fields["title"].buckets, fields["title"].max_words) == ("text", 4_096, 16)
    profile = next(one for one in report.profiles if one.column == "title")
    assert profile.reason == "30 different texts of 5.0 words on average, 14 different words among them: text"
    assert profile.commonest[0] == ("a", 400)
    assert [finding.column for finding in report.findings if finding.code == "text_told"] == ["title"]
    assert {field.kind for field in _report(path, categorical=("title",)).columns.fields} == {"categorical"}
    stated = _report(path, text={"title": {"vocabulary": 128, "max_words": 4}})
    assert not [finding for finding in stated.findings if finding.code == "text_told"]
    (cut,) = [finding for finding in stated.findings if finding.code == "values_cut"]
    assert "400 of 400 texts have more than 4 different words, the longest 5" in cut.message


def test_collisions_are_counted(tmp_path: Path) -> None:
    """400 users in 100 buckets: those that share one, by the hash itself."""
    report = _report(_sentences(tmp_path / "x.csv"), hash_buckets={"user": 100})
    (finding,) = [finding for finding in report.findings if finding.code == "hash_collisions" and finding.column == "user"]
    places = [bucket_of(f"u{n}", 100) for n in range(400)]
    sharing = sum(places.count(place) > 1 for place in places)
    assert finding.message.startswith(f"400 different values are hashed to 100 buckets: {sharing} of them, {sharing / 400:.1%}, share")
    assert not [
        one
        for one in _report(_sentences(tmp_path / "y.csv"), hash_buckets={"user": 2**24}).findings
        if one.column == "user" and one.code == "hash_collisions"
    ]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"text": ["title"], "categorical": ["title"]}, "both `categorical` and `text`"),
        ({"hash_buckets": {"user": 9}, "numeric": ["user"]}, "both `hash_buckets` and `numeric`"),
        ({"text": ["titel"]}, "`text` must name columns of the table, but got 'titel'"),
        ({"text": ["user"], "user_id": "user"}, "both `text` and `user_id`"),
    ],
)
def test_settings_that_contradict_are_refused(tmp_path: Path, columns: dict[str, Any], told: str) -> None:
    """With both settings' names."""
    with pytest.raises(ConfigError, match=told):
        _report(_sentences(tmp_path / "x.csv"), **columns)


@pytest.mark.parametrize("columns", [{"text": ["title"]}, {"hash_buckets": {"title": 8}}])
def test_lists_are_no_text(tmp_path: Path, columns: dict[str, Any]) -> None:
    """The column is named."""
    rows = [{"title": ["red", "shoe"], "user": n, "click": n % 2} for n in range(20)]
    path = written(tmp_path / "x.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ConfigError, match="column of lists must be multi-valued, but `title`"):
        _report(path, **columns)


def test_numbers_of_buckets_have_bounds() -> None:
    """One bucket tells nothing, and a table must fit memory."""
    for buckets in (1, 2**24 + 1, "9", True):
        with pytest.raises(ValueError, match="user"):
            SchemaConfig(hash_buckets={"user": buckets})  # type: ignore[dict-item]
