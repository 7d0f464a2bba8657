"""What each column is, where the user does not say.

Label: the one column called like a click (`LABEL_NAMES`).
Numeric: single numbers, at least one with a fraction, and more than `MAX_CATEGORIES` distinct ones. Whole numbers stay
categories, for most are ids or codes; state `numeric` where they measure something.
Multi-valued: lists; and texts in which `|` occurs, with different numbers of values per cell, none of them empty, and no
more distinct values than distinct cells. Other separators must be stated.
Vector: lists of `ihas.data.vectors.MIN_DIM` numbers or more, all of one length, some with a fraction.
Text: more than `MAX_CATEGORIES` different texts of several words each, which recur (`ihas.data.words`).
History: a multi-valued column of the context of whose different values `HISTORY_SHARE` or more are items.
Item id: the one column called like an item (`ITEM_NAMES`, with or without `id` behind it), or the only stated item column.
Item fields: the item id, and, where none are stated, every column that is not constant and has one value per item
in a table that shows items `MIN_ROWS_PER_ITEM` times or more on average. The rest is context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.config.columns import MAX_DIM, TextColumn, VectorColumn
from ihas.config.data import SchemaConfig
from ihas.data.cell_codes import cell_codes
from ihas.data.columns import Column, is_list, list_column, numbers, split_texts, text_column
from ihas.data.csv_header import header_looks_like_data
from ihas.data.label_guess import is_rating, proposed_rule, told_pair, used_texts
from ihas.data.schema import Field, FieldKind, Schema, Timestamp
from ihas.data.vectors import dim_of, look_like_vectors
from ihas.data.words import looks_like_text
from ihas.errors import ConfigError, DataError
from ihas.extensions.suggest import did_you_mean

LABEL_NAMES = ("label", "click", "clicked", "is_click", "is_clicked", "clk", "target", "y")
ITEM_NAMES = ("item", "movie", "ad", "advert", "product", "coupon", "article", "book", "song", "track", "video", "sku")
LABEL_TEXTS = ("0", "1", "false", "true")
SEPARATOR = "|"
MAX_CATEGORIES = 20
_JUDGED_TEXTS = 2_000
_CATEGORICAL: FieldKind = "categorical"
MIN_ROWS_PER_ITEM = 2.0
HISTORY_SHARE = 0.9
POSITIVES_ONLY = (
    "If each row is something that a user took, set `columns.negatives = {per_positive = 4}` with `user_id` and `item_id` to draw what the "
    "user did not take; or set `interactions`, and use a recipe of the kind 'overrec' or 'transformer'."
)
USER_NAMES = ("user", "customer", "visitor", "member", "uid")


def infer_schema(
    table: pa.Table,
    columns: SchemaConfig,
    missing: Mapping[str, tuple[str, ...]] | None = None,
    timestamps: Sequence[Timestamp] = (),
) -> Schema:
    """Purpose, kind and role of every column of a table that was read.

    Args:
        table: the rows.
        columns: what is stated.
        missing: texts that stood for missing cells, by column.
        timestamps: columns of which the table has the parts.

    Raises:
        ConfigError: a setting names a column that does not exist, settings contradict each other, or the label cannot be told.
    """
    label = label_column(table, columns)
    _check_settings(columns, label)
    laid_out = {one.name: set(one.fields.values()) for one in timestamps}
    names = [name for name in table.column_names if _is_field(name, columns, label) and name not in laid_out]
    kinds = {name: _kind(table, name, columns) for name in names} | dict.fromkeys(set().union(*laid_out.values()), _CATEGORICAL)
    kinds |= dict.fromkeys((name for one in timestamps for name in one.differences.values()), "numeric")
    kinds = {name: kinds[name] for name in names}
    item_id = columns.item_id or _infer_item_id(columns.item or names, kinds, stated=bool(columns.item))
    items = _with_whole_timestamps(_item_fields(table, names, item_id, columns), laid_out)
    _check_sides(timestamps, items, columns)
    separators = {name: _separator(table, name, kind, columns) for name, kind in kinds.items()}
    histories = {*columns.histories, *_histories(table, separators, kinds, item_id, items)}
    _check_negatives(columns, item_id, names)
    return Schema(
        label=label,
        positive=columns.positive,
        label_range=columns.label_range,
        tasks=columns.tasks,
        exponent=columns.exponent,
        unlabelled=columns.unlabelled,
        negatives=columns.negatives,
        negatives_kept=columns.negatives_kept,
        weight=columns.weight,
        fields=tuple(
            Field(
                name=name,
                kind=kind,
                role="item" if name in items else "context",
                separator=separators[name],
                keep="last" if name in histories else "first",
                missing=(missing or {}).get(name, ()),
                **_sizes(table, name, kind, columns),
            )
            for name, kind in kinds.items()
        ),
        item_id=item_id,
        user_id=columns.user_id,
        user=columns.user,
        display=columns.display,
        time=columns.time,
        ignored=columns.ignored,
        timestamps=tuple(timestamps),
    )


def _sizes(table: pa.Table, name: str, kind: FieldKind, columns: SchemaConfig) -> dict[str, int]:
    """Buckets and words of a text or a hashed column, numbers of a vector."""
    if kind == "vector":
        return {"dim": columns.vectors.get(name, VectorColumn()).dim or _told_dim(table, name)}
    if kind == "text":
        text = columns.text.get(name, TextColumn())
        return {"buckets": text.vocabulary, "max_words": text.max_words}
    return {"buckets": columns.hash_buckets[name]} if name in columns.hash_buckets else {}


def _told_dim(table: pa.Table, name: str) -> int:
    """Numbers of the first vector; ConfigError where they are more than a vector may have."""
    dim = dim_of(table, name)
    if dim > MAX_DIM:
        law = f"A vector must have at most {MAX_DIM:,} numbers, but the first one of `{name}` has {dim:,}."
        raise ConfigError(f"{law} Shorten them, or list the column as ignored or multivalued.")
    return dim


def _check_negatives(columns: SchemaConfig, item_id: str | None, names: Sequence[str]) -> None:
    """ConfigError where it is not known who took what, or negatives are both drawn and left out."""
    if columns.negatives is not None and columns.negatives_kept < 1.0:
        law = "Rows without a click must not be both drawn, `negatives`, and left out, `negatives_kept`, but would be. Remove one of them."
        raise ConfigError(law)
    lacking = [name for name, stated in (("user_id", columns.user_id), ("item_id", item_id)) if stated is None]
    if columns.negatives is None or not lacking:
        return
    users = [name for name in names if re.sub(r"[ _-]?id$", "", name.strip().lower()) in USER_NAMES]
    found = f" `{users[0]}` is called like a user." if users and "user_id" in lacking else ""
    law = f"Drawn negatives need `columns.user_id` and `item_id`, but {' and '.join(lacking)} must be stated.{found}"
    raise ConfigError(f"{law} The table has {', '.join(names)}.")


def _with_whole_timestamps(items: set[str], laid_out: Mapping[str, set[str]]) -> set[str]:
    """Item fields: a timestamp's parts where the column is listed, or each of them is one; else none of them."""
    for name, parts in laid_out.items():
        items = items | parts if name in items or parts <= items else items - parts
    return items


