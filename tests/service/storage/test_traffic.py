"""Plans of traffic change one after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from ihas_service.errors import PreconditionError
from ihas_service.storage.database import Database
from ihas_service.storage.tables import TRAFFIC
from ihas_service.storage.traffic import NO_PLAN, Canary, Traffic, TrafficPlan, TrafficPlans

pytestmark = pytest.mark.full

PLAN = TrafficPlan(canary=Canary(version=2, percent=5.0), sticky_field="user", shadows=(3,))


def traffic(plan: TrafficPlan = PLAN, tenant: str = "acme") -> Traffic:
    """A plan to put."""
    return Traffic(tenant, "films", 0, plan, "key:1", 0.0)


def test_a_model_without_a_plan_has_the_empty_one(database: Database) -> None:
    """Revision 0: all requests go to the champion."""
    assert TrafficPlans(database).get("acme", "films") == Traffic("acme", "films", 0, NO_PLAN, "", 0.0)


def test_a_plan_is_kept_as_it_was_put(database: Database) -> None:
    """With its revision, its maker and its time; another tenant's is none of its business."""
    plans = TrafficPlans(database)
    put = plans.put(traffic(), 0)

    assert (plans.get("acme", "films"), put.plan, put.revision, put.actor) == (put, PLAN, 1, "key:1")
    assert plans.get("other", "films").revision == 0
    assert plans.everywhere() == [put]


def test_of_twenty_changes_that_expect_the_same_one_is_made(database: Database) -> None:
    """Also the first one, where there is no row to lock."""
    plans = TrafficPlans(database)

    def put(expected: int) -> bool:
        try:
            return bool(plans.put(traffic(), expected).revision)
        except PreconditionError:
            return False

    for expected in (0, 1):
        with ThreadPoolExecutor(20) as pool:
            assert sum(pool.map(put, [expected] * 20)) == 1


def test_a_plan_of_one_canary_is_said_in_two_ways() -> None:
    """As `canary`, as version 0.1.0 did, and as `canaries`; what is read may be put again."""
    one, several = {"version": 2, "percent": 5.0}, [{"version": 2, "percent": 5.0}, {"version": 3, "percent": 1.0}]
    said = [TrafficPlan.model_validate(plan) for plan in ({"canary": one}, {"canaries": [one]}, {"canary": one, "canaries": [one]})]

    assert said[0] == said[1] == said[2]
    assert TrafficPlan.model_validate({"canaries": several}).canary == Canary(version=2, percent=5.0)
    for plan in (*said, TrafficPlan.model_validate({"canaries": several})):
        assert TrafficPlan.model_validate(plan.model_dump(mode="json")) == plan


def test_buckets_stay_with_a_plan(database: Database) -> None:
    """A version that grows takes free ones, also where its plan is from before there were any; a trial begins with each change."""
    plans = TrafficPlans(database)
    plans.put(traffic(), 0)
    database.write(lambda connection: connection.execute(TRAFFIC.update().values(buckets=None)))
    both = TrafficPlan.model_validate({"canaries": [{"version": 2, "percent": 5}, {"version": 3, "percent": 5}]})
    grown = TrafficPlan.model_validate({"canaries": [{"version": 3, "percent": 5}, {"version": 2, "percent": 8}]})

    assert plans.get("acme", "films").buckets == {2: ((0, 500),)}
    assert plans.put(traffic(both), 1).buckets == {2: ((0, 500),), 3: ((500, 1000),)}
    found = plans.put(traffic(grown), 2)
    assert (found.buckets, found.trial) == ({3: ((500, 1000),), 2: ((0, 500), (1000, 1300))}, 3)
    assert plans.get("acme", "films") == found
    assert plans.put(traffic(TrafficPlan(shadows=(3,))), 3).trial == 0


@pytest.mark.parametrize(
    "plan",
    [
        {"canaries": [{"version": 2, "percent": 60}, {"version": 3, "percent": 41}]},
        {"canaries": [{"version": 2, "percent": 1}, {"version": 2, "percent": 1}]},
        {"canaries": [{"version": 2, "percent": 1}], "interleave": {"version": 2, "percent": 1}},
        {"canary": {"version": 2, "percent": 1}, "canaries": [{"version": 3, "percent": 1}]},
        {"canaries": [{"version": number, "percent": 1} for number in range(1, 10)]},
        {"experiment": {}},
        {"canaries": [{"version": 2, "percent": 1, "groups": [0]}], "experiment": {}},
        {"canaries": [{"version": 2, "percent": 1}], "experiment": {"alpha": 0.5}},
        {"canaries": [{"version": 2, "percent": 1}], "experiment": {"minimum_effect": 1e-300}},
        {"canaries": {"version": 2, "percent": 1}},
    ],
)
def test_a_comparison_that_means_nothing_is_refused(plan: dict[str, object]) -> None:
    """More than all requests, a version twice, two first canaries, too many, rules without canaries or for some groups, odd numbers."""
    with pytest.raises(ValidationError):
        TrafficPlan.model_validate(plan)


@pytest.mark.parametrize(
    "plan", [{"canary": {"version": 2, "percent": 101}}, {"canary": {"version": 0, "percent": 1}}, {"shadow": [1]}, {"shadows": [1] * 5}]
)
def test_a_plan_that_means_nothing_is_refused(plan: dict[str, object]) -> None:
    """More than all requests, no version, an unknown part, too many shadows."""
    with pytest.raises(ValidationError):
        TrafficPlan.model_validate(plan)
