"""A recipe with one part changed at a time: the table by hand, and a plan carried out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.config.transformer import TransformerLearning, TransformerRecipe
from ihas.sequential.data.ranking import RankingMetrics
from ihas_pipelines.commands.app import run
from ihas_pipelines.kinds.recipe_file import read_of_kind
from ihas_pipelines.studies.ablation import Ablation, AblationRun, Change, carry_out, markdown, read_plan
from tests.paths import ROOT

pytestmark = pytest.mark.tf

PLANS = ROOT / "pipelines" / "recipes" / "ablation"


def _run(change: str, seed: int, ndcg: float, loss: float) -> AblationRun:
    figures = RankingMetrics(rows=9, hit_rate={5: 0.0, 10: 0.5, 20: 1.0}, ndcg={5: 0.0, 10: ndcg, 20: 1.0}, mrr=0.1)
    return AblationRun(change=change, seed=seed, settings=f"{change}{seed}", test=figures, loss=loss, epochs=4, seconds=2.0)


def test_differences_are_paired_over_seeds_by_hand() -> None:
    """Of .01 and .03 more the mean is .02 and the t interval over two seeds .02 +- 12.706 * .01; a seed of one side alone is not paired."""
    whole = [_run("the recipe", seed, ndcg, 2.0) for seed, ndcg in ((0, 0.2), (1, 0.3), (2, 0.9))]
    other = [_run("less", 0, 0.21, 2.5), _run("less", 1, 0.33, 2.5)]
    rows = [line.strip("| ").split(" | ") for line in markdown(Ablation(runs=(*whole, *other))).splitlines()[2:]]
    assert rows[0][:3] == ["the recipe", "3", "0.4667"]
    assert rows[1][:4] == ["less", "2", "0.2700", "+0.0200 (-0.1071 to +0.1471)"]
    assert rows[1][4:8] == ["0.5000", "+0.0000 (+0.0000 to +0.0000)", "2.5000", "+0.5000 (+0.5000 to +0.5000)"]


def test_a_change_differs_in_what_it_says_alone() -> None:
    """`none` takes a setting away, and what is not named stays the recipe's."""
    learning = TransformerLearning.model_validate({"transformer": {"dim": 8}, "training": {"epochs": 3}})
    changed = Change(training={"sgd_learning_rate": "none"}).of(learning)
    assert changed.training.sgd_learning_rate is None
    assert changed == learning.model_copy(update={"training": changed.training})
    assert changed.training.epochs == 3


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_plans_change_one_part_over_five_seeds(path: Path) -> None:
    """Every shipped plan names a recipe that is there, five seeds, and changes whose settings are valid."""
    plan = read_plan(path)
    assert plan.recipe.is_file()
    assert len(plan.seeds) == 5
    assert all(change.of(TransformerLearning()) != TransformerLearning() for change in plan.changes.values())


def _plan(folder: Path) -> Path:
    lines = [f"u{user} " + " ".join(f"i{(user + place) % 7}" for place in range(6)) for user in range(30)]
    (folder / "taken.txt").write_text("\n".join(lines) + "\n")
    (folder / "walks.toml").write_text(
        'kind = "transformer"\n[data]\npath = "taken.txt"\nformat = "sequences"\n[learning.transformer]\nnum_layers = 1\ndim = 8\n'
        "[learning.training]\nepochs = 2\nbatch_targets = 64\n"
    )
    (folder / "plan.toml").write_text(
        'recipe = "walks.toml"\nseeds = [0, 1]\n[changes."without SGD".training]\nsgd_learning_rate = "none"\n'
    )
    return folder / "plan.toml"


@pytest.mark.slow
def test_a_plan_is_carried_out_and_gone_on_with(tmp_path: Path) -> None:
    """Both arms are trained under both seeds; a second call trains nothing, and one with another seed only that one."""
    plan, known = read_plan(_plan(tmp_path)), tmp_path / "out" / "ablation.json"
    recipe, heard = read_of_kind(plan.recipe, TransformerRecipe), list[str]()
    first = carry_out(plan, recipe, tmp_path / "out", heard.append)
    assert [(run.change, run.seed) for run in first.runs] == [(name, seed) for seed in (0, 1) for name in ("the recipe", "without SGD")]
    assert (tmp_path / "out" / "ablation.md").read_text().count("| without SGD | 2 |") == 1
    assert Ablation.model_validate_json(known.read_bytes()) == first
    assert carry_out(plan, recipe, tmp_path / "out", heard.append) == first
    other = carry_out(plan.model_copy(update={"seeds": (0, 2)}), recipe, tmp_path / "out", heard.append)
    assert other.runs[:2] == first.runs[:2]
    assert {run.seed for run in Ablation.model_validate_json(known.read_bytes()).runs} == {0, 1, 2}
    assert heard[0].startswith("the recipe, seed 0: NDCG@10")


def test_a_broken_plan_is_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A change of an unknown setting ends with 2 and its name."""
    plan = _plan(tmp_path)
    plan.write_text('recipe = "walks.toml"\n[changes.more.training]\nwidth = 3\n')
    assert run(["study", "ablation", "--plan", str(plan), "--folder", str(tmp_path)]) == 2
    assert "width" in capsys.readouterr().err
