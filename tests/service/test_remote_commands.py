"""Commands that speak to a service: what a person types, what is printed, how it ends."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from ihas.results.gates import Gate, GatesVerdict
from ihas_pipelines.reports.pareto import pareto_frontier
from ihas_service.cli.main import run
from ihas_service.settings import Settings
from ihas_service.storage.promotion_settings import Release
from ihas_service.storage.sql_store import SqlStore
from tests.pipelines.result_factory import run_result
from tests.service.conftest import Publish, RunningWorker
from tests.service.http.routes.test_derived import ADDED, walks
from tests.service.http.routes.test_frontier import with_frontier
from tests.service.http.routes.test_refreshes import with_run
from tests.service.live import LiveServer

pytestmark = pytest.mark.full


class Shell:
    """A person at a terminal, whose service is known by IHAS_URL."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> Any:
        """The JSON result of a command, which must end with the code."""
        assert run(["--output", "json", *words]) == code, self._capsys.readouterr().err
        found = self._capsys.readouterr()
        printed = map(json.loads, (found.out if code == 0 else found.err).splitlines())
        return [one for one in printed if not (isinstance(one, dict) and "event" in one)][
            -1
        ]  # the service's log goes to the same stream here

    def shown(self, *words: str) -> str:
        """What a command prints for a person."""
        assert run(list(words)) == 0, self._capsys.readouterr().err
        printed = self._capsys.readouterr().out.splitlines()
        return "\n".join(line for line in printed if not line.startswith("{"))  # the service's log goes to the same stream here


