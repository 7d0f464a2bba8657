"""What numbers cost beside categories."""

from __future__ import annotations

import pytest

from ihas_pipelines.benchmarks import fields
from ihas_pipelines.benchmarks.fields import FORMS, tables

pytestmark = pytest.mark.tf


@pytest.mark.slow
def test_each_form_is_measured_by_categories(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row per form in both tables, that of categories at 1."""
    monkeypatch.setattr(fields, "ROWS", 2_000)
    monkeypatch.setattr(fields, "MEASUREMENT_S", 0.01)
    found = list(tables(1))
    assert [[row[0] for row in table.rows] for table in found] == [list(FORMS)] * 2
    assert all(table.rows[0][-1] == pytest.approx(1.0) for table in found)
