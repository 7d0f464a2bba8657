"""Steps add up to the answer."""

from __future__ import annotations

import cProfile

from ihas.serving.grouped.recommender import GroupedRecommender
from ihas_pipelines.benchmarks.bundles import BundleShape, random_bundle
from ihas_pipelines.benchmarks.serving import recommend_body, score_body
from ihas_pipelines.benchmarks.steps import Step, candidate_steps, row_steps, steps_table

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


def calls(step: Step) -> int:
    """Calls of functions, Python's and compiled ones, that a step makes."""
    profile = cProfile.Profile()
    profile.runcall(step)
    return sum(entry.callcount for entry in profile.getstats())


def test_no_step_does_more_than_all() -> None:
    """A step of 200 candidates is a part of the whole: it makes fewer calls, the same number every time."""
    steps = candidate_steps(RECOMMENDER, recommend_body(RECOMMENDER.bundle, 200))
    made = {name: calls(step) for name, step in steps.items()}

    assert {name: calls(step) for name, step in steps.items()} == made
    assert all(count < made["all"] for name, count in made.items() if name != "all")


def test_every_step_is_measured() -> None:
    """Eight rows, each with a cost."""
    table = steps_table("steps", candidate_steps(RECOMMENDER, recommend_body(RECOMMENDER.bundle, 200)), 1)

    assert len(table.rows) == 8
    assert all(isinstance(cost, float) and cost > 0.0 for _, cost in table.rows)
