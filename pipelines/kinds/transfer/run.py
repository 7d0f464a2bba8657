"""A recipe of the kind `transfer`, carried out: a transformer trained on one domain alone, and on both, ranked on the first one's items.

Both are ranked on the same test items of the first domain among its items alone; `transfer.json` and `result.json` in the folder hold the
metrics. Tasks: Zhang et al., RecSys 2024 (LSRM).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ihas.config.size_sweep import TransferRecipe
from ihas.folders import write_whole
from ihas.seeding import generator
from ihas.sequential.data.ranking import discounted_gains, paired_difference, ranking_metrics
from ihas.sequential.data.reading import read_sequences
from ihas.sequential.scaling.evaluators import transfer_gain
from ihas.sequential.transformer.model import Transformer
from ihas.sequential.transformer.training import train_transformer
from ihas_pipelines.kinds.transfer.domains import Domains, disjoint, domain_ranks, mixed
from ihas_pipelines.kinds.transfer.values import Transfer
from ihas_pipelines.runs.progress import Report
from ihas_pipelines.runs.reporter import Reporter
from ihas_pipelines.runs.threads import limit_threads

SHARES = {"reading": 0.02, "base": 0.88, "evaluate": 0.10}


def run_transfer(recipe: TransferRecipe, folder: Path, report: Report) -> Transfer:
    """Carry out a recipe in a process of its own.

    Raises:
        ConfigError, DataError, TrainingError: as reading and training say.
    """
    limit_threads(recipe.run)
    reporter = Reporter(report, SHARES)
    result = carry_out(recipe, reporter)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("transfer.json", "result.json"):
        write_whole(folder / name, result.model_dump_json(indent=1))
    reporter.finish(result.verdict)
    return result


def carry_out(recipe: TransferRecipe, reporter: Reporter) -> Transfer:
    """Train twice, rank twice; in this process.

    Raises:
        ConfigError, DataError, TrainingError: as reading and training say.
    """
    reporter.enter("reading", f"Reading {recipe.data.path.name}")
    domains = read_domains(recipe)
    reporter.enter("base", "Training on one domain alone", (0, 2))
    alone = _ranks(domains.alone(), recipe, reporter)
    reporter.enter("base", "Training on both domains", (1, 2))
    both = _ranks(domains, recipe, reporter)
    reporter.enter("evaluate", "Comparing both on the first domain")
    return Transfer(
        name=recipe.name,
        task="mixed" if recipe.other is None else "disjoint",
        alone=ranking_metrics(alone),
        both=ranking_metrics(both),
        gain=transfer_gain(both, alone),
        difference=paired_difference(discounted_gains(both, 10), discounted_gains(alone, 10)),
    )


def _ranks(domains: Domains, recipe: TransferRecipe, reporter: Reporter) -> np.ndarray:
    learning = recipe.learning
    settings = (learning.transformer, learning.training)
    trained = train_transformer(domains.train, domains.valid, domains.num_items, *settings, reporter.step)
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
