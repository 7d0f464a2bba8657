"""Steps add up to the answer."""

from __future__ import annotations

from ihas.serving.grouped.recommender import GroupedRecommender
from pipelines.benchmarks.bundles import BundleShape, random_bundle
from pipelines.benchmarks.serving import recommend_body, score_body
from pipelines.benchmarks.steps import candidate_steps, row_steps, steps_table

SHAPE = BundleShape(hidden=(64, 32), num_fields=10, num_users=50, num_items=300, num_values=9, num_groups=3)
RECOMMENDER = GroupedRecommender(random_bundle(SHAPE))


def test_every_step_can_be_taken_alone() -> None:
    """Each step of a row and of candidates gives something, and the whole gives the bytes of an answer."""
    for steps in (
        row_steps(RECOMMENDER, score_body(RECOMMENDER.bundle)),
        candidate_steps(RECOMMENDER, recommend_body(RECOMMENDER.bundle, 200)),
    ):
        assert all(step() is not None for step in steps.values())
        assert isinstance(steps["all"](), bytes)


def test_no_step_costs_more_than_all() -> None:
    """Five repetitions of 200 candidates: a step is a part of the whole."""
    table = steps_table("steps", candidate_steps(RECOMMENDER, recommend_body(RECOMMENDER.bundle, 200)), 5)
    costs = {str(row[0]): float(row[1]) for row in table.rows if isinstance(row[1], float)}

    assert len(costs) == 8
    assert all(cost < costs["all"] for name, cost in costs.items() if name != "all")
