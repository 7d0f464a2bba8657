"""A bundle as a folder of data: written whole or not at all, read only where every byte is as written."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import safetensors
import safetensors.numpy

from ihas.bundle import values
from ihas.bundle.manifest import (
    MANIFEST,
    PATH_NAME,
    Manifest,
    PathEntry,
    encode_manifest,
    file_entry,
    package_version,
    read_manifest,
    verify_files,
)
from ihas.bundle.validation import check_bundle
from ihas.data.encoder import Encoder
from ihas.data.item_table import ItemTable
from ihas.data.schema import Schema
from ihas.errors import BundleCorruptError, BundleError
from ihas.routing import Gates, Router


def write_bundle(bundle: values.Bundle, folder: Path, created_at: str | None = None) -> None:
    """Write a bundle: under another name first, forced to disk, then renamed.

    Args:
        bundle: what to write.
        folder: where; it must not exist yet.
        created_at: time to note in the manifest; without it, equal bundles give equal bytes.

    Raises:
        BundleError: the folder exists, or a path's name is not a plain file name.
        BundleCorruptError: the bundle's parts do not fit each other.
    """
    if folder.exists() or folder.is_symlink():
        raise BundleError(f"A bundle is written to a new folder, but {folder} exists. Choose another one, or remove it.")
    check_bundle(bundle)
    files = _files(bundle, created_at)
    partial = folder.parent / f".{folder.name}.{uuid4().hex}"
    try:
        _write_all(partial, files)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _sync_folder(folder.parent)


def read_bundle(folder: Path) -> values.Bundle:
    """Read a bundle; tables stay on disk and are mapped into memory.

    Raises:
        BundleError: there is no such folder.
        BundleCorruptError: a file is missing, extra or changed, or the parts do not fit each other.
        BundleVersionError: written in a format that this version does not read.
    """
    if not folder.is_dir():
        raise BundleError(f"A bundle is a folder, but there is none at {folder}.")
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    bundle = _Reader(folder, manifest).bundle()
    check_bundle(bundle)
    return bundle


def _files(bundle: values.Bundle, created_at: str | None) -> dict[str, bytes]:
    """Every file of the bundle, the manifest's two last."""
    tables = _TableFiles()
    router_table = tables.add(bundle.router.table)
    paths = tuple(_path_entry(path, tables) for path in bundle.paths)
    files = _documents(bundle) | tables.files | {f"paths/{path.name}.onnx": path.graph for path in bundle.paths}
    manifest = Manifest(
        ihas_version=package_version(),
        name=bundle.name,
        created_at=created_at,
        gate_form=bundle.router.gates.form,
        clustered_on=bundle.router.on,
        router_table=router_table,
        paths=paths,
        path_of_group=bundle.path_of_group,
        files=tuple(file_entry(name, files[name]) for name in sorted(files)),
    )
    return files | encode_manifest(manifest)


def _documents(bundle: values.Bundle) -> dict[str, bytes]:
    """Everything but tables, graphs and the manifest."""
    gates, golden = bundle.router.gates, bundle.golden
    router = {"mean": gates.mean, "scale": gates.scale, "centroids": bundle.router.centroids}
    router |= {f"kernel-{i}": kernel for i, kernel in enumerate(gates.kernels)}
    router |= {f"bias-{i}": bias for i, bias in enumerate(gates.biases)}
    documents = {
        "schema.json": _json(bundle.schema.model_dump(mode="json")),
        "encoder.json": bundle.encoder.to_json().encode(),
        "summary.json": _json(bundle.summary),
        "router.safetensors": _tensors(router),
        "masks.safetensors": _tensors({path.name: path.mask for path in bundle.paths}),
        "golden.safetensors": _tensors({"ids": golden.ids, "group": golden.group, "logits": golden.logits}),
    }
    if bundle.items is not None:
        documents["items.json"] = _json(bundle.items.names)
        documents["items.safetensors"] = _tensors({"ids": bundle.items.ids, "popularity": bundle.items.popularity})
    return documents


