"""Columns of other tables, by a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from ihas.config.data import DataConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.learning import LearningConfig
from ihas.config.split import SplitConfig
from ihas.data import joining
from ihas.data.ingest import Files, ingest, inspect, read_tables
from ihas.data.reingest import Earlier, ingest_newer
from ihas.errors import ConfigError, DataError

CLICKS = "user,film,label\n" + "\n".join(f"u{row % 5},{row % 4},{row * 7 % 3 % 2}" for row in range(40)) + "\n"
FILMS = "0::Solaris::1972::drama|science\n1::Brazil::1985::comedy\n2::Métropolis::1927::science\n3::Playtime::1967::comedy\n"
FORM: dict[str, Any] = {"key": "film", "format": "csv", "delimiter": "::", "names": ["id", "title", "year", "genres"], "named": "id"}


def _data(folder: Path, joined: list[dict[str, Any]], clicks: str = CLICKS, **settings: Any) -> DataConfig:
    (folder / "clicks.csv").write_text(clicks, encoding="utf-8")
    (folder / "films.dat").write_bytes(FILMS.encode("latin-1"))
    located = [{**one, "path": folder / one.get("path", "films.dat")} for one in joined]
    return DataConfig.model_validate({"path": folder / "clicks.csv", "joined": located, **settings})


def _cells(files: Files, name: str) -> list[Any]:
    cells: list[Any] = files.rows["train"].column(name).to_pylist()
    return cells


def test_a_table_without_header_in_latin_1_is_joined(tmp_path: Path) -> None:
    """Every row has its film's title and genres, by ids that are numbers here and texts there."""
    files = read_tables(_data(tmp_path, [FORM | {"encoding": "latin-1"}]))

    titles = ["Solaris", "Brazil", "Métropolis", "Playtime"]
    assert _cells(files, "title") == [titles[row % 4] for row in range(40)]
    assert _cells(files, "genres")[:2] == ["drama|science", "comedy"]
    assert files.rows["train"].column_names == ["user", "film", "label", "title", "year", "genres"]
    assert files.notes["train"].kept == []


def test_columns_are_chosen_and_get_a_prefix(tmp_path: Path) -> None:
    """Only what is stated is added; the key's column is not."""
    files = read_tables(_data(tmp_path, [FORM | {"encoding": "latin-1", "columns": ["year"], "prefix": "film_"}]))

    assert files.rows["train"].column_names == ["user", "film", "label", "film_year"]
    assert _cells(files, "film_year")[:4] == ["1972", "1985", "1927", "1967"]


def test_vectors_lie_in_parquet_or_in_a_matrix(tmp_path: Path) -> None:
    """The numbers of an id, from a list column by id and from a matrix by row number, are those of each of its rows."""
    numbers = np.arange(16, dtype=np.float16).reshape(4, 4) / 4
    np.save(tmp_path / "picture.npy", numbers)
    shuffled = [2, 0, 3, 1]
    lists = pa.array([numbers[film].astype(np.float32).tolist() for film in shuffled], pa.list_(pa.float32()))
    pa.parquet.write_table(pa.table({"film": shuffled, "words": lists}), tmp_path / "words.parquet")
    joined = [{"path": "picture.npy", "key": "film"}, {"path": "words.parquet", "key": "film"}]
    rows = CLICKS.partition("\n")[2]
    data = _data(tmp_path, joined, CLICKS + rows * 9, columns={"vectors": {"picture": {}, "words": {}}, "item_id": "film"})
    files = read_tables(data)

    expected = [numbers[row % 4].astype(np.float64).tolist() for row in range(400)]
    assert _cells(files, "picture") == expected
    assert _cells(files, "words") == expected
    found = ingest(data, EncodingConfig(), SplitConfig(), 0, tmp_path / "encoded")
    assert {"picture", "words"} <= set(found.schema.stated_names)


def test_keys_without_a_row_are_missing_and_told(tmp_path: Path) -> None:
    """Ten of forty rows name a film that is not there; an empty key is looked up nowhere."""
    clicks = CLICKS.replace(",3,", ",9,") + "u1,,1\n"
    files = read_tables(_data(tmp_path, [FORM | {"encoding": "latin-1"}], clicks))

    assert _cells(files, "title")[3] is None
    assert _cells(files, "title")[40] is None
    (note,) = files.notes["train"].kept
    assert (note.code, note.severity, note.column) == ("not_in_joined", "warning", "film")
    assert note.message.startswith("10 rows have a 'film' that films.dat has no row of, such as '9'")


def test_each_part_of_its_own_is_joined(tmp_path: Path) -> None:
    """Test rows in a file of their own have the columns too."""
    (tmp_path / "test.csv").write_text("user,film,label\nu1,2,1\nu2,0,0\n")
    files = read_tables(_data(tmp_path, [FORM | {"encoding": "latin-1"}], test_path=tmp_path / "test.csv"))

    assert files.rows["test"].column("title").to_pylist() == ["Métropolis", "Solaris"]


