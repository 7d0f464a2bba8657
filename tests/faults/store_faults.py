"""Bundles in a store that speaks S3, damaged, exchanged and made to climb: none answers, and the rest does; and a store that goes away."""

from __future__ import annotations

import logging
import random
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fsspec
import orjson

from ihas.bundle.archive import write_bundle
from ihas.bundle.manifest import Manifest, encode_manifest, file_entry, manifest_digest, read_manifest
from ihas_service.benchmark_server import register
from ihas_service.http.examples import searches
from ihas_service.settings import Settings
from ihas_service.states import JobState
from ihas_service.storage.bundle_store import Artefacts
from ihas_service.storage.catalogue import NewDataset
from ihas_service.storage.job import SEARCH, NewJob
from ihas_service.storage.sql_store import SqlStore
from tests.faults.ledger import Ledger
from tests.faults.oracle import Oracle, client
from tests.faults.processes import Api, eventually, new_folder, worker
from tests.ihas.serving.slow_bundle import slow_bundle
from tests.service import child
from tests.service.s3 import S3Server, s3_server

BUCKET = "s3://bundles/ihas"
AWAY = "the store of bundles away as a search ends"
Spoil = Callable[[Any, str, Path, random.Random], None]
"""What is done to a bundle in the store: file system, its place there, an intact copy of it, draw."""


def _files(copy: Path) -> list[str]:
    return sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file())


