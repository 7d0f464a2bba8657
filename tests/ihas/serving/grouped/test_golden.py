"""Golden rows must be answered as recorded."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ihas.errors import BundleCorruptError
from ihas.serving.grouped.golden import check_golden
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas_pipelines.benchmarks.bundles import BundleShape, random_bundle
from tests.ihas.bundle_factory import small_bundle


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


@pytest.mark.parametrize("spoilt", [0.0, 0.1])
def test_a_two_sided_model_must_score_the_golden_rows_too(spoilt: float) -> None:
    """A split whose kernel is not the graph's is found before it answers anybody."""
    bundle = random_bundle(BundleShape(num_users=9, num_items=9, num_values=5, num_fields=4, dim=2, num_groups=2))
    path = bundle.models[int(bundle.golden.group[0])]
    assert path.two_sided is not None
    other = dataclasses.replace(path, two_sided=dataclasses.replace(path.two_sided, kernel=path.two_sided.kernel + np.float32(spoilt)))
    paths = tuple(other if one is path else one for one in bundle.models)
    recommender = GroupedRecommender(dataclasses.replace(bundle, models=paths))
    if not spoilt:
        check_golden(recommender, bundle.golden)
        return
    with pytest.raises(BundleCorruptError, match="score from sums"):
        check_golden(recommender, bundle.golden)