def test_a_table_that_has_the_columns_is_not_joined(tmp_path: Path) -> None:
    """Its own cells count, and a warning says so; some of them alone are an error."""
    own = "user,film,label,title,year,genres\nu1,0,1,Mine,1,x\nu2,1,0,Mine,1,x\n"
    files = read_tables(_data(tmp_path, [FORM | {"encoding": "latin-1"}], own))

    assert _cells(files, "title") == ["Mine", "Mine"]
    assert [note.code for note in files.notes["train"].kept] == ["not_joined"]
    with pytest.raises(DataError, match=r"Columns of films.dat must not be in the table, but title are. State `columns` or `prefix`."):
        read_tables(_data(tmp_path, [FORM | {"encoding": "latin-1"}], "film,label,title\n0,1,a\n1,0,b\n"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"key": "movie"}, r"`joined.key` must name a column of single values, but 'movie' is none of user, film, label"),
        ({"named": "isbn"}, r"films.dat must have the columns isbn, but lacks isbn. It has id, title"),
        ({"columns": ["studio"]}, r"but lacks studio"),
        ({"key": "user"}, r"Cells of 'user' must be keys of films.dat, but none is: 'u0', 'u1', 'u2' and others in '0', '1', '2'"),
        ({"encoding": "utf-8"}, "must be UTF-8"),
        ({"encoding": "euc-kr"}, f"byte {FILMS.index(chr(0xE9))} of the file does not fit"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    """A key or column that is not there, keys that nobody has, and another encoding."""
    with pytest.raises(DataError, match=said):
        read_tables(_data(tmp_path, [FORM | {"encoding": "latin-1"} | changed]))


def test_keys_stand_once(tmp_path: Path) -> None:
    """Rows of a key that stands twice, and one without a key, are named."""
    data = _data(tmp_path, [FORM | {"encoding": "latin-1"}])
    (tmp_path / "films.dat").write_bytes(FILMS.encode("latin-1") + b"1::Again::2000::x\n::Nameless::2000::x\n")
    with pytest.raises(DataError, match=r"films.dat cannot be joined: row 2.*'1' stands in 2") as caught:
        read_tables(data)

    assert [(finding.code, finding.row) for finding in caught.value.findings] == [
        ("duplicate_key", 2), ("duplicate_key", 5), ("missing_key", 6)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros(4), r"but has the shape \(4,\)"),
        (np.zeros((2, 0)), "must have a row of numbers"),
        (np.array([[None]], object), "must be a NumPy array of numbers"),
        (np.zeros((2, 2), "U1"), "the type <U1"),
    ],
)
def test_a_matrix_holds_numbers(tmp_path: Path, array: np.ndarray, said: str) -> None:
    """One number per row, none, objects (which are never loaded) and texts are refused."""
    np.save(tmp_path / "picture.npy", array)
    with pytest.raises(DataError, match=said):
        read_tables(_data(tmp_path, [{"path": "picture.npy", "key": "film"}]))


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    """Two columns of one name, several of a matrix, an encoding of Parquet, sequences."""
    films = FORM | {"encoding": "latin-1"}
    with pytest.raises(ConfigError, match=r"genres, title, year would be there twice. State `prefix`"):
        read_tables(_data(tmp_path, [films, films]))
    np.save(tmp_path / "picture.npy", np.zeros((4, 2)))
    with pytest.raises(ConfigError, match="must name one column of an .npy file, but names 2"):
        read_tables(_data(tmp_path, [{"path": "picture.npy", "key": "film", "columns": ["a", "b"]}]))
    pa.parquet.write_table(pa.table({"film": [1]}), tmp_path / "films.parquet")
    with pytest.raises(ConfigError, match="`encoding` must be of CSV files"):
        read_tables(_data(tmp_path, [{"path": "films.parquet", "key": "film", "encoding": "latin-1"}]))
    with pytest.raises(ValueError, match="`joined` must be of a table of rows with a label"):
        _data(tmp_path, [films], format="sequences")


def test_a_report_knows_joined_columns(tmp_path: Path) -> None:
    """What `ihas inspect` shows has their profiles."""
    report = inspect(_data(tmp_path, [FORM | {"encoding": "latin-1"}], columns={"item_id": "film"}))

    assert [profile.column for profile in report.profiles] == ["user", "film", "label", "title", "year", "genres"]
    assert not report.errors


