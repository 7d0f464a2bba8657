"""More of what users took, behind what they took before."""

from __future__ import annotations

from collections.abc import Sequence

from ihas.errors import RequestError
from ihas.sequential.data.sequences import Sequences, UserSequences

Pair = tuple[str, str]
"""A user and an item."""


def with_interactions(data: UserSequences, interactions: Sequence[Pair]) -> UserSequences:
    """Sequences with more items at their ends; users and items that are new come behind the known ones, in the order in which they appear.

    Args:
        data: the sequences so far.
        interactions: who took what, oldest first.

    Raises:
        RequestError: there is none, or a name is empty; points into the list.
    """
    if not interactions:
        raise RequestError("At least one interaction must be added, but there is none. Name a user and an item.", "/interactions")
    for place, (user, item) in enumerate(interactions):
        if not user or not item:
            law = f"An interaction must name a user and an item, but got {user!r} and {item!r}."
            raise RequestError(law, f"/interactions/{place}")
    users, items = _numbers(data.users, [user for user, _ in interactions]), _numbers(data.items, [item for _, item in interactions])
    histories = [sequence.tolist() for sequence in data.sequences] + [[] for _ in range(len(users) - len(data.users))]
    for user, item in interactions:
        histories[users[user]].append(items[item])
    return UserSequences(tuple(users), tuple(items), Sequences.of(histories))


def _numbers(known: Sequence[str], named: Sequence[str]) -> dict[str, int]:
    """Number of each name, the known ones first."""
    return {name: number for number, name in enumerate(dict.fromkeys([*known, *named]))}
