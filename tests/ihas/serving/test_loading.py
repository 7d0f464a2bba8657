"""A folder becomes a recommender only when it answers as recorded, and without the training libraries."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.archive import write_bundle
from ihas.errors import BundleCorruptError
from ihas.serving.golden import check_golden
from ihas.serving.loading import load_recommender
from ihas.serving.recommender import GroupedRecommender
from tests.ihas.bundle_factory import LOGITS, rows, small_bundle

FORBIDDEN = ("tensorflow", "tf_keras", "keras", "sklearn", "scipy", "pyarrow", "plotly", "onnx", "pandas")
SCORE = """
import json, sys
from pathlib import Path
from ihas.serving.loading import load_recommender
from ihas.serving.answers import RecommendRequest
found = load_recommender(Path(sys.argv[1])).recommend(RecommendRequest({"user": "ada"}, explain=True))
print(json.dumps({"items": [item.id for item in found.items], "modules": sorted(sys.modules)}))
"""


def test_loaded_recommender_scores_as_worked_out_by_hand(tmp_path: Path) -> None:
    """A bundle on disk answers as the table in the factory says."""
    write_bundle(small_bundle(), tmp_path / "bundle")
    scored = load_recommender(tmp_path / "bundle").score(rows())
    assert [row.logit for row in scored] == [logit for movies in LOGITS.values() for logit in movies.values()]


def test_serving_imports_no_training_library(tmp_path: Path) -> None:
    """A fresh process loads a bundle and recommends without TensorFlow, scikit-learn, pyarrow or plotly."""
    write_bundle(small_bundle(), tmp_path / "bundle")
    done = subprocess.run([sys.executable, "-c", SCORE, str(tmp_path / "bundle")], capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert found["items"] == ["m1", "m2", "m3"]
    assert not {name.partition(".")[0] for name in found["modules"]} & set(FORBIDDEN)


def test_other_logits_are_refused(tmp_path: Path) -> None:
    """A bundle whose golden rows score otherwise than recorded does not load; the largest difference is told."""
    bundle = small_bundle()
    logits = bundle.golden.logits.copy()
    logits[2] += 0.25
    write_bundle(dataclasses.replace(bundle, golden=dataclasses.replace(bundle.golden, logits=logits)), tmp_path / "bundle")
    with pytest.raises(BundleCorruptError, match=r"0\.25 in row 2"):
        load_recommender(tmp_path / "bundle")


def test_other_groups_are_refused() -> None:
    """A golden row that falls into another group is told."""
    bundle = small_bundle()
    golden = dataclasses.replace(bundle.golden, group=np.array([0, 0, 1, 1, 1, 1], np.int32))
    with pytest.raises(BundleCorruptError, match="row 2: group 0 instead of 1"):
        check_golden(GroupedRecommender(bundle), golden)


@pytest.mark.parametrize(("difference", "fits"), [(5e-6, True), (2e-4, False)])
def test_golden_rows_may_differ_in_the_last_digits(difference: float, fits: bool) -> None:
    """A difference of rounding is let through, one that a person could see is not."""
    bundle = small_bundle()
    golden = dataclasses.replace(bundle.golden, logits=bundle.golden.logits + np.float32(difference))
    if fits:
        check_golden(GroupedRecommender(bundle), golden)
        return
    with pytest.raises(BundleCorruptError, match="largest difference"):
        check_golden(GroupedRecommender(bundle), golden)


def test_graph_that_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    """A graph with right checksums that is no graph does not load."""
    bundle = small_bundle()
    paths = (dataclasses.replace(bundle.paths[0], graph=b"no graph"), bundle.paths[1])
    write_bundle(dataclasses.replace(bundle, paths=paths), tmp_path / "bundle")
    with pytest.raises(BundleCorruptError, match="group-0"):
        load_recommender(tmp_path / "bundle")
