"""PEP: embedding numbers below a learnt threshold are pruned (Liu et al., ICLR 2021).

    search:   v' = sign(v) relu(|v| - sigmoid(s)),   s learnt with v on training rows
    mask:     1[v' != 0] of the best validation epoch
    retrain:  v * mask, table and backbone from the weights that the search started from

s is one number, one per dimension, per field and dimension, or per row of the table and dimension.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Dataset, Splits
from ihas.data.layout import FieldLayout
from ihas.layers.embedding import Lookup, Tensor
from ihas.legacy_keras import tf
from ihas.models.network import Network, NetworkWeights, fresh_weights
from ihas.results.run_result import Cost
from ihas.seeding import generator
from ihas.training.trainer import EpochListener, Trainer, TrainingRows
from ihas_pipelines.runs.answers import Answers, Setting
from ihas_pipelines.studies.baselines.baseline import answers_of
from ihas_pipelines.studies.baselines.budget import search_epochs


class PrunedNetwork(Network):
    """Network that reads a pruned table; how it is pruned, a subclass says. First-order weights stay."""

    def prune(self, found: Lookup) -> Tensor:
        """Numbers read instead of those found: float32 (batch * num_slots, dim)."""
        raise NotImplementedError

    def embed_members(self, found: Lookup, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        values = tf.concat([self.prune(found), found.values[:, self.dim :]], axis=1)
        return super().embed_members(found._replace(values=values), ids)


class SoftThreshold(PrunedNetwork):
    """v' = sign(v) relu(|v| - sigmoid(s))."""

    def __init__(self, layout: FieldLayout, config: LearningConfig, per: str, start: float) -> None:
        super().__init__(layout, config.backbone, config.training.embedding_dim)
        fields = np.repeat(np.arange(layout.num_fields), layout.vocabulary_sizes)
        shapes = {"table": (1, 1), "dimension": (1, self.dim), "field": (layout.num_fields, self.dim), "row": (layout.num_rows, self.dim)}
        owners = {"table": np.zeros_like(fields), "dimension": np.zeros_like(fields), "field": fields, "row": np.arange(layout.num_rows)}
        self.strength = tf.Variable(tf.fill(shapes[per], start), name="threshold")
        self.owner = tf.constant(owners[per].astype(np.int32))

    @property
    def dense_variables(self) -> list[Tensor]:
        return [*super().dense_variables, self.strength]

    @property
    def saved_variables(self) -> list[Tensor]:
        return [*super().saved_variables, self.strength]

    def prune(self, found: Lookup) -> Tensor:
        threshold = tf.gather(tf.sigmoid(self.strength), tf.gather(self.owner, found.rows))
        return soft_threshold(found.values[:, : self.dim], threshold)

    def kept(self) -> np.ndarray:
        """What the thresholds leave: bool (num_rows, dim)."""
        threshold = tf.gather(tf.sigmoid(self.strength), self.owner).numpy()
        return np.asarray(np.abs(self.table.numpy()[:, : self.dim]) > threshold)


class MaskedTable(PrunedNetwork):
    """v' = v * mask, mask bool (num_rows, dim)."""

    def __init__(self, layout: FieldLayout, config: LearningConfig, mask: np.ndarray) -> None:
        super().__init__(layout, config.backbone, config.training.embedding_dim)
        self.mask = tf.constant(mask.astype(np.float32))

    def prune(self, found: Lookup) -> Tensor:
        return found.values[:, : self.dim] * tf.gather(self.mask, found.rows)


def soft_threshold(values: Tensor, threshold: Tensor) -> Tensor:
    """sign(v) relu(|v| - threshold), shapes broadcast."""
    return tf.sign(values) * tf.nn.relu(tf.abs(values) - threshold)


@dataclass(frozen=True)
class PEP:
    """The baseline method. Settings: `per`, what has a threshold of its own; `start`, s at first."""

    name: str = "pep"
    source: str = "Liu et al., ICLR 2021"
    settings: tuple[Setting, ...] = tuple({"per": per, "start": start} for per in ("dimension", "row") for start in (-8.0, -12.0))

    def train(self, parts: Splits, config: LearningConfig, setting: Setting, listen: EpochListener) -> Answers:
        """Search for the two short trainings, retrain for the long one."""
        layout = parts.train.layout
        start = fresh_weights(layout, config, generator(config.seed, self.name))
        mask = self.search(parts, config, setting, start, listen)
        network, rng = MaskedTable(layout, config, mask), generator(config.seed, self.name, "retrain")
        network.assign(start)
        trainer = Trainer(network, config.training, rng)
        trainer.fit(f"{self.name}/retrain", TrainingRows.one_group(parts), config.training.epochs, listen)
        return answers_of(network, parts, pruned_cost(network, mask, parts.train), setting)

    def search(
        self, parts: Splits, config: LearningConfig, setting: Setting, start: NetworkWeights, listen: EpochListener
    ) -> np.ndarray:  # fmt: skip
        """What is worth keeping of the table: bool (num_rows, dim)."""
        network = SoftThreshold(parts.train.layout, config, str(setting["per"]), float(setting["start"]))
        network.assign(start)
        trainer = Trainer(network, config.training, generator(config.seed, self.name, "search"))
        trainer.fit(f"{self.name}/search", TrainingRows.one_group(parts), search_epochs(config), listen)
        return network.kept()


def pruned_cost(network: Network, mask: np.ndarray, train: Dataset) -> Cost:
    """Kept numbers, bool (num_rows, dim), first-order weights and backbone; where they stand is not counted."""
    parameters = int(mask.sum()) + (int(network.table.shape[1]) - network.dim) * network.layout.num_rows + network.backbone.num_parameters()
    return Cost(
        parameters_per_path=parameters,
        parameters_total=parameters,
        multiply_adds=network.backbone.multiply_adds(),
        kept_dims=kept_dims(mask, train),
    )


def kept_dims(mask: np.ndarray, rows: Dataset) -> float:
    """Kept numbers of a row's values, averaged over the rows; a field of several values counts their mean."""
    per_value = np.append(mask.sum(axis=1), 0)  # padding, -1, reads the last
    means = []
    for first, width in zip(rows.layout.first_slots, rows.layout.slots, strict=True):
        ids = np.asarray(rows.ids[:, first : first + width])
        means.append((per_value[ids].sum(axis=1) / np.maximum((ids >= 0).sum(axis=1), 1)).mean())
    return float(np.sum(means))
