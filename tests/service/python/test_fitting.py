"""Models from tables that a program holds: real runs in child processes."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import ihas
from ihas_service.cli.terminal import CommandError, ExitCode
from ihas_service.python.carry_out import error_of
from tests.clock import HANG_S
from tests.pipelines.studies.overrec.walks import walks

QUICK: dict[str, Any] = {
    "seed": 1, "training": {"embedding_dim": 4, "batch_size": 256, "learning_rate": 0.02, "embedding_l2": 1e-5, "epochs": 4},
    "distil": {"members": 0}, "members": {"counts": (), "larger": ()}, "search": {"epochs": 1},
    "cluster": {"num_groups": (2,), "on": ("masked",), "thresholds": (0.5,)}, "retrain": {"epochs": 1}, "evaluate": {"controls": False},
}  # fmt: skip
WITHOUT_CHOICE: dict[str, Any] = {"sigma_w": [1.0], "normalize": [False], "num_neighbours": [20], "recommender": {"hide_history": False}}


def clicks(rows: int = 1_500, seed: int = 0) -> pl.DataFrame:
    """Users of two tastes: even users click on items a and b nine times in ten, odd ones on c and d."""
    rng = np.random.default_rng(seed)
    user, item = rng.integers(0, 20, rows), rng.integers(0, 4, rows)
    taken = rng.random(rows) < np.where((item < 2) == (user % 2 == 0), 0.9, 0.1)
    return pl.DataFrame({"user": user, "item": np.array(list("abcd"))[item], "hour": rng.random(rows) * 24, "click": taken.astype(np.int8)})


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(("settings", "message"), [
    ({"trainin": {}}, "There is no `trainin` here. Did you mean `training`?"),
    ({"training": {"epochs": 0}}, "`learning.training.epochs` must be at least 1"),
    ({"budget": {"wall": 3}}, "There is no `wall` here. Did you mean `wall_s`?"),
    ({"columns": {"labels": "click"}}, "There is no `labels` here. Did you mean `label`?"),
    ({"name": "A B"}, "`name` must match"),
])  # fmt: skip
def test_a_wrong_setting_is_told_before_anything_runs(settings: dict[str, Any], message: str, temporary: Path) -> None:
    """The message is the library's own, in one line, and no temporary folder stays."""
    with pytest.raises(ihas.ConfigError) as caught:
        ihas.fit(clicks(10), label="click", **settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(temporary.iterdir()) == []


def test_errors_of_a_run_are_those_of_the_library() -> None:
    """The code of the child's error document says the class; findings stay with a data error, and anything else is an `IhasError`."""
    finding = {"code": "no_rows", "severity": "error", "message": "None.", "row": 3, "column": "click"}
    found = error_of(CommandError("Bad.", ExitCode.INVALID_DATA, {"code": "data", "findings": [finding]}))
    assert isinstance(found, ihas.DataError)
    assert (str(found), found.findings[0].row, found.findings[0].column) == ("Bad.", 3, "click")
    for code, error in {
        "config": ihas.ConfigError,
        "budget": ihas.BudgetError,
        "training": ihas.TrainingError,
        "disk": ihas.IhasError,
    }.items():
        assert type(error_of(CommandError("Bad.", ExitCode.RUN_FAILED, {"code": code}))) is error
    assert type(error_of(CommandError("Ended.", ExitCode.RUN_FAILED))) is ihas.IhasError


@pytest.mark.full
@pytest.mark.parametrize("form", [pytest.param("lists", marks=pytest.mark.slow), "frame"])
def test_sequences_of_a_program_recommend_the_next_item(form: str, temporary: Path) -> None:
    """Item lists and a table of interactions both give a recommender that walks on; its folder is there as long as the model is."""
    table = pl.DataFrame(
        [{"who": f"u{user}", "what": item, "when": time} for user, one in enumerate(walks()) for time, item in enumerate(one)]
    )
    columns = {"user": "who", "item": "what", "time": "when"}
    settings: dict[str, Any] = {"learning": WITHOUT_CHOICE} | (columns if form == "frame" else {})
    model = ihas.fit_sequences(walks() if form == "lists" else table.sample(fraction=1.0, shuffle=True, seed=1), **settings)
    assert model.recommend({"history": ["i8", "i9"]}, k=2).items[0].id == "i10"
    assert "nearest histories" in model.explain({"history": ["i8", "i9"], "item": "i10"})[0].sentence
    assert model.result.chosen.num_neighbours == 20
    assert model.frontier == ()
    assert model.report().html.startswith("<!doctype html>")
    assert len(list(temporary.iterdir())) == 1
    del model
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.full
def test_a_table_with_faults_is_told_with_rows_and_columns(temporary: Path) -> None:
    """A label that is neither 0 nor 1 is a data error whose findings name the cell; nothing stays of the run."""
    broken = clicks(60).with_columns(click=pl.when(pl.int_range(60) == 4).then(7).otherwise(pl.col("click")))
    with pytest.raises(ihas.DataError) as caught:
        ihas.fit(broken, label="click", item_id="item", **QUICK)
    assert [(one.row, one.column) for one in caught.value.findings] == [(5, "click")]
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.full
def test_an_interrupted_fit_leaves_nothing(temporary: Path) -> None:
    """Ctrl-C stops the child, then the temporary folder is removed."""
    interrupting = threading.Thread(target=_interrupt_once, args=(temporary,), daemon=True)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        ihas.fit(clicks(), label="click", item_id="item", **QUICK)
    assert list(temporary.iterdir()) == []


def _interrupt_once(folder: Path) -> None:
    """Interrupt this process as soon as a run has taken its folder."""
    end = time.monotonic() + HANG_S
    while not list(folder.glob("ihas-*/run/.lock")) and time.monotonic() < end:
        os.sched_yield()
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_fit_finds_what_the_table_holds(tmp_path: Path) -> None:
    """Users of two tastes get the items of their taste; the run folder that was named holds the same model for another process."""
    model = ihas.fit(clicks(), label="click", item_id="item", columns={"categorical": ["user"]}, folder=tmp_path / "run", **QUICK)
    assert {one.id for one in model.recommend({"user": 2}, k=2).items} == {"a", "b"}
    assert {one.id for one in model.recommend({"user": 3}, k=2).items} == {"c", "d"}
    unseen = clicks(seed=1)
    hits = model.predict(unseen.drop("click")) == unseen["click"].to_numpy()
    assert hits.mean() > 0.8
    assert model.result.fields == ("user", "item", "hour")
    assert model.choose(model.frontier[0]).predict_proba(unseen).shape == (1_500, 2)
    np.testing.assert_array_equal(ihas.load(tmp_path / "run").predict_proba(unseen), model.predict_proba(unseen))