@pytest.mark.parametrize("joins", [True, False])
def test_a_newer_table_is_joined_again_or_has_the_columns(tmp_path: Path, joins: bool) -> None:
    """A refresh reads a new film's year from the joined table, or from the newer one, and the encoder grows by both film and year."""
    rows = CLICKS.partition("\n")[2] * 10
    data = _data(tmp_path, [FORM | {"encoding": "latin-1", "columns": ["year"]}], CLICKS + rows, columns={"item_id": "film"})
    config = LearningConfig()
    earlier = Earlier(ingest(data, config.encoding, config.split, config.seed, tmp_path / "old"), config)
    years = ["1972", "1985", "1927", "1967", "1999"]
    header, own = ("user,film,label", "") if joins else ("user,film,label,year", ",")
    lines = [f"u{row % 5},{row % 5},{row * 7 % 3 % 2}{own}{'' if joins else years[row % 5]}" for row in range(400)]
    (tmp_path / "newer.csv").write_text("\n".join([header, *lines]) + "\n")
    (tmp_path / "films.dat").write_bytes(FILMS.encode("latin-1") + b"4::eXistenZ::1999::science\n")
    newer = ingest_newer(data.model_copy(update={"path": tmp_path / "newer.csv"}), earlier, tmp_path / "new")

    assert newer.schema == earlier.data.schema
    assert newer.items is not None
    assert newer.items.values is not None
    assert [newer.items.values["year"].told(newer.items.names.index(film)) for film in ("0", "4")] == ["1972", "1999"]


NUMBERS: dict[str, Any] = {"key": "film", "delimiter": ";"}


def test_each_file_has_its_own_numbers(tmp_path: Path) -> None:
    """A point is of thousands in the table and of a fraction in the joined one; 1.234 there stays what it is."""
    (tmp_path / "films.csv").write_text("film;score\n1000;1.234\n2000;2.345\n")
    clicks = "film;label;price\n1.000;0;1.500,5\n2.000;1;2,5\n"
    files = read_tables(_data(tmp_path, [NUMBERS | {"path": "films.csv"}], clicks, delimiter=";", decimal=",", thousands="."))

    assert _cells(files, "score") == ["1.234", "2.345"]
    assert _cells(files, "price") == ["1500.5", "2.5"]


@pytest.mark.parametrize("columns", [{}, {"categorical": ["film", "code"]}])
def test_keys_are_read_alike(tmp_path: Path, columns: dict[str, Any]) -> None:
    """Keys with separators of thousands are those of a table with them, as numbers or, where that is stated, as texts."""
    form = {"decimal": ",", "thousands": "."}
    (tmp_path / "films.csv").write_text("id;title;code\n1.234;Solaris;1.000\n2.345;Brazil;2.000\n")
    joined = [NUMBERS | form | {"path": "films.csv", "named": "id"}]
    files = read_tables(_data(tmp_path, joined, "film;label\n1.234;0\n2.345;1\n", delimiter=";", columns=columns, **form))

    assert _cells(files, "title") == ["Solaris", "Brazil"]
    assert _cells(files, "code") == (["1.000", "2.000"] if columns else ["1000", "2000"])


@pytest.mark.parametrize("own", ["train", "valid"])
def test_one_part_alone_may_have_the_columns(tmp_path: Path, own: str) -> None:
    """It keeps its cells, and the other one has those of the joined table."""
    with_title, without = "user,film,label,title,year,genres\nu1,1,0,Mine,1,x\nu2,1,1,Mine,1,x\n", "user,film,label\nu1,0,1\nu2,0,0\n"
    (tmp_path / "valid.csv").write_text(with_title if own == "valid" else without)
    clicks = with_title if own == "train" else without
    files = read_tables(_data(tmp_path, [FORM | {"encoding": "latin-1"}], clicks, valid_path=tmp_path / "valid.csv"))

    other = "train" if own == "valid" else "valid"
    assert files.rows[own].column("title").to_pylist() == ["Mine", "Mine"]  # type: ignore[index]
    assert files.rows[other].column("title").to_pylist() == ["Solaris", "Solaris"]  # type: ignore[index]


def test_an_ignored_key_is_read(tmp_path: Path) -> None:
    """It is looked up; what no cell can hold is an error, not missing cells of every joined column."""
    films = FORM | {"encoding": "latin-1"}
    files = read_tables(_data(tmp_path, [films], columns={"ignored": ["film"]}))

    assert _cells(files, "title")[:2] == ["Solaris", "Brazil"]
    pa.parquet.write_table(pa.table({"film": [{"a": 1}, {"a": 2}], "label": [0, 1]}), tmp_path / "nested.parquet")
    data = _data(tmp_path, [films], columns={"ignored": ["film"]}).model_copy(update={"path": tmp_path / "nested.parquet"})
    with pytest.raises(DataError, match="column `film`: Cells must be texts, numbers"):
        read_tables(data)


