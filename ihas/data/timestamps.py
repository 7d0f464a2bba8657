"""Columns of dates and times: found, checked, and laid out as fields of their hour, weekday and month.

The table keeps the column, which may order its rows, and gets one of categories for each part; nothing behind it knows of any time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.config.data import TIME_PARTS, SchemaConfig, TimePart, TimestampColumn
from ihas.data.cells import cell_number
from ihas.data.columns import Column, is_list, text_column
from ihas.data.days_since import with_days_since
from ihas.data.findings import FindingCollector
from ihas.data.gathering import recoded
from ihas.data.inference import label_column
from ihas.data.missing import SPELLINGS
from ihas.data.moments import LAW, PART_TEXTS, local_time, part_number
from ihas.data.schema import Timestamp, part_name
from ihas.data.splits import PartName
from ihas.errors import ConfigError

MIN_TEXTS = 20
"""A column of no more different texts stays one of categories unless stated otherwise."""
MIN_MONTH_DAYS = 300
_TRIED_TEXTS = 50
_DAY = len(TIME_PARTS)
_TIME_NAME = re.compile(r"(^|[^a-z])(time|timestamp|ts|date|datetime|day|epoch|created|updated|at)([^a-z]|$)")
_Read = np.ndarray


class Timed(NamedTuple):
    """Tables with the parts of their timestamps.

    Attributes:
        tables: by part.
        timestamps: what the columns are, in the order of the table.
    """

    tables: dict[PartName, pa.Table]
    timestamps: tuple[Timestamp, ...]


def with_timestamps(
    tables: Mapping[PartName, pa.Table],
    columns: SchemaConfig,
    missing: Mapping[str, tuple[str, ...]],
    notes: Mapping[PartName, FindingCollector],
) -> Timed:
    """The tables with a column for each part of each timestamp; what was told is noted, and cells that are no time are errors.

    Args:
        tables: tables that were read; the one of `train` decides which columns are timestamps, and which parts differ.
        columns: what is stated.
        missing: texts that stood for missing cells, by column.
        notes: takes the findings about each table.

    Raises:
        ConfigError: a stated column that does not exist or holds lists, or a part with the name of another column; or the label cannot
            be told.
    """
    found, timed = list[Timestamp](), dict(tables)
    for name in _possible(tables, columns):
        column, stated = text_column(tables["train"], name), columns.timestamps.get(name)
        if stated is None and not _is_told(name, column):
            continue
        asked = stated or TimestampColumn()
        read = {part: _read(text_column(table, name).texts, asked.zone) for part, table in tables.items()}
        spelled = {str(text) for table in tables.values() for text in _spelled(text_column(table, name).texts).to_pylist()}
        stamp = Timestamp(
            name=name,
            parts=asked.parts or _differing(read["train"][column.counts > 0]),
            zone=asked.zone,
            missing=tuple(sorted({*spelled, *missing.get(name, ())})),
            days_since=asked.days_since,
        )
        if stated is None:
            _note_told(stamp, column, notes["train"])
        timed = {part: _laid_out(table, stamp, read[part], notes[part]) for part, table in timed.items()}
        found.append(stamp)
    return Timed({part: with_days_since(table, found) for part, table in timed.items()}, tuple(found))


def _possible(tables: Mapping[PartName, pa.Table], columns: SchemaConfig) -> list[str]:
    """Columns that are stated to be timestamps, and those of single values of which nothing is stated."""
    names, label = tables["train"].column_names, label_column(tables["train"], columns)
    stated = (*columns.categorical, *columns.numeric, *columns.multivalued, *columns.histories, *columns.ignored, *columns.display)
    others = {label, columns.time, columns.item_id, columns.user_id, *columns.user, *stated, *columns.text, *columns.hash_buckets}
    lists = {name for name in names if any(is_list(table, name) for table in tables.values())}
    for name in columns.timestamps:
        if name in lists:
            raise ConfigError(f"A timestamp must be one value per row, but the column {name!r} holds lists. Take it out of `timestamps`.")
    return [name for name in names if name in columns.timestamps or (name not in others and name not in lists)]


def _is_told(name: str, column: Column) -> bool:
    """Whether a column of which nothing is stated is one of times: ISO 8601, or numbers of such a size under the name of a time."""
    used = np.flatnonzero(column.counts)
    return len(used) > MIN_TEXTS and all(_are_times(name, _some(column.texts, some)) for some in (used[:_TRIED_TEXTS], used))


def _some(texts: pa.StringArray, places: np.ndarray) -> pa.StringArray:
    chosen: Any = texts.take(pa.array(places, pa.int64()))
    return cast("pa.StringArray", chosen)


def _spelled(texts: pa.StringArray) -> pa.StringArray:
    """Texts that say that a cell is missing."""
    return texts.filter(pc.is_in(texts, pa.array(SPELLINGS, pa.string())))


def _are_times(name: str, texts: pa.StringArray) -> bool:
    cells = [str(text) for text in texts.to_pylist() if text not in SPELLINGS]
    are_numbers = any(cell_number(text) is not None for text in cells)
    named = _TIME_NAME.search(name.lower()) is not None
    return bool(cells) and (named or not are_numbers) and all(local_time(text, "UTC") is not None for text in cells)


def _read(texts: pa.StringArray, zone: str) -> _Read:
    """Positions of each text's parts in `PART_TEXTS`, and its day: int32 (texts, parts + 1), -1 where it is no time."""
    read = np.full((len(texts), _DAY + 1), -1, np.int32)
    for place, text in enumerate(texts.to_pylist()):
        moment = local_time(str(text), zone)
        if moment is not None:
            read[place] = (*(part_number(moment, part) for part in TIME_PARTS), moment.toordinal())
    return read


