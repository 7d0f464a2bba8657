"""A finished run carried on with newer rows."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from ihas.bundle.archive import read_bundle
from ihas.config.data import DataConfig
from ihas.config.refresh import RefreshConfig
from ihas.data.grown_encoder import Growth
from ihas.data.storage import load_ingested
from ihas.errors import ConfigError, DataError
from ihas.results.run_result import RunResult
from ihas.serving.answers import RecommendRequest
from ihas.serving.loading import load_recommender
from ihas_pipelines.runs.predecessor import read_predecessor
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.runs.refresh import refresh_run
from ihas_pipelines.runs.refresh_request import RefreshRequest
from ihas_pipelines.runs.run import run_recipe
from ihas_pipelines.runs.warm_model import grown_model
from tests.clock import HANG_S
from tests.paths import ROOT
from tests.pipelines.runs.clicks import clicks_recipe, write_clicks
from tests.pipelines.small_run import without_times

pytestmark = [pytest.mark.tf, pytest.mark.slow]

ROWS = 3_000


def _ignore(line: Progress) -> None:
    """Listens to no line."""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a search that succeeded."""
    folder = tmp_path_factory.mktemp("searched")
    recipe = clicks_recipe(write_clicks(folder / "old.csv", ROWS))
    run_recipe(recipe, folder / "run", _ignore)
    (folder / "run" / "recipe.json").write_text(recipe.model_dump_json())
    return folder / "run"


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table a third longer; half of its new rows show new items."""
    return write_clicks(tmp_path_factory.mktemp("newer") / "new.csv", ROWS * 4 // 3, first_new=ROWS)


def _request(source: Path, data: Path, point: str | None = None, **settings: float) -> RefreshRequest:
    return RefreshRequest(source=source, data=DataConfig(path=data), settings=RefreshConfig.model_validate(settings), point=point)


@pytest.fixture(scope="module")
def refreshed(searched: Path, newer: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    """The run carried on with the longer table, in a folder of its own."""
    folder = tmp_path_factory.mktemp("refreshed") / "run"
    _finish(_start(_request(searched, newer), folder))
    return folder, RunResult.model_validate_json((folder / "result.json").read_bytes())


def _auc(result: RunResult, name: str, part: str = "valid") -> float:
    return next(getattr(one, part).auc for one in result.variants if one.name == name)


def test_new_items_are_learnt_and_the_refreshed_model_serves(refreshed: tuple[Path, RunResult]) -> None:
    """On rows of which a half show items that the old model has never seen, the refreshed one ranks better by far, and says so."""
    folder, result = refreshed

    assert result.chosen == "refreshed"
    assert _auc(result, "refreshed") > _auc(result, "before") + 0.05
    assert _auc(result, "refreshed", "test") > _auc(result, "before", "test") + 0.05
    assert result.refresh is not None
    assert result.refresh.new_values == {"item": 20}
    assert "20 values are new" in result.verdict
    assert not (folder / "plots").exists()


def test_the_bundle_serves_new_items(refreshed: tuple[Path, RunResult]) -> None:
    """Golden rows are reproduced on loading, new items are recommended, and the report is written."""
    folder, result = refreshed
    recommender = load_recommender(folder / "bundle")
    answer = recommender.recommend(RecommendRequest(context={"user": "u1", "place": "a", "age": 20}, k=40))

    assert {item.id for item in answer.items} >= {"i21", "i39"}
    assert read_bundle(folder / "bundle").summary["chosen"] == "refreshed"
    assert result.refresh is not None
    assert result.refresh.retrieval == "trained anew"
    assert "goes on serving" not in (folder / "report.html").read_text()


def test_known_ids_start_from_their_own_rows_and_new_ones_from_the_mean(searched: Path, refreshed: tuple[Path, RunResult]) -> None:
    """Before a step is trained, every known row is that of the search, bit for bit; new items have the mean of the known ones."""
    earlier, data = read_predecessor(searched), load_ingested(next((refreshed[0] / "stages").glob("data-*")) / "encoded")
    growth = Growth.between(earlier.data.encoder.layout, data.encoder.layout)
    start = grown_model(earlier, growth, data.parts, "mean").models[0].weights.table
    old = earlier.served.models[0].weights.table
    first, size = int(growth.old.first_rows[1]), growth.old.vocabulary_sizes[1]

    assert np.array_equal(start[growth.source >= 0], old)
    mean = old[first + 2 : first + size].astype(np.float64).mean(axis=0).astype(np.float32)
    assert np.array_equal(start[growth.source < 0], np.tile(mean, (20, 1)))


def test_the_model_as_it_was_answers_as_the_old_bundle_does(searched: Path, refreshed: tuple[Path, RunResult], newer: Path) -> None:
    """`before` gives the scores of the old run's choice before it was trained once more, new items unknown to both."""
    from ihas.serving.grouped.model import GroupedModel
    from ihas_pipelines.runs.values import read_value

    data = load_ingested(next((refreshed[0] / "stages").glob("data-*")) / "encoded")
    before = read_value(next((refreshed[0] / "stages").glob("variant-before-*")))
    chosen = RunResult.model_validate_json((searched / "result.json").read_bytes()).chosen
    bundle = read_bundle(next((searched / "stages").glob(f"point-{chosen}-*")) / "bundle")
    growth = Growth.between(bundle.encoder.layout, data.encoder.layout)
    answered = GroupedModel(bundle).logits(growth.as_before(np.asarray(data.parts.test.ids)))[1]

    assert np.allclose(answered, before.test_logits, atol=1e-4)


