"""Findings about a table, gathered, and the report that holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from ihas.config.base import Config
from ihas.data.growth import Changes
from ihas.data.part import Part
from ihas.data.schema import FieldKind, FieldRole, Schema
from ihas.errors import DataError
from ihas.findings import Finding

Purpose = Literal["field", "label", "task", "weight", "time", "timestamp", "display", "ignored"]
MAX_FINDINGS_PER_CODE = 100
MAX_TEXTS_APART = 5
_NUM_ROWS_TOLD = 5
_ANY_COLUMN = frozenset({"ragged_row"})
"""Codes whose rows have one cause, whatever column each is told at."""
MAX_ROWS_ALIKE = 10
"""Rows with one fault that are told one by one; more of them are one finding."""


class FieldProfile(Config):
    """What one column holds."""

    column: str
    """Column name."""
    purpose: Purpose
    """What the column is used for."""
    kind: FieldKind | None = None
    """How a field's cells become ids."""
    role: FieldRole | None = None
    """Whether a request states the field's value or the item table does."""
    distinct: int
    """Different values, missing not counted."""
    missing: float
    """Share of missing cells."""
    commonest: tuple[tuple[str, int], ...]
    """Most frequent values with their counts; of a multi-valued column, the values within cells."""
    quantiles: tuple[float, ...] = ()
    """Minimum, lower quartile, median, upper quartile and maximum of a numeric field."""
    parts: tuple[Part, ...] = Field(default=(), exclude_if=lambda parts: not parts)
    """Rows and clicks of a field's most frequent values, or of equal ranges of its numbers; of the first 500 columns."""
    reason: str | None = Field(default=None, exclude_if=lambda reason: reason is None)
    """Why the column is taken for this, in a sentence for a person."""


