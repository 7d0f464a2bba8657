"""AdaFS: every row weighs its fields (Lin et al., KDD 2022).

    s = softmax over fields of MLP(BN(e))                     one weight per field and row
    soft: w = s            hard: w = s / sum of the k largest s where s is among them, 0 elsewhere
    logit = backbone([k w_f e_f]_f),   k = num_fields when soft

The controller learns from validation rows, everything else from training rows (bilevel.py). The factor k, our choice,
keeps the mean weight of what is kept at 1, so that a backbone trained without a controller can be resumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.data.layout import FieldLayout
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import HiddenLayers, dense, dense_parts
from ihas.legacy_keras import keras, tf
from ihas.models.prediction import GroupModel
from ihas.results.run_result import Cost
from ihas.seeding import generator
from ihas.stages.evaluate.variants import group_model_cost
from ihas.training.plain import train_again, train_plain
from ihas.training.trainer import EpochListener, TrainingRows
from ihas_pipelines.runs.answers import Answers, Setting
from ihas_pipelines.studies.baselines.baseline import answers_of
from ihas_pipelines.studies.baselines.bilevel import Bilevel, BilevelTrainer
from ihas_pipelines.studies.baselines.field_weights import WeighedFields, num_chosen

CONTROLLER_HIDDEN = (32,)
SHORT_EPOCHS = 2
EVERY = 10  # training steps for each step of the controller


class Controller(tf.Module):
    """s = softmax(MLP(BN(e))): float32 (batch, num_fields * dim) -> (batch, num_fields)."""

    def __init__(self, num_fields: int, dim: int, seed: int) -> None:
        super().__init__("controller")
        self.norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3)
        self.norm.build((None, num_fields * dim))
        self.hidden = HiddenLayers(num_fields * dim, BackboneConfig(hidden=CONTROLLER_HIDDEN, batch_norm=True), seed)
        self.output = dense(num_fields, seed + len(CONTROLLER_HIDDEN))
        self.output.build((None, CONTROLLER_HIDDEN[-1]))

    def __call__(self, embedded: Tensor, seed: Tensor | None) -> Tensor:
        normed = self.norm(embedded, training=seed is not None)
        return tf.nn.softmax(self.output(self.hidden(normed, seed)))

    def all_variables(self) -> list[Tensor]:
        """Every variable, the running statistics among them."""
        layers = [*self.hidden.named_variables().values(), *(variable for _, variable in dense_parts(self.output))]
        return [*self.norm.variables, *layers]

    def num_parameters(self) -> int:
        """Numbers stored."""
        return sum(int(np.prod(variable.shape)) for variable in self.all_variables())

    def multiply_adds(self) -> int:
        """Multiply-adds of one row, normalisation of the embedding included."""
        return self.hidden.num_inputs + self.hidden.multiply_adds() + int(np.prod(self.output.kernel.shape))


class AdaptiveFields(WeighedFields):
    """Network under a controller that keeps `num_kept` fields of every row."""

    def __init__(self, layout: FieldLayout, config: LearningConfig, num_kept: int, seed: int) -> None:
        super().__init__(layout, config)
        self.num_kept, self.controller = num_kept, Controller(layout.num_fields, self.dim, seed)

    @property
    def architecture(self) -> list[Tensor]:
        """What validation rows train."""
        return [variable for variable in self.controller.all_variables() if variable.trainable]

    @property
    def saved_variables(self) -> list[Tensor]:
        return [*super().saved_variables, *self.controller.all_variables()]

    def field_weights(self, embedded: Tensor, seed: Tensor | None) -> Tensor:
        return self.num_kept * keep_largest(self.controller(embedded, seed), self.num_kept)


def keep_largest(weights: Tensor, num_kept: int) -> Tensor:
    """Each row's `num_kept` largest weights, divided by their sum, 0 elsewhere: float32 (batch, num_fields) -> the same."""
    best = tf.math.top_k(weights, num_kept).indices
    kept = weights * tf.reduce_sum(tf.one_hot(best, weights.shape[1]), axis=1)
    return kept / tf.reduce_sum(kept, axis=1, keepdims=True)


@dataclass(frozen=True)
class AdaFS:
    """The method. Settings: `pretrain`, whether the training without controller is `short` or `full`; `share`, the fields kept of each row.

    Attributes:
        name: what tables call it.
        settings: what is tuned.
    """

    name: str
    settings: tuple[Setting, ...]
    source: str = "Lin et al., KDD 2022"

    def train(self, parts: Splits, config: LearningConfig, setting: Setting, listen: EpochListener) -> Answers:
        """Without the controller first, with it for what is left of the budget."""
        rng, layout, epochs = generator(config.seed, self.name), parts.train.layout, config.training.epochs
        pretrain = epochs if setting["pretrain"] == "full" else min(SHORT_EPOCHS, epochs)
        base = train_plain(parts, config.with_training(epochs=pretrain), "base", listen)
        num_kept = num_chosen(float(setting["share"]), layout.num_fields)
        network = AdaptiveFields(layout, config, num_kept, int(rng.integers(2**30)))
        network.assign(base.weights)
        bilevel = Bilevel(network.architecture, parts.valid, EVERY)

        def trainer() -> BilevelTrainer:
            return BilevelTrainer(network, config.training, rng, bilevel)

        if pretrain < epochs:
            trainer().fit(self.name, TrainingRows.one_group(parts), epochs - pretrain, listen)
        train_again(self.name, trainer, TrainingRows.one_group(parts), config, listen)
        return answers_of(network, parts, adaptive_cost(network, config), setting)


def adaptive_cost(network: AdaptiveFields, config: LearningConfig) -> Cost:
    """Table, backbone and controller; a row's weights multiply its embedding, of which the backbone reads the kept fields."""
    shape = (network.layout.num_fields, network.dim)
    parameters, adds = group_model_cost(GroupModel("adafs", network.weights(), np.ones(shape, bool)), network.layout, config)
    parameters += network.controller.num_parameters()
    return Cost(
        parameters_per_path=parameters,
        parameters_total=parameters,
        multiply_adds=adds + network.controller.multiply_adds() + shape[0] * shape[1],
        kept_dims=network.num_kept * network.dim,
    )


PRETRAIN = ("full", "short")
SOFT = AdaFS("adafs-soft", tuple({"pretrain": pretrain, "share": 1.0} for pretrain in PRETRAIN))
HARD = AdaFS("adafs-hard", tuple({"pretrain": pretrain, "share": share} for pretrain in PRETRAIN for share in (0.5, 0.8)))
