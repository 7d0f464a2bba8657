"""Rules of experiments: what is decided of canaries, and that it is carried out once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ihas_service.models.experiments.trial import TrialRules, findings
from ihas_service.storage.aliases import ANY, CHAMPION, Aliases, AliasRef
from ihas_service.storage.feedback import Answer, Deed, Feedback, KeptItem
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import TRIAL_SUMS
from ihas_service.storage.traffic import Traffic, TrafficPlan, TrafficPlans
from ihas_service.storage.trial_rows import Trials
from ihas_service.storage.trial_sums import TrialSums, sums_of
from tests.contracts.job_store import search
from tests.service.postgres import PostgresServer

pytestmark = pytest.mark.full

REF = AliasRef("local", "films", CHAMPION)
RULES = {"alpha": 0.05, "minimum_effect": 0.05, "promote": True}
ITEMS = {"m1": KeptItem(0, 0.5), "m2": KeptItem(0, 0.4), "m3": KeptItem(1, 0.3)}


@pytest.fixture(params=["sqlite", "postgresql"])
def films(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """Films with four versions, of which the first was promoted."""
    url = f"sqlite:///{tmp_path / 'ihas.db'}"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
    store = SqlStore(url)
    for _ in range(4):
        store.submit(search())
        job = store.claim("ada", 60.0, 3)
        assert job is not None
        store.succeed(job.id, job.token, "searches/x/bundle")
    Aliases(store).put(REF, 1, ANY)
    yield store
    store.close()


def plan(*canaries: int, **more: Any) -> TrafficPlan:
    """Canaries with a fifth of the requests each."""
    return TrafficPlan.model_validate({"canaries": [{"version": one, "percent": 20.0} for one in canaries], **more})


def put(store: SqlStore, asked: TrafficPlan) -> Traffic:
    """The plan in force."""
    return TrafficPlans(store).put(Traffic("local", "films", 0, asked, "ada", 0.0), ANY)


def answers(store: SqlStore, version: int, clicks: Sequence[int], first: int = 0, **more: Any) -> None:
    """Answers of a version, with so many clicks each on their first items."""
    feedback, how = Feedback(store), {"trial": TrafficPlans(store).get("local", "films").trial, **more}
    given = [Answer(f"rc_{version}_{first + number}", "local", "films", version, ITEMS, **how) for number in range(len(clicks))]
    feedback.remember(given)
    items = list(ITEMS)
    deeds = [(Deed(one.id, item, "click"), one) for one, count in zip(given, clicks, strict=True) for item in items[:count]]
    feedback.add(deeds)
    feedback.add(deeds[:1])  # said twice


def test_sums_count_every_answer_and_each_click_once(films: SqlStore) -> None:
    """Values 0, 1, 3: three answers, four clicks, squares 10; clicks that come one after the other sum up to the same."""
    trial = put(films, plan(2)).trial
    answers(films, 2, [0, 1, 3])
    answers(films, 1, [2, 0])
    feedback = Feedback(films)
    known = feedback.known("local", ["rc_1_1"])["rc_1_1"]
    for item in ("m1", "m2"):
        feedback.add([(Deed("rc_1_1", item, "impression"), known), (Deed("rc_1_1", item, "click"), known)])

    assert sums_of(films, "local", "films", trial) == {2: TrialSums(3, 4, 10, 2, 0), 1: TrialSums(2, 4, 8, 2, 0)}
    assert sums_of(films, "other", "films", trial) == {}


def test_an_answer_counts_in_the_trial_that_it_was_given_in(films: SqlStore) -> None:
    """Not in the one that runs as the click comes, and in none without canaries, or where a caller named the version."""
    answers(films, 1, [1], 100)
    first = put(films, plan(2)).trial
    answers(films, 2, [0])
    answers(films, 2, [1], 50, trial=0)
    second = put(films, plan(2, 3)).trial
    feedback = Feedback(films)
    feedback.add([(Deed("rc_2_0", "m1", "click"), feedback.known("local", ["rc_2_0"])["rc_2_0"])])

    assert (sums_of(films, "local", "films", first), sums_of(films, "local", "films", second)) == ({2: TrialSums(1, 1, 1, 1, 0)}, {})
    put(films, TrafficPlan())
    trials = Trials(films)
    latest = trials.latest("local", "films")
    assert latest is not None
    assert (trials.running(), latest.trial, latest.ended is not None) == ([], second, True)


def test_interleaved_answers_count_for_whose_items_are_clicked(films: SqlStore) -> None:
    """The value is clicks on the challenger's items minus the others': 1, -1 and 2 - 1; items are credited to their own version."""
    trial = put(films, TrafficPlan.model_validate({"interleave": {"version": 3, "percent": 50}})).trial
    for number, picked, clicks in ((0, ["m1"], 1), (1, ["m2"], 1), (2, ["m1", "m3"], 3)):
        answers(films, 1, [clicks], number, challenger={"version": 3, "items": picked})

    assert sums_of(films, "local", "films", trial) == {-3: TrialSums(3, 1, 3, 2, 1)}
    assert {(one.version, one.clicks) for one in Feedback(films).counts("local", "films", 60.0)} == {(1, 2), (3, 2), (3, 1)}
    found = TrialRules(films).look("local", "films")
    assert found is not None
    assert found[1] is not None
    assert found[1].preference is not None
    assert (found[1].preference.version, found[1].preference.found.difference) == (3, pytest.approx(1 / 3))


def test_a_better_canary_is_promoted_once(films: SqlStore) -> None:
    """Four processes look at the same moment: one change of plan and champion, with the figures as their reason; sticky field and shadows
    stay, and the trial has ended."""
    put(films, plan(2, 3, sticky_field="user", shadows=[4], experiment=RULES))
    answers(films, 1, [1, 0, 0, 0] * 150)
    answers(films, 2, [1, 1, 1, 0] * 150)
    answers(films, 3, [1, 0, 0, 0] * 150)
    with ThreadPoolExecutor(4) as pool:
        changed = list(pool.map(lambda _: TrialRules(films).apply(), range(4)))
    aliases, after = Aliases(films), TrafficPlans(films).get("local", "films")

    assert sum(changed) == 1
    assert (aliases.get(REF).version, after.plan, after.trial, after.actor) == (
        2,
        TrafficPlan(sticky_field="user", shadows=(4,)),
        0,
        "service",
    )
    change = aliases.history(REF, None, 10)[0]
    assert (change.actor, change.reason.startswith("Trial 1: Better: 0.7500 clicks an answer against 0.2500, a difference of +0.5000")) == (
        "service",
        True,
    )
    trial = Trials(films).latest("local", "films")
    assert trial is not None
    assert [(one["version"], one["decision"]) for one in trial.decisions] == [(2, "promoted"), (3, "stopped")]
    assert (trial.decisions[1]["detail"], trial.ended is not None) == ("Version 2 was promoted.", True)
    assert aliases.roll_back(REF, ANY).version == 1


def test_a_worse_canary_is_stopped_and_the_others_go_on(films: SqlStore) -> None:
    """Their trial goes on counting, and their sticky keys stay with them; without `promote` a better one is left to a person."""
    before = put(films, plan(2, 3, experiment={**RULES, "promote": False}))
    answers(films, 1, [1, 0, 0, 0] * 150)
    answers(films, 2, [0] * 600)
    answers(films, 3, [1, 1, 1, 0] * 150)
    rules = TrialRules(films)
    assert (rules.apply(), rules.apply()) == (1, 0)
    after = TrafficPlans(films).get("local", "films")

    assert ([one.version for one in after.plan.canaries], after.trial, Aliases(films).get(REF).version) == ([3], before.trial, 1)
    assert after.buckets[3] == before.buckets[3]
    found = rules.look("local", "films")
    assert found is not None
    assert found[1] is not None
    assert [(arm.version, arm.sums.answers, arm.decision) for arm in found[1].arms] == [(3, 600, None)]


def test_a_canary_that_differs_too_little_is_stopped(films: SqlStore) -> None:
    """Its interval lies within the smallest difference that matters."""
    put(films, plan(2, experiment={**RULES, "minimum_effect": 0.5}))
    for version in (1, 2):
        answers(films, version, [1, 0] * 300)

    assert TrialRules(films).apply() == 1
    trial = Trials(films).latest("local", "films")
    assert trial is not None
    assert trial.decisions[0]["detail"].startswith("No difference of 0.5 or more: ")


def test_nothing_is_decided_without_rules_or_on_too_little(films: SqlStore) -> None:
    """A plan without an experiment; one with a handful of answers; and one of a model of which no version serves."""
    put(films, plan(2))
    answers(films, 1, [1, 0] * 300)
    answers(films, 2, [0] * 600)
    rules = TrialRules(films)
    assert rules.apply() == 0
    put(films, plan(2, experiment=RULES))
    answers(films, 2, [0] * 10, 900)
    assert rules.apply() == 0
    Aliases(films).roll_back_to(REF, 0, ANY)
    assert rules.apply() == 0


def test_errors_are_shared_by_the_canaries_that_a_trial_began_with() -> None:
    """One that is stopped leaves its share to nobody: the interval of the other does not shrink."""
    sums = {1: TrialSums(600, 150, 150), 2: TrialSums(600, 190, 190)}
    alone, of_four = (findings(plan(2, experiment=RULES), 1, sums, canaries).arms[0].found for canaries in (1, 4))
    assert alone is not None
    assert of_four is not None

    assert of_four.low < alone.low
    assert findings(TrafficPlan.model_validate({"canary": {"version": 2, "percent": 5, "groups": [1]}}), 1, sums, 1).arms[0].found is None


def test_sums_that_are_older_than_answers_are_forgotten(films: SqlStore) -> None:
    """With them, by the hour."""
    put(films, plan(2))
    answers(films, 2, [1])
    films.write(lambda connection: connection.execute(TRIAL_SUMS.update().values(hour=1)))
    Feedback(films).forget(3_600.0)

    assert films.read(sa.select(TRIAL_SUMS)) == []
