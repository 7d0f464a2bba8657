"""Which stages of a run folder are carried on."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from ihas.config.data import DataConfig
from ihas.config.recipe import Recipe
from ihas.errors import ConfigError
from ihas_pipelines.runs.folder import STAGES_FILE
from ihas_pipelines.runs.predecessor import read_predecessor, recipe_of_run
from tests.pipelines.result_factory import run_result

pytestmark = pytest.mark.tf


def _finished(folder: Path) -> Path:
    """A run folder with a recipe and a result, without stages."""
    folder.mkdir()
    (folder / "recipe.json").write_text(Recipe(data=DataConfig(path=folder / "x.csv")).model_dump_json())
    (folder / "result.json").write_text(run_result().model_dump_json())
    (folder / "stages").mkdir()
    return folder


def test_a_stage_that_was_removed_is_named_with_the_way_out(tmp_path: Path) -> None:
    """The first stage that is missing is told."""
    with pytest.raises(ConfigError, match=r"the stage `data` was removed\. Search again"):
        read_predecessor(_finished(tmp_path / "run"))


def test_a_folder_of_several_runs_is_refused_unless_the_run_names_its_stages(tmp_path: Path) -> None:
    """Without the list of stages two of a name cannot be told apart; with it, the one that it names is taken."""
    folder = _finished(tmp_path / "run")
    for key in ("0" * 16, "1" * 16):
        (folder / "stages" / f"data-{key}").mkdir()
    with pytest.raises(ConfigError, match="`data` occurs 2 times, because the folder holds several runs"):
        read_predecessor(folder)
    (folder / STAGES_FILE).write_bytes(orjson.dumps({"data": f"data-{'1' * 16}"}))
    with pytest.raises(ConfigError, match="the stage `variant-"):
        read_predecessor(folder)


def test_a_result_of_another_kind_is_refused(tmp_path: Path) -> None:
    """So is a recipe of another one; the refusal says what can be refreshed."""
    folder = _finished(tmp_path / "run")
    (folder / "result.json").write_text('{"kind": "overrec"}')
    with pytest.raises(ConfigError, match="Runs of the kind 'grouped' can be refreshed"):
        read_predecessor(folder)
    (folder / "recipe.json").unlink()
    with pytest.raises(ConfigError, match=r"A finished run has a recipe\.json"):
        recipe_of_run(folder)
