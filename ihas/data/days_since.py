"""Days from one column of times to another, laid out as a column of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ihas.data.cells import cell_text
from ihas.data.columns import text_column
from ihas.data.moments import days_between, local_time
from ihas.data.schema import Timestamp
from ihas.errors import ConfigError
from ihas.extensions.suggest import did_you_mean


def with_days_since(table: pa.Table, timestamps: Sequence[Timestamp]) -> pa.Table:
    """The table with a column for each difference between two timestamps, computed once per pair of texts.

    Args:
        table: a table that was read, with the columns of the timestamps; a cell that is no time is missing here, and told elsewhere.
        timestamps: what the columns are.

    Raises:
        ConfigError: a difference to a column that is no timestamp.
    """
    of_name = {one.name: one for one in timestamps}
    for one in timestamps:
        for other, name in one.differences.items():
            if other not in of_name or other == one.name:
                law = f"`days_since` of `{one.name}` must name other columns of `timestamps`, but got {other!r}."
                raise ConfigError(law + did_you_mean(other, tuple(of_name)) + " State that one there too.")
            table = table.append_column(name, _days(table, of_name[other], one))
    return table


def _days(table: pa.Table, earlier: Timestamp, later: Timestamp) -> Any:
    columns = [text_column(table, one.name) for one in (earlier, later)]
    moments = [
        [None if text in one.missing else local_time(str(text), one.zone) for text in column.texts.to_pylist()]
        for one, column in zip((earlier, later), columns, strict=True)
    ]
    one, other = (column.codes.astype(np.int64) + 1 for column in columns)
    base = len(columns[1].texts) + 1
    pairs, codes = np.unique(one * base + other, return_inverse=True)
    first, second = ([None, *of_texts] for of_texts in moments)  # the first entry is that of code -1
    found = [days_between(first[pair // base], second[pair % base]) for pair in pairs.tolist()]
    place = {text: code for code, text in enumerate(dict.fromkeys(filter(None, map(cell_text, found))))}
    of_pair = np.array([place.get(cell_text(days) or "", -1) for days in found], np.int32)
    own = of_pair[codes.reshape(-1)]
    return pa.DictionaryArray.from_arrays(pa.array(own, pa.int32(), mask=own < 0), pa.array(list(place), pa.string()))
