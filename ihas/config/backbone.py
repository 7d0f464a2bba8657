"""Settings `learning.backbone`: the network above the embedding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Self

from pydantic import Field, model_validator

from ihas.config.base import Config, Count, invalid
from ihas.config.names import NameIn
from ihas.extensions.registry import Registry

BACKBONES: Registry[str | type] = Registry(
    "backbone",
    {
        "mlp": "ihas.models.mlp:MLP",
        "lr": "ihas.models.lr:LR",
        "fm": "ihas.models.fm:FM",
        "wide_deep": "ihas.models.wide_deep:WideDeep",
        "deepfm": "ihas.models.deepfm:DeepFM",
        "dcn": "ihas.models.dcn:DCN",
        "ipnn": "ihas.models.ipnn:IPNN",
        "xdeepfm": "ihas.models.xdeepfm:XDeepFM",
        "autoint": "ihas.models.autoint:AutoInt",
        "finalmlp": "ihas.models.finalmlp:FinalMLP",
    },
)
"""Kinds of backbone, and where each is: settings are read where there is no TensorFlow, so a class is imported where it is built."""
AUTO = "auto"


class BackboneConfig(Config):
    """The network above the embedding."""

    kind: Annotated[str, NameIn(BACKBONES, also=(AUTO,))] = "mlp"
    """`mlp`: hidden layers on the concatenated embedding; `dcn`: DCN-v2, cross layers beside them; `lr`: logistic regression, the sum of
    the embedding (one dimension is enough); `fm`: factorisation machine; `wide_deep` and `deepfm`: first-order weights, or a factorisation
    machine, beside hidden layers; `ipnn`: hidden layers that also see inner products; `xdeepfm`: a compressed interaction network beside
    `wide_deep`; `autoint`: self-attention between fields beside hidden layers; `finalmlp`: two streams of hidden layers, multiplied.
    `auto`: `mlp`, `fm`, `deepfm`, `ipnn` and `dcn`, those within `budget.multiply_adds`, are trained on up to 100,000 rows for a short
    while, and validation chooses, whatever the kind costs; for tables of which only pairs of values tell, such as user and item."""
    members: Annotated[int, Field(ge=1, le=64)] = 1
    """Models among which the embedding's dimensions are divided evenly, each with a network of its own; the mean of their logits counts.
    They are trained together. Two small ones are often better than one large one of the same cost."""
    hidden: tuple[Count, ...] = (16, 8)
    """Units of each hidden layer, from the input up. Empty for no hidden layer: a linear model on the embedding, or attention alone."""
    num_cross_layers: Annotated[int, Field(ge=0, le=16)] = 2
    """Cross layers of `dcn`."""
    cin_maps: Annotated[tuple[Count, ...], Field(min_length=1)] = (16,)
    """Feature maps of each layer of `xdeepfm`'s compressed interaction network."""
    num_attention_layers: Annotated[int, Field(ge=1, le=16)] = 2
    """Attention layers of `autoint`."""
    attention_dim: Count = 32
    """Output size of each attention layer for each field, all heads together."""
    attention_heads: Count = 2
    """Heads of each attention layer."""
    second_hidden: Annotated[tuple[Count, ...], Field(min_length=1)] = (16, 8)
    """Units of each hidden layer of `finalmlp`'s second stream; `hidden` is for the first stream."""
    selection_hidden: tuple[Count, ...] = (16,)
    """Hidden units of the network that weights the embedding for each stream of `finalmlp`."""
    fusion_heads: Count = 1
    """Heads of the bilinear fusion of `finalmlp`'s streams."""
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Dropout rate of hidden units in training."""
    batch_norm: bool = True
    """Whether hidden layers use batch normalisation, before the activation."""
    batch_norm_epsilon: Annotated[float, Field(gt=0.0)] = 1e-3
    """Added to the variance that batch normalisation divides by."""

    def with_hidden(self, change: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Self:
        """The same with the hidden layers of each stream changed; last layers are rounded up to a multiple of `fusion_heads`."""
        if self.kind != "finalmlp":
            return self.model_copy(update={"hidden": change(self.hidden)})
        streams = {name: change(getattr(self, name)) for name in ("hidden", "second_hidden")}
        heads = self.fusion_heads
        return self.model_copy(update={name: (*units[:-1], -(-units[-1] // heads) * heads) for name, units in streams.items()})

    @model_validator(mode="after")
    def _heads_divide_what_they_share(self) -> Self:
        if self.kind == "autoint" and self.attention_dim % self.attention_heads:
            raise invalid(
                f"`attention_heads` must divide `attention_dim`, but got ({self.attention_heads}, {self.attention_dim}). "
                "Change one of them."
            )
        if self.kind == "finalmlp" and not self.hidden:
            raise invalid(
                "`finalmlp` must have a hidden layer in each stream, but `hidden` is empty. Write for example `hidden = [16, 8]`."
            )
        if self.kind == "finalmlp" and any(units % self.fusion_heads for units in (self.hidden[-1], self.second_hidden[-1])):
            raise invalid(
                f"`fusion_heads` must divide the last of `hidden` and of `second_hidden`, "
                f"but got {self.fusion_heads} for ({self.hidden[-1]}, {self.second_hidden[-1]}). Lower `fusion_heads`."
            )
        return self
