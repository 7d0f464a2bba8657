"""Studies from a plan, on walks whose next step is known four times in five."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ihas.errors import ConfigError
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.studies.overrec.command import carry_out
from ihas_pipelines.studies.overrec.plan import read_plan
from ihas_pipelines.studies.overrec.table import Study, StudyTable, markdown
from tests.paths import ROOT
from tests.pipelines.studies.overrec.walks import write_lines

pytestmark = pytest.mark.tf

RECIPES = ROOT / "pipelines" / "recipes" / "overrec"
DATA = '[data]\npath = "walks.txt"\nformat = "sequences"\n'


def _study(folder: Path, settings: str) -> tuple[Study, list[Progress]]:
    write_lines(folder / "walks.txt")
    (folder / "plan.toml").write_text(settings)
    said: list[Progress] = []
    study = carry_out(read_plan(folder / "plan.toml"), folder / "study", said.append)
    assert Study.model_validate_json((folder / "study" / "study.json").read_text()) == study
    assert (folder / "study" / "study.md").read_text() == markdown(study)
    assert said[-1].outcome == "succeeded"
    return study, said


def _column(table: StudyTable, name: str) -> dict[str, Any]:
    place = table.columns.index(name)
    return {str(row[0]): row[place] for row in table.rows}


def test_accuracy_beats_popularity_where_order_tells(tmp_path: Path) -> None:
    """The grid has a row for each kernel, score and number of neighbours; on test rows each kernel is far above popularity."""
    plan = (
        'study = "accuracy"\nnum_neighbours = [1, 20]\nsigma_w = [0.5]\nkrr_rows = [100]\nsession_neighbours = [5]\nhide_history = false\n'
    )
    study, _ = _study(tmp_path, f'{plan}{DATA}[kernels.exact]\n[kernels.reference]\nmode = "reference"\n')
    grid, memory, regression, test = study.tables
    assert [row[:3] for row in grid.rows] == [
        (kernel, score, k) for kernel in ("exact", "reference") for score in ("sum", "assign") for k in (1, 20)
    ]
    assert (len(memory.rows), len(regression.rows)) == (2, 1)
    gains = _column(test, "NDCG@10")
    assert min(value for name, value in gains.items() if name.startswith(("exact", "reference", "regression"))) > gains["popularity"] + 0.3
    assert _column(test, "NDCG@10 minus SKNN, 95 % interval")["SKNN, k = 5"] == "+0.0000 [+0.0000, +0.0000]"


def test_cost_counts_prefixes_and_finds_the_same(tmp_path: Path) -> None:
    """A quarter, a half and all users have their prefixes, 7 each; both ways are timed and find the same, or the study fails."""
    study, _ = _study(tmp_path, f'study = "cost"\nnum_neighbours = 5\ndense_queries = 4\nrounds = 2\n{DATA}')
    growth, ways = study.tables
    assert [row[1] for row in growth.rows] == [15 * 7, 30 * 7, 60 * 7]
    assert all(float(row[1] or 0.0) > 0.0 for row in ways.rows)


def test_tied_embeddings_differ_for_the_last_item_alone(tmp_path: Path) -> None:
    """The untied limit holds for items other than the last, within three and a half standard errors; for the last it is far off."""
    study, _ = _study(tmp_path, 'study = "tied"\nwidths = [200]\ndraws = 60\n')
    scores = _column(study.tables[0], "z")
    assert abs(scores["an item of neither sequence"]) < 3.5
    assert abs(scores["the first item of both"]) < 3.5
    assert scores["the last item of both"] > 5.0


@pytest.mark.slow
def test_width_trains_networks_and_names_the_limit(tmp_path: Path) -> None:
    """A network of some units learns the walks; numbers are W, U, b, V and c; the two kernels stand below."""
    settings = 'study = "width"\nwidths = [2, 16]\nseeds = [0, 1]\nepochs = 12\nlearning_rate = 0.02\nbatch_size = 8\nmax_length = 8\n'
    study, _ = _study(tmp_path, settings + DATA)
    table = study.tables[0]
    assert _column(table, "numbers")["16 units"] == 16 * 16 + 31 * 16 + 16 + 16 * 30 + 30
    last = _column(table, "NDCG@10, last epoch")
    assert last["16 units"] > max(last["2 units"], 0.3)
    assert len(table.rows) == 4


def test_tables_are_markdown() -> None:
    """Four decimals, thousands apart, a dash for nothing."""
    table = StudyTable(title="T", columns=("a", "b"), rows=(("x", 0.12345), ("y", 12345), ("z", None), ("w", 1234.5)), note="N")
    lines = markdown(Study(study="cost", data="d", tables=(table,))).splitlines()
    assert lines == [
        "### T",
        "",
        "N",
        "",
        "| a | b |",
        "| --- | --- |",
        "| x | 0.1235 |",
        "| y | 12,345 |",
        "| z | – |",
        "| w | 1,234.5 |",
    ]


@pytest.mark.parametrize("recipe", sorted(path.name for path in RECIPES.glob("*-*.toml")) + ["tied.toml"])
def test_recipes_are_valid_plans(recipe: str) -> None:
    """Every plan that the page's tables come from can be read."""
    assert read_plan(RECIPES / recipe).study in ("accuracy", "cost", "width", "tied")


@pytest.mark.parametrize(
    ("text", "law"),
    [('study = "fame"', "no valid plan"), ("study = [", "must be TOML"), ('study = "tied"\nwidth = 3', "no valid plan.*width")],
)
def test_a_wrong_plan_is_refused(tmp_path: Path, text: str, law: str) -> None:
    """Unknown studies, other text and unknown settings are told apart."""
    (tmp_path / "plan.toml").write_text(text)
    with pytest.raises(ConfigError, match=law):
        read_plan(tmp_path / "plan.toml")
    with pytest.raises(ConfigError, match="must be a readable file"):
        read_plan(tmp_path / "nowhere.toml")
