"""Numbers with a decimal comma or with separators of thousands, as the numbers that everything else reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pyarrow as pa

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.file_form import FileForm
from ihas.data.cells import cell_text
from ihas.data.columns import is_list, text_column
from ihas.data.gathering import recoded
from ihas.data.missing import SPELLINGS
from ihas.data.splits import PartName

NumberForm = tuple[Literal[".", ","], str | None]


def with_plain_numbers(tables: Mapping[PartName, pa.Table], data: DataConfig) -> dict[PartName, pa.Table]:
    """The tables with plain numbers in each column that holds such numbers, and texts for missing cells, alone.

    Args:
        tables: tables that were read; of each, every column is judged on its own. A column that is stated to be numeric has each number
            read so, whatever else it holds; one that is stated to be categorical, multi-valued or ignored keeps its texts.
        data: how numbers are written.
    """
    if data.decimal == "." and data.thousands is None:
        return dict(tables)
    kept, numeric = _kept(data.columns), {*data.columns.numeric}
    return {part: _plain(table, (data.decimal, data.thousands), kept, numeric) for part, table in tables.items()}


def in_plain_numbers(table: pa.Table, file: FileForm, columns: SchemaConfig, names: Mapping[str, str]) -> pa.Table:
    """The table with plain numbers in each column that holds numbers as the file writes them, and texts for missing cells, alone.

    Args:
        table: a table that was read.
        file: how its numbers are written.
        columns: what is stated of columns, as for `with_plain_numbers`.
        names: under which name that speaks of each column.
    """
    if file.decimal == "." and file.thousands is None:
        return table
    of_kept, of_numeric = _kept(columns), {*columns.numeric}
    kept = {name for name, stated in names.items() if stated in of_kept}
    return _plain(table, (file.decimal, file.thousands), kept, {name for name, stated in names.items() if stated in of_numeric})


def _kept(columns: SchemaConfig) -> set[str]:
    """Columns whose texts are no numbers, whatever they look like."""
    return {*columns.categorical, *columns.multivalued, *columns.histories, *columns.text, *columns.hash_buckets, *columns.ignored}


def _plain(table: pa.Table, form: NumberForm, kept: set[str], numeric: set[str]) -> pa.Table:
    pattern = _pattern(form)
    for position, name in enumerate(table.column_names):
        if name in kept or is_list(table, name):
            continue
        column = text_column(table, name)
        texts = list(map(str, column.texts.to_pylist()))
        are_numbers = [pattern.fullmatch(text) is not None for text in texts]
        plain = [_written(text, form) if is_number else text for text, is_number in zip(texts, are_numbers, strict=True)]
        alone = all(is_number or text in SPELLINGS for text, is_number in zip(texts, are_numbers, strict=True))
        if plain != texts and (alone or name in numeric):
            known = {text: code for code, text in enumerate(dict.fromkeys(plain))}
            code_of = np.array([known[text] for text in plain], np.int32)
            cells = recoded(table.column(name).unify_dictionaries(), code_of, pa.array(list(known), pa.string()))
            table = table.set_column(position, name, cells)
    return table


def _pattern(form: NumberForm) -> re.Pattern[str]:
    decimal, thousands = form
    groups = rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|" if thousands else ""
    return re.compile(rf"[+-]?(?:{groups}[0-9]+)(?:{re.escape(decimal)}[0-9]+)?")


def _written(text: str, form: NumberForm) -> str:
    decimal, thousands = form
    text = text.replace(thousands, "") if thousands else text
    return cell_text(text.replace(decimal, ".")) or text
