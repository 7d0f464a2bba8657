"""Everybody answers the same question."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from ihas.bundle.archive import write_bundle
from ihas.serving.answers import RecommendRequest
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas_pipelines.benchmarks.bundles import random_bundle
from ihas_pipelines.benchmarks.serving import (
    FLOOR,
    OURS,
    SCORED,
    TF,
    recommend_body,
    score_body,
    shape_tables,
    tensorflow_systems,
    whole_rows,
)
from tests.pipelines.benchmarks.test_bundles import SHAPES

COUNT = 9


@pytest.mark.parametrize("name", ["plain", "grouped", "gated"])
def test_the_request_by_id_and_the_whole_rows_are_the_same_rows(name: str) -> None:
    """The scores of the request's candidates are those of the rows that the baseline methods score."""
    bundle = random_bundle(SHAPES[name])
    recommender = GroupedRecommender(bundle)
    request = msgspec.json.decode(recommend_body(bundle, COUNT), type=RecommendRequest)
    answer = recommender.recommend(msgspec.structs.replace(request, k=COUNT))
    logits = recommender.score_ids(whole_rows(bundle, COUNT))[1]

    assert [item.score for item in answer.items] == pytest.approx(sorted(1.0 / (1.0 + np.exp(-logits)), reverse=True), abs=1e-5)


def test_the_row_is_one_that_the_model_knows() -> None:
    """One row with a value of every field."""
    bundle = random_bundle(SHAPES["plain"])
    (row,) = msgspec.json.decode(score_body(bundle))["rows"]

    assert set(row) == set(bundle.encoder.layout.names)


@pytest.mark.slow
def test_a_shape_gives_a_table_for_one_row_and_for_each_number_of_candidates() -> None:
    """A small model, two repetitions: every system has its line; the floor costs less than what stands on it."""
    one_row, few, many, *steps = shape_tables("small", SHAPES["grouped"], 2, (5, 12))

    assert {OURS, TF} <= {row[0] for row in one_row.rows}
    for table in (few, many):
        costs = {row[0]: row[1] for row in table.rows}
        assert {OURS, TF, FLOOR, "ONNX Runtime, whole rows"} <= set(costs)
        assert costs[SCORED] < costs[OURS]  # type: ignore[operator]
        assert costs[FLOOR] < costs[OURS]  # type: ignore[operator]  # numbers behind the names
    assert [table.rows[-1][0] for table in steps] == ["all", "all"]


@pytest.mark.slow
def test_tensorflow_is_measured_for_every_number_of_rows(tmp_path: Path) -> None:
    """tf.function and Keras, one row and each number of candidates."""
    write_bundle(random_bundle(SHAPES["plain"]), tmp_path / "bundle")
    measurements = tensorflow_systems(tmp_path / "bundle", None, True, (5,))

    assert [name.partition(",")[0] for name in measurements] == ["1 tf.function", "5 tf.function"]
    assert all(measurement().cpu > 0.0 for measurement in measurements.values())
