"""A backup holds a service as it was, and becomes one again; half of one becomes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from s3fs import S3FileSystem

from ihas.errors import BundleError, ConfigError, DataError
from ihas_service.backup import place as places
from ihas_service.backup.backup import Copied, back_up, restore
from ihas_service.backup.place import CONTENTS
from ihas_service.cli.main import run
from ihas_service.jobs.first_load import FirstLoad
from ihas_service.jobs.runs import bundle_facts
from ihas_service.models.registry import Registry
from ihas_service.settings import Settings
from ihas_service.storage.bundle_store import Artefacts
from ihas_service.storage.database import HEAD, VERSION, schema_of
from ihas_service.storage.feedback import Answer, Feedback, KeptItem
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import METADATA
from tests.clock import HANG_S
from tests.contracts.job_store import search
from tests.ihas.bundle_factory import LOGITS, rows
from tests.service.conftest import Publish, damage
from tests.service.postgres import PostgresServer
from tests.service.s3 import s3_server

pytestmark = pytest.mark.full

DYING = """
import json, os, signal, sys
from ihas_service.backup import backup
from ihas_service.settings import Settings
done, whole, point = 0, getattr(backup, sys.argv[1]), sys.argv[2]
def dying(*arguments):
    global done
    if done == 1 or point == "first":
        os.kill(os.getpid(), signal.SIGKILL)
    done += 1
    return whole(*arguments)
setattr(backup, sys.argv[1], dying)
getattr(backup, sys.argv[3])(Settings(**json.loads(sys.argv[4])), sys.argv[5])
"""


@pytest.fixture(params=["sqlite, folder", "postgresql, store"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A service on one machine, and one on PostgreSQL and a store that speaks S3."""
    folder, roots = tmp_path / "runs", (tmp_path / "data",)
    if request.param == "sqlite, folder":
        yield Settings(folder=folder, data_roots=roots)
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with s3_server("bundles"):
        yield Settings(folder=folder, data_roots=roots, database_url=server.new_database(), artefacts_url="s3://bundles/ihas")