def flip(fs: Any, place: str, copy: Path, draw: random.Random) -> None:
    """One bit of one file."""
    name = draw.choice(_files(copy))
    content = bytearray((copy / name).read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    fs.pipe_file(f"{place}/{name}", bytes(content))


def cut(fs: Any, place: str, copy: Path, draw: random.Random) -> None:
    """One file ends early."""
    name = draw.choice(_files(copy))
    content = (copy / name).read_bytes()
    fs.pipe_file(f"{place}/{name}", content[: draw.randrange(len(content))])


def lose(fs: Any, place: str, copy: Path, draw: random.Random) -> None:
    """One file is gone."""
    fs.rm_file(f"{place}/{draw.choice(_files(copy))}")


def exchange(fs: Any, place: str, copy: Path, draw: random.Random) -> None:
    """Another bundle, right in itself, whose manifest is not the one that was registered."""
    del draw
    manifest = read_manifest(copy)
    fields = {name: getattr(manifest, name) for name in manifest.__struct_fields__} | {"name": "other"}
    for name, content in encode_manifest(Manifest(**fields)).items():
        fs.pipe_file(f"{place}/{name}", content)


def climb(fs: Any, place: str, copy: Path, draw: random.Random) -> None:
    """A manifest that lists a file outside of the bundle."""
    name = draw.choice(["../../../../escaped.json", "/tmp/escaped.json", "tables/../../escaped.json", "..", "a/../../escaped.json"])
    manifest = read_manifest(copy)
    fields = {field: getattr(manifest, field) for field in manifest.__struct_fields__}
    fields["files"] = (*manifest.files, file_entry(name, b"{}"))
    for file, content in encode_manifest(Manifest(**fields)).items():
        fs.pipe_file(f"{place}/{file}", content)
    fs.pipe_file(f"{place}/{name}", b"{}")


SPOILT: Mapping[str, Spoil] = {
    "flipped bits in the store": flip,
    "files of the store cut off": cut,
    "files missing in the store": lose,
    "another bundle in its place": exchange,
    "names that climb out of a bundle": climb,
}
SLOW = "a graph that computes for hours"


def spoil_bundles(root: Path, bundle: Path, each: int, outages: int, seed: int, ledger: Ledger) -> None:
    """`each` bundles of every kind of damage behind one API, and `outages` searches that end while the store is away."""
    folder = new_folder(root, "store")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request to the store
    with s3_server("bundles") as server:
        settings = Settings(folder=folder / "runs", artefacts_url=BUCKET, bundle_load_cpu_s=5, poll_s=0.05, heartbeat_s=0.5, lease_s=60.0)
        register(settings, bundle)
        store, draw = SqlStore(settings.url), random.Random(seed)
        dataset_id = _dataset(store)
        kinds = {f"{number}-{place}": kind for number, kind in enumerate(SPOILT) for place in range(each)}
        for name, kind in kinds.items():
            ledger.add(kind, tries=1)
            _registered(store, settings, dataset_id, name, bundle, lambda fs, place, kind=kind: SPOILT[kind](fs, place, bundle, draw))
        slow = folder / "slow"
        write_bundle(slow_bundle(), slow)
        ledger.add(SLOW, tries=1)
        _registered(store, settings, dataset_id, "slow", slow, lambda *_: None)
        api = Api(settings, folder / "api.log")
        try:
            _ask_all(api, Oracle(bundle, seed), {**kinds, "slow": SLOW}, ledger)
            if escaped := [str(path) for path in (*root.rglob("escaped*"), *Path("/tmp").glob("escaped.json"))]:
                ledger.wrong("names that climb out of a bundle", "differ", f"files were written: {escaped}")
            _lose_store(settings, api, server, store, dataset_id, bundle, outages, ledger)
        finally:
            api.end()
            store.close()


def _dataset(store: SqlStore) -> str:
    dataset_id = store.add_dataset(NewDataset("clicks", {}, path="/data/clicks.csv")).id
    check = store.claim("check", 60.0, 1)
    assert check is not None
    store.accept_dataset(check.id, check.token, searches.REPORT)
    return dataset_id


def _registered(store: SqlStore, settings: Settings, dataset_id: str, name: str, bundle: Path, spoil: Callable[[Any, str], None]) -> None:
    """A model whose bundle lies in the store alone, and was spoilt there after it was registered."""
    store.submit(NewJob(SEARCH, name, dataset_id, {"learning": {}, "run": {}}))
    job = store.claim("trainer", 60.0, 1)
    assert job is not None
    path = f"searches/{job.id}/bundle"
    shutil.copytree(bundle, settings.folder / path)
    Artefacts(settings.folder, BUCKET).publish(path)
    shutil.rmtree(settings.folder / path)
    store.succeed(job.id, job.token, path, {"manifest_sha256": manifest_digest(bundle)})
    spoil(fsspec.filesystem("s3"), f"{BUCKET.removeprefix('s3://')}/{path}")


def _ask_all(api: Api, oracle: Oracle, kinds: Mapping[str, str], ledger: Ledger) -> None:
    """Every spoilt model is refused by name, and the right one answers rightly after each."""
    with client(api.url) as http:
        for name, kind in kinds.items():
            response = http.post(f"/v1/models/{name}/score", json={"rows": [{"user": "ada", "movie": "m1"}]})
            if response.status_code != 503 or response.json().get("title") != "Model cannot be used":
                ledger.wrong(kind, "wrong", f"{name} was answered with {response.status_code} {response.text[:200]}")
            oracle.ask(http, kind, ledger)


def _lose_store(
    settings: Settings, api: Api, server: S3Server, store: SqlStore, dataset_id: str, bundle: Path, outages: int, ledger: Ledger
) -> None:
    """Each search ends while the store is away; it is published once the store is back, as one version."""
    command = (sys.executable, str(child.__file__))
    process = worker(settings, settings.folder.parent / "worker.log", command, {"IHAS_TEST_BUNDLE": str(bundle)})
    try:
        for number in range(outages):
            ledger.add(AWAY, tries=1, jobs=1)
            server.stop()
            job_id = store.submit(NewJob(SEARCH, "films", dataset_id, {"learning": {}, "run": {}})).id
            eventually(lambda one=job_id: "published again" in store.job(one).message, "a try to publish")  # type: ignore[misc]
            with client(api.url) as http:
                Oracle(bundle, number).ask(http, AWAY, ledger)
            server.start()
            job = eventually(lambda one=job_id: found if (found := store.job(one)).finished else None, "the end of a search")  # type: ignore[misc]
            versions = [version for version in store.versions("films") if version.job_id == job_id]
            if (job.state, job.attempt, len(versions)) != (JobState.SUCCEEDED, 1, 1):
                ledger.wrong(AWAY, "lost", f"{job_id} is {job.state} in attempt {job.attempt} with {len(versions)} versions")
            fetched = orjson.loads(fsspec.filesystem("s3").cat_file(f"bundles/ihas/{versions[0].path}/manifest.json"))
            if fetched != orjson.loads((bundle / "manifest.json").read_bytes()):
                ledger.wrong(AWAY, "differ", f"{job_id} left another manifest in the store")
    finally:
        process.end()
