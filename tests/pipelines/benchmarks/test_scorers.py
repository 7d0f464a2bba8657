"""What serving is measured against computes the same scores."""

from __future__ import annotations

import numpy as np
import pytest

from ihas_pipelines.benchmarks.bundles import BundleShape, random_bundle, random_ids
from ihas_pipelines.benchmarks.scorers import SCORERS
from tests.pipelines.benchmarks.test_bundles import SHAPES

pytestmark = pytest.mark.tf

FULL = {name: BundleShape(**{**vars(SHAPES[name]), "gate_form": "full"}) for name in ("plain", "grouped", "gated")}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("onnxruntime", "plain"), ("onnxruntime", "grouped"), ("onnxruntime", "gated"), ("tf.function", "plain")]
    + [("tf.function", "grouped"), ("tf.function", "gated"), ("keras", "plain")],
)
def test_every_scorer_gives_the_bundles_logits(kind: str, name: str) -> None:
    """Baseline methods are given the same weights, and do the whole work: rows that are new to them get the scores of the bundle."""
    bundle = random_bundle(FULL[name])
    ids = random_ids(bundle, 40, np.random.default_rng(1))
    expected = SCORERS["onnxruntime"](bundle)

    np.testing.assert_allclose(SCORERS[kind](bundle)(bundle.golden.ids), bundle.golden.logits, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(SCORERS[kind](bundle)(ids), expected(ids), rtol=1e-4, atol=1e-4)
