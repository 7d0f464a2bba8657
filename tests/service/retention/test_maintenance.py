"""Files of what was deleted go, whoever dies between; what is old goes where the settings say so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
import sqlalchemy as sa

from ihas_service.datasets.cleanup import remove_leftovers
from ihas_service.errors import UnknownIdError
from ihas_service.retention.maintenance import Maintenance
from ihas_service.settings import Settings
from ihas_service.storage.bundle_store import Artefacts
from ihas_service.storage.catalogue import NewDataset
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.model_deletions import delete_model
from ihas_service.storage.removals import Removals
from ihas_service.storage.sql_store import SqlStore
from ihas_service.storage.tables import DATASETS, JOBS, REMOVALS
from tests.paths import ROOT
from tests.service.conftest import Publish, eventually, submitted
from tests.service.live import LiveServer
from tests.service.s3 import S3Server, s3_server

pytestmark = pytest.mark.full
DAY_S = 86_400.0
DIES = """
import os, signal, sys
from ihas_service.settings import Settings
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.sql_store import SqlStore
from pathlib import Path
Deletions(SqlStore(Settings(folder=Path(sys.argv[1])).url)).version("local", "films", 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """A server that speaks S3, with a bucket."""
    with s3_server("bundles") as server:
        yield server


def age(store: SqlStore, by_s: float = 2 * DAY_S) -> None:
    """Let everything have happened so much earlier."""
    for table, names in {JOBS: ("created_at", "finished_at"), DATASETS: ("created_at", "deleted_at"), REMOVALS: ("at",)}.items():
        earlier = table.update().values({name: table.c[name] - by_s for name in names})
        store.write(lambda connection, earlier=earlier: connection.execute(earlier))  # type: ignore[misc]


def listed(store: SqlStore) -> list[str]:
    """Paths that are to go."""
    return [one.path for one in Removals(store).after(0, 60.0)]


def test_files_go_at_once_and_stay_on_the_list_for_a_while(store: SqlStore, settings: Settings, publish: Publish) -> None:
    """A process that was at work may have written once more: that goes too, and then nothing is left to do."""
    folder, _ = publish(), publish()
    maintenance = Maintenance(store, settings)
    maintenance.remove(Deletions(store).version("local", "films", 1))
    path = folder.relative_to(settings.folder).as_posix()
    assert (folder.exists(), listed(store)) == (False, [path])
    folder.mkdir(parents=True)
    (folder / "late").touch()
    maintenance.sweep()
    assert (folder.exists(), listed(store)) == (False, [path])
    age(store)
    maintenance.sweep()

    assert listed(store) == []


def test_a_process_killed_before_it_removed_files_is_made_up_for(store: SqlStore, settings: Settings, publish: Publish) -> None:
    """SIGKILL after the transaction: the version is gone, its files are there; the next start removes them, and those of no other."""
    folder, other = publish(), publish()
    died = subprocess.run(
        [sys.executable, "-c", DIES, str(settings.folder)], cwd=ROOT, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert (died.returncode, folder.is_dir()) == (-signal.SIGKILL, True)
    assert [one.version for one in store.versions("films")] == [2]
    with LiveServer(settings):
        eventually(lambda: not folder.exists())

    assert other.is_dir()


def test_a_deletion_that_did_not_commit_removes_nothing(store: SqlStore, settings: Settings, publish: Publish) -> None:
    """What was under way in a process that died is as if it had never begun."""
    folder = publish()

    def die(connection: sa.Connection) -> None:
        delete_model(connection, ("local", "films"), force=True)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(die)
    Maintenance(store, settings).sweep()

    assert (folder.is_dir(), len(store.versions("films"))) == (True, 1)


def test_a_bundle_goes_from_the_store_too(store: SqlStore, settings: Settings, publish: Publish, s3: S3Server) -> None:
    """Also from the cache; while the store is away the list says what to do, and nothing is crossed off."""
    url = "s3://bundles/ihas"
    away = settings.model_copy(update={"artefacts_url": url})
    folder, other = publish(), publish()
    paths = [one.relative_to(settings.folder).as_posix() for one in (folder, other)]
    for path in paths:
        Artefacts(settings.folder, url).publish(path)
    cached = settings.folder / "cache" / paths[0]
    cached.mkdir(parents=True)
    maintenance = Maintenance(store, away)
    maintenance.remove(Deletions(store).version("local", "films", 1))
    age(store)
    s3.stop()
    fsspec.filesystem("s3").clear_instance_cache()
    maintenance.sweep()
    assert listed(store) == [paths[0]]
    s3.start()
    maintenance.sweep()

    files = fsspec.filesystem("s3")
    files.invalidate_cache()
    assert (files.exists(f"bundles/ihas/{paths[0]}"), files.exists(f"bundles/ihas/{paths[1]}/manifest.json")) == (False, True)
    assert (cached.exists(), folder.exists(), other.exists(), listed(store)) == (False, False, True, [])


@pytest.mark.parametrize("path", ["../data", "/etc", "searches", "ihas.db", "searches/../ihas.db", "datasets/../../x", "cache/searches/x"])
def test_no_path_leads_elsewhere(store: SqlStore, settings: Settings, path: str) -> None:
    """Whatever a row says: what lies beside the things that are deleted stays."""
    for file in (settings.folder / "searches" / "sr_1" / "log.txt", settings.folder / "cache" / "searches" / "x" / "y"):
        file.parent.mkdir(parents=True)
        file.touch()
    before = sorted(settings.folder.parent.rglob("*"))
    with pytest.raises(ValueError, match="must lie below one of"):
        Artefacts(settings.folder).remove_here(path)
    store.write(lambda connection: connection.execute(REMOVALS.insert().values(path=path, at=0.0)))
    Maintenance(store, settings).sweep()

    assert listed(store) == []
    assert {one for one in before if not one.name.startswith("ihas.db-")} <= set(settings.folder.parent.rglob("*"))


def test_a_link_is_removed_and_not_followed(store: SqlStore, settings: Settings, tmp_path: Path) -> None:
    """What it leads to stays."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (settings.folder / "searches").mkdir(parents=True)
    (settings.folder / "searches" / "sr_1").symlink_to(tmp_path / "kept")
    Artefacts(settings.folder).remove_here("searches/sr_1")

    assert ((settings.folder / "searches" / "sr_1").is_symlink(), (tmp_path / "kept" / "file").exists()) == (False, True)


def test_everything_is_kept_for_ever_by_default(store: SqlStore, settings: Settings, publish: Publish, table: str) -> None:
    """Searches, their stages and data sets without use."""
    folder = publish()
    (folder.parent / "stages").mkdir()
    store.cancel(submitted(store, table).id)
    unused = store.add_dataset(NewDataset("clicks", {})).id
    age(store)
    Maintenance(store, settings).expire()

    assert (settings.searches_kept_s, settings.unused_datasets_kept_s) == (0.0, 0.0)
    assert ((folder.parent / "stages").is_dir(), len(store.jobs(SEARCH, None, 9))) == (True, 2)
    assert store.dataset(unused).deleted_at is None


def test_what_is_old_goes_where_settings_say_so(store: SqlStore, settings: Settings, publish: Publish, table: str) -> None:
    """Of a search that succeeded the stages go, and its result and version stay; a cancelled one and an unused data set are deleted."""
    run = publish().parent
    for name in ("stages/base-1/arrays", "result.json"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("12345")
    cancelled = store.cancel(submitted(store, table).id)
    unused = store.add_dataset(NewDataset("clicks", {})).id
    store.weigh(run.name, 1_000_000)
    age(store)
    later = store.submit(NewJob(SEARCH, "films", cancelled.dataset_id, {}))
    kept = settings.model_copy(update={"searches_kept_s": DAY_S, "unused_datasets_kept_s": DAY_S})
    Maintenance(store, kept).expire()

    assert (sorted(one.name for one in run.iterdir()), len(store.versions("films"))) == (["bundle", "result.json"], 1)
    assert {job.id for job in store.jobs(SEARCH, None, 9)} == {later.id, run.name}
    assert store.job(run.name).bytes == sum(one.stat().st_size for one in run.rglob("*") if one.is_file())
    assert store.dataset(unused).deleted_at is not None
    assert cancelled.id not in {job.id for job in store.jobs(SEARCH, None, 9)}
    assert [one.id for one in store.datasets(None, 9)] == [later.dataset_id]


def test_folders_that_nobody_added_up_are(store: SqlStore, settings: Settings, publish: Publish) -> None:
    """Those of an older release, so that the quota counts them."""
    run = publish().parent
    (run / "log.txt").write_text("Epoch 1.")
    assert store.job(run.name).bytes is None
    Maintenance(store, settings).expire()

    assert store.job(run.name).bytes == sum(one.stat().st_size for one in run.rglob("*") if one.is_file())


def test_an_upload_of_a_deleted_data_set_is_a_leftover(store: SqlStore, settings: Settings) -> None:
    """Its file goes at the next start, and so does the folder."""
    dataset_id = store.add_dataset(NewDataset("clicks", {})).id
    folder = settings.folder / "datasets" / dataset_id
    folder.mkdir(parents=True)
    (folder / "upload-1.csv").touch()
    Deletions(store).dataset("local", dataset_id)
    remove_leftovers(store, settings.folder)

    assert not folder.exists()
    with pytest.raises(UnknownIdError):
        Deletions(store).dataset("local", dataset_id)
