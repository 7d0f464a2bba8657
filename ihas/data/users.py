"""The users of a table, each with the fields of the newest row and what was clicked."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ihas.data.columns import text_column
from ihas.data.item_table import ItemTable
from ihas.data.items import field_values
from ihas.data.schema import Schema
from ihas.data.times import seconds
from ihas.data.user_table import UserTable


def build_user_table(table: pa.Table, clicked: np.ndarray, schema: Schema, items: ItemTable | None) -> UserTable | None:
    """Every user of a table; None where the schema names no user id.

    The whole table counts, rows that are kept to measure with too: the users' fields and clicks are facts to serve with, and nothing
    that is learnt or measured reads them.

    Args:
        table: a table that was read.
        clicked: bool (rows,). Rows with a click.
        schema: what the columns are.
        items: the item table; what it does not hold cannot be recommended, and is left out.
    """
    if schema.user_id is None:
        return None
    column = text_column(table, schema.user_id)
    users = np.flatnonzero(column.counts)
    newest = _newest_rows(table, schema, column.codes, len(column.texts))[users]
    offsets, seen = _clicked(table, clicked, schema, column.codes, items)
    lengths, starts = np.diff(offsets)[users], offsets[:-1][users]
    names = [str(column.texts[int(user)].as_py()) for user in users]
    order = np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)
    pieces = [seen[starts[user] : starts[user] + lengths[user]] for user in order.tolist()]
    fields = {field.name: field for field in schema.fields}
    return UserTable(
        names=tuple(names[user] for user in order.tolist()),
        values={name: field_values(table, fields[name], newest[order]) for name in schema.user},
        offsets=np.concatenate([[0], np.cumsum(lengths[order])]).astype(np.int64),
        items=np.concatenate([*pieces, np.zeros(0, np.int32)]).astype(np.int32),
    )


def _newest_rows(table: pa.Table, schema: Schema, users: np.ndarray, num_users: int) -> np.ndarray:
    """Newest row of each user by the time column, where there is one, else the last: int64 (num_users,)."""
    order = np.arange(len(users))
    if schema.time is not None:
        times = text_column(table, schema.time)
        moments = np.append(seconds(times.texts), -np.inf)[times.codes]
        order = np.argsort(moments, kind="stable")
    rows = np.zeros(num_users + 1, np.int64)  # the last entry is that of code -1, a missing user
    rows[users[order]] = order  # the last write stays
    return rows[:-1]


def _clicked(
    table: pa.Table, clicked: np.ndarray, schema: Schema, users: np.ndarray, items: ItemTable | None
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets by user code, int64 (num_users + 1,), and positions of clicked items, int32."""
    num_users = int(users.max(initial=-1)) + 1
    if items is None or schema.item_id is None:
        return np.zeros(num_users + 1, np.int64), np.zeros(0, np.int32)
    column = text_column(table, schema.item_id)
    position = {name: place for place, name in enumerate(items.names)}
    places = np.array([*(position.get(str(text), -1) for text in column.texts.to_pylist()), -1], np.int64)[column.codes]
    known = clicked & (users >= 0) & (places >= 0)
    pairs = np.unique(users[known].astype(np.int64) * len(items.names) + places[known])
    counts = np.bincount(pairs // len(items.names), minlength=num_users)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), (pairs % len(items.names)).astype(np.int32)
