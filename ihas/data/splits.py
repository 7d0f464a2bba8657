"""Which rows are for training, for choosing and for the final metrics."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from ihas.config.split import SplitConfig
from ihas.data.columns import is_list, text_column
from ihas.data.findings import FindingCollector
from ihas.data.times import seconds
from ihas.errors import ConfigError, DataError

PartName = Literal["train", "valid", "test"]
PARTS: tuple[PartName, ...] = ("train", "valid", "test")


def split_rows(
    table: pa.Table,
    split: SplitConfig,
    time: str | None,
    drawn: Sequence[PartName],
    generator: np.random.Generator,
) -> dict[PartName, np.ndarray]:
    """Rows of each part, in the order of the table.

    Args:
        table: a table that was read.
        split: how to divide it.
        time: column that orders the rows; needed for a split by time.
        drawn: which of valid and test to draw from this table; a part that has a file of its own is not.
        generator: draws of a random split.

    Returns:
        `train` and every part of `drawn`: int64 (rows of the part,), ascending, from 0.

    Raises:
        ConfigError: a split by time without a time column, a split column that does not exist, or one beside separate files.
        DataError: a split column with other cells than the parts' names, or a part without rows.
    """
    if split.kind == "given":
        rows = _given_rows(table, split, drawn)
    elif split.group is not None:
        rows = _grouped_rows(table, split, split.group, drawn)
    else:
        rows = _drawn_rows(_order(table, split, time, generator), split, drawn)
    for name, of_part in rows.items():
        if not of_part.size:
            law = f"The part {name!r} must have rows, but of {table.num_rows} rows it has none."
            raise DataError(f"{law} Provide more rows, or change `split`.")
    return rows


def check_classes(labels: Mapping[PartName, np.ndarray], *, positives_only: bool = False) -> None:
    """DataError where a part, float32 (rows,), has no labels, or, unless these are positives, of one class only."""
    for name, of_part in labels.items():
        if not of_part.size:
            raise DataError(f"The part {name!r} must have rows with a label, but has none. Provide more rows, or change `split`.")
        if of_part.min() == of_part.max() and not positives_only:
            what = "Labels of both classes" if of_part[0] in (0.0, 1.0) else "Different labels"
            law = f"{what} must occur in the part {name!r}, but all {of_part.size} are {of_part[0]:.4g}."
            raise DataError(f"{law} Provide more rows, or change `split`.")


def _order(table: pa.Table, split: SplitConfig, time: str | None, generator: np.random.Generator) -> np.ndarray:
    if split.kind == "random":
        return generator.permutation(table.num_rows)
    if time is None:
        raise ConfigError("A split by time needs a time column, but none is set. Set `columns.time`.")
    column = text_column(table, time)
    return np.argsort(seconds(column.texts)[column.codes], kind="stable")


def _drawn_rows(order: np.ndarray, split: SplitConfig, drawn: Sequence[PartName]) -> dict[PartName, np.ndarray]:
    """The end of the order is for test, what lies before it for validation."""
    fractions = _fractions(split)
    num_valid, num_test = (round(fractions[name] * order.size) if name in drawn else 0 for name in ("valid", "test"))
    num_train = order.size - num_valid - num_test
    pieces = zip(PARTS, np.split(order, [num_train, num_train + num_valid]), strict=True)
    return {name: np.sort(piece).astype(np.int64, copy=False) for name, piece in pieces if name == "train" or name in drawn}


def _grouped_rows(table: pa.Table, split: SplitConfig, group: str, drawn: Sequence[PartName]) -> dict[PartName, np.ndarray]:
    """The rows of each value in one part, which its text alone says, so that a newer table keeps it there."""
    if group not in table.column_names or is_list(table, group):
        raise ConfigError(
            f"`split.group` must name a column of single values, but got {group!r}; there are {', '.join(table.column_names)}."
        )
    column = text_column(table, group)
    findings, missing = FindingCollector(), np.flatnonzero(column.codes < 0)
    law = "Each row must have a value in the column that the split keeps together, but here it is missing. Fill it in, or drop the row."
    findings.add_rows("group_missing", group, missing, lambda _: law, np.zeros(len(missing)))
    findings.raise_errors("The table cannot be split")
    shares = np.array([_share(str(text)) for text in column.texts.to_pylist()])
    valid, test = (fraction if name in drawn else 0.0 for name, fraction in _fractions(split).items())
    part = np.where(shares < test, 2, np.where(shares < test + valid, 1, 0))[column.codes]
    return {name: np.flatnonzero(part == number) for number, name in enumerate(PARTS) if name == "train" or name in drawn}


def _share(text: str) -> float:
    """A number in [0, 1) that a text alone says."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest()) / 2**48


def _fractions(split: SplitConfig) -> dict[PartName, float]:
    return {"valid": split.valid_fraction, "test": split.test_fraction}


def _given_rows(table: pa.Table, split: SplitConfig, drawn: Sequence[PartName]) -> dict[PartName, np.ndarray]:
    column_name = split.column
    if column_name is None or column_name not in table.column_names or is_list(table, column_name):
        law = f"`split.column` must name a column of single values, but got {column_name!r}"
        raise ConfigError(f"{law}; there are {', '.join(table.column_names)}.")
    if set(drawn) != {"valid", "test"}:
        raise ConfigError(
            "A split by column must not be combined with `valid_path` or `test_path`. Remove the paths, or set another `kind`."
        )
    column = text_column(table, column_name)
    part_of_text = np.array([PARTS.index(text) if text in PARTS else -1 for text in column.texts.to_pylist()] + [-1])
    part = part_of_text[column.codes]
    findings = FindingCollector()
    unknown = np.flatnonzero(part < 0)
    law = "A cell of the split column must be `train`, `valid` or `test`, but it is {!r}. Correct it or drop the row."
    findings.add_rows("unknown_part", column_name, unknown, lambda row: law.format(column.text(row) or ""), column.codes[unknown])
    findings.raise_errors("The split column cannot be read")
    return {name: np.flatnonzero(part == number) for number, name in enumerate(PARTS)}
