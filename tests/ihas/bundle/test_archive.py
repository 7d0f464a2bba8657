"""A bundle comes back from its folder as it was written, or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import mmap
import os
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ihas.bundle.archive import read_bundle, read_usable, write_bundle
from ihas.bundle.manifest import FORMAT_VERSION, MANIFEST, MANIFEST_CHECKSUM, Manifest, encode_manifest, file_entry, read_manifest
from ihas.bundle.values import Bundle
from ihas.data.item_table import FieldValues
from ihas.errors import BundleCorruptError, BundleError, BundleVersionError
from ihas.routing.router import Gates
from ihas_pipelines.benchmarks.bundles import BundleShape, random_bundle
from tests.ihas.bundle_factory import bundle_with_users, linear_graph, small_bundle, summed_bundle
from tests.ihas.serving.mixed_bundle import mixed_bundle, with_golden_rows, with_one_table, with_sums

pytestmark = pytest.mark.tf


def _gated() -> Bundle:
    """One path on the router's own table, multiplied by the gates, with first-order weights."""
    bundle = small_bundle()
    first = dataclasses.replace(
        bundle.models[0],
        mask=np.ones((3, 2), bool),
        gated=True,
        table=bundle.router.table.reshape(-1),
        first_order=np.arange(13, dtype=np.float32),
        graph=linear_graph(np.arange(6), 0.0, first_order=True),
    )
    return dataclasses.replace(bundle, models=(first,), model_of_group=(0, 0))


def _without_items() -> Bundle:
    bundle = small_bundle()
    return dataclasses.replace(bundle, items=None, schema=bundle.schema.model_copy(update={"item_id": None}))


def _mlp_gates() -> Bundle:
    """A router with a hidden layer, and centroids of masks."""
    bundle = small_bundle()
    kernels = np.ones((6, 3), np.float32), np.ones((3, 6), np.float32)
    gates = Gates("mlp", np.zeros(6, np.float32), np.ones(6, np.float32), kernels, (np.ones(3, np.float32), np.ones(6, np.float32)))
    return dataclasses.replace(bundle, router=dataclasses.replace(bundle.router, gates=gates, on="mask"))


def _with_users() -> Bundle:
    """Users and what they clicked, and a column that is only displayed."""
    bundle = bundle_with_users()
    assert bundle.items is not None
    title = FieldValues(("One", "Two"), np.array([0, 1, 2, 2], np.int64), np.array([0, 1], np.int32))
    items = dataclasses.replace(bundle.items, values={**(bundle.items.values or {}), "title": title})
    return dataclasses.replace(bundle, schema=bundle.schema.model_copy(update={"display": ("title",)}), items=items)


def _split() -> Bundle:
    """Paths whose arithmetic is there in two as well."""
    return random_bundle(BundleShape(hidden=(3,), num_fields=4, num_users=5, num_items=6, num_values=3, dim=2, num_groups=2))


def _assert_same(actual: object, expected: object) -> None:
    """Equal to the bit, type by type."""
    if isinstance(expected, np.ndarray):
        assert isinstance(actual, np.ndarray)
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        assert actual.tobytes() == expected.tobytes()
    elif dataclasses.is_dataclass(expected):
        assert type(actual) is type(expected)
        for field in dataclasses.fields(expected):
            _assert_same(getattr(actual, field.name), getattr(expected, field.name))
    elif isinstance(expected, dict):
        assert isinstance(actual, dict)
        assert actual.keys() == expected.keys()
        for name, value in expected.items():
            _assert_same(actual[name], value)
    elif isinstance(expected, tuple):
        assert isinstance(actual, tuple)
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            _assert_same(one, other)
    else:
        assert actual == expected


