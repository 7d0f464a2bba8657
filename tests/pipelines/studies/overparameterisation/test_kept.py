"""A race is resumed under its own data and settings alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ihas.errors import ConfigError, DataError
from ihas_pipelines.commands.app import run
from ihas_pipelines.studies.overparameterisation.command import carry_out
from ihas_pipelines.studies.overparameterisation.kept import kept_arms, settings_digest
from ihas_pipelines.studies.overparameterisation.plan import RacePlan
from ihas_pipelines.studies.overparameterisation.race import Outcome
from ihas_pipelines.studies.overparameterisation.table import Arm, RaceTable
from tests.paths import ROOT

pytestmark = pytest.mark.tf

COUPON = ROOT / "pipelines" / "recipes" / "coupon.toml"
OUTCOME = Outcome(learning_rate=0.1, seed=0, epochs=1.0, epoch_seconds=1.0, best=0.5)
ARM = Arm(rule="adam", start=0.05, form="none", tried=(OUTCOME,), outcomes=(OUTCOME, OUTCOME))


def _plan(folder: Path, **changes: Any) -> RacePlan:
    if not (folder / "ratings.txt").exists():
        (folder / "ratings.txt").write_text("1 2 3\n")
    given = {"name": "toy", "ratings": {"path": folder / "ratings.txt"}, "target": -0.2, "learning_rates": {"adam": 0.05}}
    return RacePlan.model_validate(given | changes)


def _keep(folder: Path, plan: RacePlan) -> Path:
    table = RaceTable(name="toy", target=plan.target, settings=settings_digest(plan), arms=(ARM,))
    (folder / "race.json").write_text(table.model_dump_json())
    return folder / "race.json"


def test_the_same_plan_is_gone_on_with(tmp_path: Path) -> None:
    """Under another name, and with another update rule beside it, what was raced is taken; without a file there is nothing."""
    path = _keep(tmp_path, _plan(tmp_path))
    for plan in (_plan(tmp_path, name="renamed"), _plan(tmp_path, learning_rates={"adam": 0.05, "sgd": 1.0})):
        assert kept_arms(path, plan, settings_digest(plan)) == (ARM,)
    assert kept_arms(tmp_path / "none.json", plan, "") == ()


@pytest.mark.parametrize(
    ("changes", "law"),
    [
        ({"target": -0.3}, "under digest"),
        ({"training": {"embedding_dim": 3}}, "under digest"),
        ({"seeds": (1, 2)}, "under digest"),
        ({"run": {"num_threads": 1}}, "under digest"),
        ({"learning_rates": {"adam": 0.1}}, "adam from another rate"),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, changes: dict[str, Any], law: str) -> None:
    """The error says what differs, and to name another folder."""
    path, plan = _keep(tmp_path, _plan(tmp_path)), _plan(tmp_path, **changes)
    with pytest.raises(ConfigError, match=law + ".*Name another folder"):
        kept_arms(path, plan, settings_digest(plan))


def test_other_data_are_refused(tmp_path: Path) -> None:
    """One more rating in the same file is another race; it is refused before anything is trained, and what was raced stays."""
    path = _keep(tmp_path, _plan(tmp_path))
    kept = path.read_bytes()
    (tmp_path / "ratings.txt").write_text("1 2 3\n1 3 4\n")
    with pytest.raises(ConfigError, match="Name another folder"):
        carry_out(_plan(tmp_path), tmp_path)
    assert path.read_bytes() == kept


def test_a_plan_that_is_not_there_is_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with 2 and the reason."""
    assert run(["study", "embeddings", "--plan", str(tmp_path / "none.toml"), "--folder", str(tmp_path)]) == 2
    assert "must be a readable file" in capsys.readouterr().err


def test_a_recipe_of_clicks_counts(tmp_path: Path) -> None:
    """Another learning setting in the recipe is another race; a recipe that only lies elsewhere is the same."""
    text = COUPON.read_text()
    digests = []
    for name, changed in (("a", text), ("b", text), ("c", text.replace("embedding_dim = 8", "embedding_dim = 9"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "coupon.toml").write_text(changed.replace('path = "', f'path = "{COUPON.parent}/'))
        clicks = {"recipe": tmp_path / name / "coupon.toml", "train_rows": 9, "valid_rows": 9}
        digests.append(settings_digest(_plan(tmp_path, ratings=None, clicks=clicks)))
    assert digests[0] == digests[1] != digests[2]


def test_data_that_are_not_there(tmp_path: Path) -> None:
    """A race without its file says where it was looked for."""
    with pytest.raises(DataError, match="no file at"):
        settings_digest(_plan(tmp_path, ratings={"path": tmp_path / "none.txt"}))