def _check_sides(timestamps: Sequence[Timestamp], items: set[str], columns: SchemaConfig) -> None:
    """ConfigError where days would be counted from a time of the request to one of the item, or ages of items that are drawn."""
    of_item = {one.name: set(one.fields.values()) <= items for one in timestamps}
    for one in timestamps:
        for other in one.days_since:
            if of_item[one.name] and not of_item[other]:
                law = f"`days_since` counts up to a time of the request, but `{one.name}` describes the item and `{other}` the request."
                raise ConfigError(f"{law} State it the other way round, `timestamps.{other}.days_since = [{one.name!r}]`.")
            if of_item[other] and not of_item[one.name] and columns.negatives is not None:
                law = f"`days_since` from `{other}` to `{one.name}` says the age of a row's item, which a drawn item does not have."
                raise ConfigError(f"{law} Leave it out where `negatives` are drawn.")


def label_column(table: pa.Table, columns: SchemaConfig) -> str:
    """Name of the label's column: the stated one, or the one called like a label; errors as `infer_schema`."""
    _check_names_exist(columns, table.column_names)
    return columns.label or _infer_label(table)


def _stated(columns: SchemaConfig) -> dict[str, tuple[str, ...]]:
    return {
        "label": (columns.label,) if columns.label else (),
        "tasks": tuple(columns.tasks),
        "weight": (columns.weight,) if columns.weight else (),
        "categorical": columns.categorical,
        "numeric": columns.numeric,
        "multivalued": tuple(columns.multivalued),
        "histories": columns.histories,
        "text": tuple(columns.text),
        "hash_buckets": tuple(columns.hash_buckets),
        "vectors": tuple(columns.vectors),
        "timestamps": tuple(columns.timestamps),
        "ignored": columns.ignored,
        "item": columns.item,
        "item_id": (columns.item_id,) if columns.item_id else (),
        "user_id": (columns.user_id,) if columns.user_id else (),
        "user": columns.user,
        "display": columns.display,
        "time": (columns.time,) if columns.time else (),
    }


