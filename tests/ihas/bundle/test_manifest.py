"""The manifest says what it lists, and refuses what it cannot read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from ihas.bundle.manifest import MANIFEST, MANIFEST_CHECKSUM, Manifest, encode_manifest, file_entry, package_version, read_manifest
from ihas.errors import BundleCorruptError


def _manifest() -> Manifest:
    entry = file_entry("tables/table-0.npy", b"abc")
    return Manifest(
        ihas_version=package_version(),
        name="films",
        created_at=None,
        gate_form="full",
        clustered_on="masked",
        router_table="tables/table-0.npy",
        paths=(),
        path_of_group=(),
        files=(entry,),
    )


def _write(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    (folder / MANIFEST_CHECKSUM).write_text(f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n")


def test_entry_of_a_known_text() -> None:
    """The entry of `abc` has the digest that FIPS 180-2 gives for it, and 3 bytes."""
    entry = file_entry("abc.json", b"abc")
    assert entry.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert entry.bytes == 3


def test_comes_back_as_written(tmp_path: Path) -> None:
    """A manifest is read back equal."""
    for name, content in encode_manifest(_manifest()).items():
        (tmp_path / name).write_bytes(content)
    assert read_manifest(tmp_path) == _manifest()


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"format": "ihas-bundle", "version": 1}', b'{"format": "ihas-bundle", "version": "1"}']
)
def test_other_content_is_refused(tmp_path: Path, content: bytes) -> None:
    """A manifest that lacks keys is refused by its name, though its checksum is right."""
    _write(tmp_path, content)
    with pytest.raises(BundleCorruptError, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_unknown_keys_are_refused(tmp_path: Path) -> None:
    """A manifest of this version has no keys that this version does not know."""
    _write(tmp_path, encode_manifest(_manifest())[MANIFEST].replace(b'"name"', b'"surprise": 1, "name"', 1))
    with pytest.raises(BundleCorruptError, match="surprise"):
        read_manifest(tmp_path)


def test_files_are_listed_once(tmp_path: Path) -> None:
    """A file listed twice, and a router table that is not listed, are refused."""
    for manifest in (
        replace(_manifest(), files=(file_entry("a.json", b""),) * 2, router_table="a.json"),
        replace(_manifest(), router_table="tables/other.npy"),
    ):
        _write(tmp_path, encode_manifest(manifest)[MANIFEST])
        with pytest.raises(BundleCorruptError, match="each once and each listed"):
            read_manifest(tmp_path)
