"""Findings and their cap."""

from __future__ import annotations

import pytest

from ihas.data.findings import MAX_FINDINGS_PER_CODE, FindingCollector
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
    with pytest.raises(DataError, match=r"No: row 1, column `a`: test_path: cell 0 \(250 more\)"):
        findings.raise_errors("No")


def test_warnings_alone_raise_nothing() -> None:
    """Only errors stop a run."""
    findings = FindingCollector()
    findings.add("odd", "odd", severity="warning")
    findings.raise_errors("No")
    assert not any(finding.severity == "error" for finding in findings.kept)
