"""Models over HTTP: answers that are known by hand, and what happens when a bundle is broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ihas_service.settings import Settings
from tests.ihas.bundle_factory import LOGITS, rows
from tests.service.conftest import Publish, damage, eventually
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


def test_a_model_lists_its_versions_and_its_summary(live: LiveServer, publish: Publish) -> None:
    """The newest version first; the summary is the bundle's."""
    publish()
    publish()
    model = live.json("GET", "/v1/models/films")

    assert (model["latest"], model["serving"], model["problem"]) == (2, 2, None)
    assert [version["version"] for version in model["versions"]] == [2, 1]
    assert model["summary"]["chosen"] == "grouped"
    assert [(one["name"], one["version"]) for one in live.json("GET", "/v1/models")["models"]] == [("films", 2)]


def test_a_newer_version_takes_over_by_itself(live: LiveServer, publish: Publish) -> None:
    """Version 1 answers until version 2 is loaded, and can still be asked for."""
    publish()
    assert live.json("POST", "/v1/models/films/score", json={"rows": []})["version"] == 1
    publish()

    eventually(lambda: live.json("POST", "/v1/models/films/score", json={"rows": []})["version"] == 2)
    assert live.json("POST", "/v1/models/films/score?version=1", json={"rows": []})["version"] == 1


def test_an_unknown_version_is_said_to_be(live: LiveServer, publish: Publish) -> None:
    """And the newest is named."""
    publish()
    response = live.http.post("/v1/models/films/score?version=9", json={"rows": []})

    assert (response.status_code, "newest is 1" in response.json()["detail"]) == (404, True)


def test_a_changed_byte_is_refused_and_named(live: LiveServer, publish: Publish) -> None:
    """503 with the file's name; the model and the readiness say so too, and the process lives."""
    names: list[str] = []
    publish(spoil=lambda folder: names.append(damage(folder)))
    response = live.http.post("/v1/models/films/score", json={"rows": []})
    eventually(lambda: live.http.get("/readyz").json().get("type") == "urn:ihas:problem:not-ready")
    ready = live.http.get("/readyz")

    assert response.status_code == 503
    assert response.json()["detail"].startswith(f"Version 1 of model 'films' cannot be used: `{names[0]}`")
    assert names[0] in live.json("GET", "/v1/models/films")["problem"]
    assert (ready.status_code, "films" in ready.json()["errors"][0]["detail"]) == (503, True)
    assert live.http.get("/livez").status_code == 200


@pytest.mark.parametrize(
    "spoil", [shutil.rmtree, lambda folder: (folder / "manifest.json").unlink(), lambda folder: (folder / "more").touch()]
)
def test_a_broken_bundle_says_nothing_of_where_it_lies(
    live: LiveServer, publish: Publish, settings: Settings, spoil: Callable[[Path], object]
) -> None:
    """Folder gone, a file gone, a file too many: model and version are named, the machine's folders are not."""
    publish(spoil=spoil)
    eventually(lambda: live.http.get("/readyz").json().get("type") == "urn:ihas:problem:not-ready")
    answers = [live.http.post("/v1/models/films/score", json={"rows": []}), live.http.get("/readyz"), live.http.get("/v1/models/films")]

    assert all("Version 1 of model 'films'" in answer.text for answer in answers)
    assert not any(str(settings.folder) in answer.text or "searches/" in answer.text for answer in answers)


def test_before_a_broken_version_the_older_one_keeps_serving(live: LiveServer, publish: Publish) -> None:
    """Whether it was loaded before or is loaded now, the older version answers, and the service stays ready."""
    publish()
    publish(spoil=damage)

    assert live.json("POST", "/v1/models/films/score", json={"rows": []})["version"] == 1
    eventually(lambda: live.http.get("/readyz").json().get("models") == {"films": 1})
    assert live.http.post("/v1/models/films/score?version=2", json={"rows": []}).status_code == 503


def test_many_callers_get_the_same_answers(live: LiveServer, publish: Publish) -> None:
    """Eight threads that ask while nothing is loaded yet all get the hand-calculated score."""
    publish()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(live.json, "POST", "/v1/models/films/score", json={"rows": rows()[:1]}) for _ in range(40)]
        scores = {round(one.result()["scores"][0]["logit"], 4) for one in asked}

    assert scores == {LOGITS["ada"]["m1"]}


def test_a_deleted_model_answers_no_more_and_may_come_again(live: LiveServer, publish: Publish, settings: Settings) -> None:
    """Promoted, it needs `force`; its bundles go, other processes follow, and the name goes on with the next number."""
    folders = [publish(), publish()]
    live.json("POST", "/v1/models/films/promote", json={"version": 2})
    with LiveServer(settings) as second:
        for one in (live, second):
            assert one.json("POST", "/v1/models/films/score?version=1", json={"rows": []})["version"] == 1
        refused = live.http.delete("/v1/models/films")
        gone = live.json("DELETE", "/v1/models/films?force=true")
        asked = ("/v1/models/films/score", "/v1/models/films/score?version=1")
        assert [live.http.post(path, json={"rows": []}).status_code for path in asked] == [404, 404]
        for path in asked:
            eventually(lambda path=path: second.http.post(path, json={"rows": []}).status_code == 404)  # type: ignore[misc]
        publish()
        again = [one.json("POST", "/v1/models/films/score", json={"rows": rows()[:1]}) for one in (live, second)]

    assert (refused.status_code, "version 2 is the champion" in refused.json()["detail"]) == (409, True)
    assert (gone["deleted"], [folder.exists() for folder in folders]) == ("films", [False, False])
    assert [(one["version"], round(one["scores"][0]["logit"], 4)) for one in again] == [(3, LOGITS["ada"]["m1"])] * 2
    assert live.http.delete("/v1/models/songs").status_code == 404


def test_a_model_nobody_promoted_is_deleted_at_once(live: LiveServer, publish: Publish) -> None:
    """Then 404; the searches that made it stay, and may go too."""
    run = publish().parent
    statuses = [live.http.delete("/v1/models/films").status_code for _ in range(2)]

    assert (statuses, live.json("GET", "/v1/models")) == ([200, 404], {"models": []})
    assert live.json("GET", f"/v1/searches/{run.name}")["state"] == "succeeded"
    assert live.http.delete(f"/v1/searches/{run.name}").status_code == 200
    assert not run.exists()
