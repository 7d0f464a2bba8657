"""From trained weights to a served model: cut away what the mask drops, and write the arithmetic as an ONNX graph.

The graph holds the backbone only; the embedding table stays outside as plain data.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable

import numpy as np

from ihas.bundle.values import ExportedModel
from ihas.config.learning import LearningConfig
from ihas.data.layout import FieldLayout
from ihas.export.folding import fold_batch_norm
from ihas.export.onnx_names import renamed_by_place
from ihas.layers.embedding import Tensor
from ihas.legacy_keras import tf
from ihas.models.backbone import Backbone, KeptDims
from ihas.models.network import NetworkWeights
from ihas.models.prediction import GroupModel
from ihas.models.registry import build_backbone

OPSET = 18


def export_model(
    name: str, model: GroupModel, layout: FieldLayout, config: LearningConfig, *, gated: bool = False, held: np.ndarray | None = None
) -> ExportedModel:
    """A group's model as a bundle holds it: only the kept dimensions of its table, only the kernels they need.

    Args:
        name: unique in the bundle.
        model: weights and mask.
        layout: where the fields lie.
        config: settings of the model.
        gated: whether it reads the row's gates.
        held: bool (num_fields, dim). Dimensions that the table holds, where other models read it too; the kept ones where left out.
    """
    dim, own = config.training.embedding_dim, held is None or (held == model.mask).all()
    kept = KeptDims(model.mask if held is None else held)
    backbone = folded_backbone(model, config)
    table, wide = model.weights.table[:, :dim], model.weights.table.shape[1] > dim
    return ExportedModel(
        name=name,
        mask=model.mask,
        gated=gated,
        table=ragged_table(table, kept, layout),
        first_order=model.weights.table[:, dim:].sum(axis=1) if wide else None,
        graph=onnx_graph(backbone),
        two_sided=None if gated else backbone.two_sided(backbone.weights(), model.mask, backbone.config),
        table_mask=None if own else held,
    )


def folded_backbone(model: GroupModel, config: LearningConfig) -> Backbone:
    """The backbone on the kept dimensions alone, its batch normalisation folded into its kernels."""
    backbone = restricted_backbone(model, config)
    if not config.backbone.batch_norm:
        return backbone
    folded = build_backbone(config.backbone.model_copy(update={"batch_norm": False}), backbone.kept, 0)
    folded.assign(fold_batch_norm(backbone.weights(), config.backbone.batch_norm_epsilon))
    return folded


def restricted_backbone(model: GroupModel, config: LearningConfig) -> Backbone:
    """The backbone on the kept dimensions alone, with the model's weights."""
    kept = KeptDims(model.mask)
    backbone = build_backbone(config.backbone, kept, 0)
    backbone.assign(backbone.restrict(model.weights.backbone, kept))
    return backbone


def ragged_table(table: np.ndarray, kept: KeptDims, layout: FieldLayout) -> np.ndarray:
    """Kept columns of each field's rows, row-major, end to end: float32 (num_rows, dim) -> float32 (numbers,)."""
    blocks = np.split(table, layout.first_rows[1:])
    return np.concatenate([block[:, mask].ravel() for block, mask in zip(blocks, kept.mask, strict=True)]).astype(np.float32)


def onnx_graph(backbone: Backbone) -> bytes:
    """The backbone as an ONNX model: inputs `values` and, where used, `first_order`; output `logits`."""
    signature = [tf.TensorSpec([None, backbone.kept.num_kept], tf.float32, name="values")]
    if backbone.uses_first_order:
        signature.append(tf.TensorSpec([None, backbone.kept.num_fields], tf.float32, name="first_order"))

    def logits(values: Tensor, first_order: Tensor = None) -> dict[str, Tensor]:
        return {"logits": backbone(values, first_order, None)}

    return onnx_model(logits, signature)


def onnx_model(function: Callable[..., dict[str, Tensor]], signature: list[Tensor]) -> bytes:
    """A function of tensors as an ONNX model; the signature names its inputs, the dictionary that it gives names its outputs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx's own deprecations
        import tf2onnx

        logging.getLogger("tf2onnx").setLevel(logging.ERROR)
        model, _ = tf2onnx.convert.from_function(tf.function(function, autograph=False), input_signature=signature, opset=OPSET)
    return bytes(renamed_by_place(model).SerializeToString(deterministic=True))


def table_of(weights: NetworkWeights, dim: int) -> np.ndarray:
    """Embedding columns of a network's table, for the router: float32 (num_rows, dim)."""
    return np.ascontiguousarray(weights.table[:, :dim])
