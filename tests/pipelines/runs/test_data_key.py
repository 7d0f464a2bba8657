"""What tells joined tables from others in the key of encoded data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ihas.config.data import DataConfig
from ihas_pipelines.runs.data_key import joined_contents, reading_settings


def _joined(path: Path, **settings: Any) -> DataConfig:
    return DataConfig.model_validate({"path": "clicks.csv", "joined": [{"path": path, "key": "film", **settings}]})


def test_a_file_of_another_name_makes_another_column(tmp_path: Path) -> None:
    """The column of a matrix is called as the file; the folder does not count."""
    for name in ("a/picture.npy", "b/picture.npy", "a/words.npy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"the same")
    first, elsewhere, other = (_joined(tmp_path / name) for name in ("a/picture.npy", "b/picture.npy", "a/words.npy"))

    assert joined_contents(first) == joined_contents(elsewhere) != joined_contents(other)
    assert reading_settings(first) == reading_settings(elsewhere)


def test_files_of_a_folder_count_by_the_format_of_its_own_table(tmp_path: Path) -> None:
    """Names without a suffix are files of a joined folder whose format is stated, whatever the main table's is."""
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "part-0").write_text("film,year\n1,1972\n")
    data = _joined(tmp_path / "films", format="csv")
    before = joined_contents(data)
    (tmp_path / "films" / "part-0").write_text("film,year\n1,1973\n")

    assert before != joined_contents(data)
