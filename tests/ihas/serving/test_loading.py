"""A folder becomes a recommender only when it answers as recorded, and without the training libraries."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ihas.bundle.archive import write_bundle
from ihas.errors import BundleCorruptError
from ihas.serving.loading import load_recommender
from tests.clock import HANG_S
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
    done = subprocess.run(
        [sys.executable, "-c", SCORE, str(tmp_path / "bundle")], capture_output=True, text=True, check=True, timeout=HANG_S
    )
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


def test_graph_that_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    """A graph with right checksums that is no graph does not load."""
    bundle = small_bundle()
    paths = (dataclasses.replace(bundle.models[0], graph=b"no graph"), bundle.models[1])
    write_bundle(dataclasses.replace(bundle, models=paths), tmp_path / "bundle")
    with pytest.raises(BundleCorruptError, match="group-0"):
        load_recommender(tmp_path / "bundle")
