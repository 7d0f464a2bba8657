"""Aliases change one after the other, keep their history, and go back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihas_service.errors import ConflictError, PreconditionError, UnknownIdError
from ihas_service.storage.aliases import ABSENT, ANY, Aliases, AliasRef
from ihas_service.storage.database import Database

pytestmark = pytest.mark.full

PLACE = AliasRef("acme", "films", "champion", "key:1", "Better.")


@pytest.fixture
def aliases(database: Database) -> Aliases:
    """No alias yet."""
    return Aliases(database)


def test_an_alias_is_created_once(aliases: Aliases) -> None:
    """Who expects none gets revision 1; who expects none again is refused, and so is who expects a revision that is not there."""
    assert (aliases.put(PLACE, 2, ABSENT).revision, aliases.get(PLACE).version) == (1, 2)
    for expected in (ABSENT, 2):
        with pytest.raises(PreconditionError, match="has revision 1"):
            aliases.put(PLACE, 3, expected)
    with pytest.raises(PreconditionError, match="does not exist"):
        aliases.put(AliasRef("acme", "films", "canary"), 3, 1)


def test_of_fifty_changes_that_expect_the_same_one_is_made(aliases: Aliases) -> None:
    """Fifty threads write at once: one revision more, one change in the history, 49 refusals."""
    aliases.put(PLACE, 1, ABSENT)

    def change(version: int) -> int:
        try:
            return aliases.put(PLACE, version, 1).version
        except PreconditionError:
            return 0

    with ThreadPoolExecutor(50) as pool:
        made = [version for version in pool.map(change, range(2, 52)) if version]
    assert len(made) == 1
    assert (aliases.get(PLACE).version, aliases.get(PLACE).revision) == (made[0], 2)
    assert [change.version for change in aliases.history(PLACE, None, 10)] == [made[0], 1]


def test_of_fifty_creations_one_is_made(aliases: Aliases) -> None:
    """Also where there is no row yet that could be locked."""

    def create(version: int) -> int:
        try:
            return aliases.put(PLACE, version, ABSENT).revision
        except PreconditionError:
            return 0

    with ThreadPoolExecutor(50) as pool:
        assert sorted(pool.map(create, range(1, 51))) == [0] * 49 + [1]


def test_rollback_goes_back_step_by_step(aliases: Aliases) -> None:
    """1, 2, 3, back to 2, back to 1, then nothing is left; `otherwise` is taken then."""
    for version in (1, 2, 3):
        aliases.put(PLACE, version, ANY)
    assert aliases.earlier(PLACE) == [2, 1]
    assert [aliases.roll_back(PLACE, ANY).version for _ in range(2)] == [2, 1]
    with pytest.raises(ConflictError, match="has no former version"):
        aliases.roll_back(PLACE, ANY)

    assert aliases.roll_back(PLACE, ANY, otherwise=9).version == 9


def test_a_version_set_after_a_rollback_returns_to_what_was_rolled_back_to(aliases: Aliases) -> None:
    """1, 2, back to 1, 3: before 3 there is 1, and 2 is skipped."""
    aliases.put(PLACE, 1, ANY)
    aliases.put(PLACE, 2, ANY)
    aliases.roll_back(PLACE, ANY)
    aliases.put(PLACE, 3, ANY)

    assert aliases.earlier(PLACE) == [1]
    assert [(change.kind, change.version) for change in aliases.history(PLACE, None, 10)] == [
        ("set", 3), ("rollback", 1), ("set", 2), ("set", 1),
    ]  # fmt: skip


def test_the_history_says_who_and_why_and_pages(aliases: Aliases) -> None:
    """Newest first, from a revision on."""
    for version in range(1, 6):
        aliases.put(PLACE, version, ANY)
    page = aliases.history(PLACE, 4, 2)

    assert [(change.revision, change.actor, change.reason) for change in page] == [(3, "key:1", "Better."), (2, "key:1", "Better.")]


def test_tenants_do_not_meet(aliases: Aliases) -> None:
    """The same model and alias of another tenant is another alias."""
    aliases.put(PLACE, 1, ABSENT)

    with pytest.raises(UnknownIdError, match="no alias 'champion'"):
        aliases.get(AliasRef("other", "films", "champion"))
    assert aliases.of_model("other", "films") == []
    assert [alias.tenant for alias in aliases.everywhere("champion")] == ["acme"]


@given(steps=st.lists(st.integers(0, 5), max_size=12))
@settings(max_examples=25, deadline=None)
def test_any_sequence_is_a_stack(tmp_path_factory: pytest.TempPathFactory, steps: list[int]) -> None:
    """Setting pushes a version, rolling back (0) pops one; the alias means the top, `earlier` the rest."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('stack') / 'ihas.db'}")
    aliases, stack = Aliases(database), [9]
    aliases.put(PLACE, 9, ABSENT)
    for step in steps:
        if step:
            aliases.put(PLACE, step, ANY)
            stack.append(step)
        elif len(stack) > 1:
            aliases.roll_back(PLACE, ANY)
            stack.pop()
        assert aliases.get(PLACE).version == stack[-1]
        assert list(aliases.earlier(PLACE)) == stack[-2::-1][:10]
    database.close()


def test_a_deleted_alias_is_gone_and_its_history_goes_on(aliases: Aliases) -> None:
    """The change says who and why; set again, it has a revision that it never had, so that no earlier `ETag` fits."""
    place = AliasRef("acme", "films", "next", "key:1", "Tried.")
    aliases.put(place, 2, ABSENT)
    with pytest.raises(PreconditionError, match="has revision 1"):
        aliases.delete(place, 7)
    aliases.delete(place, 1)

    with pytest.raises(UnknownIdError, match="no alias 'next'"):
        aliases.get(place)
    with pytest.raises(UnknownIdError, match="no alias 'next'"):
        aliases.delete(place)
    assert aliases.put(place, 3, ABSENT).revision == 3
    told = [(change.revision, change.kind, change.version, change.reason) for change in aliases.history(place, None, 10)]
    assert told == [(3, "set", 3, "Tried."), (2, "deleted", 2, "Tried."), (1, "set", 2, "Tried.")]


def test_the_champion_is_not_deleted(aliases: Aliases) -> None:
    """A version answers by it: the refusal names that."""
    aliases.put(PLACE, 2, ABSENT)
    with pytest.raises(ConflictError, match="version 2 answers by it. Promote another"):
        aliases.delete(PLACE)
    assert aliases.get(PLACE).version == 2
