"""The examples of docs/extending.md work from outside the packages, through HTTP and a worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, ClassVar

import pytest

from ihas_service.client.client import Client
from ihas_service.http.policy import EXTENSION
from ihas_service.http.routes.registry import ROUTERS
from ihas_service.jobs.handlers.handler import JobContext, JobHandler, Run
from ihas_service.jobs.handlers.registry import JOB_KINDS, job_kinds, register_job_kind
from ihas_service.settings import Settings
from ihas_service.storage.job import OWN_KINDS, JobKind
from ihas_service.storage.sql_store import SqlStore
from tests.paths import ROOT
from tests.service.conftest import Publish, RunningWorker, bundle, eventually, postgres, settings, store, table, valid_dataset
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

__all__ = ["Publish", "bundle", "postgres", "settings", "store", "table", "valid_dataset"]
MAX_LINES = 40


def example(section: str) -> str:
    """The first Python example under a heading of the page."""
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {section}\n.*?```python\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    assert found is not None, section
    assert len(found[1].splitlines()) < MAX_LINES
    return found[1]


@pytest.fixture
def counting() -> Iterator[None]:
    """The job kind and the routes of the page, registered as the page registers them."""
    names: dict[str, Any] = {"__name__": "example"}
    for section in ("Add a job kind", "Add a route"):
        exec(compile(example(section), "docs/extending.md", "exec"), names)
    yield
    ROUTERS.unregister("counts")
    JOB_KINDS.unregister("count")


@pytest.mark.usefixtures("counting")
def test_a_job_kind_from_outside_runs_through_http_and_the_worker(settings: Settings, valid_dataset: str) -> None:
    """Submitted, claimed, carried out by its own child, and read: the table has two rows."""
    with LiveServer(settings) as live, RunningWorker(settings), Client(live.url) as client:
        created = client.document("POST", "/v1/counts", params={"dataset_id": valid_dataset})
        path = f"/v1/counts/{created['id']}"
        done = eventually(lambda: one if (one := client.document("GET", path))["state"] == "succeeded" else None)
        described = live.json("GET", "/openapi.json")["paths"]["/v1/counts"]["post"][EXTENSION]

    assert created["id"].startswith("ct_")
    assert (done["stage"], done["rows"]) == ("reading", 2)
    assert (described["scope"], described["repeat"]) == ("data", "never")


@pytest.mark.usefixtures("counting")
def test_a_worker_leaves_jobs_of_kinds_that_it_does_not_know(store: SqlStore, settings: Settings, valid_dataset: str) -> None:
    """They wait for one that does."""
    with LiveServer(settings) as live:
        count_id = live.json("POST", "/v1/counts", params={"dataset_id": valid_dataset})["id"]

    assert store.claim("ada", 60.0, 3, 0, OWN_KINDS) is None
    assert (store.claim("ada", 60.0, 3, 0, job_kinds()) or pytest.fail("nothing to claim")).id == count_id


class Nothing(JobHandler):
    """A kind of job that nobody needs."""

    kind: ClassVar[JobKind] = JobKind("nothing", prefix="sr", rank=0)

    def prepare(self, job: Any, dataset: Any, context: JobContext) -> Run:
        """Never called."""
        raise AssertionError(job, dataset, context)

    def succeed(self, job: Any, run: Run, outcome: Any, context: JobContext) -> None:
        """Never called."""
        raise AssertionError(job, run, outcome, context)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (JobKind("nothing", "sr", 0), "prefix of a job kind must be unique, but 'sr' is that of search"),
        (JobKind("nothing", "S", 0), "2 to 8 letters"),
        (JobKind("a-name-that-is-too-long", "no", 0), "at most 16 characters"),
        (JobKind("search", "no", 0), "'search' is registered already"),
    ],
)
def test_a_job_kind_has_a_name_and_a_prefix_of_its_own(kind: JobKind, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids and rows of the job table tell kinds apart."""
    monkeypatch.setattr(Nothing, "kind", kind)
    with pytest.raises(ValueError, match=message):
        register_job_kind(Nothing())
    assert MappingProxyType({one.name: one for one in job_kinds()}).keys() == {"batch", "dataset", "estimate", "search", "refresh"}