@pytest.fixture
def shell(live: LiveServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands against the live service."""
    monkeypatch.setenv("IHAS_URL", live.url)
    capsys.readouterr()
    return Shell(capsys)


def test_from_a_file_to_a_model(shell: Shell, settings: Settings, table: str, tmp_path: Path) -> None:
    """Push, look, search, log: each command's result is the service's document, and ids lead from one to the next."""
    (tmp_path / "shop.toml").write_text('[learning]\nseed = 3\n[budget]\ngroups = 2\n[data]\npath = "not read"\n')
    with RunningWorker(settings):
        pushed = shell("dataset", "push", table, "--name", "clicks")
        search = shell("search", "run", pushed["id"], "--name", "films", "--recipe", str(tmp_path / "shop.toml"), "--priority", "2")
    copy = shell("search", "clone", search["id"], "--set", "learning.seed=4")

    assert (pushed["state"], search["state"], search["priority"], search["model_version"]) == ("valid", "succeeded", 2, 1)
    assert [one["id"] for one in shell("dataset", "ls")] == [pushed["id"]]
    assert shell("dataset", "report", pushed["id"])["rows"] == 2
    assert [one["id"] for one in shell("search", "ls")] == [copy["id"], search["id"]]
    assert shell("search", "logs", search["id"]) == {"log": ""}
    assert shell("search", "cancel", copy["id"])["state"] == "cancelled"
    assert shell("search", "resume", copy["id"])["state"] == "queued"


def test_a_search_that_fails_ends_with_its_reason(shell: Shell, settings: Settings, table: str) -> None:
    """The exit code is that of bad data; `watch` says the same later."""
    with RunningWorker(settings):
        pushed = shell("dataset", "push", table)
        failed = shell("search", "run", pushed["id"], "--name", "bad", code=4)
        search = shell("search", "ls")[0]
        watched = shell("search", "watch", search["id"], code=4)

    assert failed["error"]["detail"] == watched["error"]["detail"] == "No clicks."


def test_releases_are_made_and_taken_back(shell: Shell, live: LiveServer, publish: Publish) -> None:
    """Promote, roll back, history, traffic, the end of an alias."""
    publish()
    publish()
    shell("model", "promote", "films", "1")
    shell("model", "promote", "films", "2", "--reason", "Better.")
    shell("model", "rollback", "films", "--reason", "Worse.")
    shell("model", "traffic", "films", "--canary", "2", "--percent", "5", "--sticky", "user")

    assert [one["reason"] for one in shell("model", "history", "films")] == ["Worse.", "Better.", ""]
    assert shell.shown("model", "traffic", "films") == "champion: version 1\ncanary:   version 2, 5 %, by user"
    assert (shell("model", "traffic", "films", "--clear")["canary"], shell("model", "ls")[0]["serving"]) == (None, 1)
    live.json("PUT", "/v1/models/films/aliases/next", json={"version": 1}, headers={"if-none-match": "*"})
    assert shell("model", "unalias", "films", "next", "--yes") == {"deleted": "films/next", "bytes": 0}
    assert shell("model", "promote", "films", "9", code=4)["error"]["detail"].startswith("Model 'films' has no version 9")


@pytest.mark.slow
def test_gates_are_shown_and_set(shell: Shell, publish: Publish) -> None:
    """Bounds that are not named stay; a version that failed is promoted with a warning; none serves after a rollback to none."""
    failed = GatesVerdict(passed=False, gates=(Gate(name="auc", passed=False, detail="Lower end -0.0200."),), champion=1, rows=9)
    publish(release=Release("first"))
    publish(release=Release("first", failed))
    shell("model", "promotion", "films", "--auto", "passing", "--bound", "auc_tolerance=0.002")
    changed = shell("model", "promotion", "films", "--bound", "latency_ratio=3")

    assert (changed["auto_promote"], changed["gates"]["auc_tolerance"], changed["gates"]["latency_ratio"]) == ("passing", 0.002, 3.0)
    assert "auto_promote       passing" in shell.shown("model", "promotion", "films")
    assert "Lower end -0.0200." in shell.shown("model", "gates", "films", "2")
    assert shell.shown("model", "gates", "films", "1") == "No gates were evaluated when version 1 of films was registered."
    assert "failed gates" in shell("model", "promote", "films", "2", "--require-gates", code=4)["error"]["detail"]
    assert shell("model", "promote", "films", "2")["warning"].endswith("failed gates. auc: Lower end -0.0200.")
    assert shell.shown("model", "rollback", "films", "--to", "none").startswith("No version of films answers (revision 2).")
    assert shell("model", "ls")[0]["serving"] is None
    assert shell("model", "rollback", "films", "--to", "1")["version"] == 1
    assert "must be the number of a version or `none`" in shell("model", "rollback", "films", "--to", "first", code=2)["error"]["detail"]


def test_canaries_are_compared(shell: Shell, publish: Publish) -> None:
    """Several shares, rules, an interleaved version, and what comes of them."""
    for _ in range(4):
        publish()
    shell("model", "promote", "films", "1")
    assert shell.shown("model", "online", "films") == "No events in this time."
    rules = ("--experiment", "promote", "--experiment", "minimum_effect=0.02")
    shell("model", "traffic", "films", "--canary", "2=5", "--canary", "3", "--percent", "2.5", *rules, "--interleave", "4=10")

    assert shell.shown("model", "traffic", "films").splitlines() == [
        "champion: version 1",
        "canary:   version 2, 5 %, by chance",
        "canary:   version 3, 2.5 %, by chance",
        "interleaved: version 4, 10 %, by chance",
        "experiment: alpha 0.05, differences of 0.02; a better canary is promoted",
    ]
    shown = shell.shown("model", "online", "films")
    assert "Intervals hold at every look (alpha 0.05)." in shown.replace("\n", " ")
    assert "Interleaved: version 4 0 won and 0 lost of 0 lists" in shown
    assert "a share is VERSION=PERCENT" in shell("model", "traffic", "films", "--canary", "two", code=2)["error"]["detail"]
    assert "a bound is NAME=NUMBER" in shell("model", "promotion", "films", "--bound", "auc", code=2)["error"]["detail"]


def test_a_schedule_is_set_shown_and_removed(shell: Shell, publish: Publish, valid_dataset: str) -> None:
    """At times or on figures; the list says what became of it, and what is wrong is said before it is sent or by the service."""
    with_run(publish)
    weekly = (
        "--cron",
        "0 3 * * 1",
        "--zone",
        "Europe/Berlin",
        "--window-days",
        "28",
        "--window-column",
        "Coupon",
        "--set",
        "epochs=1",
    )
    put = shell("schedule", "set", "films", "--dataset", valid_dataset, *weekly, "--auto-promote", "passing")
    listed = shell.shown("schedule", "ls")
    shell("schedule", "set", "films", "--dataset", valid_dataset, "--trigger", "new_rows=10000", "--trigger", "drift_above=0.25")
    shown = shell.shown("schedule", "show", "films").splitlines()

    assert (put["settings"]["refresh"]["settings"]["epochs"], put["settings"]["refresh"]["auto_promote"]) == (1, "passing")
    assert put["settings"]["refresh"]["window"] == {"days": 28.0, "column": "Coupon"}
    assert "0 3 * * 1 (Europe/Berlin)" in listed
    assert shown == [
        "when      new_rows 10000 or drift_above 0.25", f"data set  {valid_dataset}", "next      when a figure asks"
    ]  # fmt: skip
    assert (
        "A window has a length" in shell("schedule", "set", "films", "--dataset", "x", "--window-column", "day", code=2)["error"]["detail"]
    )
    appending = ("--append-events", "--positive", "rating >= 4", "--attribution", "3600", "--since", "2026-11-01T00:00:00Z")
    appends = shell("schedule", "set", "films", "--dataset", valid_dataset, "--cron", "0 3 * * 1", *appending)["settings"]["append_events"]
    assert appends == {"positive": "rating >= 4", "window_s": 3600.0, "since": 1793491200.0, "every_s": 86_400.0}
    assert "appends   what was shown, positive by rating >= 4; so far until none" in shell.shown("schedule", "show", "films")
    soon = ("--cron", "0 3 * * 1", "--append-events", "--since", "soon")
    assert "a time is such as" in shell("schedule", "set", "films", "--dataset", valid_dataset, *soon, code=2)["error"]["detail"]
    never = shell("schedule", "set", "films", "--dataset", valid_dataset, "--cron", "* * * * *", code=2)
    assert "leave 10 minutes" in never["error"]["detail"]
    assert shell("schedule", "rm", "films", "--yes") == {"deleted": "films/schedule", "bytes": 0}
    assert shell("schedule", "ls") == []


def test_another_point_of_a_frontier_is_chosen(shell: Shell, settings: Settings, publish: Publish) -> None:
    """The points are listed with their costs and versions; one is chosen, twice with the effect of once; an unknown one is answered with
    the known ones."""
    with_frontier(settings, publish)
    made = shell("model", "choose", "films", "--point", "members x2")

    assert (made["version"], shell("model", "choose", "films", "--point", "members-x2")) == (2, made)
    assert [one["version"] for one in shell("model", "frontier", "films")["points"]] == [None, 2]
    table = shell.shown("model", "frontier", "films", "--version", "1")
    assert "base (chosen)" in table
    assert "us/500" in table
    assert shell.shown("model", "choose", "films", "--point", "members x2").startswith("Version 2 of films serves `members x2`.")
    assert "one of `base`, `members x2`" in shell("model", "choose", "films", "--point", "x", code=4)["error"]["detail"]


def test_the_first_key_is_made_on_the_machine(
    settings: Settings, store: SqlStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a service; with it, others are made, listed, replaced and ended over HTTP."""
    shell = Shell(capsys)
    first = shell("keys", "create", "--tenant", "acme", "--scopes", "admin,read", "--folder", str(settings.folder))
    with LiveServer(settings.model_copy(update={"access": "keys", "key_cache_s": 0.0})) as live:
        capsys.readouterr()
        monkeypatch.setenv("IHAS_URL", live.url)
        refused = shell("keys", "ls", code=4)
        monkeypatch.setenv("IHAS_API_KEY", first["key"])
        second = shell("keys", "create", "--name", "shop", "--scopes", "read")
        rotated = shell("keys", "rotate", second["id"], "--grace-s", "0")
        shell("keys", "revoke", rotated["id"])
        listed = shell("keys", "ls")

    assert "needs a valid key" in refused["error"]["detail"]
    assert {one["id"]: one["revoked_at"] is not None for one in listed} == {first["id"]: False, second["id"]: False, rotated["id"]: True}
    assert first["key"] not in json.dumps(listed)


def test_an_unknown_scope_makes_no_key(settings: Settings, store: SqlStore, capsys: pytest.CaptureFixture[str]) -> None:
    """The scopes that there are are named."""
    failed = Shell(capsys)("keys", "create", "--tenant", "acme", "--scopes", "reed", "--folder", str(settings.folder), code=2)

    assert "but got reed" in failed["error"]["detail"]


def test_settings_document_themselves(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its variable, its value now, and a sentence; a database's password is hidden."""
    monkeypatch.setenv("IHAS_DATABASE_URL", "postgresql+psycopg://ada:secret@db/ihas")
    rows = {row["variable"]: row for row in Shell(capsys)("settings")}

    assert set(rows) == {f"IHAS_{name.upper()}" for name in Settings.model_fields}
    assert rows["IHAS_DATABASE_URL"]["value"] == "postgresql+psycopg://ada:***@db/ihas"
    assert all(row["meaning"] for row in rows.values())


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_versions_come_of_other_versions(shell: Shell, publish: Publish, tmp_path: Path) -> None:
    """Interactions from a file make the next version, which knows the new item; in front of a trained model they make another model."""
    publish("films")
    publish("walks", spoil=walks)
    (tmp_path / "new.jsonl").write_text("".join(json.dumps(one) + "\n" for one in ADDED))
    (tmp_path / "new.csv").write_text("item,user\n" + "".join(f"{one['item']},{one['user']}\n" for one in ADDED))
    (tmp_path / "torn.jsonl").write_text('{"user": "eve"}\n')

    assert shell("model", "add", "walks", str(tmp_path / "new.jsonl"), "--version", "1")["version"] == 2
    assert shell.shown("model", "add", "walks", str(tmp_path / "new.csv")) == "Version 3 of walks has 2 more interactions."
    refused = shell("model", "add", "walks", str(tmp_path / "torn.jsonl"), code=4)
    assert refused["error"]["detail"].startswith("Interactions must come from a readable file with a `user` and an `item` on every line")
    assert shell("model", "cold-start", "films", "walks", "--register-as", "both")["name"] == "both"
    assert {one["name"]: one["latest"] for one in shell("model", "ls")} == {"both": 1, "films": 1, "walks": 3}


def test_the_frontier_and_the_plots_of_a_search_are_fetched(shell: Shell, publish: Publish, tmp_path: Path) -> None:
    """The frontier is the result's own, also under its old name; a plot comes as plotly's JSON or as a page, by the file's name."""
    folder, result = publish().parent, run_result()
    (folder / "result.json").write_text(result.model_dump_json())
    (folder / "plots").mkdir()
    (folder / "plots" / "pareto.json").write_text('{"data": [], "layout": {"title": "front"}}')
    (folder / "plots" / "plotly.js").write_text("/* plotly.js */")
    page, document = tmp_path / "pareto.html", tmp_path / "pareto.json"

    assert [one["name"] for one in shell("search", "frontier", folder.name)] == [one.name for one in pareto_frontier(result)]
    marked = [line.split()[0] for line in shell.shown("search", "front", folder.name).splitlines() if line.rstrip().endswith("*")]
    assert marked == ["grouped"]
    assert shell("search", "plot", folder.name) == ["pareto"]
    assert shell("search", "plot", folder.name, "pareto", "--to", str(page)) == {"plot": str(page)}
    shell("search", "plot", folder.name, "pareto", "--to", str(document))
    assert "/* plotly.js */" in page.read_text()
    assert json.loads(document.read_text())["layout"] == {"title": "front"}


def test_only_a_search_for_groups_has_a_frontier(shell: Shell, publish: Publish) -> None:
    """Of another kind there is nothing to draw it from, and the message says which kind."""
    folder = publish().parent
    (folder / "result.json").write_text('{"kind": "overrec"}')

    assert "'overrec'" in shell("search", "frontier", folder.name, code=2)["error"]["detail"]


def test_things_are_removed(shell: Shell, publish: Publish, settings: Settings) -> None:
    """A refusal is the service's own sentence, with the exit code of a wrong request; what went is gone, and a second time is unknown."""
    run = publish().parent
    publish()
    shell("model", "promote", "films", "2")
    dataset_id = shell("dataset", "ls")[0]["id"]

    refused = [shell(*words, code=4)["error"]["detail"] for words in (("search", "rm", run.name), ("model", "rm", "films", "2"))]
    assert refused[0].startswith(f"Search {run.name} is in use by version 1 of model 'films'")
    assert refused[1].startswith("Version 2 of model 'films' is in use: it is the champion.")
    assert shell("model", "rm", "films", "1", "--yes")["deleted"] == "films/1"
    assert shell("search", "rm", run.name, "--yes")["deleted"] == run.name
    assert "version 2 is the champion" in shell("model", "rm", "films", code=4)["error"]["detail"]
    assert "--force" in shell("model", "rm", "films", "2", "--force", code=2)["error"]["detail"]
    assert shell.shown("model", "rm", "films", "--force").startswith("Deleted model films with all its versions (")
    assert shell("dataset", "rm", dataset_id) == {"deleted": dataset_id, "bytes": 0}
    assert shell("dataset", "rm", dataset_id, code=4)["error"]["detail"] == f"There is no data set {dataset_id!r}."
    assert (shell("model", "ls"), shell("dataset", "ls"), len(shell("search", "ls"))) == ([], [], 1)


@pytest.mark.parametrize(("answer", "code", "left"), [("n\n", 130, 1), ("", 130, 1), ("y\n", 0, 0)])
def test_a_person_is_asked_first(
    shell: Shell, capsys: pytest.CaptureFixture[str], publish: Publish, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    """At a terminal: without a yes nothing is deleted; `--yes` is not asked."""

    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    publish()
    monkeypatch.setattr("sys.stdin", Typed(answer))
    assert run(["model", "rm", "films"]) == code
    assert "Delete model films with all its versions? [y/N]" in capsys.readouterr().err
    assert len(shell("model", "ls")) == left
    if left:
        shell("model", "rm", "films", "-y")
        assert shell("model", "ls") == []