def test_an_unchanged_table_never_makes_the_model_worse(searched: Path, tmp_path: Path) -> None:
    """On the same rows the served model is at least as good on validation rows, and within noise on test rows."""
    table = searched.parent / "old.csv"
    result = refresh_run(_request(searched, table), tmp_path / "run", _ignore)
    was = RunResult.model_validate_json((searched / "result.json").read_bytes())

    assert result.refresh is not None
    assert result.refresh.new_values == {}
    assert _auc(result, result.chosen) >= _auc(was, was.chosen) - 1e-6
    assert abs(_auc(result, result.chosen, "test") - _auc(was, was.chosen, "test")) < 0.02


@pytest.mark.parametrize("point", ["members", "static", "supernet", "grouped"])
def test_every_kind_of_model_is_carried_on(searched: Path, newer: Path, tmp_path: Path, point: str) -> None:
    """Members, masks, gates and groups learn the new items too, keep their sizes, and make a bundle that loads."""
    earlier = _with_point(searched, tmp_path / "source", point)
    result = refresh_run(_request(earlier, newer, regroup_above=9.0), tmp_path / "run", _ignore)
    source, made = read_predecessor(earlier), read_predecessor(tmp_path / "run")

    assert result.refresh is not None
    assert result.refresh.model == point
    assert (result.refit is not None) == result.refresh.anew, "nothing is said of what was trained once more before"
    assert _auc(result, "refreshed") > _auc(result, "before") + 0.03
    assert result.variants[1].cost.multiply_adds == pytest.approx(source.served.cost.multiply_adds, rel=0.2)
    assert [np.array_equal(new.mask, old.mask) for new, old in zip(made.served.models, source.served.models, strict=True)].count(False) == 0
    load_recommender(tmp_path / "run" / "bundle")


def _with_point(searched: Path, folder: Path, point: str) -> Path:
    """The run with another choice, and no retrieval."""
    shutil.copytree(searched, folder)
    recipe = orjson.loads((folder / "recipe.json").read_bytes())
    recipe["learning"]["retrieval"]["when"] = "never"
    (folder / "recipe.json").write_bytes(orjson.dumps(recipe))
    result = orjson.loads((folder / "result.json").read_bytes())
    (folder / "result.json").write_bytes(orjson.dumps(result | {"chosen": point}))
    return folder


def test_groups_are_kept_unless_drift_asks_for_new_ones(searched: Path, newer: Path, tmp_path: Path) -> None:
    """Below the bound groups stay and the result says so; with a bound of zero they are formed anew, as many, with a fallback beside."""
    earlier = _with_point(searched, tmp_path / "source", "grouped")
    kept = refresh_run(_request(earlier, newer, regroup_above=100.0), tmp_path / "kept", _ignore)
    anew = refresh_run(_request(earlier, newer, regroup_above=0.0), tmp_path / "anew", _ignore)

    assert kept.refresh is not None
    assert anew.refresh is not None
    assert (kept.refresh.groups, anew.refresh.groups) == ("kept", "formed anew")
    assert "were kept" in kept.verdict
    assert "formed anew by the gates of the search, which was not repeated" in anew.verdict
    assert len(anew.groups) == len(kept.groups) == 2
    assert read_bundle(tmp_path / "anew" / "bundle").fallback is not None


