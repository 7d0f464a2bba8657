"""A table of which each row is an item that a user took."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.learning import LearningConfig
from ihas.config.split import SplitConfig
from ihas.data.ingest import ingest, inspect
from ihas.data.labels import DRAWN_LABEL
from ihas.data.newest import load_newest
from ihas.data.reingest import Earlier, ingest_newer
from ihas.data.storage import Ingested
from ihas.errors import ConfigError, DataError
from tests.ihas.data.tables import written

STATED: dict[str, Any] = {"negatives": {"per_positive": 3}, "user_id": "user", "item_id": "item"}


def _lines(users: int = 60, first: int = 0) -> list[str]:
    """Each user takes eight of forty items; items have one of three genres, users an age."""
    rng = np.random.default_rng(first)
    rows = [(user, item) for user in range(first, first + users) for item in rng.choice(40, 8, replace=False).tolist()]
    return [f"u{user},m{item},g{item % 3},{20 + user % 5}" for user, item in rows]


def _data(folder: Path, lines: list[str] | None = None, header: str = "user,item,genre,age", **columns: Any) -> DataConfig:
    path = written(folder / "taken.csv", "\n".join([header, *(lines or _lines())]) + "\n")
    return DataConfig(path=path, columns=SchemaConfig(**{**STATED, **columns}))


def _ingested(folder: Path, data: DataConfig, seed: int = 0, name: str = "out", **split: Any) -> Ingested:
    return ingest(data, EncodingConfig(), SplitConfig(**split), seed, folder / name)


def _pairs(folder: Path) -> set[tuple[str, str]]:
    """Users and items of the positive test rows."""
    newest = load_newest(folder)
    assert newest is not None
    return {(row["user"], row["item"]) for row, label in zip(newest.rows, newest.labels.tolist(), strict=True) if label}


def test_without_the_setting_the_error_names_every_way(tmp_path: Path) -> None:
    """The setting, and both kinds of recipe that learn from positives; so it does where a label is there that is 1 in each row."""
    path = written(tmp_path / "x.csv", "\n".join(["user,item,genre,age", *_lines()]) + "\n")
    with pytest.raises(ConfigError, match=r"columns.negatives = {per_positive = 4}.*'overrec' or 'transformer'"):
        inspect(DataConfig(path=path))
    path = written(tmp_path / "y.csv", "\n".join(["user,item,genre,age,click", *(f"{line},1" for line in _lines())]) + "\n")
    (error,) = inspect(DataConfig(path=path)).errors
    assert error.code == "one_label_class"
    assert "columns.negatives" in error.message


def test_it_must_be_known_who_took_what(tmp_path: Path) -> None:
    """A user id and an item id; the column that is called like a user is named."""
    with pytest.raises(ConfigError, match=r"user_id must be stated. `user` is called like a user"):
        inspect(_data(tmp_path, user_id=None))
    with pytest.raises(DataError) as error:
        _ingested(tmp_path, _data(tmp_path, [*_lines(), ",m1,g1,20", "u1,,g1,20"]))
    assert [(one.code, one.row) for one in error.value.findings] == [("user_missing", 481), ("item_missing", 482)]


def test_inspecting_says_what_auc_means(tmp_path: Path) -> None:
    """There is no error, and the one warning tells users, items and draws."""
    report = inspect(_data(tmp_path))
    assert [(one.code, one.severity) for one in report.findings] == [("drawn_negatives", "warning")]
    assert "60 users and 40 items, and for each row 3 items" in report.findings[0].message
    assert {one.column: one.purpose for one in report.profiles}[DRAWN_LABEL] == "label"


def test_a_negative_is_the_context_with_another_item(tmp_path: Path) -> None:
    """Rows are drawn after the split, in each part by itself; an item brings its own fields, and everything else is the positive's."""
    found = _ingested(tmp_path, _data(tmp_path))
    layout, items = found.encoder, found.items
    assert items is not None
    context, own = layout.slots_of("context"), layout.slots_of("item")
    known = {tuple(row) for row in items.ids.tolist()}
    for part, positives in (("train", 384), ("valid", 48), ("test", 48)):
        rows = getattr(found.parts, part)
        assert rows.labels.tolist() == [1.0, 0.0, 0.0, 0.0] * positives
        first = np.repeat(np.asarray(rows.ids)[::4], 4, axis=0)
        assert np.array_equal(rows.ids[:, context], first[:, context])
        assert {tuple(row) for row in rows.ids[rows.labels == 0][:, own].tolist()} <= known
    assert not (tmp_path / "out" / "positives").exists()