def _differing(read: _Read) -> tuple[TimePart, ...]:
    """Parts of which there is more than one, months where they span `MIN_MONTH_DAYS` or more; all parts where there are none."""
    read = read[read[:, _DAY] >= 0]
    if not len(read):
        return TIME_PARTS
    wide = {"month": bool(np.ptp(read[:, _DAY]) >= MIN_MONTH_DAYS)}
    differing = tuple(part for place, part in enumerate(TIME_PARTS) if np.ptp(read[:, place]) > 0 and wide.get(part, True))
    return differing or TIME_PARTS


def _note_told(stamp: Timestamp, column: Column, notes: FindingCollector) -> None:
    used = np.flatnonzero(column.counts)
    law = f"{len(used):,} different dates or times, such as {column.texts[int(used[0])].as_py()!r}: a timestamp, whose fields are"
    way = "State `timestamps` for other parts or a time zone, or list the column as categorical or ignored."
    names = ", ".join(f"`{name}`" for name in stamp.fields.values())
    notes.add("timestamp_told", f"{law} {names}, in {stamp.zone}. {way}", column=stamp.name, severity="warning")


def _laid_out(table: pa.Table, stamp: Timestamp, read: _Read, notes: FindingCollector) -> pa.Table:
    column = text_column(table, stamp.name)
    spelled = np.isin(column.texts.to_numpy(zero_copy_only=False), stamp.missing)
    bad = column.rows_where((read[:, _DAY] < 0) & ~spelled)
    law = f"A timestamp {LAW}, but it is {{!r}}. Correct it, empty the cell, or list the column as categorical."
    missing = int(column.counts[spelled].sum())
    if missing:
        said = ", ".join(map(repr, column.texts.filter(pa.array(spelled)).to_pylist()))
        notes.add("missing_spelled", f"{missing:,} cells say {said}: read as missing.", column=stamp.name, severity="warning")
    notes.add_rows("not_a_timestamp", stamp.name, bad, lambda row: law.format(column.text(row)), column.codes[bad])
    for part, name in stamp.fields.items():
        if name in table.column_names:
            raise ConfigError(f"`{name}` must be the {part} of `{stamp.name}`, but the table has a column of this name. Rename it.")
    for part in stamp.parts:
        name = part_name(stamp.name, part)
        texts = pa.array(PART_TEXTS[part], pa.string())
        cells = recoded(table.column(stamp.name).unify_dictionaries(), read[:, TIME_PARTS.index(part)], texts)
        table = table.append_column(name, cells)
    return table
