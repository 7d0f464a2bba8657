"""Who was answered in time, who was refused, and who was lost are told apart."""

from __future__ import annotations

import dataclasses

import pytest

from pipelines.bench import overload
from pipelines.bench.bundles import random_bundle
from pipelines.bench.overload import IN_TIME_S, Outcome, Overload, overload_table, whole_catalogue
from tests.pipelines.bench.test_bundles import SHAPES


def test_a_round_is_counted_by_hand() -> None:
    """Two seconds, a capacity of 4: 6 answers in time are 3 a second, 0.75 of it; one came late, two were refused, two were lost."""
    in_time, late = Outcome(200, 0.01, False), Outcome(200, 2 * IN_TIME_S, False)
    refused, silent, broken = Outcome(503, 0.001, True), Outcome(503, 0.001, False), Outcome(0, 0.1, False)
    row = Overload(4.0, 2.0, [*[in_time] * 6, late, refused, refused, silent, broken]).row()

    assert row[:4] == (4.0, 5.5, 3.0, 0.75)
    assert row[5:] == (pytest.approx(1.0), 2, 2)


def test_the_table_ends_with_medians() -> None:
    """Of three rounds the middle one, column by column; what a round lacks is left out."""
    table = overload_table("Title", [(1.0, None), (3.0, 5.0), (2.0, 7.0)])

    assert table.rows[-1] == ("median", 2.0, 6.0)


def test_requests_are_for_all_items() -> None:
    """No candidates, and different people."""
    bodies = whole_catalogue(random_bundle(SHAPES["plain"]))

    assert not any(b"candidates" in body for body in bodies)
    assert len(set(bodies)) > len(bodies) // 2


@pytest.mark.slow
def test_a_service_is_asked_twice_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real service on a small model: all requests are accounted for, and none is lost."""
    monkeypatch.setattr(overload, "SHAPE", dataclasses.replace(SHAPES["plain"], num_items=500))
    monkeypatch.setattr(overload, "ROUND_S", 1.0)
    (table,) = overload.tables(1)

    assert table.rows[0][1] > 0.0  # type: ignore[operator]  # numbers behind the names
    assert table.rows[0][-1] == 0
