"""More interactions behind those that are known."""

from __future__ import annotations

import pytest

from ihas.errors import RequestError
from ihas.sequential.data.additions import with_interactions
from ihas.sequential.data.sequences import Sequences, UserSequences

DATA = UserSequences(("ada", "bob"), ("a", "b"), Sequences.of([[0, 1], [1]]))


def test_items_come_behind_and_names_keep_their_numbers() -> None:
    """Bob takes a known and a new item, eve is new: known users and items keep their numbers, new ones follow in order."""
    found = with_interactions(DATA, [("bob", "a"), ("eve", "c"), ("bob", "c"), ("eve", "b")])
    assert (found.users, found.items) == (("ada", "bob", "eve"), ("a", "b", "c"))
    assert [sequence.tolist() for sequence in found.sequences] == [[0, 1], [1, 0, 2], [2, 1]]


@pytest.mark.parametrize(("pairs", "pointer"), [([], "/interactions"), ([("ada", "a"), ("", "b")], "/interactions/1")])
def test_nothing_and_nobody_are_pointed_at(pairs: list[tuple[str, str]], pointer: str) -> None:
    """No interaction, and one without a name, are refused where they stand."""
    with pytest.raises(RequestError) as caught:
        with_interactions(DATA, pairs)
    assert caught.value.pointer == pointer
