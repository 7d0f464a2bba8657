"""AutoField: the same fields for every row (Wang et al., WWW 2022).

    p_f = softmax((a_f + Gumbel) / tau)[keep],   a_f two logits,   tau = max(.01, 1 - 5e-5 steps)
    search: backbone([p_f e_f]_f), a trained on validation rows (bilevel.py);   afterwards p_f = softmax(a_f)[keep]
    retrain: the k fields of largest p_f alone, from fresh weights

One Gumbel draw a batch; other draws and temperatures are the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.data.layout import FieldLayout
from ihas.export.onnx_export import restricted_backbone
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf
from ihas.models.network import Network, fresh_weights
from ihas.models.prediction import GroupModel
from ihas.results.run_result import Cost
from ihas.seeding import generator
from ihas.training.trainer import EpochListener, Trainer, TrainingRows
from ihas_pipelines.runs.answers import Answers, Setting
from ihas_pipelines.studies.baselines.baseline import answers_of
from ihas_pipelines.studies.baselines.bilevel import Bilevel, BilevelTrainer
from ihas_pipelines.studies.baselines.budget import search_epochs
from ihas_pipelines.studies.baselines.field_weights import ChosenFields, WeighedFields, num_chosen

EVERY = 1  # training steps for each step of the logits
DRAWS_OF_A_STEP = 2  # one for the weights, one for the logits
COOLING, COLDEST = 5e-5, 0.01


class SearchedFields(WeighedFields):
    """Network under a keep-or-drop draw for every field."""

    def __init__(self, layout: FieldLayout, config: LearningConfig) -> None:
        super().__init__(layout, config)
        self.logits = tf.Variable(tf.zeros([layout.num_fields, 2]), name="keep_or_drop")
        self.draws = tf.Variable(0.0, trainable=False, name="draws")

    @property
    def saved_variables(self) -> list[Tensor]:
        return [*super().saved_variables, self.logits]

    def field_weights(self, embedded: Tensor, seed: Tensor | None) -> Tensor:  # noqa: ARG002
        if seed is None:
            return tf.nn.softmax(self.logits)[None, :, 0]
        temperature = tf.maximum(COLDEST, 1.0 - COOLING * self.draws.assign_add(1.0) / DRAWS_OF_A_STEP)
        uniform = tf.random.stateless_uniform(self.logits.shape, seed, minval=1e-6, maxval=1.0 - 1e-6)
        gumbel = -tf.math.log(-tf.math.log(uniform))
        return tf.nn.softmax((self.logits + gumbel) / temperature)[None, :, 0]


@dataclass(frozen=True)
class AutoField:
    """The baseline method. Setting: `share`, the fields kept."""

    name: str = "autofield"
    source: str = "Wang et al., WWW 2022"
    settings: tuple[Setting, ...] = ({"share": 0.9}, {"share": 0.75}, {"share": 0.6}, {"share": 0.4})

    def train(self, parts: Splits, config: LearningConfig, setting: Setting, listen: EpochListener) -> Answers:
        """Search for the two short trainings, retrain for the long one."""
        layout = parts.train.layout
        chosen = largest(self.search(parts, config, listen), num_chosen(float(setting["share"]), layout.num_fields))
        rng, network = generator(config.seed, self.name, "retrain"), ChosenFields(layout, config, chosen)
        network.assign(fresh_weights(layout, config, rng))
        trainer = Trainer(network, config.training, rng)
        trainer.fit(f"{self.name}/retrain", TrainingRows.one_group(parts), config.training.epochs, listen)
        return answers_of(network, parts, chosen_cost(network, chosen, config), setting)

    def search(self, parts: Splits, config: LearningConfig, listen: EpochListener) -> np.ndarray:
        """How strongly each field is kept: float32 (num_fields,)."""
        rng, network = generator(config.seed, self.name, "search"), SearchedFields(parts.train.layout, config)
        network.assign(fresh_weights(parts.train.layout, config, rng))
        trainer = BilevelTrainer(network, config.training, rng, Bilevel([network.logits], parts.valid, EVERY))
        trainer.fit(f"{self.name}/search", TrainingRows.one_group(parts), search_epochs(config), listen)
        return np.asarray(tf.nn.softmax(network.logits)[:, 0])


def largest(values: np.ndarray, number: int) -> np.ndarray:
    """Which values are among the `number` largest, the earlier of equals first: float (n,) -> bool (n,)."""
    chosen = np.zeros(len(values), bool)
    chosen[np.argsort(-values, kind="stable")[:number]] = True
    return chosen


def chosen_cost(network: Network, chosen: np.ndarray, config: LearningConfig) -> Cost:
    """Table and backbone of the chosen fields, bool (num_fields,), and nothing of the others."""
    mask = np.repeat(chosen[:, None], network.dim, axis=1)
    backbone = restricted_backbone(GroupModel("autofield", network.weights(), mask), config)
    rows = int(np.dot(network.layout.vocabulary_sizes, chosen))
    parameters = rows * int(network.table.shape[1]) + backbone.num_parameters()
    return Cost(
        parameters_per_path=parameters, parameters_total=parameters, multiply_adds=backbone.multiply_adds(), kept_dims=float(mask.sum())
    )  # fmt: skip
