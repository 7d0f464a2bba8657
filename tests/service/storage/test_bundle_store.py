"""Bundles in a store of their own: a real server that speaks S3, and a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from ihas.errors import BundleError
from ihas.serving.loading import load_recommender
from service.models.registry import Registry
from service.settings import Settings
from service.storage.bundle_store import Artefacts
from service.storage.sql_store import SqlStore
from tests.service.conftest import Publish
from tests.service.s3 import s3_server

PATH = "searches/sr_1/bundle"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """URL of a bucket on a server that speaks S3."""
    with s3_server():
        fsspec.filesystem("s3").mkdir("bundles")
        yield "s3://bundles/ihas"


@pytest.fixture(params=["s3", "folder"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store."""
    return str(request.getfixturevalue("s3")) if request.param == "s3" else f"file://{tmp_path / 'store'}"


def published(url: str, bundle: Path, folder: Path, path: str = PATH) -> None:
    """A worker's bundle, brought into the store and gone from the worker's machine."""
    shutil.copytree(bundle, folder / path)
    Artefacts(folder, url).publish(path)
    shutil.rmtree(folder / path)


def test_another_machine_reads_what_a_worker_left(url: str, bundle: Path, tmp_path: Path) -> None:
    """Byte by byte: the bundle loads, and the second time nothing is fetched."""
    published(url, bundle, tmp_path / "worker")
    artefacts = Artefacts(tmp_path / "api", url)
    here = artefacts.local(PATH)

    assert load_recommender(here).name
    assert {file.relative_to(here): file.read_bytes() for file in here.rglob("*") if file.is_file()} == {
        file.relative_to(bundle): file.read_bytes() for file in bundle.rglob("*") if file.is_file()
    }
    assert artefacts.local(PATH) == here


def test_what_the_store_lacks_is_no_bundle(url: str, tmp_path: Path) -> None:
    """And nothing is left of the try."""
    with pytest.raises(BundleError, match="The store of bundles gave none"):
        Artefacts(tmp_path, url).local("searches/sr_0/bundle")
    assert not list((tmp_path / "cache").rglob("*.json")) if (tmp_path / "cache").exists() else True


def test_a_bundle_that_was_damaged_in_the_cache_is_fetched_again(
    url: str, store: SqlStore, settings: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry finds the damage, forgets the copy, and serves after the next try."""
    monkeypatch.setattr("service.models.registry.RETRY_S", 0.0)
    folder = publish()
    path = folder.relative_to(settings.folder).as_posix()
    Artefacts(settings.folder, url).publish(path)
    shutil.rmtree(folder)
    copy = Artefacts(settings.folder, url).local(path)
    (copy / "items.json").write_text("[]")
    registry = Registry(store, settings.folder, url)

    with pytest.raises(BundleError):
        registry.get("films")
    assert registry.get("films").version.version == 1


def test_without_a_store_bundles_stay_where_they_are(bundle: Path, tmp_path: Path) -> None:
    """Nothing is copied."""
    shutil.copytree(bundle, tmp_path / PATH)
    Artefacts(tmp_path).publish(PATH)

    assert Artefacts(tmp_path).local(PATH) == tmp_path / PATH
    assert [path.name for path in tmp_path.iterdir()] == ["searches"]