def test_users_and_items_of_the_rows_are_kept(tmp_path: Path) -> None:
    """Those of a drawn row are the user's and the drawn item's, and none of the user's is drawn in test rows."""
    found = _ingested(tmp_path, _data(tmp_path))
    keys, labels = found.keys["test"], found.parts.test.labels
    assert found.users is not None
    assert set(found.keys) == {"valid", "test"}
    for user, item, label in zip(keys.users.tolist(), keys.items.tolist(), labels.tolist(), strict=True):
        assert (item in found.users.clicked(user).tolist()) == (label == 1.0)


def test_the_newest_rows_are_composed_alike(tmp_path: Path) -> None:
    """A model of other vocabularies scores the same rows: encoded anew, they are those of the test part."""
    found = _ingested(tmp_path, _data(tmp_path))
    newest = load_newest(tmp_path / "out")
    assert newest is not None
    assert np.array_equal(newest.labels, found.parts.test.labels)
    assert np.array_equal(found.encoder.encode_rows(newest.rows, found.encoder.layout.names), found.parts.test.ids)


def test_one_seed_gives_one_folder(tmp_path: Path) -> None:
    """To the byte; another seed draws other items."""
    data = _data(tmp_path)
    folders = {name: _ingested(tmp_path, data, seed, name, kind="random") for name, seed in (("a", 1), ("b", 1), ("c", 2))}
    ids = {name: found.parts.test.ids.tobytes() for name, found in folders.items()}
    assert ids["a"] == ids["b"] != ids["c"]
    assert (tmp_path / "a" / "newest" / "rows.parquet").read_bytes() == (tmp_path / "b" / "newest" / "rows.parquet").read_bytes()


def test_a_rating_says_which_rows_are_positive(tmp_path: Path) -> None:
    """Rows that a rule says no of are left out, with a word, and are neither positives nor negatives; a rule that all rows meet is none."""
    lines = [f"{line},{1 + number % 5}" for number, line in enumerate(_lines())]
    data = _data(tmp_path, lines, "user,item,genre,age,rating", label="rating", positive=">= 4")
    found = _ingested(tmp_path, data)
    assert sum(float(getattr(found.parts, part).labels.sum()) for part in ("train", "valid", "test")) == 192
    assert "288 rows that the label says no of are left out" in " ".join(one.message for one in found.report.findings)
    assert not inspect(_data(tmp_path, lines, "user,item,genre,age,rating", label="rating", positive=">= 1")).errors


def test_a_grown_table_keeps_its_parts(tmp_path: Path) -> None:
    """Positives that were trained on are trained on again, and the newer table needs no label either."""
    earlier = Earlier(_ingested(tmp_path, _data(tmp_path)), LearningConfig())
    grown = ingest_newer(_data(tmp_path, [*_lines(), *_lines(20, 60)]), earlier, tmp_path / "grown")
    assert [float(getattr(grown.parts, part).labels.sum()) for part in ("train", "valid", "test")] == [512.0, 64.0, 64.0]
    before, after = (_pairs(tmp_path / name) for name in ("out", "grown"))
    assert before <= after
    assert grown.schema.negatives == earlier.data.schema.negatives


def test_users_of_one_part_are_in_no_other(tmp_path: Path) -> None:
    """Split by users, the test rows ask about users of whom no row was trained on, with negatives of their own."""
    found = _ingested(tmp_path, _data(tmp_path), group="user", test_fraction=0.2)
    users = {part: set(found.keys[part].users.tolist()) for part in ("valid", "test")}
    assert users["valid"]
    assert users["test"]
    assert not users["valid"] & users["test"]
    assert {field.name for field in found.encoder.fields if field.name == "user"} == {"user"}
    assert len(set(np.asarray(found.parts.test.ids)[:, 0].tolist())) == 1  # every one of them is unknown


def test_one_item_leaves_nothing_to_draw(tmp_path: Path) -> None:
    """Two items at least; and of a table where each user took everything, the part is refused by name."""
    one = [f"u{user},m1,g1,{20 + user % 5}" for user in range(60)]
    with pytest.raises(DataError, match="at least 2 items"):
        _ingested(tmp_path, _data(tmp_path, one))
    both = [f"u{user % 60},m{user // 60},g{user // 60},{20 + user % 5}" for user in range(120)]
    with pytest.raises(DataError, match="Labels of both classes must occur in the part 'test'"):
        _ingested(tmp_path, _data(tmp_path, both), name="both")
