"""How sequences of two domains are cut, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.sequential.data.sequences import Sequences
from ihas_pipelines.kinds.transfer.domains import disjoint, mixed

pytestmark = pytest.mark.tf

FIRST = np.array([True, True, True, True, False, False])
SEQUENCES = Sequences.of([[0, 4, 1, 5, 2, 4, 3, 5], [4, 5, 0, 1]])


def _lists(sequences: Sequences) -> list[list[int]]:
    return [items.tolist() for items in sequences]


def test_mixed_histories_are_cut_before_the_targets() -> None:
    """Of items 0 to 3 the last is tested, the one before validates; a user with two of them is trained on whole."""
    found = mixed(SEQUENCES, FIRST)
    assert _lists(found.train) == [[0, 4, 1, 5], [4, 5, 0, 1]]
    assert (_lists(found.valid.histories), found.valid.targets.tolist()) == ([[0, 4, 1, 5]], [2])
    assert (_lists(found.test.histories), found.test.targets.tolist()) == ([[0, 4, 1, 5, 2, 4]], [3])
    assert found.test.users.tolist() == [0]


def test_alone_is_the_same_without_the_other_domain() -> None:
    """Targets are the same, and what the user took of the other domain is not seen."""
    found = mixed(SEQUENCES, FIRST).alone()
    assert (found.num_items, _lists(found.train)) == (4, [[0, 1], [0, 1]])
    assert (_lists(found.test.histories), found.test.targets.tolist()) == ([[0, 1, 2]], [3])


def test_disjoint_domains_are_trained_on_side_by_side() -> None:
    """The other domain's items are numbered after the first one's, and its sequences are whole."""
    found = disjoint(Sequences.of([[0, 1, 2], [2, 1, 0]]), 3, Sequences.of([[1, 0], [0, 0]]), 2)
    assert _lists(found.train) == [[0], [2], [4, 3], [3, 3]]
    assert (found.num_items, found.members.tolist()) == (5, [True, True, True, False, False])
    assert found.test.targets.tolist() == [2, 0]
