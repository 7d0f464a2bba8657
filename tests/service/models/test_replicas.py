"""Figures of routing and of shadows are sums over processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ihas.bundle.reference import Reference
from ihas.serving.capabilities import Observed
from ihas_service.models.drift import RoutingMetrics
from ihas_service.models.replicas import Replicas
from ihas_service.models.response_log import ResponseLog, ShadowMetrics
from ihas_service.storage.database import Database
from ihas_service.storage.feedback import Feedback
from ihas_service.storage.replica_figures import ReplicaFigures

FILMS = ("acme", "films", 1)
NOTHING = RoutingMetrics(
    Reference(np.array([0.5, 0.5]), np.array([0.5, 0.5]), 1.0), ("user",), Observed(np.zeros(2), np.zeros(2), np.zeros(2))
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """What processes share."""
    with closing(Database(f"sqlite:///{tmp_path / 'ihas.db'}")) as shared:
        yield shared


def replica(database: Database) -> Replicas:
    """A process that has answered nothing yet."""
    return Replicas(ResponseLog(Feedback(database), 60.0, lambda: None), ReplicaFigures(database))


def answered(rows: list[float], far: list[float]) -> RoutingMetrics:
    """Figures of a process: rows of each group, of which some were far; half of the gates were open."""
    return NOTHING.plus(Observed(np.array(rows), np.array(far), np.full(2, sum(rows) / 2)))


def test_routed_rows_of_all_processes_count(database: Database) -> None:
    """Three and one here, one and five there: four of ten; whichever process is asked."""
    one, other = replica(database), replica(database)
    one.log.routing[FILMS], other.log.routing[FILMS] = answered([3.0, 1.0], [1.0, 0.0]), answered([1.0, 5.0], [0.0, 1.0])
    one.write()
    other.write()
    found = [process.routing(*FILMS) for process in (one, other)]

    assert [(one.rows, one.far_share, one.seen.rows.tolist()) for one in found if one is not None] == [(10, 0.2, [4.0, 6.0])] * 2
    assert one.drift_of(*FILMS) == other.drift_of(*FILMS) == (10, pytest.approx(0.1 * np.log(0.6 / 0.4)))


def test_a_process_that_answered_nothing_tells_what_the_others_did(database: Database) -> None:
    """Of a version that it knows; figures of other shapes are another bundle's, and count nothing."""
    one, other, odd = replica(database), replica(database), replica(database)
    other.log.routing[FILMS] = answered([1.0, 5.0], [0.0, 1.0])
    odd.log.routing[FILMS] = RoutingMetrics(NOTHING.reference, ("user",), Observed(np.ones(3), np.zeros(3), np.zeros(2)))
    other.write()
    odd.write()
    found = one.routing(*FILMS, empty=NOTHING)

    assert found is not None
    assert (found.rows, one.routing("acme", "films", 2, empty=NOTHING), one.routing(*FILMS)) == (6, None, None)


def test_shadows_of_all_processes_count(database: Database) -> None:
    """Requests, rows and differences are added; another tenant's are not."""
    one, other = replica(database), replica(database)
    one.log.shadows[("acme", "films", 2)] = ShadowMetrics(2, 1, 4, 0.5, 0.25)
    other.log.shadows[("acme", "films", 2)] = ShadowMetrics(3, 0, 6, 1.5, 0.25)
    other.log.shadows[("other", "films", 2)] = ShadowMetrics(9, 9, 9, 9.0, 9.0)
    one.write()
    other.write()

    assert one.shadows("acme", "films") == other.shadows("acme", "films") == {2: ShadowMetrics(5, 1, 10, 2.0, 0.5)}


def test_what_has_not_changed_is_not_written_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process at rest leaves the database alone."""
    one = replica(database)
    one.log.routing[FILMS] = answered([3.0, 1.0], [1.0, 0.0])
    one.write()
    monkeypatch.setattr(one.table, "put", _refuse)
    one.write()
    one.log.routing[FILMS] = one.log.routing[FILMS].plus(Observed(np.ones(2), np.zeros(2), np.ones(2)))

    with pytest.raises(AssertionError, match="written"):
        one.write()


def _refuse(*_: object) -> None:
    raise AssertionError("written")
