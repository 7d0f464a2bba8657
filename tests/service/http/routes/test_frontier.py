"""Another point of a search's frontier, over HTTP, on bundles whose scores are known by hand."""

from __future__ import annotations

import dataclasses
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihas.bundle.archive import write_bundle
from ihas.bundle.values import Bundle
from ihas_pipelines.runs.points import point_bundle
from ihas_service.jobs.first_load import FirstLoad
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.ihas.bundle_factory import LOGITS, small_bundle
from tests.ihas.results.test_frontier import point
from tests.service.conftest import Publish
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

NAMES = ("base", "members x2")


def point_of(name: str) -> Bundle:
    """The small bundle as a point: group 0's model serves everybody as `base`, both models by group as `members x2`."""
    points = [point(one).model_dump(mode="json") for one in NAMES]
    bundle = dataclasses.replace(small_bundle(), summary={"chosen": name, "frontier": points})
    if name != "base":
        return bundle
    router = dataclasses.replace(bundle.router, centroids=np.zeros((1, 6), np.float32))  # type: ignore[type-var]
    golden = bundle.golden
    known = dataclasses.replace(golden, group=np.zeros_like(golden.group), logits=np.array([4.5, 3.5, 1.5, 5.5, 4.5, 2.5], np.float32))
    return dataclasses.replace(bundle, models=bundle.models[:1], model_of_group=(0,), router=router, golden=known)


def with_frontier(settings: Settings, publish: Publish) -> Path:
    """A search whose version serves `base` and whose run folder keeps both points; the run folder."""

    def spoil(bundle: Path) -> None:
        shutil.rmtree(bundle)
        for name in NAMES:
            write_bundle(point_of(name), point_bundle(bundle.parent, name))
            FirstLoad(settings.folder, 1).passed(point_bundle(bundle.parent, name))
        shutil.copytree(point_bundle(bundle.parent, "base"), bundle)

    return publish(spoil=spoil).parent


def _score(live: LiveServer, version: int) -> float:
    rows = {"rows": [{"user": "bob", "genres": "comedy", "movie": "m2"}]}
    answer: dict[str, Any] = live.json("POST", f"/v1/models/films/score?version={version}", json=rows)
    return float(np.log(answer["scores"][0]["score"] / (1.0 - answer["scores"][0]["score"])))


@pytest.mark.timeout(280)
def test_another_point_is_the_next_version(live: LiveServer, settings: Settings, publish: Publish) -> None:
    """Without training: the frontier is listed, the point chosen, and the new version answers as its bundle does; its lineage names the
    point, and its search says how it came about. Asked again, for either point, the versions that there are are the answer."""
    run = with_frontier(settings, publish)
    before = live.json("GET", "/v1/models/films/frontier")
    made = live.http.post("/v1/models/films/choose", json={"point": "members x2"})
    again = live.http.post("/v1/models/films/choose", json={"point": "members-x2"})
    back = live.http.post("/v1/models/films/choose", json={"point": "base"})
    after = live.json("GET", "/v1/models/films/frontier")

    assert (before["chosen"], before["kept"], before["search_id"]) == ("base", True, run.name)
    assert [(one["name"], one["version"], one["candidates_p99_us"]) for one in before["points"]] == [
        ("base", None, 400.0), ("members x2", None, 400.0),
    ]  # fmt: skip
    assert (made.status_code, made.json()["version"], made.headers["location"]) == (201, 2, "/v1/models/films/versions/2")
    assert (again.status_code, again.json()) == (200, made.json())
    assert (back.status_code, back.json()["version"]) == (201, 3)
    assert (after["version"], after["search_id"], [one["version"] for one in after["points"]]) == (3, run.name, [3, 2])
    assert [round(_score(live, version), 3) for version in (1, 2, 3)] == [4.5, LOGITS["bob"]["m2"], 4.5]
    assert live.json("GET", "/v1/models/films/versions/2")["chosen"] == "members x2"
    message = live.json("GET", f"/v1/searches/{made.json()['search_id']}")["message"]
    assert message == f"The point `members x2` of the frontier of search {run.name} was chosen."


@pytest.mark.timeout(280)
def test_of_four_who_choose_at_once_all_get_one_version(live: LiveServer, settings: Settings, publish: Publish) -> None:
    """One registers it, and for the others it is there; nothing else is left."""
    run = with_frontier(settings, publish)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: live.http.post("/v1/models/films/choose", json={"point": "members x2"}), range(4)))

    assert sorted(one.status_code for one in found) == [200, 200, 200, 201]
    assert {one.json()["version"] for one in found} == {2}
    assert len(list(run.parents[1].glob("derived/*"))) == 1


@pytest.mark.timeout(280)
def test_what_cannot_be_chosen_is_said(live: LiveServer, settings: Settings, publish: Publish) -> None:
    """An unknown point is answered with the known ones, an unknown version and model as everywhere, and a version that an earlier release
    made, or that is of no search for groups, by a sentence."""
    with_frontier(settings, publish)
    publish("older")
    unknown = live.http.post("/v1/models/films/choose", json={"point": "large"})
    older = [live.http.post("/v1/models/older/choose", json={"point": "base"}), live.http.get("/v1/models/older/frontier")]

    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/point")
    assert "A point must be one of `base`, `members x2`, but got 'large'." in unknown.json()["detail"]
    assert [one.status_code for one in older] == [409, 409]
    assert older[0].json()["detail"] == older[1].json()["detail"]
    assert older[0].json()["detail"].startswith("Version 1 of model 'older' has no frontier to choose from: an earlier version of iHAS")
    assert live.http.post("/v1/models/films/choose", json={"point": "base", "version": 9}).status_code == 422
    assert live.http.post("/v1/models/nothing/choose", json={"point": "base"}).status_code == 404
    assert live.http.get("/v1/models/nothing/frontier").status_code == 404


@pytest.mark.timeout(280)
def test_a_deleted_search_is_named(live: LiveServer, settings: Settings, store: SqlStore, publish: Publish) -> None:
    """A version that was chosen outlives its search: the frontier is still listed, and a point that nobody serves is refused. A point whose
    bundle somebody removed is refused too, and the search can be deleted although versions came of it."""
    run = with_frontier(settings, publish)
    live.json("POST", "/v1/models/films/choose", json={"point": "members x2"})
    live.json("POST", "/v1/models/films/promote", json={"version": 2})
    shutil.rmtree(point_bundle(run, "base"))
    removed = live.http.post("/v1/models/films/choose", json={"point": "base"})
    live.json("DELETE", "/v1/models/films/versions/1")
    live.json("DELETE", f"/v1/searches/{run.name}")
    found, deleted = live.json("GET", "/v1/models/films/frontier"), live.http.post("/v1/models/films/choose", json={"point": "base"})

    assert (removed.status_code, deleted.status_code) == (409, 409)
    assert f"is kept by search {run.name}, which keeps no bundle of it." in removed.json()["detail"]
    assert f"is kept by search {run.name}, which was deleted. Run that search again" in deleted.json()["detail"]
    assert (found["kept"], [one["version"] for one in found["points"]]) == (False, [None, 2])
    assert round(_score(live, 2), 3) == LOGITS["bob"]["m2"]
