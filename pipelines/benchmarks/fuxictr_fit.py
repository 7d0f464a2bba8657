"""FuxiCTR's own training, with its layers, loop and early stopping, on the rows of `ihas_pipelines.studies.published`.

    ihas study fuxictr [mlp finalmlp] [--seeds 0,1,2]

The settings are those of BARS, Frappe_x1, as in `pipelines/recipes/published`; FinalMLP's streams are weighted by what the fields user
and item hold, as in the published run. Batches are tensors in memory, and the monitored AUC is scikit-learn's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ihas.data.dataset import Dataset, Splits
from ihas.data.ingest import ingest
from ihas.data.layout import FieldLayout
from ihas.errors import ConfigError
from ihas.metrics import auc, click_metrics
from ihas_pipelines.kinds.recipe_file import read_recipe
from ihas_pipelines.runs.child import print_line
from ihas_pipelines.studies.published import FOLDER

DIM, BATCH, RATE, EPOCHS = 10, 4096, 1e-3, 100
CONTEXTS = ("user", "item")
MODELS = ("mlp", "finalmlp")
COMMON = {"gpu": -1, "verbose": 0, "metrics": ["AUC"], "monitor": "AUC", "early_stop_patience": 2, "embedding_regularizer": "l2(0.05)"}


class Batches:
    """A part as FuxiCTR's loop wants it: an iterable of named tensors, shuffled in training."""

    def __init__(self, rows: Dataset, *, shuffled: bool) -> None:
        import torch

        self.names, self.shuffled = rows.layout.names, shuffled
        self.ids = torch.from_numpy((np.asarray(rows.ids) - rows.layout.first_rows).astype(np.int64))
        self.labels = torch.from_numpy(np.asarray(rows.labels, np.float32))

    def __len__(self) -> int:
        return -(-len(self.labels) // BATCH)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        import torch

        order = torch.randperm(len(self.labels)) if self.shuffled else torch.arange(len(self.labels))
        for chosen in order.split(BATCH):
            yield {name: self.ids[chosen, field] for field, name in enumerate(self.names)} | {"label": self.labels[chosen]}


def feature_map(layout: FieldLayout, folder: str) -> Any:
    """FuxiCTR's description of the fields, each with one value a row."""
    from fuxictr.features import FeatureMap

    features = FeatureMap("frappe", folder)
    features.labels, features.num_fields, features.default_emb_dim = ["label"], layout.num_fields, DIM
    sizes = zip(layout.names, layout.vocabulary_sizes, strict=True)
    features.features.update({name: {"type": "categorical", "source": "", "vocab_size": int(size)} for name, size in sizes})
    return features


def make_model(kind: str, features: Any, folder: str) -> Any:
    """An `mlp` or a `finalmlp` of FuxiCTR's layers (the latter: Mao et al., AAAI 2023, equations 2 to 8), ready for `fit`."""
    import torch
    from fuxictr.pytorch.layers import FeatureEmbedding, MLP_Block
    from fuxictr.pytorch.models import BaseModel

    width = features.num_fields * DIM

    class MLP(BaseModel):
        def __init__(self) -> None:
            super().__init__(features, model_id=kind, model_root=folder, **COMMON)
            self.embedding = FeatureEmbedding(features, DIM)
            self.build()
            self.compile("adam", "binary_crossentropy", RATE)
            self.reset_parameters()

        def build(self) -> None:
            self.network = MLP_Block(width, hidden_units=[400] * 3, output_dim=1, dropout_rates=0.2, batch_norm=True)

        def logits(self, inputs: Any) -> Any:
            return self.network(self.embedding(inputs).flatten(1))

        def forward(self, inputs: Any) -> dict[str, Any]:
            return {"y_pred": self.output_activation(self.logits(self.get_inputs(inputs)))}

        def evaluate(self, rows: Batches, metrics: Any = None) -> dict[str, float]:  # noqa: ARG002  # FuxiCTR names it
            return {"AUC": auc(answers(self, rows), rows.labels.numpy()) or 0.5}

    class FinalMLP(MLP):
        def build(self) -> None:
            module, sizes = torch.nn.ModuleList, (400, 100)
            self.contexts = module([FeatureEmbedding(features, DIM, required_feature_columns=[name]) for name in CONTEXTS])
            self.gates = module([MLP_Block(DIM, hidden_units=[400], output_dim=width, output_activation="Sigmoid") for _ in CONTEXTS])
            self.streams = module([MLP_Block(width, hidden_units=[size], dropout_rates=0.4, batch_norm=True) for size in sizes])
            self.linear = module([torch.nn.Linear(size, 1) for size in sizes])
            self.product = torch.nn.Parameter(torch.empty(5, 80, 20))
            torch.nn.init.xavier_normal_(self.product.view(-1, 1))

        def logits(self, inputs: Any) -> Any:
            values, parts = self.embedding(inputs).flatten(1), (self.contexts, self.gates, self.streams)
            first, second = (stream(values * 2 * gate(context(inputs).flatten(1))) for context, gate, stream in zip(*parts, strict=True))
            heads = torch.einsum("nha,hab,nhb->n", first.view(-1, 5, 80), self.product, second.view(-1, 5, 20))
            return self.linear[0](first) + self.linear[1](second) + heads[:, None]

    return {"mlp": MLP, "finalmlp": FinalMLP}[kind]()


def answers(model: Any, rows: Batches) -> np.ndarray:
    """Logits of all rows: float32 (rows,)."""
    import torch

    model.eval()
    with torch.no_grad():
        return np.concatenate([model.logits(model.get_inputs(batch)).numpy()[:, 0] for batch in rows])


def row(kind: str, parts: Splits, seed: int, epochs: int = EPOCHS) -> str:
    """A model, trained and measured on its test rows, as a row of the table."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    train, valid, test = (Batches(getattr(parts, name), shuffled=name == "train") for name in ("train", "valid", "test"))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "frappe").mkdir()
        model, start = make_model(kind, feature_map(parts.train.layout, folder), folder), time.perf_counter()
        model.fit(train, epochs=epochs, validation_data=valid)
        found, seconds = click_metrics(answers(model, test), parts.test.labels), time.perf_counter() - start
        return f"| {kind} | {seed} | {found.auc:.5f} | {found.log_loss:.4f} | {model._epoch_index + 1} | {seconds:.0f} |"


def print_rows(models: Sequence[str], seeds: Sequence[int]) -> None:
    """Train and print a row for each model and seed, as soon as it is known.

    Args:
        models: `mlp`, `finalmlp`; both where there are none.
        seeds: seeds; a seed also draws the validation rows.

    Raises:
        ConfigError: a model is none of these.
    """
    if unknown := sorted(set(models) - set(MODELS)):
        raise ConfigError(f"Models must be among {', '.join(MODELS)}, but got {', '.join(unknown)}. Take one of these.")
    print_line("| model | seed | test AUC | log-loss | epochs | seconds |\n|---|---|---|---|---|---|")
    recipe = read_recipe(FOLDER / "finalmlp.toml")
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            parts = ingest(recipe.data, recipe.learning.encoding, recipe.learning.split, seed, Path(folder) / "encoded").parts
            for model in models or MODELS:
                print_line(row(model, parts, seed))
