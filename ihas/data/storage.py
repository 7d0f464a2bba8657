"""An encoded table as a folder: complete or absent, and mapped into memory when read.

train/ids.npy, train/labels.npy, the same for valid and test, encoder.json, schema.json, report.json,
train/weights.npy, valid/weights.npy where it names a weight
train/tasks.npy, the same for valid and test, where it names tasks
valid/users.npy, valid/items.npy, the same for test, where the schema names a user id
items/names.json, items/ids.npy, items/popularity.npy, items/values.json, items/values.npz where the schema names an item id
users/names.json, users/offsets.npy, users/items.npy, users/values.json, users/values.npz where it names a user id
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ihas.data.dataset import Dataset, Splits
from ihas.data.encoder import Encoder
from ihas.data.findings import ValidationReport
from ihas.data.item_table import FieldValues, ItemTable
from ihas.data.layout import FieldLayout
from ihas.data.mapped import load_mapped, watched
from ihas.data.row_keys import RowKeys
from ihas.data.schema import Schema
from ihas.data.user_table import UserTable


@dataclass(frozen=True)
class Ingested:
    """A table, ready to be learnt from.

    Attributes:
        schema: what the columns are.
        encoder: fitted on the training rows.
        parts: encoded rows, mapped from disk.
        items: items of the training rows; None where the schema names no item id.
        report: what was found in the table.
        users: users of the table; None where the schema names no user id.
        keys: users and items of validation and test rows, by part; empty without a user id, and in folders of earlier versions.
    """

    schema: Schema
    encoder: Encoder
    parts: Splits
    items: ItemTable | None
    report: ValidationReport
    users: UserTable | None = None
    keys: Mapping[str, RowKeys] = field(default_factory=dict)


def new_ids(folder: Path, part: str, shape: tuple[int, int]) -> np.memmap:
    """Ids of a part, int32 `shape`, to be filled in place."""
    (folder / part).mkdir()
    return watched(np.lib.format.open_memmap(folder / part / "ids.npy", mode="w+", dtype=np.int32, shape=shape))


def save_labels(folder: Path, part: str, labels: np.ndarray) -> None:
    """Labels of a part, float32 (rows,)."""
    np.save(folder / part / "labels.npy", labels, allow_pickle=False)


def save_weights(folder: Path, part: str, weights: np.ndarray) -> None:
    """Weights of a part, float32 (rows,)."""
    np.save(folder / part / "weights.npy", weights.astype(np.float32), allow_pickle=False)


def save_tasks(folder: Path, part: str, tasks: np.ndarray) -> None:
    """Further labels of a part, float32 (rows, tasks)."""
    np.save(folder / part / "tasks.npy", tasks.astype(np.float32), allow_pickle=False)


def save_values(
    folder: Path, schema: Schema, encoder: Encoder, items: ItemTable | None, users: UserTable | None, report: ValidationReport
) -> None:
    """Everything but the parts."""
    (folder / "schema.json").write_text(schema.model_dump_json(), encoding="utf-8")
    (folder / "encoder.json").write_text(encoder.to_json(), encoding="utf-8")
    (folder / "report.json").write_text(report.model_dump_json(), encoding="utf-8")
    if items is not None:
        _save_table(folder / "items", items, {"ids": items.ids, "popularity": items.popularity})
    if users is not None:
        _save_table(folder / "users", users, {"offsets": users.offsets, "items": users.items})


def _save_table(folder: Path, table: ItemTable | UserTable, arrays: Mapping[str, np.ndarray]) -> None:
    folder.mkdir()
    (folder / "names.json").write_text(json.dumps(table.names), encoding="utf-8")
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    _save_field_values(folder, table.values)


def _save_field_values(folder: Path, values: Mapping[str, FieldValues] | None) -> None:
    fields = list((values or {}).items())
    facts = [[name, of_field.texts, of_field.multivalued] for name, of_field in fields]
    (folder / "values.json").write_text(json.dumps(facts), encoding="utf-8")
    arrays = {f"{kind}-{i}": getattr(of_field, kind) for i, (_, of_field) in enumerate(fields) for kind in ("offsets", "codes")}
    np.savez(folder / "values.npz", **arrays)


def load_ingested(folder: Path) -> Ingested:
    """What `ingest` wrote into the folder; ids and labels are mapped, not read."""
    encoder = Encoder.from_json((folder / "encoder.json").read_text(encoding="utf-8"))
    schema = Schema.model_validate_json((folder / "schema.json").read_text(encoding="utf-8"))
    return Ingested(
        schema=schema,
        encoder=encoder,
        parts=Splits(*(_load_part(folder / part, encoder.layout, schema) for part in ("train", "valid", "test"))),
        items=_load_items(folder / "items"),
        users=_load_users(folder / "users"),
        report=ValidationReport.model_validate_json((folder / "report.json").read_text(encoding="utf-8")),
        keys={part: keys for part in ("valid", "test") if (keys := RowKeys.load(folder / part)) is not None},
    )


def _load_part(folder: Path, layout: FieldLayout, schema: Schema) -> Dataset:
    ids, labels = (load_mapped(folder / f"{name}.npy") for name in ("ids", "labels"))
    weights, tasks = (load_mapped(path) if (path := folder / f"{name}.npy").exists() else None for name in ("weights", "tasks"))
    task_weights = tuple(task.weight for task in schema.tasks.values())
    return Dataset(layout, ids, labels, weights, schema.numbers, tasks, task_weights)


def _load_items(folder: Path) -> ItemTable | None:
    if not folder.exists():
        return None
    names = tuple(json.loads((folder / "names.json").read_text(encoding="utf-8")))
    return ItemTable(names, load_mapped(folder / "ids.npy"), load_mapped(folder / "popularity.npy"), _load_field_values(folder))


def _load_users(folder: Path) -> UserTable | None:
    if not folder.exists():
        return None
    names = tuple(json.loads((folder / "names.json").read_text(encoding="utf-8")))
    return UserTable(names, _load_field_values(folder) or {}, load_mapped(folder / "offsets.npy"), load_mapped(folder / "items.npy"))


def _load_field_values(folder: Path) -> dict[str, FieldValues] | None:
    """None in a folder that an earlier version wrote."""
    if not (folder / "values.json").exists():
        return None
    facts = json.loads((folder / "values.json").read_text(encoding="utf-8"))
    with np.load(folder / "values.npz", allow_pickle=False) as arrays:
        return {
            name: FieldValues(tuple(texts), arrays[f"offsets-{i}"], arrays[f"codes-{i}"], multivalued)
            for i, (name, texts, multivalued) in enumerate(facts)
        }
