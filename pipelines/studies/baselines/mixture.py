"""Mixture of experts: K backbones on one embedding (Jacobs et al., Neural Computation 1991; gate as in Shazeer et al., ICLR 2017, dense).

logit = sum_k g_k backbone_k(e),   g = softmax(W e + b)

Mixing logits instead of probabilities is our choice. With K = 1 it is the plain model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.data.dataset import Splits
from ihas.data.layout import FieldLayout
from ihas.layers.embedding import Lookup, Tensor
from ihas.layers.hidden import dense
from ihas.legacy_keras import tf
from ihas.models.backbone import KeptDims
from ihas.models.network import Network, fresh_weights
from ihas.models.registry import build_backbone
from ihas.results.run_result import Cost
from ihas.seeding import generator
from ihas.training.plain import train_again
from ihas.training.trainer import EpochListener, Trainer, TrainingRows
from ihas_pipelines.runs.answers import Answers, Setting
from ihas_pipelines.studies.baselines.baseline import answers_of


class MixtureNetwork(Network):
    """Network with several backbones; the first is the network's own."""

    def __init__(self, layout: FieldLayout, config: LearningConfig, num_experts: int, rng: np.random.Generator) -> None:
        super().__init__(layout, config.backbone, config.training.embedding_dim)
        kept = KeptDims.all(layout.num_fields, self.dim)
        others = [build_backbone(config.backbone, kept, int(rng.integers(2**30))) for _ in range(num_experts - 1)]
        self.experts = [self.backbone, *others]
        self.gate = dense(num_experts, int(rng.integers(2**30)))
        self.gate.build((None, kept.num_kept))

    @property
    def added_variables(self) -> list[Tensor]:
        """Variables of the gate and of every backbone but the first."""
        experts = [variable for expert in self.experts[1:] for variable in expert.named_variables().values()]
        return [*experts, *self.gate.variables]

    @property
    def dense_variables(self) -> list[Tensor]:
        return [*super().dense_variables, *(variable for variable in self.added_variables if variable.trainable)]

    @property
    def saved_variables(self) -> list[Tensor]:
        return [*super().saved_variables, *self.added_variables]

    def mixed_logits(self, found: Lookup, ids: Tensor, seed: Tensor | None) -> Tensor:
        """Logits (batch,)."""
        embedded, first_order = self.embed(found, ids)
        seeds = [None if seed is None else seed + [k, 0] for k in range(len(self.experts))]
        logits = [expert(embedded, first_order, own) for expert, own in zip(self.experts, seeds, strict=True)]
        return tf.reduce_sum(tf.nn.softmax(self.gate(embedded)) * tf.stack(logits, axis=1), axis=1)

    def train_logits(self, found: Lookup, ids: Tensor, group: Tensor, seed: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        return self.mixed_logits(found, ids, seed), tf.constant(0.0)

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)])
    def predict(self, ids: Tensor, group: Tensor) -> Tensor:  # noqa: ARG002
        return self.mixed_logits(self.look_up(ids), ids, None)


@dataclass(frozen=True)
class Mixture:
    """The baseline method. Setting: `experts`, K."""

    name: str = "mixture"
    source: str = "Jacobs et al., Neural Computation 1991"
    settings: tuple[Setting, ...] = ({"experts": 2}, {"experts": 3}, {"experts": 4})

    def train(self, parts: Splits, config: LearningConfig, setting: Setting, listen: EpochListener) -> Answers:
        """Trained as the base is."""
        rng, layout = generator(config.seed, self.name), parts.train.layout
        network = MixtureNetwork(layout, config, int(setting["experts"]), rng)
        network.assign(fresh_weights(layout, config, rng))

        def trainer() -> Trainer:
            return Trainer(network, config.training, rng)

        rows = TrainingRows.one_group(parts)
        trainer().fit(self.name, rows, config.training.epochs, listen)
        train_again(self.name, trainer, rows, config, listen)
        return answers_of(network, parts, mixture_cost(network), setting)


def mixture_cost(network: MixtureNetwork) -> Cost:
    """One table, every backbone and the gate, all of which a row passes through."""
    elements, num_experts = network.layout.num_fields * network.dim, len(network.experts)
    parameters = int(np.prod(network.table.shape)) + num_experts * network.backbone.num_parameters() + (elements + 1) * num_experts
    return Cost(
        parameters_per_path=parameters,
        parameters_total=parameters,
        multiply_adds=num_experts * (network.backbone.multiply_adds() + elements + 1),
        kept_dims=elements,
    )