class _TableFiles:
    """Tables to be written, equal ones once."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._name_of: dict[bytes, str] = {}

    def add(self, table: np.ndarray) -> str:
        """Name of the file that holds the table's numbers; their shape is the reader's business."""
        digest = hashlib.sha256(np.ascontiguousarray(table).data).digest()
        name = self._name_of.setdefault(digest, f"tables/table-{len(self._name_of)}.npy")
        if name not in self.files:
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(table), allow_pickle=False)
            self.files[name] = buffer.getvalue()
        return name


def _path_entry(path: values.Path, tables: _TableFiles) -> PathEntry:
    if not PATH_NAME.fullmatch(path.name):
        raise BundleError(f"A path's name must match {PATH_NAME.pattern!r}, for it names a file, but got {path.name!r}.")
    num_fields, dim = path.mask.shape
    first_order = None if path.first_order is None else tables.add(path.first_order)
    return PathEntry(path.name, (num_fields, dim), path.gated, f"paths/{path.name}.onnx", tables.add(path.table), first_order)


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=2) + b"\n"


def _tensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    return safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    for part in sorted({(folder / name).parent for name in files}, reverse=True):
        _sync_folder(part)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Reader:
    """Files of a verified folder to the parts of a bundle."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    def bundle(self) -> values.Bundle:
        """The whole bundle."""
        manifest = self.manifest
        with _reading("encoder.json") as name:
            encoder = Encoder.from_json((self.folder / name).read_text(encoding="utf-8"))
        with _reading("schema.json") as name:
            schema = Schema.model_validate(self._document(name))
        with _reading("summary.json") as name:
            summary = dict(self._document(name))
        with _reading("golden.safetensors") as name:
            golden = values.GoldenRows(**self._arrays(name))
        router = self._router(encoder)
        return values.Bundle(manifest.name, schema, encoder, router, self._paths(), manifest.path_of_group, self._items(), golden, summary)

    def _router(self, encoder: Encoder) -> Router:
        with _reading("router.safetensors") as name:
            arrays = self._arrays(name)
            count = sum(key.startswith("kernel-") for key in arrays)
            gates = Gates(
                self.manifest.gate_form,
                arrays["mean"],
                arrays["scale"],
                tuple(arrays[f"kernel-{i}"] for i in range(count)),
                tuple(arrays[f"bias-{i}"] for i in range(count)),
            )
        table = self._table(self.manifest.router_table)
        with _reading(self.manifest.router_table):
            matrix = table.reshape(encoder.layout.num_rows, -1)
            return Router(encoder.layout, matrix, gates, arrays["centroids"], self.manifest.clustered_on)

    def _paths(self) -> tuple[values.Path, ...]:
        with _reading("masks.safetensors") as name:
            masks = self._arrays(name)
            for entry in self.manifest.paths:
                if masks[entry.name].shape != entry.mask_shape:
                    raise ValueError(f"mask {entry.name!r} must have the shape {entry.mask_shape}, but has {masks[entry.name].shape}")
        return tuple(self._path(entry, masks[entry.name]) for entry in self.manifest.paths)

    def _path(self, entry: PathEntry, mask: np.ndarray) -> values.Path:
        first_order = None if entry.first_order is None else self._table(entry.first_order).reshape(-1)
        graph = (self.folder / entry.graph).read_bytes()
        return values.Path(entry.name, mask, entry.gated, self._table(entry.table).reshape(-1), first_order, graph)

    def _items(self) -> ItemTable | None:
        if not (self.folder / "items.json").exists():
            return None
        with _reading("items.json") as name:
            names = msgspec.json.decode((self.folder / name).read_bytes(), type=tuple[str, ...])
        with _reading("items.safetensors") as name:
            return ItemTable(names, **self._arrays(name))

    def _table(self, name: str) -> np.ndarray:
        with _reading(name):
            return np.asarray(np.load(self.folder / name, mmap_mode="r", allow_pickle=False))

    def _arrays(self, name: str) -> dict[str, np.ndarray]:
        return safetensors.numpy.load_file(self.folder / name)

    def _document(self, name: str) -> Any:
        return msgspec.json.decode((self.folder / name).read_bytes())


@contextmanager
def _reading(name: str) -> Iterator[str]:
    """Say which file it was that could not be understood."""
    try:
        yield name
    except (ValueError, TypeError, KeyError, OSError, msgspec.MsgspecError, safetensors.SafetensorError) as error:
        raise BundleCorruptError(f"`{name}`, listed in `{MANIFEST}`, cannot be read: {error}.") from error
