"""What another domain brings: a transformer trained on one domain alone, and on both, ranked on the one's items.

    python -m pipelines.scaling.transfer --recipe FILE --folder FOLDER

Mixed domains share users: the items of one file are drawn into two halves, and a history holds what a user took of both. Disjoint domains
share nothing but the network: two files, sequences of each beside the other's. Both are ranked on the same test items of the first domain
among its items alone. Tasks: Zhang et al., RecSys 2024 (LSRM); how sequences are cut is our choice.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ihas.config import Config
from ihas.folders import write_whole
from ihas.results import Interval
from ihas.seeding import generator
from ihas.sequential.evaluators import of_domain, transfer_gain, within_domain
from ihas.sequential.full_ranking import score_blocks
from ihas.sequential.ladder_config import TransferRecipe
from ihas.sequential.ranking import RankingFigures, discounted_gains, figures, paired_difference, target_ranks
from ihas.sequential.reading import read_sequences
from ihas.sequential.sequences import NextItem, Sequences, leave_one_out
from ihas.sequential.transformer import Transformer
from ihas.sequential.transformer_training import train_transformer
from pipelines.recipe import read_of_kind

Say = Callable[[str], None]


class Transfer(Config):
    """What a domain gains from another one."""

    task: str
    """`mixed` or `disjoint`."""
    alone: RankingFigures
    """Figures after training on the domain alone."""
    both: RankingFigures
    """Figures after training on both."""
    gain: float
    """NDCG@10 of both over that of the domain alone, minus 1."""
    difference: Interval
    """NDCG@10 of both minus that of the domain alone, on the same rows, with its 95 % interval over rows."""


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
    return Domains(len(members), members, _joined(parts.train, shifted), parts.valid, parts.test)


def carry_out(recipe: TransferRecipe, say: Say) -> Transfer:
    """Train twice, rank twice.

    Raises:
        ConfigError, DataError, TrainingError: as reading and training say.
    """
    data = read_sequences(recipe.data)
    if recipe.other is None:
        half = generator(recipe.learning.training.seed, "halves").permutation(data.num_items) < data.num_items // 2
        domains = mixed(data.sequences, half)
    else:
        other = read_sequences(recipe.other)
        domains = disjoint(data.sequences, data.num_items, other.sequences, other.num_items)
    alone = _ranks(domains.alone(), recipe, lambda told: say(f"alone: {told}"))
    both = _ranks(domains, recipe, lambda told: say(f"both: {told}"))
    return Transfer(
        task="mixed" if recipe.other is None else "disjoint",
        alone=figures(alone),
        both=figures(both),
        gain=transfer_gain(both, alone),
        difference=paired_difference(discounted_gains(both, 10), discounted_gains(alone, 10)),
    )


def _ranks(domains: Domains, recipe: TransferRecipe, say: Say) -> np.ndarray:
    learning = recipe.learning
    trained = train_transformer(
        domains.train, domains.valid, domains.num_items, learning.transformer, learning.training,
        lambda epoch: say(f"epoch {epoch.epoch}, validation {epoch.valid:.4f}"),
    )  # fmt: skip
    network = Transformer(domains.num_items, learning.transformer, np.random.default_rng(0))
    network.assign(trained.weights)
    return domain_ranks(network, domains)


def domain_ranks(network: Transformer, domains: Domains) -> np.ndarray:
    """Place of each test item among the first domain's items that its history does not hold, ties against it: int64 (rows,)."""
    number, found = np.cumsum(domains.members) - 1, np.empty(len(domains.test), np.int64)
    for rows, scores in score_blocks(network, domains.test.histories):
        histories = within_domain(domains.test.histories.take(rows), domains.members)
        found[rows] = target_ranks(scores[:, domains.members], number[domains.test.targets[rows]], histories)
    return found


def _joined(first: Sequences, second: Sequences) -> Sequences:
    offsets = np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]])
    return Sequences(offsets, np.concatenate([first.items, second.items]))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Carry out a recipe and print what the domain gains."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.scaling.transfer", description=__doc__)
    parser.add_argument("--recipe", type=Path, required=True, help="TOML or JSON file of the kind transfer")
    parser.add_argument("--folder", type=Path, required=True, help="folder of transfer.json")
    arguments = parser.parse_args()
    found = carry_out(read_of_kind(arguments.recipe, TransferRecipe), _say)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    write_whole(arguments.folder / "transfer.json", found.model_dump_json(indent=1))
    alone, both, by = found.alone.ndcg[10], found.both.ndcg[10], found.difference
    sys.stdout.write(
        f"{found.task}: NDCG@10 {alone:.4f} alone, {both:.4f} with both ({found.gain:+.1%}; {by.low:+.4f} to {by.high:+.4f})\n"
    )


if __name__ == "__main__":
    main()
