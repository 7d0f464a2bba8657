"""Two domains, cut so that a model of one and a model of both are asked the same.

Mixed domains share users: the items of one file are drawn into two halves, and a history holds what a user took of both. Disjoint domains
share nothing but the network: two files, sequences of each beside the other's. How sequences are cut is our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.sequential.data.ranking import target_ranks
from ihas.sequential.data.sequences import NextItem, Sequences, leave_one_out
from ihas.sequential.scaling.evaluators import of_domain, within_domain
from ihas.sequential.transformer.full_ranking import score_blocks
from ihas.sequential.transformer.model import Transformer


@dataclass(frozen=True)
class Domains:
    """Rows of the first domain's test items, and what is trained on.

    Attributes:
        num_items: items of both.
        members: bool (num_items,). Items of the first domain.
        train: sequences of both.
        valid, test: rows whose targets are of the first domain, with histories of both.
    """

    num_items: int
    members: np.ndarray
    train: Sequences
    valid: NextItem
    test: NextItem

    def alone(self) -> Domains:
        """The first domain without the other: the same targets."""
        number = np.cumsum(self.members) - 1
        rows = [
            NextItem(part.users, within_domain(part.histories, self.members), number[part.targets].astype(np.int32))
            for part in (self.valid, self.test)
        ]
        everything = np.ones(int(self.members.sum()), bool)
        return Domains(len(everything), everything, of_domain(self.train, self.members), *rows)


def mixed(sequences: Sequences, members: np.ndarray) -> Domains:
    """Of users with three items or more of the domain the last is tested, the one before validates, what came before is trained on."""
    train, users, ends = list[np.ndarray](), list[int](), list[np.ndarray]()
    for user, items in enumerate(sequences):
        places = np.flatnonzero(members[items])
        train.append(items if len(places) < 3 else items[: places[-2]])
        if len(places) >= 3:
            users.append(user)
            ends.append(places[-2:])
    rows = [
        NextItem(
            np.array(users, np.int64),
            Sequences.of([sequences[user][: end[part]] for user, end in zip(users, ends, strict=True)]),
            np.array([sequences[user][end[part]] for user, end in zip(users, ends, strict=True)], np.int32),
        )
        for part in (0, 1)
    ]
    return Domains(len(members), members, Sequences.of(train), *rows)


def disjoint(first: Sequences, num_first: int, other: Sequences, num_other: int) -> Domains:
    """The other domain's sequences are trained on beside the first one's; its items are numbered after them."""
    parts = leave_one_out(first)
    shifted = Sequences(other.offsets, (other.items + num_first).astype(np.int32))
    members = np.arange(num_first + num_other) < num_first
    return Domains(len(members), members, parts.train.followed_by(shifted), parts.valid, parts.test)


def domain_ranks(network: Transformer, domains: Domains) -> np.ndarray:
    """Place of each test item among the first domain's items that its history does not hold, ties against it: int64 (rows,)."""
    number, found = np.cumsum(domains.members) - 1, np.empty(len(domains.test), np.int64)
    for rows, scores in score_blocks(network, domains.test.histories):
        histories = within_domain(domains.test.histories.take(rows), domains.members)
        found[rows] = target_ranks(scores[:, domains.members], number[domains.test.targets[rows]], histories)
    return found