class ValidationReport(Config):
    """What was found in a table."""

    rows: int
    """Data rows."""
    findings: tuple[Finding, ...]
    """Errors and warnings; of each code the first ones only."""
    omitted: dict[str, int] = {}
    """Findings of each code that were found but are not listed."""
    profiles: tuple[FieldProfile, ...]
    """Every column, in the table's order."""
    columns: Schema
    """What each column is, as inferred and overridden."""
    changes: Changes | None = Field(default=None, exclude_if=lambda changes: changes is None)
    """What the rows that were appended last have changed."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that stop a run."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


class FindingCollector:
    """Gathers findings, and keeps the first of each code: a broken column of a million rows is one message, not a million.

    Attributes:
        prefix: put in front of every message; names the file where there are several.
        kept: findings in the order they came.
        omitted: findings of each code that were not kept.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.kept: list[Finding] = []
        self.omitted: dict[str, int] = {}
        self._kept_of_code: dict[str, int] = {}

    def add(
        self,
        code: str,
        message: str,
        *,
        row: int | None = None,
        column: str | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """Add one finding; `row` counts from 1."""
        kept = self._kept_of_code.get(code, 0)
        if kept >= MAX_FINDINGS_PER_CODE:
            self.omitted[code] = self.omitted.get(code, 0) + 1
            return
        self._kept_of_code[code] = kept + 1
        self.kept.append(Finding(code=code, severity=severity, message=self.prefix + message, row=row, column=column))

    def add_rows(
        self,
        code: str,
        column: str,
        rows: Sequence[int] | np.ndarray,
        message: Callable[[int], str],
        alike: np.ndarray | None = None,
    ) -> None:
        """Add an error per row, or one for many rows of which the same is said.

        Args:
            code: kind of finding.
            column: column name.
            rows: int (n,) from 0.
            message: makes a row's text; it is called for the kept ones only.
            alike: int (n,). Rows with equal numbers have the same text; without it, no two are taken to have it. More than
                `MAX_TEXTS_APART` texts are one finding, which names the first rows.
        """
        if alike is None or len(rows) <= MAX_ROWS_ALIKE:
            self._add_each(code, column, rows, message)
            return
        _, first, group, counts = np.unique(alike, return_index=True, return_inverse=True, return_counts=True)
        if len(first) > MAX_TEXTS_APART:
            self._add_together(code, column, np.sort(np.asarray(rows)), message)
            return
        for number in np.argsort(first).tolist():
            if counts[number] <= MAX_ROWS_ALIKE:
                self._add_each(code, column, np.asarray(rows)[group == number], message)
            else:
                row = int(rows[first[number]])
                self.add(code, f"{message(row)} So it is in {counts[number]:,} rows; this is the first.", row=row + 1, column=column)

    def _add_together(self, code: str, column: str, rows: np.ndarray, message: Callable[[int], str]) -> None:
        first = int(rows[0])
        self.add(code, f"{message(first)} {_such_rows(len(rows), (rows[:_NUM_ROWS_TOLD] + 1).tolist())}", row=first + 1, column=column)

    def _add_each(self, code: str, column: str, rows: Sequence[int] | np.ndarray, message: Callable[[int], str]) -> None:
        free = MAX_FINDINGS_PER_CODE - self._kept_of_code.get(code, 0)
        for row in map(int, rows[:free]):
            self.add(code, message(row), row=row + 1, column=column)
        if len(rows) > free:
            self.omitted[code] = self.omitted.get(code, 0) + len(rows) - free

    def raise_errors(self, headline: str) -> None:
        """DataError with every finding, where there are any errors."""
        raise_errors(headline, self.kept, self.omitted)


def _such_rows(count: int, rows: Sequence[int]) -> str:
    """Sentence about rows with one cause; rows count from 1."""
    return f"{count:,} rows have such a fault, the first of them {', '.join(map(str, rows))}."


def one_for_each_cause(findings: Iterable[Finding], omitted: Mapping[str, int]) -> tuple[tuple[Finding, ...], dict[str, int]]:
    """Findings, and numbers of further ones by code, with one in the place of more than `MAX_ROWS_ALIKE` rows of one cause.

    Errors of one code in one column have one cause. The finding is the first of them, and says how many rows there are, and the first ones.
    """
    listed, left = list(findings), dict(omitted)
    groups: dict[tuple[str, str | None], list[Finding]] = {}
    for one in listed:
        if one.row is not None and one.severity == "error":
            groups.setdefault(_cause(one), []).append(one)
    large = {key: group for key, group in groups.items() if len(group) > MAX_ROWS_ALIKE}
    joined = {id(group[0]): _joined(group, left) for group in large.values()}
    return tuple(joined.get(id(one), one) for one in listed if id(one) in joined or one.row is None or _cause(one) not in large), left


def _cause(finding: Finding) -> tuple[str, str | None]:
    return finding.code, None if finding.code in _ANY_COLUMN else finding.column


def _joined(group: Sequence[Finding], omitted: dict[str, int]) -> Finding:
    rows = [one.row for one in group if one.row is not None]
    count = len(group) + omitted.pop(group[0].code, 0)
    return group[0].model_copy(update={"message": f"{group[0].message} {_such_rows(count, rows[:_NUM_ROWS_TOLD])}"})


def raise_errors(headline: str, findings: Iterable[Finding], omitted: dict[str, int]) -> None:
    """DataError that carries the errors among `findings`, where there are any; its text is the headline and the first of them."""
    told, omitted = one_for_each_cause(findings, omitted)
    errors = [finding for finding in told if finding.severity == "error"]
    if not errors:
        return
    more = len(errors) - 1 + sum(omitted.get(code, 0) for code in {finding.code for finding in errors})
    rest = f" ({more} more)" if more else ""
    raise DataError(f"{headline}: {_placed(errors[0])}{rest}", errors)


def _placed(finding: Finding) -> str:
    place = [f"row {finding.row}"] if finding.row is not None else []
    place += [f"column `{finding.column}`"] if finding.column is not None else []
    return f"{', '.join(place)}: {finding.message}" if place else finding.message
