"""A version is registered as live, as a candidate, or as the champion, in one step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from ihas.results.gates import Gate, GateBounds, GatesVerdict
from ihas_service.errors import ConflictError, PreconditionError
from ihas_service.storage.aliases import ANY, CHAMPION, NONE, Aliases, AliasRef
from ihas_service.storage.catalogue import ModelVersion
from ihas_service.storage.database import VERSION, bring_up_to_date
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.feedback import Answer, Deed, Feedback, KeptItem
from ihas_service.storage.job import Job
from ihas_service.storage.promotion import Promotion, Promotions
from ihas_service.storage.promotion_settings import AutoPromote, PromotionSettings, Release
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import TRIAL_SUMS
from ihas_service.storage.traffic import Canary, Traffic, TrafficPlan, TrafficPlans
from tests.contracts.job_store import search
from tests.service.storage.rewinding import drop_0010, drop_0011, drop_0012

pytestmark = pytest.mark.full

REF = AliasRef("local", "films", CHAMPION, "ada", "Because.")


def verdict(passed: bool, champion: int | None = None) -> GatesVerdict:
    """What gates may say."""
    return GatesVerdict(passed=passed, gates=(Gate(name="auc", passed=passed, detail="Lower end -0.0200."),), champion=champion, rows=9)


def register(store: SqlStore, auto: AutoPromote | None, said: GatesVerdict | None = None) -> tuple[ModelVersion, Job]:
    """The next version of films, and its job."""
    job = store.submit(search())
    claimed = store.claim("ada", 60.0, 3)
    assert claimed is not None
    release = None if auto is None else Release(auto, said, "The worker's log says why.")
    return store.succeed(claimed.id, claimed.token, "searches/x/bundle", release=release), store.job(job.id)


def served(store: SqlStore) -> int | None:
    """Number of the version that is to serve."""
    found = store.serving_version("local", "films")
    return None if found is None else found.version


def test_the_first_version_is_live_and_a_second_one_never_unasked(empty_store: SqlStore) -> None:
    """With `first`; the second is a candidate until it is promoted, whatever its gates say."""
    first, _ = register(empty_store, "first", verdict(False))
    second, job = register(empty_store, "first", verdict(True, 1))

    assert (first.candidate, second.candidate, served(empty_store)) == (False, True, 1)
    assert job.message == "Registered as version 2 of films; it serves once it is promoted."
    Aliases(empty_store).put(REF, 2, ANY)
    assert served(empty_store) == 2


def test_a_second_version_of_a_model_that_nobody_promoted_is_a_candidate(empty_store: SqlStore) -> None:
    """As models of earlier versions of iHAS are: the newest of before goes on serving."""
    for _ in range(2):
        register(empty_store, None)
    third, _ = register(empty_store, "first")

    assert (third.candidate, served(empty_store)) == (True, 2)


def test_with_never_no_version_serves_until_one_is_promoted(empty_store: SqlStore) -> None:
    """Also the first one is a candidate."""
    register(empty_store, "never", verdict(True))
    assert served(empty_store) is None
    Aliases(empty_store).put(REF, 1, ANY)
    assert served(empty_store) == 1


def test_a_version_that_meets_its_gates_is_promoted_with_its_reason(empty_store: SqlStore) -> None:
    """One that fails is a candidate that says why, and so is one that was compared with what serves no more."""
    register(empty_store, "passing", verdict(True))
    second, passed = register(empty_store, "passing", verdict(True, 1))
    third, failed = register(empty_store, "passing", verdict(False, 2))
    fourth, late = register(empty_store, "passing", verdict(True, 1))
    fifth, unknown = register(empty_store, "passing")

    assert served(empty_store) == 2
    assert [one.candidate for one in (second, third, fourth, fifth)] == [False, True, True, True]
    assert passed.message == "Registered as version 2 of films, which serves: it meets the gates."
    assert failed.message.endswith("it serves once it is promoted. It fails its gates: Lower end -0.0200.")
    assert late.message.endswith("it is promoted. Its gates compared it with version 1, but version 2 serves now.")
    assert unknown.message.endswith("it is promoted. Its gates could not be evaluated: The worker's log says why.")
    history = Aliases(empty_store).history(REF, None, 10)
    assert [(one.version, one.actor, one.reason) for one in history] == [(2, "service", "Gates met: Lower end -0.0200.")] + [
        (1, "service", "Gates met: Lower end -0.0200.")
    ]
    assert empty_store.versions("films")[2].gates == verdict(False, 2).model_dump(mode="json")


def test_of_two_first_versions_one_is_live(empty_store: SqlStore) -> None:
    """Two searches of a new name end at the same moment."""
    jobs = []
    for number in range(2):
        empty_store.submit(search())
        claimed = empty_store.claim(f"worker-{number}", 60.0, 3)
        assert claimed is not None
        jobs.append(claimed)

    def end(job: Job) -> bool:
        return empty_store.succeed(job.id, job.token, f"searches/{job.id}/bundle", release=Release("first")).candidate

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(end, jobs)) == [False, True]


def test_a_rollback_to_none_is_one_step_of_the_history(empty_store: SqlStore) -> None:
    """It expects a revision as any change does, and a rollback from there returns to what served before."""
    register(empty_store, None)
    register(empty_store, None)
    aliases = Aliases(empty_store)
    aliases.put(REF, 2, ANY)
    with pytest.raises(PreconditionError):
        aliases.roll_back_to(REF, NONE, 7)
    none = aliases.roll_back_to(REF, NONE, 1)

    assert (none.version, none.revision, served(empty_store)) == (NONE, 2, None)
    assert (aliases.roll_back(REF, ANY).version, served(empty_store)) == (2, 2)
    assert aliases.roll_back_to(REF, 1, ANY).version == 1
    with pytest.raises(ConflictError, match=r"let none serve: \{\"to\": \"none\"\}"):
        aliases.roll_back(replace(REF, alias="next"), ANY)


def test_none_keeps_no_version_from_being_deleted(empty_store: SqlStore) -> None:
    """And what was promoted or is live as the newest is kept as before; a candidate is not in use."""
    register(empty_store, "first")
    register(empty_store, "first")
    deletions = Deletions(empty_store)
    with pytest.raises(ConflictError, match="is the newest, and answers because none was promoted"):
        deletions.version("local", "films", 1)
    Aliases(empty_store).roll_back_to(REF, NONE, ANY)
    deletions.version("local", "films", 1)
    Promotions(empty_store).put(Promotion("local", "films", 0, PromotionSettings(), "ada", 0.0))
    deletions.model("local", "films")

    assert Promotions(empty_store).get("local", "films").revision == 0


def test_settings_are_kept_by_tenant_and_revision(empty_store: SqlStore) -> None:
    """What nobody set is the default; of changes that expect the same revision one is made."""
    promotions, mine = Promotions(empty_store), PromotionSettings(auto_promote="passing", gates=GateBounds(auc_tolerance=0.001))
    assert promotions.get("acme", "films").settings == PromotionSettings()
    put = promotions.put(Promotion("acme", "films", 0, mine, "ada", 0.0), 0)

    assert (promotions.get("acme", "films"), put.settings, put.revision) == (put, mine, 1)
    assert (empty_store.promotion("acme", "films"), promotions.get("other", "films").revision) == (mine, 0)
    with pytest.raises(PreconditionError, match="have revision 1, but the change expects 0. Read them again"):
        promotions.put(put, 0)


DYING = """
import os, signal, sys
from ihas.results.gates import GatesVerdict
from ihas_service.storage import sql_catalogue, sql_store
from ihas_service.storage.promotion_settings import Release
def dying(connection, *arguments):
    promote(connection, *arguments)
    os.kill(os.getpid(), signal.SIGKILL)