def _check_names_exist(columns: SchemaConfig, existing: Sequence[str]) -> None:
    for setting, names in _stated(columns).items():
        for name in names:
            if name not in existing:
                told = f"`{setting}` must name columns of the table, but got {name!r}; there are {', '.join(existing)}."
                raise ConfigError(told + did_you_mean(name, existing))


def _check_settings(columns: SchemaConfig, label: str) -> None:
    stated = _stated(columns) | {"label": (label,)}
    purposes = ("label", "tasks", "weight", "categorical", "numeric", "multivalued", "text", "vectors", "timestamps", "ignored", "display")
    exclusive = [(one, other) for position, one in enumerate(purposes) for other in purposes[position + 1 :]]
    exclusive += [(setting, other) for setting in ("item", "item_id") for other in ("label", "ignored")]
    exclusive += [
        ("histories", other) for other in ("label", "categorical", "numeric", "text", "vectors", "timestamps", "ignored", "item_id")
    ]
    exclusive += [("hash_buckets", other) for other in purposes if other != "categorical"] + [("hash_buckets", "histories")]
    exclusive += [(setting, other) for setting in ("text", "vectors") for other in ("item_id", "user_id")]
    exclusive += [(setting, other) for setting in ("user_id", "user") for other in ("label", "ignored", "display", "item", "item_id")]
    exclusive += [("display", other) for other in ("item", "item_id", "histories", "time")]
    exclusive += [("user_id", other) for other in ("user", "numeric", "timestamps", "multivalued", "histories")]
    exclusive += [("user", "timestamps")]
    exclusive += [(one, other) for one in ("weight", "tasks") for other in ("histories", "item", "item_id", "user_id", "user", "time")]
    exclusive += [("item_id", "numeric"), ("item_id", "timestamps"), ("item_id", "multivalued"), ("time", "label")]
    for one, other in exclusive:
        both = sorted(set(stated[one]) & set(stated[other]))
        if both:
            raise ConfigError(
                f"A column must not be both `{one}` and `{other}`, but {', '.join(both)} would be. Remove it from one of them."
            )


def _is_field(name: str, columns: SchemaConfig, label: str) -> bool:
    if name in (label, columns.weight, *columns.tasks) or name in columns.ignored or name in columns.display:
        return False
    listed = {*columns.categorical, *columns.numeric, *columns.multivalued, *columns.histories, *columns.item, *columns.user}
    listed |= {*columns.text, *columns.hash_buckets, *columns.vectors}
    listed |= {columns.item_id or "", columns.user_id or ""}
    return name != columns.time or name in listed


def _infer_label(table: pa.Table) -> str:
    names = [name for name in table.column_names if name.strip().lower() in LABEL_NAMES]
    if len(names) == 1:
        return names[0]
    if not names and header_looks_like_data(table.column_names):
        law = f"The first line must be the header, but it looks like data: {', '.join(table.column_names[:8])}."
        raise DataError(f"{law} Put a line with the columns' names above it.")
    candidates = names or [told for name in table.column_names if (told := _as_candidate(table, name))]
    found = f"{'several are' if names else 'none is'} called like one; candidates: {', '.join(candidates) or 'none has cells 0 and 1 only'}"
    law = f"One column must be the label, but {found}. Set `columns.label`; the table has {', '.join(table.column_names)}."
    raise ConfigError(law if candidates else f"{law} {POSITIVES_ONLY}")


def _as_candidate(table: pa.Table, name: str) -> str:
    """The column's name where it may be the label, and the rule that it needs; empty where it may not."""
    if is_list(table, name):
        return ""
    column = text_column(table, name)
    used = used_texts(column)
    if (len(used) == 2 and set(used) <= set(LABEL_TEXTS)) or told_pair(column):
        return name
    return f"{name} with `positive = {proposed_rule(column)!r}`" if is_rating(name, column) else ""


