"""A limit of a caller is one limit, however many processes count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ihas_service.auth.shared_rates import SharedRates
from ihas_service.errors import TooManyError
from ihas_service.storage.database import Database
from ihas_service.storage.request_counts import RequestCounts
from tests.clock import Clock


@pytest.fixture
def counts(tmp_path: Path) -> Iterator[RequestCounts]:
    """A table that two processes share."""
    with closing(Database(f"sqlite:///{tmp_path / 'ihas.db'}")) as database:
        yield RequestCounts(database)


def admitted(rates: SharedRates, who: str, requests: int) -> int:
    """How many of the requests are admitted."""
    count = 0
    for _ in range(requests):
        try:
            rates.hit(who)
        except TooManyError:
            continue
        count += 1
    return count


def test_two_processes_admit_one_limit_together(counts: RequestCounts) -> None:
    """Four here; the other learns of them with its first ones, and admits the rest; other callers have limits of their own."""
    one, other = (SharedRates(counts, 10, Clock()) for _ in range(2))
    assert admitted(one, "ada", 4) == 4
    one.sync()
    assert admitted(other, "ada", 1) == 1
    other.sync()
    assert (admitted(other, "ada", 9), admitted(other, "bob", 10)) == (5, 10)
    other.sync()
    assert admitted(one, "ada", 1) == 1  # what is not known yet
    one.sync()
    assert admitted(one, "ada", 5) == 0


def test_a_minute_after_the_first_request_the_count_begins_anew(counts: RequestCounts) -> None:
    """By the clock of the process; a refusal says how long it is until then."""
    clock = Clock()
    rates = SharedRates(counts, 2, clock)
    assert admitted(rates, "ada", 3) == 2
    clock.advance(20.0)
    with pytest.raises(TooManyError, match=r"At most 2 requests a minute are taken here. Try again in 40 s."):
        rates.hit("ada")
    clock.advance(40.0)

    assert admitted(rates, "ada", 3) == 2


def test_what_the_database_did_not_take_is_sent_again(counts: RequestCounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is away the process goes on with its own count, and nothing of it is lost."""
    one, other = (SharedRates(counts, 10, Clock()) for _ in range(2))
    admitted(one, "ada", 6)
    with monkeypatch.context() as patch:
        patch.setattr(counts, "add", _refuse)
        with pytest.raises(ConnectionError):
            one.sync()
    admitted(one, "ada", 1)
    one.sync()
    admitted(other, "ada", 1)
    other.sync()

    assert admitted(other, "ada", 10) == 2


def test_a_minute_that_the_database_never_knew_counts_in_no_later_one(counts: RequestCounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked before an outage is not added to the minute after it."""
    clock = Clock()
    rates = SharedRates(counts, 10, clock)
    admitted(rates, "ada", 10)
    with monkeypatch.context() as patch:
        patch.setattr(counts, "add", _refuse)
        with pytest.raises(ConnectionError):
            rates.sync()
    clock.advance(300.0)
    rates.sync()

    assert admitted(rates, "ada", 10) == 10


def test_no_limit_counts_nothing(counts: RequestCounts) -> None:
    """A limit of 0 is none."""
    rates = SharedRates(counts, 0)
    assert admitted(rates, "ada", 1_000) == 1_000
    rates.sync()


def _refuse(_: object) -> None:
    raise ConnectionError("away")
