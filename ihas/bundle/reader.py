"""A verified folder back to a bundle."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import safetensors.numpy

from ihas.bundle import values
from ihas.bundle.calibration import Calibration
from ihas.bundle.files import reading
from ihas.bundle.manifest import FALLBACK, MANIFEST, Manifest, ModelEntry, TwoSidedEntry
from ihas.bundle.private_copy import mapped_privately
from ihas.bundle.redirection import keep_models
from ihas.bundle.reference import Margins, Reference
from ihas.data.encoder import Encoder
from ihas.data.item_table import FieldValues, ItemTable
from ihas.data.schema import Schema
from ihas.data.user_table import UserTable
from ihas.errors import BundleCorruptError
from ihas.routing.additive import AdditiveRouter
from ihas.routing.router import AnyRouter, Gates, Router


class BundleReader:
    """Files of a verified folder to the parts of a bundle."""

    def __init__(self, folder: Path, manifest: Manifest, broken: Collection[int] = ()) -> None:
        """
        Args:
            folder: the bundle's.
            manifest: its manifest.
            broken: positions of group models that are not read; their groups are given to the fallback, which must be there.
        """
        self.folder, self.manifest, self.broken = folder, manifest, broken
        self._bytes = {entry.name: entry.bytes for entry in manifest.files}
        self._tables: dict[str, np.ndarray] = {}

    def bundle(self) -> values.Bundle:
        """The whole bundle, its tables mapped into memory.

        Raises:
            BundleCorruptError: a file's content is not what its name says.
        """
        manifest = self.manifest
        with reading("encoder.json") as name:
            encoder = Encoder.from_json((self.folder / name).read_text(encoding="utf-8"))
        with reading("schema.json") as name:
            schema = Schema.model_validate(self._document(name))
        with reading("summary.json") as name:
            summary = dict(self._document(name))
        with reading("golden.safetensors") as name:
            golden = values.GoldenRows(**self._arrays(name))
        router = self._router(encoder)
        retrieval = self._retrieval(encoder)
        fallback, read = self._fallback(), self._models()
        groups, models = manifest.path_of_group, tuple(model for model in read if model is not None)
        if self.broken and fallback is not None:
            golden = self._expected(golden, fallback)
            models, groups, position = keep_models(read, groups, fallback.model)
            fallback = replace(fallback, model=position)
        more = (retrieval, fallback, self._reference(), self._calibration(), self._users(), self._tasks(schema))
        return values.Bundle(manifest.name, schema, encoder, router, models, groups, self._items(), golden, summary, *more)

    def _reference(self) -> Reference | None:
        if not (self.folder / "reference.safetensors").exists():
            return None
        with reading("reference.safetensors") as name:
            arrays = self._arrays(name)
            margins = Margins(arrays["margin_edges"], arrays["margin_shares"]) if "margin_edges" in arrays else None
            return Reference(arrays["shares"], arrays["gate_rates"], float(arrays["far"][0]), margins)

    def _calibration(self) -> Calibration | None:
        if not (self.folder / "calibration.safetensors").exists():
            return None
        with reading("calibration.safetensors") as name:
            return Calibration(**self._arrays(name))

    def _tasks(self, schema: Schema) -> tuple[values.Task, ...]:
        if not (self.folder / "tasks.safetensors").exists():
            return ()
        with reading("tasks.safetensors") as name:
            a = self._arrays(name)
            if a["paths"].dtype != np.int32 or a["paths"].ndim != 1:
                raise ValueError(f"`paths` must be int32 (tasks,), but is {a['paths'].dtype} {a['paths'].shape}")
            knots = [(f"logits-{i}", f"log-odds-{i}") for i in range(len(schema.tasks))]
            fitted = [Calibration(a[logits], a[log_odds]) if logits in a or log_odds in a else None for logits, log_odds in knots]
            places = zip(schema.tasks, a["paths"].tolist(), _numbered(a, "golden"), fitted, strict=True)
            return tuple(values.Task(*one) for one in places)

    def fallback_model(self) -> int | None:
        """Position of the shared model; None where there is none."""
        fallback = self._fallback()
        return None if fallback is None else fallback.model

    def _expected(self, golden: values.GoldenRows, fallback: values.Fallback) -> values.GoldenRows:
        """Golden rows of groups whose model is not read must score as the fallback did."""
        redirected = [group for group, model in enumerate(self.manifest.path_of_group) if model in self.broken]
        return replace(golden, logits=np.where(np.isin(golden.group, redirected), fallback.logits, golden.logits).astype(np.float32))

    def _fallback(self) -> values.Fallback | None:
        if not (self.folder / FALLBACK).exists():
            return None
        with reading(FALLBACK) as name:
            arrays = self._arrays(name)
            return values.Fallback(int(arrays["path"][0]), arrays["logits"])

    def _retrieval(self, encoder: Encoder) -> values.Retrieval | None:
        if not (self.folder / "retrieval.safetensors").exists():
            return None
        fields = [number for number, field in enumerate(encoder.fields) if field.role == "context"]
        with reading("retrieval.safetensors") as name:
            a = self._arrays(name)
            query = values.Tower(encoder.layout.side(fields), a["table"], (a["kernel-0"], a["kernel-1"]), (a["bias-0"], a["bias-1"]))
            return values.Retrieval(query, a["items"], a["golden"])

    def _router(self, encoder: Encoder) -> AnyRouter:
        with reading("router.safetensors") as name:
            arrays = self._arrays(name)
        sums, form, file = self._sums(encoder, arrays), self.manifest.gate_form, self.manifest.router_table
        if form is None or file is None:
            if sums is None:
                raise BundleCorruptError(f"`{MANIFEST}` must name `group_sums`, or `gate_form` and `router_table`. Copy the bundle again.")
            return sums
        with reading("router.safetensors"):
            gates = Gates(form, arrays["mean"], arrays["scale"], kernels=_numbered(arrays, "kernel"), biases=_numbered(arrays, "bias"))
            centroids = arrays["centroids"]
        table = self._table(file)
        with reading(file):
            matrix = table.reshape(encoder.layout.num_rows, -1)
            return Router(encoder.layout, matrix, gates, centroids, self.manifest.clustered_on or "masked", sums)

    def _sums(self, encoder: Encoder, arrays: Mapping[str, np.ndarray]) -> AdditiveRouter | None:
        if self.manifest.group_sums is None:
            return None
        with reading("router.safetensors"):
            bias = arrays["sums-bias"]
        return AdditiveRouter(encoder.layout, self._table(self.manifest.group_sums), bias)

    def _models(self) -> tuple[values.ExportedModel | None, ...]:
        with reading("masks.safetensors") as name:
            masks = self._arrays(name)
            held = {entry.name: masks[f"{entry.name}.table"] for entry in self.manifest.paths if entry.shared_table}
            for entry in self.manifest.paths:
                if masks[entry.name].shape != entry.mask_shape:
                    raise ValueError(f"mask {entry.name!r} must have the shape {entry.mask_shape}, but has {masks[entry.name].shape}")
        entries = enumerate(self.manifest.paths)
        models = [None if position in self.broken else self._model(entry, masks[entry.name]) for position, entry in entries]
        return tuple(None if model is None else replace(model, table_mask=held.get(model.name)) for model in models)

    def _model(self, entry: ModelEntry, mask: np.ndarray) -> values.ExportedModel:
        first_order = None if entry.first_order is None else self._table(entry.first_order).reshape(-1)
        graph = (self.folder / entry.graph).read_bytes()
        two_sided = None if entry.split is None else self._two_sided(entry.split)
        return values.ExportedModel(entry.name, mask, entry.gated, self._table(entry.table).reshape(-1), first_order, graph, two_sided)

    def _two_sided(self, entry: TwoSidedEntry) -> values.TwoSided:
        with reading(entry.arrays) as name:
            arrays = self._arrays(name)
            return values.TwoSided(arrays["kernel"], arrays["bias"], entry.squares, (self.folder / entry.graph).read_bytes())

    def _items(self) -> ItemTable | None:
        if not (self.folder / "items.json").exists():
            return None
        with reading("items.json") as name:
            names = msgspec.json.decode((self.folder / name).read_bytes(), type=tuple[str, ...])
        with reading("items.safetensors") as name:
            return ItemTable(names, **self._arrays(name), values=self._field_values("item"))

    def _users(self) -> UserTable | None:
        if not (self.folder / "users.json").exists():
            return None
        with reading("users.json") as name:
            names = msgspec.json.decode((self.folder / name).read_bytes(), type=tuple[str, ...])
        with reading("users.safetensors") as name:
            return UserTable(names, self._field_values("user") or {}, **self._arrays(name))

    def _field_values(self, of: str) -> dict[str, FieldValues] | None:
        if not (self.folder / f"{of}-values.json").exists():
            return None
        with reading(f"{of}-values.json") as name:
            facts = msgspec.json.decode((self.folder / name).read_bytes(), type=list[tuple[str, tuple[str, ...], bool]])
        with reading(f"{of}-values.safetensors") as name:
            arrays = self._arrays(name)
            pairs = [(arrays[f"offsets-{i}"], arrays[f"codes-{i}"]) for i in range(len(facts))]
        return {field: FieldValues(texts, *pair, many) for (field, texts, many), pair in zip(facts, pairs, strict=True)}

    def _table(self, name: str) -> np.ndarray:
        with reading(name):
            if name not in self._tables:  # a file that several parts read is mapped once
                self._tables[name] = mapped_privately(self.folder / name, self._bytes[name])
            return self._tables[name]

    def _arrays(self, name: str) -> dict[str, np.ndarray]:
        return safetensors.numpy.load_file(self.folder / name)

    def _document(self, name: str) -> Any:
        return msgspec.json.decode((self.folder / name).read_bytes())


def _numbered(arrays: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, ...]:
    """Arrays `name-0`, `name-1`, and so on."""
    return tuple(arrays[f"{name}-{i}"] for i in range(sum(key.startswith(f"{name}-") for key in arrays)))
