"""Texts that other programs write where a cell is missing.

An empty cell is missing wherever it stands. A text such as `NULL` may be a value, NA the country as well as no answer, so it is missing
only in a column whose other cells are all numbers, or that is stated to be numeric.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ihas.config.data import SchemaConfig
from ihas.data.columns import is_list, numbers, text_column
from ihas.data.findings import FindingCollector
from ihas.data.gathering import without_texts
from ihas.data.splits import PartName

_WORDS = ("nan", "null", "na", "n/a", "none", "nil", "empty", "missing", "<na>", "#n/a", "(null)", "<null>")
SPELLINGS = tuple(sorted({form for word in _WORDS for form in (word, word.upper(), word.capitalize())} | {"NaN", "\\N", "-", "--", "?"}))
"""Every text that may stand for a missing cell."""


class Cleaned(NamedTuple):
    """Tables in which missing cells are null.

    Attributes:
        tables: by part.
        missing: texts that stood for missing cells, by column.
    """

    tables: dict[PartName, pa.Table]
    missing: dict[str, tuple[str, ...]]


def spelled_missing(texts: pa.StringArray) -> np.ndarray:
    """Which texts of a column stand for a missing cell, where all others are numbers: bool (texts,)."""
    spelled = _is_spelling(texts)
    return spelled if spelled.any() and _are_numbers(texts, spelled) else np.zeros(len(texts), bool)


def without_spelled_missing(
    tables: Mapping[PartName, pa.Table], columns: SchemaConfig, notes: Mapping[PartName, FindingCollector]
) -> Cleaned:
    """The tables with null in every cell that says it is missing; each column at which that happens is noted.

    Args:
        tables: tables that were read; the one of `train` decides whether a column is one of numbers.
        columns: what is stated; a column that is stated to be categorical, multi-valued or ignored keeps its texts.
        notes: takes the warnings about each table.
    """
    cleaned, missing = dict(tables), dict[str, tuple[str, ...]]()
    kept = {*columns.categorical, *columns.multivalued, *columns.histories, *columns.text, *columns.hash_buckets, *columns.ignored}
    for name in (name for name in tables["train"].column_names if name not in kept):
        of_part = {part: table for part, table in cleaned.items() if not is_list(table, name)}
        spelled = {part: _is_spelling(text_column(table, name).texts) for part, table in of_part.items()}
        if "train" not in of_part or not any(mask.any() for mask in spelled.values()):
            continue
        if name not in columns.numeric and not _are_numbers(text_column(tables["train"], name).texts, spelled["train"]):
            continue
        for part in (part for part, mask in spelled.items() if mask.any()):
            found = _counts(cleaned[part], name, spelled[part])
            missing[name] = tuple(sorted({*missing.get(name, ()), *found}))
            _note(found, name, notes[part])
            column = without_texts(cleaned[part].column(name), spelled[part])
            cleaned[part] = cleaned[part].set_column(cleaned[part].column_names.index(name), name, column)
    return Cleaned(cleaned, missing)


def _is_spelling(texts: pa.StringArray) -> np.ndarray:
    return np.asarray(pc.is_in(texts, pa.array(SPELLINGS, pa.string())))


def _are_numbers(texts: pa.StringArray, spelled: np.ndarray) -> bool:
    values = numbers(texts)[~spelled]
    return bool(values.size and np.isfinite(values).all())


def _counts(table: pa.Table, name: str, spelled: np.ndarray) -> dict[str, int]:
    column = text_column(table, name)
    found: Any = column.texts.filter(pa.array(spelled)).to_pylist()
    return dict(zip(found, column.counts[spelled].tolist(), strict=True))


def _note(found: Mapping[str, int], name: str, notes: FindingCollector) -> None:
    cells = ", ".join(f"{count:,} {'cell says' if count == 1 else 'cells say'} {text!r}" for text, count in sorted(found.items()))
    law = f"{cells} and the others are numbers, so these are read as missing. List the column as categorical to keep them as values."
    notes.add("missing_spelled", law, column=name, severity="warning")
