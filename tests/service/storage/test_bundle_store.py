"""Bundles in a store of their own: a real server that speaks S3, and a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from ihas.bundle.compound import read_compound, write_compound
from ihas.bundle.manifest import DataManifest, encode_manifest, file_entry, manifest_digest
from ihas.errors import BundleError
from ihas.serving.loading import load_recommender
from ihas_service.models.registry import Registry
from ihas_service.settings import Settings
from ihas_service.storage.bundle_store import Artefacts
from ihas_service.storage.sql_store import SqlStore
from tests.service.conftest import Publish
from tests.service.s3 import s3_server

pytestmark = pytest.mark.full

PATH = "searches/sr_1/bundle"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """URL of a bucket on a server that speaks S3."""
    with s3_server("bundles"):
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
    monkeypatch.setattr("ihas_service.models.registry.RETRY_S", 0.0)
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


@pytest.mark.parametrize("name", ["../../../../escaped.json", "//escaped.json", "tables/../../escaped.json", "more.json"])
def test_names_that_the_manifest_does_not_list_are_not_fetched(s3: str, bundle: Path, tmp_path: Path, name: str) -> None:
    """Whoever may write to the bucket writes no file here: objects beside the bundle's own stay where they are."""
    published(s3, bundle, tmp_path / "worker")
    fs = fsspec.filesystem("s3")
    key = f"bundles/ihas/{PATH}/{name}"
    fs.pipe_file(key, b"{}")
    try:
        here = Artefacts(tmp_path / "api", s3).local(PATH)
    finally:
        fs.rm_file(key)

    assert load_recommender(here).name
    assert not list(tmp_path.rglob("escaped.json"))
    assert not (here / "more.json").exists()


@pytest.mark.parametrize(
    "name", ["../../../../escaped.json", "/tmp/escaped.json", "tables/../../escaped.json", "escaped.sh", ".escaped.json"]
)
def test_a_manifest_that_lists_another_name_is_refused(url: str, tmp_path: Path, name: str) -> None:
    """Also where its checksum is right: nothing is fetched but the manifest, and nothing is kept of that."""
    content = b"{}"
    manifest = DataManifest(kind="overrec", ihas_version="0", name="m", created_at=None, files=(file_entry(name, content),))
    folder = tmp_path / "worker" / PATH
    folder.mkdir(parents=True)
    for file, written in encode_manifest(manifest).items():
        (folder / file).write_bytes(written)
    Artefacts(tmp_path / "worker", url).publish(PATH)

    with pytest.raises(BundleError, match="BundleCorruptError"):
        Artefacts(tmp_path / "api", url).local(PATH)
    assert not [path for path in (tmp_path / "api").rglob("*") if path.is_file()]


def test_a_file_that_is_larger_than_the_manifest_lists_is_not_fetched(url: str, bundle: Path, tmp_path: Path) -> None:
    """A store cannot fill this machine's disk by one name."""
    published(url, bundle, tmp_path / "worker", "searches/sr_2/bundle")
    fs, root = fsspec.core.url_to_fs(url)
    fs.pipe_file(f"{root}/searches/sr_2/bundle/items.json", b" " * 2**16)

    with pytest.raises(BundleError, match="BundleCorruptError"):
        Artefacts(tmp_path / "api", url).local("searches/sr_2/bundle")


def test_a_bundle_with_a_link_is_not_published(url: str, bundle: Path, tmp_path: Path) -> None:
    """The file that it leads to stays here."""
    (tmp_path / "secret.json").write_text("{}")
    shutil.copytree(bundle, tmp_path / PATH)
    (tmp_path / PATH / "more.json").symlink_to(tmp_path / "secret.json")

    with pytest.raises(BundleError, match="must hold no links"):
        Artefacts(tmp_path, url).publish(PATH)


def test_a_bundle_of_bundles_is_fetched_with_its_parts(url: str, bundle: Path, tmp_path: Path) -> None:
    """Byte by byte."""
    write_compound("pair", "both", {}, {"model": bundle, "front": bundle}, tmp_path / "worker" / PATH)
    Artefacts(tmp_path / "worker", url).publish(PATH)

    here = Artefacts(tmp_path / "api", url).local(PATH)
    assert read_compound(here, "pair")[0] == "both"
    assert load_recommender(here / "model").name == load_recommender(here / "front").name


@pytest.mark.parametrize("remote", [False, True])
def test_another_bundle_than_the_registered_one_is_refused(remote: bool, url: str, bundle: Path, tmp_path: Path) -> None:
    """The digest that was noted decides, in the store as in the folder, though every checksum within the bundle is right."""
    path = "searches/sr_3/bundle"
    published(url, bundle, tmp_path / "worker", path)
    if not remote:
        shutil.copytree(bundle, tmp_path / "api" / path)
    artefacts = Artefacts(tmp_path / "api", url)

    with pytest.raises(BundleError, match=r"must be the one that was registered|BundleCorruptError"):
        artefacts.local(path, "0" * 64)
    assert artefacts.local(path, manifest_digest(bundle)).is_dir()