promote, sql_catalogue.promote = sql_catalogue.promote, dying
url, job, token = sys.argv[1:]
release = Release("passing", GatesVerdict(passed=True, gates=()))
sql_store.SqlStore(url).succeed(job, int(token), "searches/x/bundle", release=release)
"""


def test_who_is_killed_after_a_promotion_was_written_left_nothing(empty_store: SqlStore, database_url: str) -> None:
    """Neither a version nor a champion: the job is carried out again, and then there are both."""
    empty_store.submit(search())
    claimed = empty_store.claim("ada", 60.0, 3)
    assert claimed is not None
    command = [sys.executable, "-c", DYING, database_url, claimed.id, str(claimed.token)]
    ended = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})

    assert ended.returncode == -signal.SIGKILL
    assert (empty_store.versions("films"), Aliases(empty_store).of_model("local", "films")) == ([], [])
    empty_store.succeed(claimed.id, claimed.token, "searches/x/bundle", release=Release("passing", verdict(True)))
    assert served(empty_store) == 1


def test_a_database_of_before_serves_as_it_did(empty_store: SqlStore) -> None:
    """Rows of 0009: versions stay live, a canary keeps its buckets, an answer counts in no trial, and clicks on it are taken."""
    register(empty_store, None)
    plan = TrafficPlan(canary=Canary(version=1, percent=5.0))
    TrafficPlans(empty_store).put(Traffic("local", "films", 0, plan, "ada", 0.0), 0)
    answer = Answer("rc_1", "local", "films", 1, {"m1": KeptItem(0, 0.5)})
    Feedback(empty_store).remember([answer])

    def back(connection: sa.Connection) -> None:
        drop_0012(connection)
        drop_0011(connection)
        drop_0010(connection)
        connection.execute(VERSION.update().values(version_num="0009"))

    empty_store.write(back)
    bring_up_to_date(empty_store._engine.url.render_as_string(hide_password=False))
    version, traffic = empty_store.versions("films")[0], TrafficPlans(empty_store).get("local", "films")
    Feedback(empty_store).add([(Deed("rc_1", "m1", "click"), Feedback(empty_store).known("local", ["rc_1"])["rc_1"])])

    assert (version.candidate, version.gates, served(empty_store)) == (False, None, 1)
    assert (traffic.plan, traffic.buckets, traffic.trial) == (plan, {1: ((0, 500),)}, 0)
    assert empty_store.read(sa.select(TRIAL_SUMS)) == []
    assert Feedback(empty_store).counts("local", "films", 60.0)[0].clicks == 1
