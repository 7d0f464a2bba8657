"""What an older version stored is opened by this one, which answers the same."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from ihas.config.recipe import Recipe
from ihas.results.run_result import RunResult
from ihas.serving.loading import load_recommender
from ihas_pipelines.kinds.recipe_file import read_any_recipe
from ihas_pipelines.runs.run import run_recipe
from ihas_service.cli.main import run
from ihas_service.client.client import Client
from ihas_service.settings import Settings
from ihas_service.storage.feedback import COUNTED, Feedback
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S, Clock
from tests.contracts.job_store import LEASE_S, seen_silent
from tests.service.live import LiveServer
from tests.stored import FIXTURES, answering, ask, assert_alike, read

pytestmark = pytest.mark.tf

OLD = FIXTURES / "v0_1_0"
RECIPES = {
    "linear": "Recipe", "hidden": "Recipe", "small": "Recipe", "overrec": "OverRecRecipe", "transformer": "TransformerRecipe",
    "ladder": "SizeSweepRecipe", "transfer": "TransferRecipe",
}  # fmt: skip
"""Name of a stored recipe, and what it is read as today."""
BUNDLE_OF_MODEL = {"clicks": "grouped", "walks": "overrec", "both": "cold-start"}
"""A bundle of this kind lies where the database says that a version of the model is."""
STAGES = {"validating": "reading", "searching": "search", "clustering": "cluster", "retraining": "retrain", "evaluating": "evaluate"}
"""Stage of a running job that an old state is today."""


@pytest.mark.parametrize("kind", sorted(path.stem for path in (OLD / "answers").glob("*.json")))
def test_a_bundle_answers_as_it_did(kind: str) -> None:
    """Scores, groups, items in their order, explanations: as the version answered that wrote the bundle."""
    recommender = load_recommender(OLD / "bundles" / kind)
    for number, question in enumerate(read(OLD / "answers" / f"{kind}.json")):
        assert_alike(ask(recommender, question), question["answer"], place=str(number))


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_is_read_as_it_was(name: str) -> None:
    """Every setting of the stored document has its value, and the recipe is of the kind that it was."""
    recipe = read_any_recipe(OLD / "recipes" / f"{name}.toml")
    stored = read(OLD / "recipes" / f"{name}.json")

    assert type(recipe).__name__ == RECIPES[name]
    assert recipe.data.path.is_file()
    assert_alike(recipe.model_dump(mode="json", exclude={"data": {"path"}, "other": {"path"}}), stored, 0.0)


def small_recipe() -> Recipe:
    """The recipe of the stored run."""
    recipe = read_any_recipe(OLD / "recipes" / "small.toml")
    assert isinstance(recipe, Recipe)
    return recipe


def stages(folder: Path) -> dict[str, dict[str, bytes]]:
    """Every file of every stage, by the stage's folder, whose name is the stage's name and key."""
    found = sorted((folder / "stages").iterdir())
    return {one.name: {str(file.relative_to(one)): file.read_bytes() for file in sorted(one.rglob("*")) if file.is_file()} for one in found}


def test_the_result_of_a_run_is_read() -> None:
    """Every figure is what it was; bundles are below."""
    result = RunResult.model_validate_json((OLD / "run" / "result.json").read_bytes())

    assert_alike(result.model_dump(mode="json"), read(OLD / "run" / "result.json"))


def test_a_run_that_is_started_again_reads_its_data(tmp_path: Path) -> None:
    """It has the key that it had. Trainings keep averages of epochs, which the older version did not, and are computed anew beside the
    older ones, of which no byte changes (decision 91), and the plain model ranks as well."""
    folder = shutil.copytree(OLD / "run", tmp_path / "run")
    (folder / "result.json").unlink()
    before = stages(folder)
    result = run_recipe(small_recipe(), folder, lambda _: None)
    after = stages(folder)

    assert {name: after[name] for name in before} == before
    assert "data" not in {name.rsplit("-", 1)[0] for name in after.keys() - before.keys()}
    stored = next(variant for variant in read(OLD / "run" / "result.json")["variants"] if variant["name"] == "base")
    assert (result.variants[0].valid.auc or 0.0) > stored["valid"]["auc"] - 1e-3


def reported(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What is reported today of a job or an event that was stored with `state`: the one place for what a migration makes of states.

    The age of a heartbeat depends on the clock.
    """
    found = {name: value for name, value in stored.items() if name != "heartbeat_age_s"}
    stage = STAGES.get(stored["state"])
    return found if stage is None else {**found, "state": "running", "stage": stage}


def reported_answer(path: str, stored: Any) -> Any:
    """What is answered today where `stored` was answered."""
    if path == "/v1/searches":
        return {**stored, "searches": [reported(search) for search in stored["searches"]]}
    return reported(stored) if path.startswith("/v1/searches/estimates/") else stored


@pytest.fixture(scope="module")
def life() -> dict[str, Any]:
    """What the old service answered at the end of its life: `answers` by path, `events` by search, `feedback` and `bundles`."""
    found: dict[str, Any] = orjson.loads(with_digests((OLD / "service" / "expected.json").read_text(encoding="utf-8")))
    return found


def with_digests(text: str) -> str:
    """A text of the old service with the digests of the bundles that stand in for those it registered."""
    life: dict[str, Any] = read(OLD / "service" / "expected.json")
    for version in life["bundles"]:
        name, number = version.split("/")
        registered = life["answers"][f"/v1/models/{name}/versions/{number}"]["manifest_sha256"]
        here = (OLD / "bundles" / BUNDLE_OF_MODEL[name] / "manifest.sha256").read_text(encoding="utf-8").split()[0]
        text = text.replace(registered, here)
    return text


