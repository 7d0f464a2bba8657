"""A bundle as files: name to content."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ihas.bundle import values
from ihas.bundle.files import json_file, tensor_file
from ihas.bundle.manifest import (
    FALLBACK,
    FORMAT_VERSION,
    MODEL_NAME,
    WITHOUT_HASHES,
    WITHOUT_SUMS,
    WITHOUT_TASKS,
    WITHOUT_USERS,
    Manifest,
    ModelEntry,
    TwoSidedEntry,
    encode_manifest,
    file_entry,
    package_version,
)
from ihas.data.item_table import FieldValues
from ihas.errors import BundleError
from ihas.routing.router import AnyRouter, Router, sums_of


def bundle_files(bundle: values.Bundle, created_at: str | None) -> dict[str, bytes]:
    """Every file of a bundle, the manifest's two last.

    Raises:
        BundleError: a group model's name is not a plain file name.
    """
    tables = _TableFiles()
    routing = _routing_entries(bundle.router, tables)
    entries = tuple(_model_entry(model, tables) for model in bundle.models)
    graphs = {f"paths/{model.name}.onnx": model.graph for model in bundle.models}
    files = _documents(bundle) | tables.files | graphs | _two_sided_files(bundle.models)
    manifest = Manifest(
        version=_version(bundle, routing, entries),
        ihas_version=package_version(),
        name=bundle.name,
        created_at=created_at,
        **routing,
        paths=entries,
        path_of_group=bundle.model_of_group,
        files=tuple(file_entry(name, files[name]) for name in sorted(files)),
    )
    return files | encode_manifest(manifest)


def _version(bundle: values.Bundle, routing: Mapping[str, Any], entries: Sequence[ModelEntry]) -> int:
    """The lowest format that says all that is in the bundle."""
    schema = bundle.schema
    if schema.tasks or routing["clustered_on"] == "values":
        return FORMAT_VERSION
    stated = (schema.positive, schema.negatives, schema.weight)
    rules = bool(schema.timestamps) or schema.unlabelled != "refuse" or any(one is not None for one in stated)
    kinds = {field.kind for field in bundle.encoder.fields}
    numbers = schema.label_range is not None or schema.negatives_kept < 1.0
    if kinds & {"text", "hashed", "vector"} or numbers or any(one.days_since for one in schema.timestamps):
        return WITHOUT_TASKS
    if schema.user_id is not None or schema.display or rules or "piecewise" in kinds:
        return WITHOUT_HASHES
    later = "group_sums" in routing or bundle.calibration is not None or any(entry.shared_table for entry in entries)
    return WITHOUT_USERS if later else WITHOUT_SUMS


def _routing_entries(router: AnyRouter, tables: _TableFiles) -> dict[str, Any]:
    """What the manifest says of the router, whose tables are added."""
    sums = sums_of(router)
    entries: dict[str, Any] = {"gate_form": None, "clustered_on": None, "router_table": None}
    if isinstance(router, Router):
        entries = {"gate_form": router.gates.form, "clustered_on": router.on, "router_table": tables.add(router.table)}
    return entries if sums is None else entries | {"group_sums": tables.add(sums.weights)}


def _routing_arrays(router: AnyRouter) -> dict[str, np.ndarray]:
    sums = sums_of(router)
    arrays = {} if sums is None else {"sums-bias": sums.bias}
    if isinstance(router, Router):
        gates = router.gates
        arrays |= {"mean": gates.mean, "scale": gates.scale, "centroids": router.centroids}
        arrays |= {f"kernel-{i}": kernel for i, kernel in enumerate(gates.kernels)}
        arrays |= {f"bias-{i}": bias for i, bias in enumerate(gates.biases)}
    return arrays


def _masks(models: Sequence[values.ExportedModel]) -> dict[str, np.ndarray]:
    masks = {model.name: model.mask for model in models}
    return masks | {f"{model.name}.table": model.table_mask for model in models if model.table_mask is not None}


def _documents(bundle: values.Bundle) -> dict[str, bytes]:
    """Everything but tables, graphs and the manifest."""
    golden = bundle.golden
    documents = {
        "schema.json": json_file(bundle.schema.model_dump(mode="json")),
        "encoder.json": bundle.encoder.to_json().encode(),
        "summary.json": json_file(bundle.summary),
        "router.safetensors": tensor_file(_routing_arrays(bundle.router)),
        "masks.safetensors": tensor_file(_masks(bundle.models)),
        "golden.safetensors": tensor_file({"ids": golden.ids, "group": golden.group, "logits": golden.logits}),
    }
    if bundle.items is not None:
        documents["items.json"] = json_file(bundle.items.names)
        documents["items.safetensors"] = tensor_file({"ids": bundle.items.ids, "popularity": bundle.items.popularity})
        documents |= _field_values("item", bundle.items.values)
    if bundle.users is not None:
        documents["users.json"] = json_file(bundle.users.names)
        documents["users.safetensors"] = tensor_file({"offsets": bundle.users.offsets, "items": bundle.users.items})
        documents |= _field_values("user", bundle.users.values)
    if bundle.fallback is not None:
        arrays = {"path": np.array([bundle.fallback.model], np.int32), "logits": bundle.fallback.logits}
        documents[FALLBACK] = tensor_file(arrays)
    if bundle.reference is not None:
        known = bundle.reference
        arrays = {"shares": known.shares, "gate_rates": known.gate_rates, "far": np.array([known.far], np.float32)}
        if known.margins is not None:
            arrays |= {"margin_edges": known.margins.edges, "margin_shares": known.margins.shares}
        documents["reference.safetensors"] = tensor_file(arrays)
    if bundle.calibration is not None:
        arrays = {"logits": bundle.calibration.logits, "log_odds": bundle.calibration.log_odds}
        documents["calibration.safetensors"] = tensor_file(arrays)
    if bundle.tasks:
        documents["tasks.safetensors"] = tensor_file(_task_arrays(bundle.tasks))
    if bundle.retrieval is not None:
        documents["retrieval.safetensors"] = tensor_file(_retrieval_arrays(bundle.retrieval))
    return documents


def _task_arrays(tasks: Sequence[values.Task]) -> dict[str, np.ndarray]:
    arrays = {"paths": np.array([task.model for task in tasks], np.int32)} | {f"golden-{i}": task.golden for i, task in enumerate(tasks)}
    fitted = {i: task.calibration for i, task in enumerate(tasks) if task.calibration is not None}
    arrays |= {f"logits-{i}": one.logits for i, one in fitted.items()}
    return arrays | {f"log-odds-{i}": one.log_odds for i, one in fitted.items()}


def _retrieval_arrays(retrieval: values.Retrieval) -> dict[str, np.ndarray]:
    arrays = {"table": retrieval.query.table, "items": retrieval.items, "golden": retrieval.golden}
    arrays |= {f"kernel-{i}": kernel for i, kernel in enumerate(retrieval.query.kernels)}
    return arrays | {f"bias-{i}": bias for i, bias in enumerate(retrieval.query.biases)}


def _field_values(of: str, fields: Mapping[str, FieldValues] | None) -> dict[str, bytes]:
    if fields is None:
        return {}
    facts = [[name, field.texts, field.multivalued] for name, field in fields.items()]
    arrays = {f"{kind}-{i}": getattr(field, kind) for i, field in enumerate(fields.values()) for kind in ("offsets", "codes")}
    return {f"{of}-values.json": json_file(facts), f"{of}-values.safetensors": tensor_file(arrays)}


def _two_sided_files(models: Sequence[values.ExportedModel]) -> dict[str, bytes]:
    files = {}
    for model in models:
        if model.two_sided is not None:
            files[f"splits/{model.name}.safetensors"] = tensor_file({"kernel": model.two_sided.kernel, "bias": model.two_sided.bias})
            files[f"splits/{model.name}.onnx"] = model.two_sided.graph
    return files


class _TableFiles:
    """Tables to be written, equal ones once."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._name_of: dict[bytes, str] = {}

    def add(self, table: np.ndarray) -> str:
        """Name of the file that holds the table's numbers; their shape is the reader's business."""
        digest = table.dtype.str.encode() + hashlib.sha256(np.ascontiguousarray(table).data).digest()
        name = self._name_of.setdefault(digest, f"tables/table-{len(self._name_of)}.npy")
        if name not in self.files:
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(table), allow_pickle=False)
            self.files[name] = buffer.getvalue()
        return name


def _model_entry(model: values.ExportedModel, tables: _TableFiles) -> ModelEntry:
    if not MODEL_NAME.fullmatch(model.name):
        raise BundleError(f"A group model's name must match {MODEL_NAME.pattern!r}, for it names a file, but got {model.name!r}.")
    num_fields, dim = model.mask.shape
    first_order = None if model.first_order is None else tables.add(model.first_order)
    table, two_sided = tables.add(model.table), None
    if model.two_sided is not None:
        two_sided = TwoSidedEntry(f"splits/{model.name}.safetensors", f"splits/{model.name}.onnx", model.two_sided.squares)
    shared = model.table_mask is not None
    return ModelEntry(model.name, (num_fields, dim), model.gated, f"paths/{model.name}.onnx", table, first_order, two_sided, shared)
