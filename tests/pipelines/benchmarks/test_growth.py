"""What grows with what."""

from __future__ import annotations

import pytest

from ihas_pipelines.benchmarks import growth
from ihas_pipelines.benchmarks.growth import Case, tables


def test_one_thing_grows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each table has its cases in order; all other sizes stay."""
    seen: list[Case] = []
    monkeypatch.setattr(growth, "_timings", lambda cases, repetitions: seen.extend(cases))
    monkeypatch.setattr(growth, "_table", lambda axis, cases, timings: (axis, [getattr(case, axis) for case in cases]))
    assert list(tables(1, 10)) == [
        ("rows", [10, 30, 100]), ("vocabulary", [100_000, 1_000_000]), ("fields", [10, 26, 100]), ("groups", [1, 2, 4, 8])
    ]  # fmt: skip
    assert all(
        sum(getattr(case, name) != getattr(Case(10), name) for name in ("rows", "fields", "vocabulary", "groups")) <= 1 for case in seen
    )


@pytest.mark.slow
def test_a_case_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four passes over the rows of each case, in a process of its own: costs above zero, and a hundred MiB or more for TensorFlow."""
    monkeypatch.setattr(growth, "DIM", 4)
    cases = [Case(500, fields=3, vocabulary=60), Case(500, fields=6, vocabulary=60)]
    table = growth._table("fields", cases, growth._timings(cases, 1))
    assert [row[0] for row in table.rows] == ["3", "6"]
    for row in table.rows:
        assert all(float(str(cell)) > 0.0 for cell in row[1:])
        assert float(str(row[-1])) > 100.0
