"""Models in memory: loaded once, kept while they are used, tried again when they were broken."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ihas.errors import BundleError
from ihas.serving.grouped.recommender import GroupedRecommender
from ihas.serving.loading import load_recommender
from ihas_service.errors import UnknownIdError
from ihas_service.models.registry import RETRY_S, Registry
from ihas_service.settings import Settings
from ihas_service.storage.aliases import ANY, CHAMPION, Aliases, AliasRef
from ihas_service.storage.deletions import Deletions
from ihas_service.storage.sql_store import SqlStore
from tests.clock import HANG_S, Clock
from tests.service.conftest import Publish, damage, eventually


@pytest.fixture
def registry(store: SqlStore, settings: Settings) -> Registry:
    """Nothing is loaded yet, and no thread runs."""
    return Registry(store, settings.folder)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders of the bundles that were loaded, one entry for each time."""
    folders: list[Path] = []

    def load(folder: Path) -> GroupedRecommender:
        folders.append(folder)
        return load_recommender(folder)

    monkeypatch.setattr("ihas_service.models.registry.load_recommender", load)
    return folders


def test_parallel_requests_load_a_version_once(registry: Registry, publish: Publish, loads: list[Path]) -> None:
    """Eight ask for version 1 by number, eight for the newest, and the thread looks too: two bundles are read, each once."""
    folders = [publish(), publish()]
    with ThreadPoolExecutor(17) as pool:
        pool.submit(registry.refresh)
        asked = [pool.submit(registry.get, "films", number) for number in (1, None) * 8]
        versions = {one.result().version.version for one in asked}

    assert versions == {1, 2}
    assert sorted(loads) == sorted(folder.resolve() for folder in folders)


def test_the_serving_version_by_number_is_the_one_in_memory(registry: Registry, publish: Publish, loads: list[Path]) -> None:
    """Asked for by number, the newest version is not loaded a second time."""
    publish()

    assert registry.get("films") is registry.get("films", 1) is registry.ready("films", 1)
    assert len(loads) == 1


def test_a_version_that_is_asked_for_stays(registry: Registry, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two places, the one that was used last is kept when a third version comes."""
    monkeypatch.setattr("ihas_service.models.registry.MAX_PINNED", 2)
    for _ in range(4):
        publish()
    registry.refresh()
    registry.get("films", 1)
    registry.get("films", 2)
    assert registry.ready("films", 1) is not None
    registry.get("films", 3)

    assert [registry.ready("films", number) is not None for number in (1, 2, 3, 4)] == [True, False, True, True]


def test_a_mended_bundle_serves_without_being_asked_for(
    registry: Registry, publish: Publish, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread tries a broken bundle again after a while; until then the reason is kept and nothing is read."""
    monkeypatch.setattr("ihas_service.models.registry.CHECK_S", 0.02)
    folder = publish(spoil=damage)
    registry.start()
    eventually(lambda: ("local", "films") in registry.failures())
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    registry.refresh()
    assert ("local", "films") in registry.failures()
    monkeypatch.setattr("ihas_service.models.registry.RETRY_S", 0.0)
    eventually(lambda: registry.serving() == {("local", "films"): 1})
    registry.close()

    assert registry.failures() == {}


def test_names_appear_while_the_readiness_is_read(registry: Registry, publish: Publish) -> None:
    """Models that come while somebody looks harm nobody."""
    for number in range(20):
        publish(f"films-{number}")
    with ThreadPoolExecutor(2) as pool:
        loading = pool.submit(registry.refresh)
        while not loading.done():
            assert set(registry.failures()) == set()
            assert set(registry.serving().values()) <= {1}
        loading.result()

    assert len(registry.serving()) == 20


def test_a_name_that_was_deleted_and_came_again_is_loaded_anew(registry: Registry, publish: Publish, store: SqlStore) -> None:
    """Also where the new model has fewer changes behind it than the old one: nothing of that is served."""
    for number in (1, 2):
        publish()
        Aliases(store).put(AliasRef("local", "films", CHAMPION), number, ANY)
    registry.refresh()
    Deletions(store).model("local", "films", force=True)
    publish()
    registry.refresh()

    assert registry.serving() == {("local", "films"): 3}
    Deletions(store).model("local", "films")
    registry.refresh()
    assert (registry.serving(), registry.ready("films")) == ({}, None)
    with pytest.raises(UnknownIdError):
        registry.get("films")


def test_who_waits_for_a_model_that_loads_is_told_so(
    store: SqlStore, settings: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that waits for another one's loading is free again after a while, with an error; the other one goes on."""
    reached, opened = threading.Event(), threading.Event()

    def check(_folder: Path) -> None:
        reached.set()
        assert opened.wait(HANG_S)

    registry = Registry(store, settings.folder, check=check)
    publish()
    monkeypatch.setattr("ihas_service.models.registry.LOCK_S", 0.0)
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(registry.get, "films")
        assert reached.wait(HANG_S)
        for version in (None, 1):
            with pytest.raises(BundleError, match="is being loaded still"):
                registry.get("films", version)
        opened.set()

    assert registry.get("films") is loading.result()


def test_a_broken_bundle_is_tried_more_and_more_seldom(store: SqlStore, settings: Settings, publish: Publish) -> None:
    """Each try costs a process: the second one comes after the first wait, the third after twice as long."""
    clock, tries = Clock(), list[float]()

    def check(_folder: Path) -> None:
        tries.append(clock())
        raise BundleError("broken")

    registry = Registry(store, settings.folder, check=check, clock=clock)
    publish()
    for _ in range(16):
        registry.refresh()
        clock.advance(RETRY_S / 2)

    assert tries == [0.0, RETRY_S, 3 * RETRY_S, 7 * RETRY_S]
