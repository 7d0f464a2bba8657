"""Models made of models."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest

import ihas
from ihas.bundle.archive import write_bundle
from ihas.config.overrec import OverRecConfig
from ihas.sequential.data.sequences import Sequences, UserSequences
from ihas.sequential.overrec.archive import OverRecBundle, write_overrec
from tests.ihas.bundle_factory import small_bundle
from tests.pipelines.studies.overrec.walks import NUM_ITEMS, walks
from tests.service.python.test_fitting import QUICK, clicks


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


def test_a_bundle_alone_is_not_carried_on(tmp_path: Path, temporary: Path) -> None:
    """It has no stages to go on from; nothing stays of the attempt. A folder that is none is told alike."""
    write_bundle(small_bundle(), tmp_path / "films")
    for model in (ihas.load(tmp_path / "films"), tmp_path / "nowhere"):
        with pytest.raises(ihas.ConfigError, match="A refresh carries the run of a model on"):
            ihas.refresh(model, clicks(10))
    assert list(temporary.iterdir()) == []


def test_a_wrong_setting_is_told_before_anything_runs(tmp_path: Path, temporary: Path) -> None:
    """With the nearest right one, and no temporary folder stays."""
    (tmp_path / "run" / "stages").mkdir(parents=True)
    with pytest.raises(ihas.ConfigError, match="There is no `epoch` here. Did you mean `epochs`?"):
        ihas.refresh(tmp_path / "run", clicks(10), epoch=1)
    assert list(temporary.iterdir()) == []


def test_a_cold_start_model_answers_for_unknown_users(tmp_path: Path, temporary: Path) -> None:
    """Histories lead to the next item, known users to the trained model; the folder goes with the model."""
    write_bundle(small_bundle(), tmp_path / "films")
    films, steps = ihas.load(tmp_path / "films"), walks()
    names = tuple(f"i{item}" for item in range(NUM_ITEMS))
    sequences = Sequences.of([[names.index(item) for item in one] for one in steps])
    data = UserSequences(tuple(f"u{user}" for user in range(len(steps))), names, sequences)
    write_overrec(OverRecBundle.of("walks", data, OverRecConfig(num_neighbours=20), {}), tmp_path / "walks")
    both = ihas.combine(films, ihas.load(tmp_path / "walks"), name="both")
    assert both.name == "both"
    assert both.recommend({"user": "ada"}, k=1).items[0].id == films.recommend({"user": "ada"}, k=1).items[0].id == "m1"
    assert both.recommend({"user": "nobody", "history": ["i8", "i9"]}, k=1).items[0].id == "i10"
    with pytest.raises(ihas.BundleError):
        ihas.combine(films, films)
    del both
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_model_is_carried_on_with_newer_rows(tmp_path: Path, temporary: Path) -> None:
    """New values are known afterwards, the result says what became of it, and the first model stays as it was."""
    model = ihas.fit(clicks(), label="click", item_id="item", columns={"categorical": ["user"]}, folder=tmp_path / "run", **QUICK)
    older = clicks().to_dicts()
    newer = older + [{"user": 20, "item": "e", "hour": 1.0, "click": number % 2} for number in range(200)]
    refreshed = ihas.refresh(model, pl.DataFrame(newer), epochs=1)
    assert refreshed.result.refresh.new_values["item"] == 1
    assert "e" in {one.id for one in refreshed.recommend({"user": 2}, k=5).items}
    assert "e" not in {one.id for one in model.recommend({"user": 2}, k=5).items}
    assert refreshed.report().html.startswith("<!doctype html>")
    again = ihas.refresh(tmp_path / "run", pl.DataFrame(older), folder=tmp_path / "second", epochs=1)
    assert again.run == tmp_path / "second"
