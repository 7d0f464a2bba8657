"""Stage 1: learn Bernoulli gates over embedding dimensions, per instance.

    min over W, b, theta:   BCE(backbone(e * z), y) + penalty(pi),   z sampled from pi (layers/gates.py)

Where every epoch is clearly below the model that the search started from, the search is given up: that model is kept, with every gate
open. Source: iHAS (Yu et al., CIKM 2023), figure 1; the start from a trained model and its end are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.mapped import scattered
from ihas.layers.gates import BernoulliGates
from ihas.models.network import Network, NetworkWeights, fresh_weights
from ihas.results.run_result import Diversity, EpochMetrics
from ihas.routing.router import Gates, embed
from ihas.seeding import generator
from ihas.stages.mask_diversity import mask_diversity
from ihas.training.trainer import EpochListener, Trainer, TrainingRows

STATISTICS_ROWS = 50_000


@dataclass(frozen=True)
class SearchResult:
    """What the search found.

    Attributes:
        weights: embedding table and backbone, trained under the gates.
        gates: the gates, to be read deterministically.
        diversity: how much the masks of validation rows differ.
        history: the search's epochs.
        given_up: whether gates cost more than they gave, so that the model it started from was kept, all gates open.
    """

    weights: NetworkWeights
    gates: Gates
    diversity: Diversity
    history: tuple[EpochMetrics, ...]
    given_up: bool = False


def search_gates(parts: Splits, start: NetworkWeights, config: LearningConfig, listen: EpochListener) -> SearchResult:
    """Train gates, embedding and backbone together from a trained plain model, and keep the best validation epoch, or that model.

    Raises:
        TrainingError: the loss became infinite or not a number.
    """
    rng, layout, dim = generator(config.seed, "search"), parts.train.layout, config.training.embedding_dim
    gates = BernoulliGates(layout.num_fields, dim, config.search, rng)
    network = Network(layout, config.backbone, dim, gates)
    network.assign(start if config.search.warm_start else fresh_weights(layout, config, rng))
    rows, trainer = TrainingRows.one_group(parts), Trainer(network, config.training, rng)
    history: tuple[EpochMetrics, ...] = ()
    if not config.search.warm_start and config.search.warmup_epochs:
        network.sampling.assign(False)
        history = trainer.fit("warm-up", rows, config.search.warmup_epochs, listen)
        network.sampling.assign(True)
    gates.start_statistics(_embed_some(parts.train, network.table.numpy()[:, :dim], rng))
    history += trainer.fit("search", rows, config.search.epochs, listen, start="floor" if config.search.warm_start else "forgotten")
    weights, frozen = network.weights(), gates.freeze()
    return SearchResult(weights, frozen, mask_diversity(parts.valid, weights.table[:, :dim], frozen), history, trainer.given_up)


def _embed_some(rows: Dataset, table: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    chosen = np.sort(rng.choice(len(rows), size=min(STATISTICS_ROWS, len(rows)), replace=False))
    return embed(scattered(rows.ids, chosen), table, rows.layout)