def _owner(array: np.ndarray) -> object:
    """What holds an array's memory."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    return owner


def _one_table() -> Bundle:
    """Two groups said by sums, whose models share a table."""
    return with_golden_rows(with_one_table(with_sums(mixed_bundle("lr", "full", "masked"))))


def _gated_sums() -> Bundle:
    """Two groups said by sums, and a model that reads gates."""
    return with_golden_rows(with_sums(mixed_bundle("lr", "full", "masked", gated=True)))


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _forge(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest, with the right checksum."""
    for name, content in encode_manifest(manifest).items():
        (folder / name).write_bytes(content)


def _forge_bytes(folder: Path, content: bytes) -> None:
    """Replace the manifest by these bytes, with the right checksum."""
    (folder / MANIFEST).write_bytes(content)
    (folder / MANIFEST_CHECKSUM).write_text(f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n")


def _forge_file(folder: Path, name: str, content: bytes) -> None:
    """Replace a file, with the right checksum everywhere."""
    (folder / name).write_bytes(content)
    manifest = read_manifest(folder)
    entries = tuple(file_entry(name, content) if entry.name == name else entry for entry in manifest.files)
    _forge(folder, msgspec.structs.replace(manifest, files=entries))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small bundle on disk."""
    write_bundle(small_bundle(), tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for many examples, each of which leaves it as it was."""
    path = tmp_path_factory.mktemp("shared") / "bundle"
    write_bundle(small_bundle(), path)
    return path


@pytest.mark.parametrize(
    "make", [small_bundle, _gated, _without_items, _mlp_gates, _split, summed_bundle, _one_table, _gated_sums, _with_users]
)
def test_comes_back_as_written(tmp_path: Path, make: object) -> None:
    """Every array, text and number of a bundle is read back to the bit."""
    assert callable(make)
    bundle = make()
    write_bundle(bundle, tmp_path / "bundle")
    _assert_same(read_bundle(tmp_path / "bundle"), bundle)


def test_comes_back_after_a_move(folder: Path, tmp_path: Path) -> None:
    """A bundle is where its folder is: moved, it is read as before."""
    moved = tmp_path / "elsewhere" / "other-name"
    moved.parent.mkdir()
    folder.rename(moved)
    _assert_same(read_bundle(moved), small_bundle())


def test_equal_bundles_give_equal_bytes(folder: Path, tmp_path: Path) -> None:
    """Writing twice gives the same files, byte for byte, when no time is noted."""
    write_bundle(small_bundle(), tmp_path / "again")
    assert _contents(tmp_path / "again") == _contents(folder)


def test_notes_the_time_it_is_told(tmp_path: Path) -> None:
    """The caller's time stands in the manifest."""
    write_bundle(small_bundle(), tmp_path / "bundle", created_at="2026-11-21T10:00:00Z")
    assert read_manifest(tmp_path / "bundle").created_at == "2026-11-21T10:00:00Z"
    assert read_bundle(tmp_path / "bundle").name == "films"


def test_stores_equal_tables_once(tmp_path: Path) -> None:
    """A path on the router's own table adds no second copy of it."""
    write_bundle(_gated(), tmp_path / "bundle")
    manifest = read_manifest(tmp_path / "bundle")
    assert manifest.paths[0].table == manifest.router_table
    assert len(list((tmp_path / "bundle" / "tables").iterdir())) == 2


def test_sums_need_neither_table_nor_gates(tmp_path: Path) -> None:
    """A bundle whose groups are said by sums holds no table and no gates of the router's, and models that share a table hold it once."""
    bundle = _one_table()
    write_bundle(bundle, tmp_path / "bundle")
    manifest = read_manifest(tmp_path / "bundle")

    assert (manifest.version, manifest.gate_form, manifest.router_table, manifest.clustered_on) == (3, None, None, None)
    assert len({entry.table for entry in manifest.paths}) == 1
    tables = [entry for entry in manifest.files if entry.name.startswith("tables/")]
    assert len(tables) == 2
    assert min(entry.bytes for entry in tables) == 128 + 2 * bundle.router.weights.size


@pytest.mark.parametrize("make", [small_bundle, _gated, _split])
def test_what_has_no_sums_is_written_as_version_0_1_wrote_it(tmp_path: Path, make: object) -> None:
    """Its manifest is of version 2, with the keys of version 2 alone, so that version 0.1 reads it."""
    assert callable(make)
    write_bundle(make(), tmp_path / "bundle")
    manifest = msgspec.json.decode((tmp_path / "bundle" / MANIFEST).read_bytes())

    assert manifest["version"] == 2
    assert "group_sums" not in manifest
    assert all("shared_table" not in path for path in manifest["paths"])


def test_what_knows_users_says_so_in_its_version(tmp_path: Path) -> None:
    """A reader of an earlier version must refuse it: its schema has names that it does not know."""
    write_bundle(_with_users(), tmp_path / "bundle")
    assert read_manifest(tmp_path / "bundle").version == 4


def test_a_manifest_that_names_no_router_is_refused(tmp_path: Path) -> None:
    """Neither sums nor gates: nothing could say the group."""
    write_bundle(summed_bundle(), tmp_path / "bundle")
    _forge(tmp_path / "bundle", msgspec.structs.replace(read_manifest(tmp_path / "bundle"), group_sums=None))

    with pytest.raises(BundleCorruptError, match="must name `group_sums`"):
        read_bundle(tmp_path / "bundle")


def test_a_broken_file_of_the_sums_is_found(tmp_path: Path) -> None:
    """What says the group belongs to no single model, so that no fallback can stand in for it."""
    write_bundle(summed_bundle(), tmp_path / "bundle")
    name = str(read_manifest(tmp_path / "bundle").group_sums)
    path = tmp_path / "bundle" / name
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(BundleCorruptError, match=name):
        read_usable(tmp_path / "bundle")


def test_maps_tables_instead_of_reading_them(folder: Path) -> None:
    """Tables stay on disk and cannot be written to by accident."""
    table = read_bundle(folder).models[0].table
    assert isinstance(_owner(table), mmap.mmap)
    assert not table.flags.writeable


def test_keeps_what_is_there(folder: Path) -> None:
    """Writing onto a folder that exists is refused, and nothing of it changes."""
    before = _contents(folder)
    with pytest.raises(BundleError, match="exists"):
        write_bundle(_gated(), folder)
    assert _contents(folder) == before


@pytest.mark.parametrize("name", ["../escape", "UPPER", "", "a/b"])
def test_leaves_nothing_behind_when_it_cannot_write(tmp_path: Path, name: str) -> None:
    """A path whose name is no plain file name is refused, without a trace on disk."""
    bundle = small_bundle()
    paths = (dataclasses.replace(bundle.models[0], name=name), bundle.models[1])
    with pytest.raises(BundleError, match="name"):
        write_bundle(dataclasses.replace(bundle, models=paths), tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_leaves_nothing_behind_when_the_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle whose bytes cannot be forced to disk does not appear, in whole or in part."""

    def fail(descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_bundle(small_bundle(), tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_one_changed_byte_is_found(shared_folder: Path, data: st.DataObject) -> None:
    """Whichever byte of whichever file changes, the bundle is refused and the file named."""
    name = data.draw(st.sampled_from(sorted(_contents(shared_folder))))
    path = shared_folder / name
    content = path.read_bytes()
    position = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    try:
        with pytest.raises(BundleCorruptError, match=name):
            read_bundle(shared_folder)
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("name", ["encoder.json", "tables/table-1.npy", "paths/group-0.onnx", MANIFEST, MANIFEST_CHECKSUM])
@pytest.mark.parametrize("damage", ["missing", "truncated", "longer", "link"])
def test_damaged_files_are_named(folder: Path, tmp_path: Path, name: str, damage: str) -> None:
    """A file that is missing, cut short, too long or a link is refused by its name."""
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if damage == "link":
        (tmp_path / "elsewhere").write_bytes(content)
        path.symlink_to(tmp_path / "elsewhere")
    elif damage != "missing":
        path.write_bytes(content[:-1] if damage == "truncated" else content + b"\0")
    with pytest.raises(BundleCorruptError, match=name):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["notes.txt", "tables/table-9.npy", ".hidden", "more/file.json"])
def test_extra_files_are_named(folder: Path, name: str) -> None:
    """A file that the manifest does not list is refused by its name."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    with pytest.raises(BundleCorruptError, match=name):
        read_bundle(folder)


def test_extra_links_are_named(folder: Path, tmp_path: Path) -> None:
    """A link to a folder is an extra file too."""
    (folder / "outside").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(BundleCorruptError, match="outside"):
        read_bundle(folder)


def test_no_folder_is_no_bundle(tmp_path: Path) -> None:
    """A folder that does not exist is said to hold no bundle."""
    with pytest.raises(BundleError, match="none at"):
        read_bundle(tmp_path / "nothing")


def test_a_bundle_of_the_first_version_is_read(tmp_path: Path) -> None:
    """Without splits in its manifest and among its files, and with no word of them, it is the bundle without splits."""
    write_bundle(_split(), tmp_path / "bundle")
    manifest = read_manifest(tmp_path / "bundle")
    paths = tuple(msgspec.structs.replace(path, split=None) for path in manifest.paths)
    files = tuple(entry for entry in manifest.files if not entry.name.startswith("splits/"))
    shutil.rmtree(tmp_path / "bundle" / "splits")
    content = msgspec.to_builtins(msgspec.structs.replace(manifest, version=1, paths=paths, files=files))
    for path in content["paths"]:
        del path["split"]
    _forge_bytes(tmp_path / "bundle", msgspec.json.encode(content))

    whole = dataclasses.replace(_split(), models=tuple(dataclasses.replace(path, two_sided=None) for path in _split().models))
    _assert_same(read_bundle(tmp_path / "bundle"), whole)


@pytest.mark.parametrize("change", [{"version": FORMAT_VERSION + 1}, {"format": "other"}])
def test_other_formats_are_refused(folder: Path, change: dict[str, object]) -> None:
    """A bundle of another format or version says which one it is, and is told apart from a damaged one."""
    _forge(folder, msgspec.structs.replace(read_manifest(folder), **change))
    with pytest.raises(BundleVersionError, match=str(next(iter(change.values())))):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["../schema.json", "/etc/hosts.json", "tables/../schema.json", "a\\b.json", "program.py", "paths/.json"])
def test_names_that_leave_the_folder_are_refused(folder: Path, name: str) -> None:
    """A manifest with right checksums cannot make the reader look at another place."""
    manifest = read_manifest(folder)
    _forge(folder, msgspec.structs.replace(manifest, files=(*manifest.files, file_entry(name, b""))))
    with pytest.raises(BundleCorruptError, match=r"plain files"):
        read_bundle(folder)


def test_pickled_tables_are_refused(folder: Path) -> None:
    """A table of pickled objects is not loaded, though its checksums are right."""
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    _forge_file(folder, "tables/table-1.npy", buffer.getvalue())
    with pytest.raises(BundleCorruptError, match=r"tables/table-1\.npy"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["encoder.json", "schema.json", "summary.json", "items.json", "router.safetensors", "golden.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]"])
def test_unreadable_files_are_named(folder: Path, name: str, content: bytes) -> None:
    """A file with other content than it should have is refused by its name, though its checksums are right."""
    _forge_file(folder, name, content)
    with pytest.raises(BundleCorruptError, match=name):
        read_bundle(folder)


def test_parts_that_do_not_fit_are_refused(folder: Path) -> None:
    """A manifest with right checksums and a path that does not exist is refused."""
    _forge(folder, msgspec.structs.replace(read_manifest(folder), path_of_group=(0, 2)))
    with pytest.raises(BundleCorruptError, match="path_of_group"):
        read_bundle(folder)


def test_checksum_file_is_what_sha256sum_reads(folder: Path) -> None:
    """The manifest's checksum has the form `digest, two spaces, name`."""
    digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    assert (folder / MANIFEST_CHECKSUM).read_text() == f"{digest}  {MANIFEST}\n"
