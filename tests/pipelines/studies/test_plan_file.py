"""TOML files as documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.config.run import RunOptions
from ihas.errors import ConfigError
from ihas_pipelines.studies.plan_file import beside, document_of


@pytest.mark.parametrize(
    ("text", "law"),
    [(None, "The plan must be a readable file"), ("num_threads = ", "must be TOML"), ("num_threads = -1", "num_threads")],
)
def test_every_fault_is_one_kind_of_error(tmp_path: Path, text: str | None, law: str) -> None:
    """No file, no TOML, and a setting that is invalid are settings that cannot be used."""
    path = tmp_path / "plan.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=law), document_of(path, "plan") as document:
        RunOptions.model_validate(document)


def test_paths_start_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is the file's neighbour, `$NAME` is the environment's, an absolute path stays."""
    monkeypatch.setenv("DATA", "/data")
    assert beside(tmp_path / "plan.toml", "rows.csv") == tmp_path.resolve() / "rows.csv"
    assert beside(tmp_path / "plan.toml", "$DATA/rows.csv") == Path("/data/rows.csv")
