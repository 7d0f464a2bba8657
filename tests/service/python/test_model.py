"""A model at work, from a bundle whose scores are worked out by hand."""

from __future__ import annotations

import gc
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import ihas
from ihas.bundle.archive import write_bundle
from ihas.results.run_result import RunResult
from ihas.serving.requests import MAX_EXPLAINED
from ihas_pipelines.runs.points import point_bundle
from tests.ihas.bundle_factory import GROUPS, LOGITS, rows, small_bundle
from tests.ihas.results.test_frontier import point
from tests.pipelines.result_factory import run_result

WORKED_OUT = np.array([logit for by_movie in LOGITS.values() for logit in by_movie.values()])
FRONTIER = (point("base"), point("members x2"))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle alone."""
    write_bundle(small_bundle(), tmp_path / "films")
    return tmp_path / "films"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a finished run, with two points on its frontier."""
    folder = tmp_path / "run"
    write_bundle(small_bundle(), folder / "bundle")
    write_bundle(small_bundle("other"), point_bundle(folder, "members x2"))
    (folder / "result.json").write_text(run_result(chosen="base", frontier=FRONTIER).model_dump_json(), encoding="utf-8")
    return folder


def test_probabilities_are_those_worked_out(bundle: Path) -> None:
    """Lists of dicts, DataFrames and Arrow tables score alike, in the order of the classes 0 and 1; other columns are passed over."""
    model = ihas.load(bundle)
    frame = pl.DataFrame(rows()).with_columns(other=pl.lit(3))
    expected = 1 / (1 + np.exp(-WORKED_OUT))
    for given in (rows(), frame, frame.to_arrow()):
        found = model.predict_proba(given)
        assert found.shape == (6, 2)
        np.testing.assert_allclose(found[:, 1], expected, rtol=1e-6)
        np.testing.assert_array_equal(found.sum(axis=1), 1.0)
        np.testing.assert_array_equal(model.predict(given), WORKED_OUT > 0)
    assert model.predict_proba([]).shape == (0, 2)


def test_more_rows_than_a_request_may_hold_are_explained(bundle: Path) -> None:
    """Each row has its explanation, in order, whatever the number of rows: the path is that of the row's group."""
    given = rows() * (MAX_EXPLAINED // 3)
    found = ihas.load(bundle).explain(given)
    assert len(found) == len(given)
    assert [why.sentence[:8] for why in found] == [f"Group {GROUPS[row['user'] or '']} " for row in given]


def test_recommendations_are_ranked_and_selected(bundle: Path) -> None:
    """The best items come first; exclusions, candidates and filters are those of a request, and what cannot be read is named."""
    model = ihas.load(str(bundle))
    assert [(one.id, one.rank) for one in model.recommend({"user": "ada"}).items] == [("m1", 1), ("m2", 2), ("m3", 3)]
    assert [one.id for one in model.recommend({"user": "bob"}, k=2, exclude=["m1"]).items] == ["m2", "m3"]
    assert [one.id for one in model.recommend({"user": "ada"}, filter='genres has "drama"', candidates=None).items] == ["m1"]
    assert model.recommend({"user": "ada"}, k=1, explain=True).items[0].explanation is not None
    with pytest.raises(ihas.RequestError, match="describes the item"):
        model.recommend({"movie": "m1"})
    with pytest.raises(ihas.RequestError, match="The request cannot be read: Expected `int`, got `str`"):
        model.recommend({"user": "ada"}, k="3")  # type: ignore[arg-type]


def test_a_model_is_saved_and_pickled(run: Path, tmp_path: Path) -> None:
    """A saved bundle and a pickle score as the model does; a pickle holds the result too, and needs no folder of the first."""
    model = ihas.load(run)
    saved = ihas.load(model.save(tmp_path / "saved"))
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301
    for other in (saved, copy):
        np.testing.assert_array_equal(other.predict_proba(rows()), model.predict_proba(rows()))
    assert copy.result == model.result
    assert copy.run is not None
    place = copy.run
    assert place != run
    del copy, other
    gc.collect()
    assert not place.exists()
    with pytest.raises(ihas.BundleError, match="A bundle is written to a new folder"):
        model.save(tmp_path / "saved")


def test_another_point_of_the_frontier_is_chosen_without_training(run: Path, bundle: Path) -> None:
    """The point's own bundle scores; an unknown point, and a bundle that has no others, are told."""
    model = ihas.load(run)
    assert isinstance(model.result, RunResult)
    assert [one.name for one in model.frontier] == ["base", "members x2"]
    assert model.choose("members-x2").name == model.choose(model.frontier[1]).name == "other"
    with pytest.raises(ihas.ConfigError, match="one of `base`, `members x2`"):
        model.choose("large")
    (run / "result.json").unlink()
    with pytest.raises(ihas.ConfigError, match="another version's form"):
        _ = ihas.load(run).frontier


def test_a_report_is_shown_and_saved(run: Path, tmp_path: Path) -> None:
    """A notebook shows the document in a frame, a file holds it; it names no address to fetch from."""
    report = ihas.load(run).report()
    assert report.save(tmp_path / "report.html").read_text(encoding="utf-8") == report.html
    assert report._repr_html_().startswith("<iframe srcdoc=")
    assert "&lt;script" in report._repr_html_()
    assert '<link rel="stylesheet"' not in report.html
    assert ' src="http' not in report.html
    assert repr(report) == f"<report: {run_result().verdict}>"


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    """No folder, and a run that is not finished."""
    with pytest.raises(ihas.BundleError, match="there is none at"):
        ihas.load(tmp_path / "none")
    (tmp_path / "stages").mkdir()
    with pytest.raises(ihas.ConfigError, match="is not finished. Fit again with the same `folder`"):
        ihas.load(tmp_path)