def _kind(table: pa.Table, name: str, columns: SchemaConfig) -> FieldKind:
    if is_list(table, name):
        if name in (*columns.categorical, *columns.numeric, *columns.text, *columns.hash_buckets, columns.item_id, columns.user_id):
            raise ConfigError(
                f"A column of lists must be multi-valued, but `{name}` is stated to have one value. Remove it from that setting."
            )
        return "vector" if _is_vector(table, name, columns) else "multivalued"
    if name in columns.vectors:
        raise ConfigError(f"A vector must be a list of numbers, but the cells of `{name}` are single values. Take it out of `vectors`.")
    if name in columns.multivalued:
        return "multivalued"
    if name in columns.numeric:
        return "numeric"
    if name in columns.text:
        return "text"
    if name in (*columns.categorical, *columns.hash_buckets, columns.item_id, columns.user_id):
        return "categorical"
    texts = text_column(table, name).texts
    if name in columns.histories and not _is_multivalued(texts):
        raise ConfigError(f"A history must have several values, but those of `{name}` are not told. State its separator in `multivalued`.")
    if _is_numeric(texts):
        return "numeric"
    if _is_multivalued(texts):
        return "multivalued"
    return "text" if len(texts) > MAX_CATEGORIES and looks_like_text(map(str, texts.slice(0, _JUDGED_TEXTS).to_pylist())) else "categorical"


def _is_vector(table: pa.Table, name: str, columns: SchemaConfig) -> bool:
    if name in columns.vectors or name in (*columns.multivalued, *columns.histories):
        return name in columns.vectors
    return look_like_vectors(table, name)


def _is_numeric(texts: pa.StringArray) -> bool:
    if len(texts) <= MAX_CATEGORIES:
        return False
    values = numbers(texts)
    return bool(np.isfinite(values).all() and (values != np.floor(values)).any())


def _is_multivalued(texts: pa.StringArray) -> bool:
    if not pc.any(pc.match_substring(texts, SEPARATOR)).as_py():
        return False
    pieces = pc.count_substring(texts, SEPARATOR).to_numpy(zero_copy_only=False) + 1
    cells = split_texts(texts, SEPARATOR)
    return bool((cells.lengths == pieces).all() and np.ptp(pieces) > 0 and len(cells.values.texts) <= len(texts))


def _separator(table: pa.Table, name: str, kind: FieldKind, columns: SchemaConfig) -> str | None:
    return columns.multivalued.get(name, SEPARATOR) if kind == "multivalued" and not is_list(table, name) else None


def _histories(
    table: pa.Table, separators: dict[str, str | None], kinds: dict[str, FieldKind], item_id: str | None, items: set[str]
) -> set[str]:
    """Multi-valued columns of the context whose values are items."""
    several = [name for name, kind in kinds.items() if kind == "multivalued" and name not in items]
    if item_id is None or not several:
        return set()
    known = text_column(table, item_id).texts
    return {name for name in several if _are_among(_values_of(table, name, separators[name]), known)}


def _values_of(table: pa.Table, name: str, separator: str | None) -> pa.StringArray:
    cells = list_column(table, name) if is_list(table, name) else split_texts(text_column(table, name).texts, separator)
    return cells.values.texts


def _are_among(values: pa.StringArray, known: pa.StringArray) -> bool:
    among = int(np.asarray(pc.is_in(values, known)).sum())
    return len(values) > 1 and among >= HISTORY_SHARE * len(values)


def _infer_item_id(names: Iterable[str], kinds: dict[str, FieldKind], *, stated: bool) -> str | None:
    possible = [name for name in names if kinds.get(name) == "categorical"]
    called = [name for name in possible if re.sub(r"[ _-]?id$", "", name.strip().lower()) in ITEM_NAMES]
    if len(called) == 1:
        return called[0]
    return possible[0] if stated and len(possible) == 1 else None


def _item_fields(table: pa.Table, names: Sequence[str], item_id: str | None, columns: SchemaConfig) -> set[str]:
    if columns.item or item_id is None:
        return {*columns.item, *([item_id] if item_id else [])}
    about_users = {*columns.user, columns.user_id}
    return {item_id, *item_attributes(table, [name for name in names if name not in about_users], item_id)}


def item_attributes(table: pa.Table, names: Iterable[str], item_id: str) -> set[str]:
    """Columns among `names` that are not constant and have one value per item, in a table that shows items often enough to tell."""
    items = text_column(table, item_id)
    if table.num_rows < MIN_ROWS_PER_ITEM * max(len(items.texts), 1):
        return set()
    return {name for name in names if _describes(table, name, items)}


def _describes(table: pa.Table, name: str, items: Column) -> bool:
    """Whether a column is not constant and has one value per item."""
    codes = cell_codes(table, name)
    cell_of_item = np.zeros(len(items.texts) + 1, dtype=codes.dtype)  # the last entry is that of code -1, a missing item
    cell_of_item[items.codes] = codes
    return bool(codes.size and np.ptp(codes) > 0 and (cell_of_item[items.codes] == codes).all())