def test_a_table_of_keys_alone_is_refused(tmp_path: Path) -> None:
    """It would add nothing."""
    (tmp_path / "films.csv").write_text("film\n0\n1\n2\n3\n")
    with pytest.raises(DataError, match="films.csv must have columns to be added, but has the key 'film' alone"):
        read_tables(_data(tmp_path, [{"path": "films.csv", "key": "film"}]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04" + bytes(60),
        b"\x93NUMPY\x01\x00\x02\x00(\n",
        b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 10000000000000000000)}",
    ],
    ids=["empty", "zip", "header without end", "more rows than there are numbers"],
)
def test_a_broken_matrix_is_told(tmp_path: Path, content: bytes) -> None:
    """Whatever the file holds, the error names it."""
    (tmp_path / "picture.npy").write_bytes(content)
    with pytest.raises(DataError, match="picture.npy cannot be read: The file must be a NumPy array of numbers, but is none"):
        read_tables(_data(tmp_path, [{"path": "picture.npy", "key": "film"}]))


def test_a_matrix_with_too_many_numbers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places in lists are int32."""
    monkeypatch.setattr(joining, "MAX_NUMBERS", 15)
    np.save(tmp_path / "picture.npy", np.zeros((4, 4)))
    with pytest.raises(DataError, match="The array must have at most 15 numbers, but has 16"):
        read_tables(_data(tmp_path, [{"path": "picture.npy", "key": "film"}]))


def test_long_tables_are_joined_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal to the bit, also encoded, and behind a window."""
    np.save(tmp_path / "picture.npy", np.arange(16.0).reshape(4, 4) / 4)
    clicks = "user,film,label,day\n" + "".join(f"u{row % 5},{row % 4},{row * 7 % 3 % 2},2026-01-{1 + row // 40:02}\n" for row in range(400))
    window = {"days": 8, "column": "day"}
    joined = [FORM | {"encoding": "latin-1"}, {"path": "picture.npy", "key": "film"}]
    whole = _data(tmp_path, joined, clicks, window=window, columns={"vectors": ["picture"]})
    expected = ingest(whole, EncodingConfig(), SplitConfig(), 0, tmp_path / "whole")
    monkeypatch.setattr(joining, "BATCH_ROWS", 7)
    found = ingest(whole, EncodingConfig(), SplitConfig(), 0, tmp_path / "chunked")

    np.testing.assert_array_equal(found.parts.train.ids, expected.parts.train.ids)
    assert read_tables(whole).rows["train"].column("picture").to_pylist()[:4] == (np.arange(16.0).reshape(4, 4) / 4).tolist()


def test_a_newer_table_has_also_columns_that_were_not_learnt_from(tmp_path: Path) -> None:
    """It has all columns of the joined table itself, of which the first reading ignored one."""
    rows = CLICKS.partition("\n")[2] * 10
    form = FORM | {"encoding": "latin-1", "columns": ["title", "year"]}
    data = _data(tmp_path, [form], CLICKS + rows, columns={"item_id": "film", "ignored": ["title"]})
    config = LearningConfig()
    earlier = Earlier(ingest(data, config.encoding, config.split, config.seed, tmp_path / "old"), config)
    lines = [f"u{row % 5},{row % 4},{row * 7 % 3 % 2},T,19{row % 4}0" for row in range(400)]
    (tmp_path / "newer.csv").write_text("\n".join(["user,film,label,title,year", *lines]) + "\n")
    newer = ingest_newer(data.model_copy(update={"path": tmp_path / "newer.csv"}), earlier, tmp_path / "new")

    assert newer.schema == earlier.data.schema


@pytest.mark.parametrize("settings", [{"columns": ["year"]}, {}])
def test_what_is_not_wanted_of_a_joined_table_does_not_refuse_it(tmp_path: Path, settings: dict[str, Any]) -> None:
    """A column that no cell can hold, where others are stated, or it is ignored under the name that it gets."""
    films = pa.table({"film": [0, 1, 2, 3], "year": [1972, 1985, 1927, 1967], "crew": [{"director": "x"}] * 4})
    pa.parquet.write_table(films, tmp_path / "films.parquet")
    joined = {"path": "films.parquet", "key": "film", "prefix": "film_", **settings}
    files = read_tables(_data(tmp_path, [joined], columns={} if settings else {"ignored": ["film_crew"]}))

    assert _cells(files, "film_year")[:4] == ["1972", "1985", "1927", "1967"]
    with pytest.raises(DataError, match="column `crew`: Cells must be texts"):
        read_tables(_data(tmp_path, [{"path": "films.parquet", "key": "film", "prefix": "film_"}]))


def test_whole_numbers_of_a_matrix_stay(tmp_path: Path) -> None:
    """Such as ids above 2^24, of which float32 has every second one."""
    np.save(tmp_path / "alike.npy", np.array([[16_777_217, 2**40 + 1]] * 4))
    files = read_tables(_data(tmp_path, [{"path": "alike.npy", "key": "film"}]))

    assert _cells(files, "alike")[0] == ["16777217", "1099511627777"]
