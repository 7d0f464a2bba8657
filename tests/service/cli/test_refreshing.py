"""What `ihas refresh` asks its child for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.recipe import Recipe
from ihas.errors import ConfigError
from ihas_service.cli.main import run
from ihas_service.cli.refreshing import refresh_request
from tests.service.cli.printed import only_line


def _run_folder(folder: Path) -> Path:
    data = DataConfig(path=folder / "old.csv", valid_path=folder / "valid.csv", delimiter=";", columns=SchemaConfig(label="click"))
    (folder / "recipe.json").write_text(Recipe(data=data).model_dump_json())
    return folder


def test_the_newer_table_is_read_as_the_first_one_was(tmp_path: Path) -> None:
    """By its delimiter and its columns; files of validation and test rows are left out, and settings may be stated."""
    asked = refresh_request(_run_folder(tmp_path), tmp_path / "new.csv", "members x2", ["epochs=1", "shrink=0.2"])

    assert (asked.source, asked.data.path, asked.point) == (tmp_path, tmp_path / "new.csv", "members x2")
    assert (asked.data.delimiter, asked.data.columns.label, asked.data.valid_path) == (";", "click", None)
    assert (asked.settings.epochs, asked.settings.shrink, asked.settings.regroup_above) == (1, 0.2, 0.25)


@pytest.mark.parametrize(
    ("setting", "law"), [("epochs=0", "at least 1"), ("epoch=2", "no `epoch`"), ("shrink=nan", "finite"), ("epochs", "a.b=value")]
)
def test_a_wrong_setting_is_told(tmp_path: Path, setting: str, law: str) -> None:
    """With its name and its law."""
    with pytest.raises(ConfigError, match=law):
        refresh_request(_run_folder(tmp_path), tmp_path / "new.csv", None, [setting])


def test_a_folder_without_a_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with the code of wrong arguments, and writes nothing."""
    assert run(["refresh", str(tmp_path), str(tmp_path / "new"), "--data", str(tmp_path / "new.csv")]) == 2
    assert "has a recipe.json" in only_line(capsys.readouterr().err)
    assert not (tmp_path / "new").exists()
