"""Transfer between domains: how sequences are cut, and what is ranked, by hand; a gain that is there by construction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.sequential.ladder_config import TransferRecipe
from ihas.sequential.sequences import Sequences
from pipelines.recipe import read_of_kind
from pipelines.scaling.transfer import carry_out, disjoint, mixed

RECIPES = Path(__file__).parents[3] / "pipelines" / "recipes" / "transfer"
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


def test_what_the_other_domain_tells_is_gained(tmp_path: Path) -> None:
    """Every second item is told by the one before it alone: where that is of the other half, only both know it."""
    rng = np.random.default_rng(0)
    lines = []
    for user in range(400):
        told = rng.permutation(20)[:6]
        lines.append(f"u{user} " + " ".join(f"hint{one} item{one}" for one in told))
    (tmp_path / "taken.txt").write_text("\n".join(lines) + "\n")
    (tmp_path / "transfer.toml").write_text(
        'kind = "transfer"\n[data]\npath = "taken.txt"\nformat = "sequences"\n'
        "[learning.transformer]\nnum_layers = 1\ndim = 16\ndropout_first = 0.0\n"
        "[learning.training]\nepochs = 12\nbatch_targets = 128\nlearning_rate = 0.01\nseed = 3\n"
    )
    heard: list[str] = []
    found = carry_out(read_of_kind(tmp_path / "transfer.toml", TransferRecipe), heard.append)
    assert (found.task, found.gain > 0.1, found.difference.low > 0.0) == ("mixed", True, True)
    assert {line.partition(":")[0] for line in heard} == {"alone", "both"}


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path: Path) -> None:
    """Mixed domains are the halves of one file, disjoint ones two files."""
    assert (read_of_kind(path, TransferRecipe).other is None) == (path.stem == "mixed")
