"""Rows of a table that was read, split and labelled as the files of an encoded table, with negatives where they are drawn."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from ihas.config.negatives import NegativesConfig
from ihas.data.encoder import Encoder
from ihas.data.fitting import encode_blocks
from ihas.data.item_table import ItemTable
from ihas.data.items import build_item_table
from ihas.data.mapped import spans
from ihas.data.negatives import PartRows, Taken, draw_negatives
from ihas.data.newest import save_newest
from ihas.data.row_keys import Positions, RowKeys
from ihas.data.schema import Schema
from ihas.data.splits import PartName, check_classes
from ihas.data.storage import new_ids, save_labels, save_tasks, save_weights
from ihas.data.user_table import UserTable
from ihas.data.users import build_user_table
from ihas.errors import DataError

_BLOCK_ROWS = 1 << 18


@dataclass(frozen=True)
class SplitTable:
    """A table that was read, split and labelled.

    Attributes:
        tables: the main table, `train`, and those of parts that have a file of their own.
        rows: int64 (rows of the part,), ascending, in the part's table; rows without a label are left out.
        clicked: bool (rows of the main table,). Rows of which the user took the item; where the label is a number, all that have one.
        labels: float32 (rows of the part,).
        schema: what the columns are.
        weights: float32 (rows of the part,). How much each counts where a model learns from it; without a part whose rows count alike.
        tasks: float32 (rows of the part, tasks). Further labels, NaN where one is missing; empty without tasks.
    """

    tables: Mapping[PartName, pa.Table]
    rows: dict[PartName, np.ndarray]
    clicked: np.ndarray
    labels: Mapping[PartName, np.ndarray]
    schema: Schema
    weights: Mapping[PartName, np.ndarray] = field(default_factory=dict)
    tasks: Mapping[PartName, np.ndarray] = field(default_factory=dict)

    def table(self, part: PartName) -> pa.Table:
        """The table that holds a part's rows."""
        return self.tables.get(part, self.tables["train"])


def write_parts(folder: Path, split: SplitTable, encoder: Encoder, seed: int) -> tuple[ItemTable | None, UserTable | None]:
    """Write ids, labels and keys of each part, and the newest rows; the items and users of the table.

    Args:
        folder: of the encoded table.
        split: the rows.
        encoder: encodes them.
        seed: of drawn negatives.

    Raises:
        DataError: a part is empty or has one label class, or there are too few items to draw negatives from.
    """
    schema = split.schema
    if schema.negatives is not None:
        return _write_with_negatives(folder, split, schema.negatives, encoder, seed)
    ids = write_ids(folder, split.tables, split.rows, encoder)
    items = build_item_table(split.tables["train"], ids["train"], encoder, schema, split.rows["train"])
    users = build_user_table(split.tables["train"], split.clicked, schema, items)
    for name, of_part in split.labels.items():
        save_labels(folder, name, of_part)
    for name, weights in split.weights.items():
        save_weights(folder, name, weights)
    for name, tasks in split.tasks.items():
        save_tasks(folder, name, tasks)
    for name, keys in _keys(split, items, users).items():
        if name != "train":
            keys.save(folder / name)
    save_newest(folder, split.table("test"), split.rows["test"], split.labels["test"], schema)
    return items, users


def _write_with_negatives(
    folder: Path, split: SplitTable, settings: NegativesConfig, encoder: Encoder, seed: int
) -> tuple[ItemTable | None, UserTable | None]:
    schema, positives = split.schema, folder / "positives"
    positives.mkdir()
    ids = write_ids(positives, split.tables, split.rows, encoder)
    items = build_item_table(split.tables["train"], ids["train"], encoder, schema, split.rows["train"])
    users = build_user_table(split.tables["train"], split.clicked, schema, items)
    if items is None or len(items.names) < 2:
        raise DataError("Negatives must be drawn from at least 2 items, but training rows have fewer. Provide more rows.")
    keys = _keys(split, items, users)
    taken = {part: Taken(of_part.users, of_part.items) for part, of_part in keys.items()}
    drawn = draw_negatives(taken, items.popularity, settings, seed)
    check_classes({part: rows.labels for part, rows in drawn.items()})
    for part, rows in drawn.items():
        _write_part(folder, part, ids[part], rows, items.ids, encoder)
        if part != "train":
            own = keys[part]
            RowKeys(own.users[rows.positive], np.where(rows.item < 0, own.items[rows.positive], rows.item)).save(folder / part)
    for part, weights in split.weights.items():
        save_weights(folder, part, weights[drawn[part].positive])
    _save_newest(folder, split, drawn["test"], items)
    shutil.rmtree(positives)
    return items, users


def _write_part(folder: Path, part: PartName, ids: np.ndarray, rows: PartRows, items: np.ndarray, encoder: Encoder) -> None:
    """Ids and labels of a part: the positive's, with the slots of the drawn item, int32 (num_items, item slots), in the item's place."""
    slots = encoder.slots_of("item")
    written = new_ids(folder, part, (len(rows.item), encoder.layout.num_slots))
    for block in spans(len(rows.item), _BLOCK_ROWS):
        of_block, drawn = np.array(ids[rows.positive[block]]), rows.item[block] >= 0
        of_block[np.ix_(drawn, slots)] = items[rows.item[block][drawn]]
        written[block] = of_block
    written.flush()
    save_labels(folder, part, rows.labels)


def _save_newest(folder: Path, split: SplitTable, rows: PartRows, items: ItemTable) -> None:
    """The newest test rows; a drawn one has the item columns of the item's first training row."""
    table, train = split.tables["train"], split.rows["train"]
    places = Positions(items.names).of(table, str(split.schema.item_id), train, adding=False)
    first = np.zeros(len(items.names), np.int64)
    first[places[::-1]] = train[::-1]  # the last write stays
    of_item = np.where(rows.item < 0, -1, first[rows.item])
    save_newest(folder, split.table("test"), split.rows["test"][rows.positive], rows.labels, split.schema, (table, of_item))


def _keys(split: SplitTable, items: ItemTable | None, users: UserTable | None) -> dict[PartName, RowKeys]:
    """Users and items of the rows of each part; nothing where the schema names no user id."""
    if users is None:
        return {}
    of_users, schema = Positions(users.names), split.schema
    found: dict[PartName, RowKeys] = {}
    for name, rows in split.rows.items():
        own = of_users.of(split.table(name), str(schema.user_id), rows, adding=True)
        shown = np.full(len(rows), -1, np.int64)
        if items is not None:
            shown = Positions(items.names).of(split.table(name), str(schema.item_id), rows, adding=False)
        found[name] = RowKeys(own, shown)
    return found


def write_ids(
    folder: Path, tables: Mapping[PartName, pa.Table], rows: Mapping[PartName, np.ndarray], encoder: Encoder
) -> dict[PartName, np.ndarray]:
    """Ids of each part, mapped; a pass over each table, whose rows come in the order of its parts."""
    written = {name: new_ids(folder, name, (len(of_part), encoder.layout.num_slots)) for name, of_part in rows.items()}
    for name, table in tables.items():
        parts = [part for part in rows if part == name or (name == "train" and part not in tables)]
        for block, ids in encode_blocks(table, encoder):
            for part in parts:
                first, end = np.searchsorted(rows[part], (block.start, block.stop))
                written[part][first:end] = ids[rows[part][first:end] - block.start]
    for ids_of_part in written.values():
        ids_of_part.flush()
    return dict(written)
