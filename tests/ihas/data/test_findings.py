"""Findings and their cap."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ihas.data.findings import MAX_FINDINGS_PER_CODE, FindingCollector, one_for_each_cause
from ihas.errors import DataError


def test_each_code_keeps_its_first_findings_and_counts_the_rest() -> None:
    """A broken column of many rows keeps the first findings only, numbered from 1, and says how many more there are."""
    findings = FindingCollector("test_path: ")
    findings.add_rows("bad", "a", list(range(250)), lambda row: f"cell {row}")
    findings.add("other", "one of another code")
    assert [finding.row for finding in findings.kept if finding.code == "bad"] == list(range(1, MAX_FINDINGS_PER_CODE + 1))
    assert findings.kept[0].message == "test_path: cell 0"
    assert findings.kept[-1].code == "other"
    assert findings.omitted == {"bad": 250 - MAX_FINDINGS_PER_CODE}
    with pytest.raises(DataError, match=r"No: row 1, column `a`: test_path: cell 0 250 rows have such a fault.* \(1 more\)") as error:
        findings.raise_errors("No")
    assert [(one.code, one.row) for one in error.value.findings] == [("bad", 1), ("other", None)]
    assert error.value.findings[0].message.endswith("250 rows have such a fault, the first of them 1, 2, 3, 4, 5.")


def test_errors_of_one_cause_are_one_finding() -> None:
    """Ten of one code and column are told one by one, more are one; ragged rows have one cause whatever the column."""
    findings = FindingCollector()
    for row in range(1, 12):
        findings.add("bad", f"cell {row}", row=row, column="a")
        findings.add("ragged_row", f"row {row}", row=row, column="abcdefghijk"[row - 1])
        findings.add("odd", "odd", row=row, column="a", severity="warning")
    for row in range(1, 11):
        findings.add("bad", f"cell {row}", row=row, column="b")
    told, omitted = one_for_each_cause(findings.kept, findings.omitted)
    found = Counter((one.code, one.column) for one in told)
    assert found == {("bad", "a"): 1, ("bad", "b"): 10, ("ragged_row", "a"): 1, ("odd", "a"): 11}
    assert [one.message for one in told if one.code == "ragged_row"] == [
        "row 1 11 rows have such a fault, the first of them 1, 2, 3, 4, 5."
    ]
    assert omitted == {}


def test_many_texts_of_one_fault_are_one_finding() -> None:
    """Up to five texts are told apart, each with its rows; more are one cause."""
    rows = list(range(0, 120, 2))
    for texts, told in ((5, 5), (6, 1)):
        findings = FindingCollector()
        findings.add_rows("bad", "a", rows, lambda row: f"cell {row}.", np.arange(60) % texts)
        assert len(findings.kept) == told
    assert findings.kept[0].message == "cell 0. 60 rows have such a fault, the first of them 1, 3, 5, 7, 9."


def test_warnings_alone_raise_nothing() -> None:
    """Only errors stop a run."""
    findings = FindingCollector()
    findings.add("odd", "odd", severity="warning")
    findings.raise_errors("No")
    assert not any(finding.severity == "error" for finding in findings.kept)
