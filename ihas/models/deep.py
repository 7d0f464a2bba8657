"""Hidden layers ending in one linear unit: the deep part of several backbones, and what restricting does to it."""

from __future__ import annotations

from ihas.config.backbone import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import HiddenLayers, Weights, dense, dense_parts
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.heads import heads_of


class Deep(tf.Module):
    """logit = w . hidden(x) + b, of the first task where there are several."""

    def __init__(self, num_inputs: int, config: BackboneConfig, seed: int) -> None:
        super().__init__("deep")
        self.hidden = HiddenLayers(num_inputs, config, seed)
        self.output = dense(heads_of(config), seed + len(config.hidden))
        self.output.build((None, self.hidden.widths[-1]))

    def __call__(self, values: Tensor, seed: Tensor | None) -> Tensor:
        """float32 (batch, num_inputs) -> (batch,); `seed` int32 (2,) in training, None otherwise."""
        return self.outputs(values, seed)[:, 0]

    def outputs(self, values: Tensor, seed: Tensor | None) -> Tensor:
        """The same of every task: (batch, tasks)."""
        return self.output(self.hidden(values, seed))

    def named_variables(self) -> dict[str, Tensor]:
        """Variables by their name in `Weights`."""
        return self.hidden.named_variables() | {f"output/{part}": variable for part, variable in dense_parts(self.output)}

    def multiply_adds(self) -> int:
        """Multiply-adds of one row."""
        return self.hidden.multiply_adds() + self.hidden.widths[-1]


def restrict_first_layer(weights: Weights, kept: KeptDims) -> Weights:
    """Drop the first kernel's rows of dropped elements; rows behind those of the embedding stay."""
    first = "hidden_0/kernel" if "hidden_0/kernel" in weights else "output/kernel"
    kernel, size = weights[first], kept.mask.size
    rows = [*kept.positions.tolist(), *range(size, len(kernel))]
    return weights | {first: kernel[rows]}


class DeepBackbone(Backbone):
    """A backbone whose only variables are those of its deep part: logit = beside(e, w) + deep(deep_inputs(e))."""

    deep: Deep

    def deep_inputs(self, values: Tensor) -> Tensor:
        """What the deep part reads: float32 (batch, num_kept) -> (batch, inputs)."""
        return values

    def beside(self, values: Tensor, first_order: Tensor | None) -> Tensor | None:  # noqa: ARG002
        """What is added to the deep part's logits, (batch,), of values (batch, num_kept) and first-order weights (batch, num_fields)."""
        return None

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        logits, beside = self.deep(self.deep_inputs(values), seed), self.beside(values, first_order)
        return logits if beside is None else beside + logits

    def task_logits(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        logits = self.deep.outputs(self.deep_inputs(values), seed)
        beside = self.beside(values, None if first_order is None else first_order[..., 0])
        return (logits if beside is None else beside[:, None] + logits)[:, None]

    def named_variables(self) -> dict[str, Tensor]:
        return self.deep.named_variables()

    def restrict(self, weights: Weights, kept: KeptDims) -> Weights:
        return restrict_first_layer(weights, kept)
