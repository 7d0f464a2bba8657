"""Plans of traffic change one after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from service.errors import PreconditionError
from service.storage.database import Database
from service.storage.traffic import NO_PLAN, Canary, Traffic, TrafficPlan, TrafficPlans

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


@pytest.mark.parametrize(
    "plan", [{"canary": {"version": 2, "percent": 101}}, {"canary": {"version": 0, "percent": 1}}, {"shadow": [1]}, {"shadows": [1] * 5}]
)
def test_a_plan_that_means_nothing_is_refused(plan: dict[str, object]) -> None:
    """More than all requests, no version, an unknown part, too many shadows."""
    with pytest.raises(ValidationError):
        TrafficPlan.model_validate(plan)