@pytest.fixture
def elsewhere(settings: Settings, request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An empty service of the other kind, where the first one is on PostgreSQL; of the same kind otherwise."""
    on_postgres = settings.database_url is not None
    server: PostgresServer = request.getfixturevalue("postgres")
    return Settings(folder=tmp_path / "restored", database_url=None if on_postgres else server.new_database())


@pytest.fixture
def place(settings: Settings, tmp_path: Path) -> str:
    """Where the backup will lie: a folder, or a prefix of a bucket."""
    return str(tmp_path / "backup") if settings.artefacts_url is None else "s3://bundles/backups/monday"


@pytest.fixture
def filled(settings: Settings, store: SqlStore, publish: Publish) -> SqlStore:
    """A model with two versions, a search that waits, and an answer that was given."""
    for _ in range(2):
        folder = publish()
        path = folder.relative_to(settings.folder).as_posix()
        Artefacts(settings.folder, settings.artefacts_url).publish(path)
        _register_digest(store, folder, path)
        if settings.artefacts_url is not None:
            shutil.rmtree(folder)
    store.submit(search("waits"))
    Feedback(store).remember([Answer("rc_1", "local", "films", 1, {"m1": KeptItem(0, 0.5)}, context='{"user": "\\u0444"}')])
    return store


def _register_digest(store: SqlStore, folder: Path, path: str) -> None:
    from ihas_service.storage.tables import MODELS

    update = MODELS.update().where(MODELS.c.path == path).values(facts=bundle_facts(folder))
    store.write(lambda connection: connection.execute(update))


def everything(store: SqlStore) -> Mapping[str, list[dict[str, Any]]]:
    """Rows of all tables."""
    return {
        table.name: [dict(row) for row in store.read(sa.select(table).order_by(*table.primary_key.columns))]
        for table in METADATA.sorted_tables
    }


def test_what_was_backed_up_is_a_service_again(filled: SqlStore, settings: Settings, elsewhere: Settings, place: str) -> None:
    """Under the other database too: every row is equal, models answer, numbers go on, and the waiting search is claimed."""
    before = everything(filled)
    saved = back_up(settings, place)
    restored = restore(elsewhere, place)
    after = SqlStore(elsewhere.url)

    assert saved == restored == Copied(HEAD, sum(map(len, before.values())), 2)
    assert everything(after) == before
    registry = Registry(after, elsewhere.folder, None, FirstLoad(elsewhere.folder, 60))
    assert round(registry.get("films", 2).recommender.score(rows()[:1])[0].logit, 4) == LOGITS["ada"]["m1"]
    assert after.submit(search("next")).number == max(job["number"] for job in before["jobs"]) + 1
    after.close()


def test_a_service_that_keeps_its_store_gets_its_bundles_back(filled: SqlStore, settings: Settings, tmp_path: Path, place: str) -> None:
    """A store without bundles takes them; a folder that has them already, as after a restoration that was cut off, keeps them."""
    back_up(settings, place)
    update = {"database_url": f"sqlite:///{tmp_path / 'new.db'}", "folder": tmp_path / "fresh"}
    again = settings.model_copy(update=update)
    if settings.artefacts_url is not None:
        S3FileSystem().rm("bundles/ihas", recursive=True)
    restore(again, place)
    store = SqlStore(again.url)
    registry = Registry(store, again.folder, again.artefacts_url, FirstLoad(again.folder, 60))

    assert registry.get("films", 1).version.version == 1
    store.close()


def test_nothing_is_restored_over_a_service(filled: SqlStore, settings: Settings, place: str) -> None:
    """A database that holds one row is not empty; it stays as it was."""
    back_up(settings, place)
    before = everything(filled)

    with pytest.raises(ConfigError, match=r"into an empty database, but its table '\w+' holds rows. Name a new database"):
        restore(settings, place)
    assert everything(filled) == before


def test_nothing_is_written_over_a_backup(filled: SqlStore, settings: Settings, place: str) -> None:
    """Nor over anything else that lies there."""
    back_up(settings, place)
    with pytest.raises(ConfigError, match="where nothing lies, but .* holds files"):
        back_up(settings, place)


@pytest.mark.parametrize("what", ["tables/jobs.jsonl", "bundles"])
def test_a_damaged_backup_is_not_restored(filled: SqlStore, settings: Settings, elsewhere: Settings, tmp_path: Path, what: str) -> None:
    """One byte of a row or of a bundle: it is told, and no row was written."""
    folder = tmp_path / "backup"
    back_up(settings, str(folder))
    if what == "bundles":
        damage(folder / "bundles")
    else:
        content = (folder / what).read_bytes()
        (folder / what).write_bytes(content.replace(b"films", b"filmz", 1))

    with pytest.raises((DataError, BundleError)):
        restore(elsewhere, str(folder))
    after = SqlStore(elsewhere.url)
    assert not any(everything(after).values())
    after.close()


def test_a_missing_bundle_makes_no_backup(filled: SqlStore, settings: Settings, place: str) -> None:
    """The version is named; what was written before is none."""
    for folder in settings.folder.glob("searches/*/bundle"):
        shutil.rmtree(folder)
    if settings.artefacts_url is not None:
        S3FileSystem().rm("bundles/ihas", recursive=True)
        S3FileSystem.clear_instance_cache()

    with pytest.raises(BundleError, match="Every bundle that the database names is backed up, but searches/.*/bundle cannot be"):
        back_up(settings, place)
    with pytest.raises(ConfigError, match=rf"holds no whole backup: there is no {CONTENTS}"):
        restore(settings, place)


def _killed(function: str, point: str, task: str, settings: Settings, place: str) -> None:
    said = json.dumps(settings.model_dump(mode="json", exclude_defaults=True))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", DYING, function, point, task, said, place], env=environment, timeout=HANG_S)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize(("function", "point"), [("_saved", "first"), ("_saved", "second"), ("_copied", "first")])
def test_a_backup_that_was_killed_is_none_or_whole(
    filled: SqlStore, settings: Settings, elsewhere: Settings, place: str, function: str, point: str
) -> None:
    """Before the first bundle, between two, and after the last word: restored is the whole or nothing."""
    _killed(function, point, "back_up", settings, place)
    if function == "_copied":
        assert restore(elsewhere, place).bundles == 2
        return
    with pytest.raises(ConfigError, match="holds no whole backup"):
        restore(elsewhere, place)


@pytest.mark.slow
@pytest.mark.parametrize(("function", "point"), [("restore_bundle", "first"), ("restore_bundle", "second"), ("_put", "first")])
def test_a_restoration_that_was_killed_begins_anew(
    filled: SqlStore, settings: Settings, elsewhere: Settings, place: str, function: str, point: str
) -> None:
    """No row is there yet, so that the database is empty still; bundles that are there already are kept."""
    back_up(settings, place)
    _killed(function, point, "restore", elsewhere, place)
    restore(elsewhere, place)
    after = SqlStore(elsewhere.url)

    assert everything(after) == everything(filled)
    after.close()


NEWER = {"0014": ("item_fields", "item_field_sums"), "0016": ("replica_figures", "request_counts")}
"""Tables, by the schema that brought them."""


@pytest.mark.parametrize("schema", ["0013", "0014", "0015"])
def test_a_backup_of_an_older_version_is_brought_up_to_date(
    filled: SqlStore, settings: Settings, elsewhere: Settings, tmp_path: Path, schema: str
) -> None:
    """Its tables are made as that version had them, and migrated; what it lacked is there, empty."""
    folder = tmp_path / "backup"
    back_up(settings, str(folder))
    contents = json.loads((folder / CONTENTS).read_text())
    contents["schema_version"] = schema
    for table in [name for of, names in NEWER.items() if of > schema for name in names]:
        del contents["tables"][table]
    if schema < "0015":
        contents["tables"]["jobs"] = _without(folder / "tables" / "jobs.jsonl", "note", "tags")
    (folder / CONTENTS).write_text(json.dumps(contents))
    restore(elsewhere, str(folder))
    after = SqlStore(elsewhere.url)

    assert everything(after) == everything(filled)
    assert after.read(sa.select(VERSION.c.version_num))[0]["version_num"] == HEAD
    after.close()


def _without(file: Path, *names: str) -> Mapping[str, Any]:
    """Take columns out of a table's file; what the backup says of it then."""
    rows = [{name: cell for name, cell in json.loads(line).items() if name not in names} for line in file.read_bytes().splitlines()]
    return _written(file, b"".join(json.dumps(row).encode() + b"\n" for row in rows))


def _written(file: Path, content: bytes) -> Mapping[str, Any]:
    file.write_bytes(content)
    return {"rows": len(content.splitlines()), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A backup of an empty service."""
    service = Settings(folder=tmp_path / "runs")
    service.folder.mkdir()
    SqlStore(service.url).close()
    back_up(service, str(tmp_path / "backup"))
    return tmp_path / "backup"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": "9999"}, "has schema 9999, but this version of iHAS reads"),
        ({"schema_version": "0012"}, "has schema 0012, but backups begin with 0013"),
        ({"format": 2}, "A backup of form 1 can be read"),
        ({"bundles": {"../../x/bundle": "0" * 64}}, "must lie in a folder of the service"),
        ({"statements": {"sqlite": ["CREATE TABLE x AS SELECT 1"]}}, "cannot be read: ValidationError"),
        ({"tables": {"../../runs/ihas": {"rows": 0, "sha256": "0" * 64}}}, "cannot be read: ValidationError"),
    ],
    ids=["newer", "too old", "form", "climbs", "code", "table climbs"],
)
def test_what_a_backup_says_is_not_believed(copied: Path, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    """A newer one, a path that leads elsewhere, code beside the values."""
    contents = json.loads((copied / CONTENTS).read_text())
    (copied / CONTENTS).write_text(json.dumps({**contents, **change}))

    with pytest.raises((ConfigError, DataError), match=words):
        restore(Settings(folder=tmp_path / "other"), str(copied))


@pytest.mark.parametrize(
    ("table", "content", "words"),
    [
        ("removals", b"[" * 100_000, "is no JSON object"),
        ("removals", b"{}\n", "must have the columns number, path, at"),
        ("removals", b'{"number": 1, "path": ["x"], "at": 1}\n', "is none that the table holds"),
        ("removals", b'{"number": 1, "path": null, "at": 1}\n', "is none that the table holds"),
        ("removals", b'{"number": 1, "path": "x", "at": 1}\n' * 2, "is none that the table holds"),
        ("alembic_version", b'{"version_num": "0001"}\n', "A table of schema 0013 must be one of"),
    ],
    ids=["nested", "columns", "type", "null", "twice", "version"],
)
def test_a_row_that_no_table_holds_is_told(copied: Path, tmp_path: Path, table: str, content: bytes, words: str) -> None:
    """With its digest right, so that somebody wrote it; nothing is restored then."""
    contents = json.loads((copied / CONTENTS).read_text())
    if table == "alembic_version":
        newer = [name for names in NEWER.values() for name in names]
        contents["tables"] = {name: copy for name, copy in contents["tables"].items() if name not in newer}
        contents["schema_version"] = "0013"
    contents["tables"][table] = _written(copied / "tables" / f"{table}.jsonl", content)
    (copied / CONTENTS).write_text(json.dumps(contents))
    other = Settings(folder=tmp_path / "other")

    with pytest.raises(DataError, match=words):
        restore(other, str(copied))
    assert schema_of(other.url) is None


def test_the_commands_say_what_they_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ihas backup` and `ihas restore`, on a folder; where there is no service they say so."""
    folder = tmp_path / "runs"
    folder.mkdir()
    assert run(["backup", str(tmp_path / "none"), "--folder", str(folder)]) == 2
    SqlStore(Settings(folder=folder).url).close()
    codes = [run(["backup", str(tmp_path / "copy"), "--folder", str(folder)])]
    codes.append(run(["restore", str(tmp_path / "copy"), "--folder", str(tmp_path / "other"), "--output", "json"]))
    out, said = capsys.readouterr()

    assert codes == [0, 0]
    assert json.loads(out[out.index("{") :]) == {"schema": HEAD, "rows": 0, "bundles": 0}
    assert "There is no service to back up" in said


def test_a_row_longer_than_any_is_not_read_whole(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written as one endless line is refused at the bound, before its digest is known."""
    monkeypatch.setattr(places, "MAX_LINE_BYTES", 1_000)
    (copied / "tables" / "removals.jsonl").write_bytes(b" " * 100_000)

    with pytest.raises(DataError, match="A row of table 'removals' must have at most 1,000 bytes, but has more"):
        restore(Settings(folder=tmp_path / "other"), str(copied))
