"""Several small models instead of a large one: members, each on its own dimensions of every field.

    e_fm    dimensions m D, ..., (m + 1) D - 1 of field f,   D = dim / M
    logit = 1/M sum_m backbone_m([e_fm]_f)

Members are trained by the sum of their losses, not by the loss of the mean: the mean's gradient is nearly the same for all of them, so
that they learn the same. Source: multi-embedding (Guo et al., ICML 2024), deep ensembles (Lakshminarayanan et al., NeurIPS 2017); the
sum of the losses is our choice (docs/methods/ihas.md).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ihas.bundle.values import TwoSided
from ihas.config.backbone import BackboneConfig
from ihas.layers.embedding import Tensor
from ihas.layers.hidden import Weights
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.two_sided import joined
from ihas.models.two_sided_graph import SumsGraph

Build = Callable[[KeptDims, BackboneConfig, int], Backbone]


class Ensemble(Backbone):
    """Members of one kind; the mean of their logits.

    A member of which nothing is kept is the constant that it gives for zeros.
    """

    def __init__(self, kept: KeptDims, config: BackboneConfig, seed: int, build: Build, *, uses_first_order: bool) -> None:
        """
        Args:
            kept: kept elements; the number of members divides its dimensions.
            config: settings of the members.
            seed: below 2**31; the first member starts as a model alone with this seed does.
            build: builds a member.
            uses_first_order: whether members do.
        """
        super().__init__(kept, config)
        self.uses_first_order = uses_first_order  # type: ignore[misc]  # a class's own where there is one member
        self._build, self._own = build, config.model_copy(update={"members": 1})
        seeds = [seed, *np.random.default_rng(seed).integers(2**30, size=config.members - 1).tolist()]
        self._columns = [np.flatnonzero(columns) for columns in _member_of_kept(kept, config.members)]
        self.members = [self._member(own, one) for own, one in zip(split_mask(kept.mask, config.members), seeds, strict=True)]

    def _member(self, mask: np.ndarray, seed: int) -> Backbone:
        return self._build(KeptDims(mask), self._own, seed) if mask.any() else Constant(KeptDims(mask), self._own)

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        shares = None if first_order is None else first_order[..., None] / len(self.members)
        return tf.reduce_mean(self.member_logits(values, shares, seed), axis=1)

    def member_logits(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        logits = []
        for number, (member, own) in enumerate(zip(self.members, self._values(values), strict=True)):
            weights = None if first_order is None else first_order[..., min(number, first_order.shape[-1] - 1)]
            logits.append(member(own, weights, None if seed is None else seed + [number, 0]))
        return tf.stack(logits, axis=1)

    def task_logits(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:
        logits = []
        for number, (member, own) in enumerate(zip(self.members, self._values(values), strict=True)):
            place = 0 if first_order is None else min(number, first_order.shape[-1] - 1)
            weights = None if first_order is None else first_order[..., place : place + 1]
            logits.append(member.task_logits(own, weights, None if seed is None else seed + [number, 0]))
        return tf.concat(logits, axis=1)

    def _values(self, values: Tensor) -> list[Tensor]:
        """Each member's kept elements; a gather's gradient costs all members' elements, so that there is none where all are kept."""
        if self.kept.mask.all():
            return by_member(values, self.kept, len(self.members))
        return [tf.gather(values, columns, axis=1) for columns in self._columns]

    def named_variables(self) -> dict[str, Tensor]:
        return {
            member_name(m, name): variable for m, member in enumerate(self.members) for name, variable in member.named_variables().items()
        }

    def multiply_adds(self) -> int:
        return sum(member.multiply_adds() for member in self.members)

    def restrict(self, weights: Weights, kept: KeptDims) -> Weights:
        cut: Weights = {}
        for number, mask in enumerate(split_mask(kept.mask, len(self.members))):
            own = weights_of(weights, number)
            part = self._member(mask, 0).restrict(own, KeptDims(mask)) if mask.any() else self._constant(own, mask)
            cut |= {member_name(number, name): value for name, value in part.items()}
        return cut

    def _constant(self, weights: Weights, mask: np.ndarray) -> Weights:
        """What a member gives for zeros, as the weights of `Constant`."""
        if set(weights) == {"output/bias"}:
            return dict(weights)
        whole = self._build(KeptDims(np.ones_like(mask)), self._own, 0)
        whole.assign(weights)
        first_order = tf.zeros([1, len(mask)]) if whole.uses_first_order else None
        return {"output/bias": whole(tf.zeros([1, mask.size]), first_order, None).numpy()}

    def two_sided(self, weights: Weights, mask: np.ndarray, config: BackboneConfig) -> TwoSided | None:
        own = config.model_copy(update={"members": 1})
        masks = split_mask(mask, len(self.members))
        parts = [member.two_sided(weights_of(weights, m), masks[m], own) for m, member in enumerate(self.members)]
        whole = [part for part in parts if part is not None]
        return joined(whole, self._columns, mask) if len(whole) == len(parts) else None


class Constant(Backbone):
    """A member of which no dimension is kept: a constant, and first-order weights where there are any."""

    def __init__(self, kept: KeptDims, config: BackboneConfig) -> None:
        super().__init__(kept, config)
        self.bias = tf.Variable([0.0])

    def __call__(self, values: Tensor, first_order: Tensor | None, seed: Tensor | None) -> Tensor:  # noqa: ARG002
        linear = tf.zeros(tf.shape(values)[:1]) if first_order is None else tf.reduce_sum(first_order, axis=1)
        return self.bias + linear

    def named_variables(self) -> dict[str, Tensor]:
        return {"output/bias": self.bias}

    def multiply_adds(self) -> int:
        return 0

    def restrict(self, weights: Weights, kept: KeptDims) -> Weights:  # noqa: ARG002
        return dict(weights)

    def two_sided(self, weights: Weights, mask: np.ndarray, config: BackboneConfig) -> TwoSided:  # noqa: ARG002
        return TwoSided(np.zeros((0, 1), np.float32), weights["output/bias"], False, SumsGraph(1).finish("sums"))


def by_member(values: Tensor, kept: KeptDims, members: int) -> list[Tensor]:
    """Each member's elements of an embedding that is kept whole: (batch, num_fields * dim) -> (batch, num_fields * dim / members) each."""
    split = tf.unstack(tf.reshape(values, [-1, kept.num_fields, members, kept.mask.shape[1] // members]), axis=2)
    return [tf.reshape(own, [-1, kept.mask.size // members]) for own in split]


def split_mask(mask: np.ndarray, members: int) -> list[np.ndarray]:
    """Each member's columns of a mask: bool (num_fields, dim) -> (num_fields, dim / members) each."""
    return np.split(mask, members, axis=1)


def weights_of(weights: Weights, number: int) -> Weights:
    """A member's own weights, by their names in it."""
    before = member_name(number, "")
    return {name.removeprefix(before): value for name, value in weights.items() if name.startswith(before)}


def member_name(number: int, name: str) -> str:
    """A member's weight among those of all."""
    return f"member_{number}/{name}"


def _member_of_kept(kept: KeptDims, members: int) -> list[np.ndarray]:
    """For each member, which of the kept elements are its own: bool (num_kept,) each."""
    dim = kept.mask.shape[1]
    owner = kept.positions % dim // (dim // members)
    return [owner == number for number in range(members)]
