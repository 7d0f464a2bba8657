"""Each process's figures are kept beside those of the others, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from ihas_service.storage.database import Database
from ihas_service.storage.replica_figures import KEPT_S, ReplicaFigures
from ihas_service.storage.replica_tables import REPLICA_FIGURES

pytestmark = pytest.mark.full


def test_a_process_reads_what_the_others_wrote_last(database: Database) -> None:
    """Of the model of a tenant alone; what it wrote itself it knows better."""
    table = ReplicaFigures(database)
    table.put("one", {("acme", "films", 1): {"n": 1}, ("acme", "books", 1): {"n": 9}})
    table.put("two", {("acme", "films", 1): {"n": 2}, ("acme", "films", 2): {"n": 3}, ("other", "films", 1): {"n": 9}})
    table.put("two", {("acme", "films", 1): {"n": 5}})

    assert list(table.of_others("one", "acme", "films")) == [(1, {"n": 5}), (2, {"n": 3})]
    assert list(table.of_others("two", "acme", "films")) == [(1, {"n": 1})]


def test_figures_of_a_process_that_is_gone_fade(database: Database) -> None:
    """A day after it wrote them they count no more, and with the next writing they are gone."""
    table = ReplicaFigures(database)
    table.put("one", {("acme", "films", 1): {"n": 1}})
    older = REPLICA_FIGURES.update().values(at=REPLICA_FIGURES.c.at - KEPT_S - 1.0)
    database.write(lambda connection: connection.execute(older))
    assert list(table.of_others("two", "acme", "films")) == []
    table.put("two", {("acme", "films", 1): {"n": 2}})

    assert [row["replica"] for row in database.read(REPLICA_FIGURES.select())] == ["two"]
