"""Who was answered in time, who was refused, and who was lost are told apart."""

from __future__ import annotations

import dataclasses
from typing import cast

import pytest

from ihas_pipelines.benchmarks import overload
from ihas_pipelines.benchmarks.asking import Client, Flood, Outcome
from ihas_pipelines.benchmarks.bundles import random_bundle
from ihas_pipelines.benchmarks.overload import CONNECTIONS, IN_TIME_S, Overload, enough_connections, overload_table, whole_catalogue
from tests.pipelines.benchmarks.test_bundles import SHAPES


def test_a_repetition_is_counted_by_hand() -> None:
    """Two seconds, a capacity of 4: 6 answers in time are 3 a second, 0.75 of it; one came late, two were refused, two were lost.

    The server was given half as much of the processor as while its capacity was measured: a second of it answered half as many again.
    """
    in_time, late = Outcome(200, 0.01, False), Outcome(200, 2 * IN_TIME_S, False)
    refused, silent, broken = Outcome(503, 0.001, True), Outcome(503, 0.001, False), Outcome(0, 0.1, False)
    outcomes = [*[in_time] * 6, late, refused, refused, silent, broken]
    row = Overload(4.0, 0.8, Flood(outcomes, 2.0, 0.003, 0.05), 0.4).row()

    assert row[:6] == (4.0, 5.5, 3.0, 0.75, pytest.approx(1.5), pytest.approx(2 / 11))
    assert row[7:] == (pytest.approx(1.0), 2, 0.8, 0.4, 0.05, 3.0)


def test_the_table_ends_with_all_repetitions_together() -> None:
    """Two repetitions of one and of three seconds, capacities 4 and 6, with 2 and 10 answers in time and 1 and 3 refused: 12 answers
    in four seconds are 3 a second, .6 of the mean capacity, and a quarter of what was asked was refused."""
    answered, refused = Outcome(200, 0.01, False), Outcome(503, 0.001, True)
    repetitions = [
        Overload(4.0, 0.8, Flood([answered] * 2 + [refused], 1.0, 0.002, 0.1), 0.4),
        Overload(6.0, 1.2, Flood([answered] * 10 + [refused] * 3, 3.0, 0.004, 0.3), 1.6),
    ]
    table = overload_table("Title", repetitions)

    assert [row[0] for row in table.rows] == ["repetition 1", "repetition 2", "all"]
    assert table.rows[-1][1:7] == (5.0, 4.0, 3.0, pytest.approx(0.6), pytest.approx(0.6), pytest.approx(0.25))
    assert table.rows[-1][9:] == (0, pytest.approx(1.0), pytest.approx(1.0), pytest.approx(0.2), pytest.approx(3.0))


def test_requests_are_for_all_items() -> None:
    """No candidates, and different people."""
    bodies = whole_catalogue(random_bundle(SHAPES["plain"]))

    assert not any(b"candidates" in body for body in bodies)
    assert len(set(bodies)) > len(bodies) // 2


def test_capacity_takes_as_many_connections_as_bring_more() -> None:
    """Answers rise to the third number of connections and no further; the first that comes within a twentieth of the most is taken."""

    class Server:
        def saturate(self, connections: int, seconds: float) -> float:
            return 100.0 * min(connections, CONNECTIONS[2]) * (1.01 if connections == CONNECTIONS[-1] else 1.0)

    assert enough_connections(cast(Client, Server())) == CONNECTIONS[2]


@pytest.mark.slow
def test_a_service_is_asked_twice_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real service on a small model: all requests are accounted for, and none is lost."""
    monkeypatch.setattr(overload, "SHAPES", {"plain": dataclasses.replace(SHAPES["plain"], num_items=500)})
    monkeypatch.setattr(overload, "REPETITION_S", 1.0)
    (table,) = overload.tables(1)

    assert table.rows[0][1] > 0.0  # type: ignore[operator]  # numbers behind the names
    assert table.rows[0][table.columns.index("other")] == 0
