"""Events from the command line and from both clients: import, export, data set."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ihas.errors import DataError
from ihas_service.cli.main import run
from ihas_service.client.client import AsyncClient, Client
from ihas_service.client.event_file import EventColumns
from ihas_service.errors import BusyError, NotFoundError
from ihas_service.jobs.runs import PIPELINES
from ihas_service.settings import Settings
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import Publish, RunningWorker, eventually
from tests.service.live import LiveServer
from tests.service.test_remote_commands import Shell

pytestmark = pytest.mark.full

FILMS = EventColumns(model="films", kind="click")


@pytest.fixture
def shell(live: LiveServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands against the live service."""
    monkeypatch.setenv("IHAS_URL", live.url)
    capsys.readouterr()
    return Shell(capsys)


@pytest.fixture
def table_of_events(store: SqlStore, tmp_path: Path) -> Path:
    """Forty events as CSV, one a second, of which each third is a click and the last lies in the future."""
    now, kinds = store.now(), ("click", "impression", "impression")
    rows = [f"user {number},m{number % 4},{now - 100 + number},{kinds[number % 3]}" for number in range(39)]
    rows.append(f"user 3,m1,{now + 9_000},click")
    path = tmp_path / "history.csv"
    path.write_text("user,item_id,at,kind\n" + "\n".join(rows) + "\n")
    return path


def test_a_history_becomes_a_data_set(
    shell: Shell,
    publish: Publish,
    settings: Settings,
    table_of_events: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Imported twice, counted once: the row in the future is named with its number, 39 rows come out as Parquet and as a data set."""
    publish()
    for _ in range(2):
        refused = shell("events", "import", str(table_of_events), "--model", "films", "--kind", "click", code=4)
        assert "row 40" in refused["error"]["detail"]
    out = tmp_path / "rows.parquet"
    found = shell("events", "export", "films", "--output", str(out), "--open")
    with RunningWorker(settings, PIPELINES):
        made = shell("events", "dataset", "films", "--name", "history", "--open", "--window", "60")
    capsys.readouterr()
    shown = shell.shown("events", "export", "films", "--output", str(tmp_path / "rows.jsonl"), "--since", "2020-01-01T00:00:00Z")

    assert (pq.read_table(out).num_rows, found["open_rows"], found["rows_without_context"]) == (39, 0, 0)
    assert found["bytes"] == out.stat().st_size
    assert (made["state"], made["name"]) == ("valid", "history")
    assert "39 rows wait" in shown
    assert (tmp_path / "rows.jsonl").read_text() == ""
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_wrong_words_end_in_one_line(shell: Shell, publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A suffix that says no format, a rule that is none, a model that is none; nothing is written, and errors are no JSON because a file is
    called so."""
    publish()
    assert run(["events", "export", "films", "--output", str(tmp_path / "rows.csv")]) == 2
    assert run(["events", "export", "films", "--output", str(tmp_path / "rows.jsonl"), "--positive", "stars"]) == 0
    capsys.readouterr()
    assert run(["events", "export", "songs", "--output", str(tmp_path / "none.jsonl")]) == 4
    told = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("{")]
    assert told == ["error: There is no model 'songs'."]
    assert not (tmp_path / "none.jsonl").exists()
    assert shell("events", "export", "films", "--output", str(tmp_path / "x.jsonl"), "--positive", "a or b", code=4)["error"]


def test_both_clients_do_the_same(live: LiveServer, publish: Publish, table_of_events: Path, tmp_path: Path) -> None:
    """Import, export and data set, waited for and awaited; a busy service and an unknown model are told as everywhere."""
    publish()
    heard: list[int] = []

    async def awaited() -> tuple[Any, Any, Any]:
        async with AsyncClient(live.url) as client:
            done = await client.import_events(table_of_events, FILMS)
            saved = await client.export_events("films", tmp_path / "b.jsonl", format="jsonl", open=True, details=True)
            with pytest.raises(NotFoundError):
                await client.export_events("songs", tmp_path / "none.jsonl")
            return done, saved, await client.create_event_dataset("films", "awaited", open=True)

    with Client(live.url) as client:
        done = client.import_events(table_of_events, FILMS, heard.append)
        client.export_events("films", tmp_path / "a.jsonl", format="jsonl", open=True, details=True)
        exports = live.server.config.app.state.parts.exports  # type: ignore[union-attr]
        eventually(lambda: not exports.running)
        with exports.place("local"), exports.place("local"), pytest.raises(BusyError, match="At most 2 exports"):
            client.export_events("films", tmp_path / "none.jsonl")
    again, saved, made = asyncio.run(awaited())

    assert (done["accepted"], done["rejected"], [one["row"] for one in done["rejected_rows"]], heard) == (39, 1, [40], [40])
    assert again == {**done, "rejected_rows": again["rejected_rows"]}
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 39
    assert (saved["file"], made["state"]) == (str(tmp_path / "b.jsonl"), "validating")
    assert not (tmp_path / "none.jsonl").exists()


def test_a_row_that_is_no_event_is_named(live: LiveServer, publish: Publish, store: SqlStore, tmp_path: Path) -> None:
    """The service refuses the batch; the error says which row of the file it was."""
    publish()
    path = tmp_path / "events.jsonl"
    rows = [{"item_id": "m1", "user": "ada", "at": store.now() - 5}] * 6
    rows[4] = {**rows[4], "kind": "Click!"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Client(live.url) as client, pytest.raises(DataError, match="Row 5 is no event: .*kind"):
        client.import_events(path, FILMS)
