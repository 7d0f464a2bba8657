"""FuxiCTR's own step, where the package is installed: its embedding, its multilayer perceptron, its `train_step`.

Its data loader is left out, in its favour: batches are tensors in memory. Its step limits the norm of all gradients, as its `fit` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

MAX_GRADIENT_NORM = 10.0  # what `BaseModel.fit` has where nothing is stated


def fuxictr_step(
    ids: np.ndarray, labels: np.ndarray, vocabulary: int, dim: int, hidden: tuple[int, ...], rate: float
) -> Callable[[int], Any]:
    """A function that trains on batch k and gives its loss.

    Args:
        ids: int (batches, rows, fields), each below `vocabulary`.
        labels: float32 (batches, rows).
        vocabulary: values of every field.
        dim: columns of every table.
        hidden: units of the hidden layers.
        rate: learning rate of Adam.
    """
    import torch
    from fuxictr.features import FeatureMap
    from fuxictr.pytorch.layers import FeatureEmbedding, MLP_Block
    from fuxictr.pytorch.models import BaseModel

    names = [f"field_{number}" for number in range(ids.shape[2])]
    features = FeatureMap("zipf", "")
    features.labels, features.num_fields, features.default_emb_dim = ["click"], len(names), dim
    features.features.update({name: {"type": "categorical", "source": "", "vocab_size": vocabulary} for name in names})

    class Model(BaseModel):
        def __init__(self) -> None:
            super().__init__(features, gpu=-1, verbose=0, model_root="", metrics=["AUC"])
            self._max_gradient_norm = MAX_GRADIENT_NORM
            self.embedding = FeatureEmbedding(features, dim)
            self.network = MLP_Block(
                features.sum_emb_out_dim(), hidden_units=list(hidden), output_dim=1, output_activation=self.output_activation
            )
            self.compile("adam", "binary_crossentropy", rate)
            self.reset_parameters()

        def forward(self, inputs: dict[str, Any]) -> dict[str, Any]:
            return {"y_pred": self.network(self.embedding(self.get_inputs(inputs), flatten_emb=True))}

    model, fields, clicks = Model(), torch.from_numpy(ids.astype(np.int64)), torch.from_numpy(labels)
    batches = [{name: fields[k, :, n] for n, name in enumerate(names)} | {"click": clicks[k]} for k in range(len(fields))]
    return lambda k: model.train_step(batches[k]).item()
