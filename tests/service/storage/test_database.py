"""An older database is brought to the form of this version, with everything in it; a newer one is left alone."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ihas.errors import ConfigError
from ihas_service.states import JobState
from ihas_service.storage.database import HEAD, MIGRATIONS, Database
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import METADATA
from tests.contracts.job_store import search
from tests.service.postgres import PostgresServer

pytestmark = pytest.mark.full

SCHEMAS = Path(__file__).with_name("schemas")
RELEASES = sorted(path.stem for path in SCHEMAS.glob("*.sql"))


def released(release: str, backend: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """URL of a database that a release wrote: a searched data set, a model, a search that waits."""
    script = (SCHEMAS / f"{release}.sql").read_text(encoding="utf-8")
    if backend == "sqlite":
        connection = sqlite3.connect(folder / "old.db")
        connection.executescript(script)
        connection.close()
        return f"sqlite:///{folder / 'old.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.new_database()
    engine = sa.create_engine(url)
    with engine.begin() as writing:
        for statement in _for_postgres(script):
            writing.exec_driver_sql(statement)
    engine.dispose()
    return url


def _for_postgres(script: str) -> Sequence[str]:
    """The same tables and rows as the release's own statements made them under PostgreSQL: numbers count up, booleans are booleans."""
    script = re.sub(r"DOUBLE\b", "DOUBLE PRECISION", script)
    script = script.replace("number INTEGER NOT NULL", "number SERIAL NOT NULL")
    script = re.sub(r"(INSERT INTO \"datasets\" .*?'/data/clicks.csv',)1,", r"\1true,", script)
    statements = [one.strip() for one in re.split(r";\n", script)]
    kept = [one for one in statements if one and not re.match(r"BEGIN|COMMIT|(DELETE FROM|INSERT INTO) .?sqlite_", one)]
    order = {"CREATE TABLE jobs": 0, "CREATE TABLE": 1, 'INSERT INTO "jobs"': 2, "INSERT": 3, "CREATE": 4}
    numbers = [f"select setval('{table}_number_seq', (select max(number) from {table}))" for table in ("jobs", "datasets")]
    return [*sorted(kept, key=lambda one: next(rank for start, rank in order.items() if one.startswith(start))), *numbers]


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.mark.parametrize("release", RELEASES)
def test_a_released_database_keeps_everything_and_works_on(
    release: str, backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Jobs, events, data sets and models belong to the local tenant; the search that waited is claimed, and numbers go on."""
    store = SqlStore(released(release, backend, request, tmp_path))
    done, waiting = store.versions("films")[0], store.claim("ada", 60.0, 3)
    assert waiting is not None
    version = store.succeed(waiting.id, waiting.token, "searches/x/bundle")

    assert (done.version, done.facts, store.job(done.job_id).state, store.job(done.job_id).key) == (1, {}, JobState.SUCCEEDED, "key-1")
    assert [event.id for event in store.events(done.job_id, 0, 10)] == [1, 2, 3]
    assert (version.version, version.tenant, waiting.settings["learning"], waiting.priority) == (2, "local", {"seed": 2}, 0)
    assert (store.dataset(waiting.dataset_id).report, len(store.datasets(None, 10))) == ({"rows": 2}, 1)
    assert store.submit(search()).number > waiting.number
    store.close()


@pytest.mark.parametrize("release", RELEASES)
def test_a_migrated_database_has_the_form_of_a_new_one(release: str, backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Columns, types, constraints and indices: Alembic finds no difference, and keys are the same."""
    url = released(release, backend, request, tmp_path)
    Database(url).close()
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA) == []
        found = {name: sa.inspect(connection).get_pk_constraint(name)["constrained_columns"] for name in METADATA.tables}
        assert found == {name: [column.name for column in table.primary_key] for name, table in METADATA.tables.items()}
        assert connection.exec_driver_sql("select version_num from alembic_version").scalar_one() == HEAD
    engine.dispose()


def test_two_keys_of_two_tenants_may_be_equal_after_the_migration(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The old rule, one key for all, is gone; within a tenant it holds."""
    store = SqlStore(released(RELEASES[0], backend, request, tmp_path))
    mine = store.submit(search("k", "body"))
    theirs = store.submit(search("k", "body", tenant="acme"))

    assert mine.id != theirs.id
    assert store.submit(search("k", "body")).id == mine.id
    store.close()


def test_eight_processes_migrate_once(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Whoever comes second finds it done."""
    url = released(RELEASES[0], backend, request, tmp_path)
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(SqlStore, [url] * 8))

    assert [len(store.versions("films")) for store in stores] == [1] * 8
    for store in stores:
        store.close()


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    """An older program says that it is older, and writes nothing."""
    url = f"sqlite:///{tmp_path / 'ihas.db'}"
    Database(url).close()
    connection = sqlite3.connect(tmp_path / "ihas.db")
    with connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()

    with pytest.raises(ConfigError, match=f"has schema 9999, but this version of iHAS reads {HEAD}"):
        Database(url)


def test_the_head_is_the_last_migration() -> None:
    """What a new database is stamped with is where migrations end."""
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


def test_a_url_that_names_no_database_is_refused() -> None:
    """With the form that is wanted."""
    with pytest.raises(ConfigError, match=r"postgresql\+psycopg://"):
        Database("nonsense")
