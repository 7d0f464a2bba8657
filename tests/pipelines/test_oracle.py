"""Whole runs on tables whose right answer is known: instances that differ are grouped and served so, others are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from sklearn.metrics import adjusted_rand_score

from ihas.bundle.archive import read_bundle
from ihas.bundle.values import Bundle
from ihas.config.cluster import ClusterConfig
from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.distil import DistilConfig
from ihas.config.evaluate import EvaluateConfig
from ihas.config.recipe import Recipe
from ihas.data.synthetic import make_tribes
from ihas.metrics import auc
from ihas.results.run_result import RunResult
from ihas.routing.router import sums_of
from ihas_pipelines.runs.run import run_recipe
from tests.oracle import tribes_config

pytestmark = [pytest.mark.tf, pytest.mark.timeout(1_200)]


def _run(num_tribes: int, folder: Path, num_rows: int = 30_000) -> tuple[RunResult, float]:
    """A run on a table of so many tribes, and the best reachable AUC."""
    oracle = make_tribes(np.random.default_rng(11), num_tribes, (num_rows, 10, 10))
    rows, layout = oracle.parts.train, oracle.layout
    columns = {name: rows.ids[:, i] - layout.first_rows[i] for i, name in enumerate(layout.names)}
    pa.csv.write_csv(pa.table({**columns, "label": rows.labels.astype(np.int32)}), folder / "table.csv")
    cluster = ClusterConfig(num_groups=(2, 3)) if num_tribes < 3 else ClusterConfig()  # fewer numbers where the run must be short
    learning = tribes_config().model_copy(
        update={"distil": DistilConfig(members=2), "evaluate": EvaluateConfig(controls=False), "cluster": cluster}
    )
    data = DataConfig(path=folder / "table.csv", columns=SchemaConfig(label="label", categorical=layout.names))
    recipe = Recipe(name="tribes", data=data, learning=learning)
    return run_recipe(recipe, folder / "run", lambda _: None), auc(oracle.logits[0], rows.labels) or 0.0


@pytest.mark.slow
def test_two_tribes_are_told_apart_and_served_so(tmp_path):
    """What treats instances alike is not chosen, the groups come near the best AUC, and the bundle routes each tribe its own way."""
    result, best = _run(2, tmp_path)

    _assert_told_apart(2, result, best, tmp_path)


@pytest.mark.slow
def test_three_tribes_are_told_apart_and_served_so(tmp_path):
    """Three tribes too, with nothing said about the number of groups."""
    result, best = _run(3, tmp_path, 40_000)

    assert len(result.groups) == 3
    _assert_told_apart(3, result, best, tmp_path)


@pytest.mark.slow
def test_five_tribes_want_five_groups(tmp_path):
    """Five groups are evaluated though four stand first, and taken, each of them a tribe, though a teacher was asked."""
    result, best = _run(5, tmp_path, 75_000)

    assert len(result.groups) == 5
    assert _index(5, tmp_path) >= 0.95
    assert result.chosen in ("supernet", "grouped")
    named = {variant.name: variant for variant in result.variants}
    assert named["supernet"].test.auc == pytest.approx(best, abs=0.02)
    assert named["grouped"].gain.low > 0.05
    assert named["static"].gain.high < 0.05


def _assert_told_apart(num_tribes: int, result: RunResult, best: float, folder: Path) -> None:
    assert result.chosen in ("supernet", "grouped")
    assert result.verdict.startswith(f"`{result.chosen}` was the smallest of the best")
    named = {variant.name: variant for variant in result.variants}
    assert named["grouped"].test.auc == pytest.approx(best, abs=0.02)
    assert named["grouped"].gain.low > 0.05
    assert named["static"].gain.high < 0.05
    assert _index(num_tribes, folder) >= 0.95
    bundle = read_bundle(folder / "run" / "bundle")
    sums = sums_of(bundle.router)
    assert (result.grouped_by, result.router_agreement) == ("additive", pytest.approx(1.0, abs=0.01))
    assert sums is not None
    rows, _ = _rows_of_tribes(num_tribes, bundle)
    np.testing.assert_array_equal(sums.route(rows).group, bundle.router.route(rows).group)


def _rows_of_tribes(num_tribes: int, bundle: Bundle) -> tuple[np.ndarray, list[int]]:
    """Ids of 400 rows of each tribe, and their tribes."""
    tastes = np.random.default_rng(0).integers(20, size=(400, num_tribes))
    values = [(2 + tribe, *(2 + taste).tolist(), 2) for tribe in range(num_tribes) for taste in tastes]
    rows = [{name: str(value) for name, value in zip(bundle.encoder.layout.names, row, strict=True)} for row in values]
    return bundle.encoder.encode_rows(rows), [row[0] for row in values]


def _index(num_tribes: int, folder: Path) -> float:
    """Adjusted Rand index of the groups that the bundle of groups routes to."""
    points = sorted((folder / "run" / "frontier").glob("grouped*"))
    bundle = read_bundle(points[0] if points else folder / "run" / "bundle")
    ids, tribes = _rows_of_tribes(num_tribes, bundle)
    return float(adjusted_rand_score(tribes, bundle.router.route(ids).group))


@pytest.mark.slow
def test_where_instances_do_not_differ_no_search_is_worth_it(tmp_path):
    """One tribe: nothing beats the plain model by more than chance, and the verdict says so."""
    result, best = _run(1, tmp_path)

    assert result.chosen == "base"
    assert result.verdict.startswith("No search is worth it here")
    assert result.variants[0].test.auc == pytest.approx(best, abs=0.02)
