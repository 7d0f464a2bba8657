"""Every route of the service's own description, asked by its owner, by another tenant, with a key that only reads, and without one."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from ihas_service.app import create_app
from ihas_service.auth.scopes import OF_A_TENANT, Scope
from ihas_service.http.examples.searches import BODIES, RESULT
from ihas_service.http.policy import EXTENSION
from ihas_service.settings import Settings
from tests.service.conftest import Publish
from tests.service.keyed import NewKey
from tests.service.live import LiveServer

pytestmark = pytest.mark.full

OWN_ANSWERS = {200, 201, 202, 400, 409, 412, 415, 422, 428}
BINARY = "application/octet-stream"


def operations() -> dict[tuple[str, str], Scope | None]:
    """The scope of every route, by method and path."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(folder=Path(folder)))
        app.state.parts.store.close()
        return {
            (method.upper(), path): Scope(one[EXTENSION]["scope"]) if "scope" in one[EXTENSION] else None
            for path, routes in app.openapi()["paths"].items()
            for method, one in routes.items()
        }


OPERATIONS = operations()


@dataclass
class World:
    """A tenant with one of everything, and somebody to ask for it."""

    live: LiveServer
    ids: dict[str, str]
    owner: dict[str, str]
    other: dict[str, str]
    reader: dict[str, str]

    def ask(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        """The answer to a request for the tenant's own object, with the body of the description's example."""
        place = path.format(**self.ids)
        if path.endswith("/compare"):
            place += f"?first={self.ids['search_id']}&second={self.ids['search_id']}"
        if method == "DELETE" and path.endswith("/items"):
            place += "?put_before=1"  # before anything was put, so that the item stays for the routes that follow
        example = BODIES.get((method.lower(), path))
        if "events" in path and method == "GET":
            headers = {**headers, "last-event-id": "1000"}
        if isinstance(example, str):
            return self.live.http.request(method, place, content=example, headers={**headers, "content-type": BINARY})
        body = None if example is None else json.loads(json.dumps(example).replace('"ds_5f2a"', json.dumps(self.ids["dataset_id"])))
        return self.live.http.request(method, place, json=body, headers={**headers, "if-match": "*"})


@pytest.fixture
def world(guarded: LiveServer, publish: Publish, new_headers: NewKey) -> World:
    """The tenant `local` has a data set, a search that succeeded, a model with an alias, and keys."""
    run = publish().parent
    (run / "result.json").write_text(json.dumps(RESULT))
    (run / "plots").mkdir()
    (run / "plots" / "gates.json").write_text("{}")
    (run / "report.html").write_text("<!doctype html>")
    (run / "log.txt").write_text("Epoch 1.\n")
    (run / "recipe.json").write_text("{}")
    (run / "stages" / "data-0123456789abcdef").mkdir(parents=True)
    owner = new_headers(scopes=OF_A_TENANT)
    search = guarded.json("GET", "/v1/searches", headers=owner)["searches"][0]
    guarded.json("POST", "/v1/models/films/promote", json={"version": 1}, headers=owner)
    estimate = guarded.json("POST", "/v1/searches/estimate", json={"dataset_id": search["dataset_id"]}, headers=owner)
    key = guarded.json("POST", "/v1/keys", json={"name": "one", "scopes": ["read"]}, headers=owner)
    batch = guarded.json("POST", "/v1/models/films/batch", json={"dataset_id": search["dataset_id"]}, headers=owner)
    schedule = {"cron": "0 3 * * *", "refresh": {"dataset_id": search["dataset_id"]}}
    guarded.json("PUT", "/v1/models/films/schedule", json=schedule, headers=owner)
    guarded.server.config.app.state.parts.profiles.put(("local", "films"), {"ada": {}})  # type: ignore[union-attr]
    guarded.server.config.app.state.parts.item_fields.put(("local", "films"), {"m9": {}})  # type: ignore[union-attr]
    ids = {"dataset_id": search["dataset_id"], "search_id": search["id"], "name": "films", "version": "1", "alias": "champion"}
    ids |= {
        "key_id": key["id"],
        "estimate_id": estimate["id"],
        "batch_id": batch["id"],
        "figure": "gates",
        "model_name": "films",
        "model_version": "1",
        "user": "ada",
        "item": "m9",
    }
    return World(guarded, ids, owner, new_headers("acme"), new_headers(scopes=frozenset({Scope.READ})))


def test_routes_answer_whom_they_should(world: World) -> None:
    """Owner: an answer. Other tenant: 404 for an object, nothing of it in a list. Reader: 403 where it takes more. Nobody: 401."""
    wrong = []
    for (method, path), scope in OPERATIONS.items():
        answers = {who: world.ask(method, path, getattr(world, who, {})) for who in ("nobody", "reader", "other", "owner")}
        found = {who: answer.status_code for who, answer in answers.items()}
        if found != expected(path, scope, found):
            wrong.append((method, path, found, {who: answer.text[:120] for who, answer in answers.items()}))
        if scope is not None and "{" not in path and answers["other"].is_success:
            leaked = [name for name in ("dataset_id", "search_id", "key_id", "batch_id") if world.ids[name] in answers["other"].text]
            wrong += [(method, path, leaked)] if leaked else []
    assert wrong == []


def expected(path: str, scope: Scope | None, found: dict[str, int]) -> dict[str, int]:
    """What the four should be answered; where several statuses are right, the one that was found."""
    own = found["owner"] if found["owner"] in OWN_ANSWERS else 200
    if scope is None:
        return {**dict.fromkeys(found, 200)}
    if scope is Scope.METRICS:
        return {"nobody": 401, "reader": 403, "other": 200, "owner": 403}
    reader = 403 if scope is not Scope.READ else found["reader"] if found["reader"] in OWN_ANSWERS else 200
    other = (
        404 if "{" in path or path.endswith(("/compare", "/estimate")) else found["other"] if found["other"] in OWN_ANSWERS | {404} else 200
    )
    return {"nobody": 401, "reader": reader, "other": other, "owner": own}


def test_another_tenant_cannot_search_on_a_data_set(world: World) -> None:
    """A body that names another tenant's object is answered as a path that does: 404."""
    body: dict[str, Any] = {"name": "theirs", "dataset_id": world.ids["dataset_id"]}

    assert world.live.http.post("/v1/searches", json=body, headers=world.other).status_code == 404


def test_two_tenants_may_give_a_model_the_same_name(world: World) -> None:
    """Each sees its own; here the other one has none."""
    assert world.live.json("GET", "/v1/models", headers=world.other) == {"models": []}
    assert world.live.http.post("/v1/models/films/score", json={"rows": []}, headers=world.other).status_code == 404
    assert world.live.http.post("/v1/models/films/score", json={"rows": []}, headers=world.owner).status_code == 200
