"""What another domain brings: a transformer trained on one domain alone, and on both, ranked on the one's items.

    python -m pipelines.studies.scaling.transfer --recipe FILE --folder FOLDER

Both are ranked on the same test items of the first domain among its items alone; `transfer.json` in the folder says how. Tasks: Zhang et
al., RecSys 2024 (LSRM). Exit status: 0 succeeded, 4 bad data or settings, 5 training failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ihas.config.base import Config
from ihas.config.size_sweep import TransferRecipe
from ihas.folders import write_whole
from ihas.legacy_keras import tf
from ihas.results.run_result import Interval
from ihas.seeding import generator
from ihas.sequential.data.ranking import RankingMetrics, discounted_gains, paired_difference, ranking_metrics
from ihas.sequential.data.reading import read_sequences
from ihas.sequential.scaling.evaluators import transfer_gain
from ihas.sequential.transformer.model import Transformer
from ihas.sequential.transformer.training import train_transformer
from pipelines.runs.exit_status import say, status_of
from pipelines.runs.recipe import read_of_kind
from pipelines.runs.run import threads
from pipelines.studies.scaling.domains import Domains, disjoint, domain_ranks, mixed

Say = Callable[[str], None]


class Transfer(Config):
    """What a domain gains from another one."""

    task: str
    """`mixed` or `disjoint`."""
    alone: RankingMetrics
    """Figures after training on the domain alone."""
    both: RankingMetrics
    """Figures after training on both."""
    gain: float
    """NDCG@10 of both over that of the domain alone, minus 1."""
    difference: Interval
    """NDCG@10 of both minus that of the domain alone, on the same rows, with its 95 % interval over rows."""

    @property
    def sentence(self) -> str:
        """What was found, in a line."""
        alone, both, by = self.alone.ndcg[10], self.both.ndcg[10], self.difference
        return f"{self.task}: NDCG@10 {alone:.4f} alone, {both:.4f} with both ({self.gain:+.1%}; {by.low:+.4f} to {by.high:+.4f})"


def main(given: Sequence[str] | None = None) -> int:
    """Carry out a recipe and print what the domain gains; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.studies.scaling.transfer", description=__doc__)
    parser.add_argument("--recipe", type=Path, required=True, help="TOML or JSON file of the kind transfer")
    parser.add_argument("--folder", type=Path, required=True, help="folder of transfer.json")
    arguments = parser.parse_args(given)
    return status_of(lambda: _carry_out(read_of_kind(arguments.recipe, TransferRecipe), arguments.folder))


def _carry_out(recipe: TransferRecipe, folder: Path) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(threads(recipe.run))
    found = carry_out(recipe, say)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "transfer.json", found.model_dump_json(indent=1))
    say(found.sentence)


def carry_out(recipe: TransferRecipe, say: Say) -> Transfer:
    """Train twice, rank twice.

    Raises:
        ConfigError, DataError, TrainingError: as reading and training say.
    """
    domains = read_domains(recipe)
    alone = _ranks(domains.alone(), recipe, lambda told: say(f"alone: {told}"))
    both = _ranks(domains, recipe, lambda told: say(f"both: {told}"))
    return Transfer(
        task="mixed" if recipe.other is None else "disjoint",
        alone=ranking_metrics(alone),
        both=ranking_metrics(both),
        gain=transfer_gain(both, alone),
        difference=paired_difference(discounted_gains(both, 10), discounted_gains(alone, 10)),
    )


def _ranks(domains: Domains, recipe: TransferRecipe, say: Say) -> np.ndarray:
    learning = recipe.learning
    trained = train_transformer(
        domains.train, domains.valid, domains.num_items, learning.transformer, learning.training,
        lambda epoch: say(f"epoch {epoch.epoch}, validation {epoch.valid:.4f}"),
    )  # fmt: skip
    return domain_ranks(Transformer.of(learning.transformer, trained.weights), domains)


def read_domains(recipe: TransferRecipe) -> Domains:
    """The recipe's domains: two halves of a file's items, or two files.

    Raises:
        ConfigError, DataError: as reading says.
    """
    data = read_sequences(recipe.data)
    if recipe.other is None:
        half = generator(recipe.learning.training.seed, "halves").permutation(data.num_items) < data.num_items // 2
        return mixed(data.sequences, half)
    other = read_sequences(recipe.other)
    return disjoint(data.sequences, data.num_items, other.sequences, other.num_items)


if __name__ == "__main__":
    sys.exit(main())