def test_a_refreshed_run_is_refreshed_in_its_turn(refreshed: tuple[Path, RunResult], tmp_path: Path) -> None:
    """The folder of a refresh is a run like any other, and the name of the model stays."""
    folder, first = refreshed
    table = write_clicks(tmp_path / "later.csv", ROWS * 3 // 2, first_new=ROWS)
    result = refresh_run(_request(folder, table), tmp_path / "run", _ignore)

    assert first.refresh is not None
    assert result.refresh is not None
    assert result.refresh.model == first.refresh.model
    assert _auc(result, result.chosen) >= _auc(result, "before")


def test_the_model_as_it_was_goes_on_where_learning_on_is_worse(searched: Path, newer: Path, tmp_path: Path, monkeypatch) -> None:
    """Where the refreshed model ranks worse, what served is published over the new table, and the next refresh starts new items afresh."""
    from ihas.serving.grouped.model import GroupedModel
    from ihas_pipelines.runs import refresh_stages

    monkeypatch.setattr(refresh_stages.Sides, "better", lambda sides, _: sides.before)
    result = refresh_run(_request(searched, newer), tmp_path / "run", _ignore)
    monkeypatch.undo()
    again = refresh_run(_request(tmp_path / "run", newer), tmp_path / "again", _ignore)

    assert result.chosen == "before"
    assert "goes on serving" in result.verdict
    assert "goes on serving" in (tmp_path / "run" / "report.html").read_text()
    assert _auc(again, "refreshed") > _auc(again, "before") + 0.03
    load_recommender(tmp_path / "run" / "bundle")
    was = RunResult.model_validate_json((searched / "result.json").read_bytes())
    assert was.refit is not None
    assert result.refit is not None
    assert result.refit.rows == was.refit.rows
    ids = np.asarray(load_ingested(next((tmp_path / "run" / "stages").glob("data-*")) / "encoded").parts.test.ids)
    old, new = (read_bundle(folder / "bundle") for folder in (searched, tmp_path / "run"))
    before = Growth.between(old.encoder.layout, new.encoder.layout).as_before(ids)
    assert np.allclose(GroupedModel(old).logits(before)[1], GroupedModel(new).logits(ids)[1], atol=1e-4)


def _start(request: RefreshRequest, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    path = folder / "refresh.json"
    path.write_text(request.model_dump_json())
    command = [sys.executable, "-m", "ihas_pipelines", "refresh", "--request", str(path), "--folder", str(folder)]
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=os.environ)


def _finish(process: subprocess.Popen[bytes]) -> None:
    """Let a refresh come to its end; its standard input stays open, for closing it would stop it."""
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    assert process.wait(HANG_S) == 0, lines[-1]
    assert process.stdin is not None
    process.stdin.close()
    process.stdout.close()


def _computed(folder: Path) -> object:
    """A result without what is measured: times, and bytes in memory, of which names of functions in graphs are a few (decision 61)."""
    found: Any = without_times(folder / "result.json")
    for point in found["frontier"]:
        del point["memory_bytes"]
    return found


@pytest.mark.parametrize("message", ["refresh/", "Comparing", "Training the retrieval towers"])
def test_a_refresh_that_was_killed_ends_as_an_undisturbed_one(
    searched: Path, newer: Path, refreshed: tuple[Path, RunResult], tmp_path: Path, message: str
) -> None:
    """SIGKILL wherever, started again: the same result, and the same model to the bit."""
    folder, _ = refreshed
    process = _start(_request(searched, newer), tmp_path / "run")
    assert process.stdout is not None
    for line in process.stdout:
        if message in orjson.loads(line)["message"]:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate(timeout=HANG_S)
    assert process.returncode == -signal.SIGKILL
    _finish(_start(_request(searched, newer), tmp_path / "run"))

    assert _computed(tmp_path / "run") == _computed(folder)
    for stage in ("warm", "retrieve", "variant-refreshed"):
        ours, theirs = (next((where / "stages").glob(f"{stage}-*")) / "arrays.safetensors" for where in (tmp_path / "run", folder))
        assert ours.read_bytes() == theirs.read_bytes()


def test_a_table_that_does_not_fit_leaves_nothing(searched: Path, tmp_path: Path) -> None:
    """A missing column is told with a finding, and neither a bundle nor a result is written."""
    table = tmp_path / "other.csv"
    table.write_text((searched.parent / "old.csv").read_text().replace("place", "where", 1))
    with pytest.raises(DataError) as caught:
        refresh_run(_request(searched, table), tmp_path / "run", _ignore)

    assert [(finding.code, finding.column) for finding in caught.value.findings] == [("missing_column", "place")]
    assert not (tmp_path / "run" / "bundle").exists()
    assert not (tmp_path / "run" / "result.json").exists()


def test_only_finished_runs_can_be_refreshed_and_not_in_place(searched: Path, newer: Path, tmp_path: Path) -> None:
    """No folder, a folder without its stages, an unknown point and the run's own folder are refused with a way out."""
    with pytest.raises(ConfigError, match=r"has a recipe\.json"):
        refresh_run(_request(tmp_path, newer), tmp_path / "run", _ignore)
    with pytest.raises(ConfigError, match="a run folder of its own"):
        refresh_run(_request(searched, newer), searched, _ignore)
    (tmp_path / "other").mkdir()
    shutil.copy(searched / "result.json", tmp_path / "other" / "result.json")
    with pytest.raises(ConfigError, match="holds a search"):
        refresh_run(_request(searched, newer), tmp_path / "other", _ignore)
    with pytest.raises(ConfigError, match="A point must be one of"):
        refresh_run(_request(searched, newer, point="teacher"), tmp_path / "run", _ignore)
    emptied = tmp_path / "emptied"
    shutil.copytree(searched, emptied)
    shutil.rmtree(emptied / "stages")
    with pytest.raises(ConfigError, match=r"was removed\. Search again"):
        refresh_run(_request(emptied, newer), tmp_path / "run", _ignore)