@pytest.fixture
def settings(life: dict[str, Any], tmp_path: Path) -> Settings:
    """The old service's folder and database; its workers are gone."""
    connection = sqlite3.connect(tmp_path / "ihas.db")
    connection.executescript(with_digests((OLD / "service" / "database.sql").read_text(encoding="utf-8")))
    connection.commit()
    connection.close()
    for version, path in life["bundles"].items():
        shutil.copytree(OLD / "bundles" / BUNDLE_OF_MODEL[version.partition("/")[0]], tmp_path / path)
    for path, answer in life["answers"].items():
        found = {"result.json": answer} if path.endswith("/result") else {"estimate.json": answer.get("estimate")}
        folder = tmp_path / path.removeprefix("/v1/").replace("searches/estimates", "estimates").removesuffix("/result")
        for name, document in found.items():
            if document is not None:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(orjson.dumps(document))
    return Settings(folder=tmp_path, max_wait_s=60.0)


@pytest.fixture
def clock() -> Clock:
    """By which the store judges who is silent."""
    return Clock()


@pytest.fixture
def store(settings: Settings, clock: Clock) -> Iterator[SqlStore]:
    """The old database, brought to today's form."""
    store = SqlStore(settings.url, clock)
    yield store
    store.close()


def events_of(live: LiveServer, search_id: str, number: int) -> list[dict[str, Any]]:
    """The first events of a search, as its stream says them; that of a search at work would not end by itself."""
    found: list[dict[str, Any]] = []
    with live.http.stream("GET", f"/v1/searches/{search_id}/events") as stream:
        for line in stream.iter_lines():
            found += [json.loads(line.removeprefix("data: "))] if line.startswith("data: ") else []
            if len(found) == number:
                break
    return found


@pytest.mark.slow
def test_a_database_is_reported_as_it_was(life: dict[str, Any], settings: Settings) -> None:
    """Data sets, searches in every state, estimates, versions with their origin, aliases with their history, traffic, keys and events."""
    with LiveServer(settings) as live, Client(live.url) as client:
        client.wait_ready(HANG_S)
        for path, stored in life["answers"].items():
            assert_alike(live.json("GET", path), reported_answer(path, stored), place=path)
        for search_id, events in life["events"].items():
            assert_alike(events_of(live, search_id, len(events)), [reported(event) for event in events], place=search_id)


@pytest.mark.slow
def test_models_of_an_old_database_serve(life: dict[str, Any], settings: Settings) -> None:
    """Every registered version answers where its bundle was kept, and the champion is the one that was rolled back to."""
    with LiveServer(settings) as live:
        for version in life["bundles"]:
            name, number = version.split("/")
            asked = {"context": {"history": ["i8"]} if name == "walks" else {"tribe": "t0"}, "k": 1}
            answer = live.json("POST", f"/v1/models/{name}/recommend", params={"version": number}, json=asked)
            assert (answer["version"], len(answer["items"])) == (int(number), 1)
        assert live.json("GET", "/v1/models/clicks")["serving"] == 1


def test_feedback_of_an_old_database_counts(life: dict[str, Any], store: SqlStore) -> None:
    """Impressions, clicks and scores of each version and group, and answers that further events may refer to."""
    for model, stored in life["feedback"].items():
        counts = Feedback(store).counts("local", model, 1e10)
        assert_alike([[getattr(one, name) for name in COUNTED] for one in counts], stored)


def test_an_old_queue_is_worked_on(life: dict[str, Any], store: SqlStore, clock: Clock) -> None:
    """What waited and what was at work is begun, the former for the first time; what had finished is not; one ends as a version."""
    seen_silent(store, clock)
    begun = {}
    while (job := store.claim("ada", LEASE_S, 3)) is not None:
        begun[job.name] = job
    searches = ["again", "in-validating", "in-searching", "in-clustering", "in-retraining", "in-evaluating", "waiting"]
    events = {search["name"]: len(life["events"][search["id"]]) for search in life["answers"]["/v1/searches"]["searches"]}

    assert list(begun) == ["checked", "estimate", *searches]
    assert {name: job.attempt for name, job in begun.items()} == {**dict.fromkeys(begun, 2), "waiting": 1}
    assert {name: begun[name].last_event for name in searches} == {name: events[name] + 1 for name in searches}
    waiting = begun["waiting"]
    assert store.succeed(waiting.id, waiting.token, "searches/x/bundle").version == 1


@pytest.mark.parametrize("name", ["search", "failed"])
def test_answers_of_an_old_service_are_understood(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The client follows a search and reads its result from a service of the old version, and so does the command line."""
    search = read(OLD / "client" / f"{name}.json")
    path = f"/v1/searches/{search['id']}"
    answers = {
        path: ("application/json", (OLD / "client" / f"{name}.json").read_bytes()),
        f"{path}/events": ("text/event-stream", (OLD / "client" / f"{name}-events.txt").read_bytes()),
        f"{path}/result": ("application/json", (OLD / "run" / "result.json").read_bytes()),
    }
    with answering(answers) as url, Client(url) as client:
        events = list(client.events(search["id"]))
        assert [event["id"] for event in events] == list(range(1, len(events) + 1))
        assert (events[0]["state"], events[-1]["state"]) == ("queued", search["state"])
        assert {event["state"] for event in events} <= {"queued", "running", search["state"]}
        assert all((event["stage"] is not None) == (event["state"] == "running") for event in events)
        assert client.search(search["id"])["state"] == search["state"]
        assert RunResult.model_validate(client.result(search["id"])).name == "small"
        code = run(["--output", "json", "search", "watch", search["id"], "--url", url])
    assert code == {"search": 0, "failed": 2}[name]
    assert search["id"] in capsys.readouterr().out
