"""What an epoch of a sequential transformer costs, ours and in the form that PyTorch's SASRec has: 2 layers, 64 dimensions, 50 places.

Sequences are as long as Beauty's are: five items and a geometric rest of 3.9 in the mean, among 12,101 items. Losses are the same on
both sides: softmax over all items, and over the target and 256 drawn ones. SASRec's form pads every sequence to all places
(Kang and McAuley, ICDM 2018); the PyTorch network has our block, so that it has our parameters.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Literal

import numpy as np

from ihas_pipelines.benchmarks.child import Child
from ihas_pipelines.benchmarks.table import Table, timing_table
from ihas_pipelines.benchmarks.timing import System, measure_alternately, timed

USERS, ITEMS, PLACES, LAYERS, DIM, BATCH, NEGATIVES, DROPOUT = 1_024, 12_101, 50, 2, 64, 128, 256, 0.2
LEAST, REST = 5, 3.9
OURS, TORCH = "iHAS", "PyTorch, SASRec's form"
LEARNING_RATE, MEASUREMENT_S = 1e-3, 0.0
Loss = Literal["full", "sampled"]


def tables(repetitions: int) -> Iterator[Table]:
    """One table per loss."""
    yield _table("full", "softmax over all items", repetitions)
    yield _table("sampled", f"softmax over the target and {NEGATIVES} drawn items", repetitions)


def _table(loss: Loss, name: str, repetitions: int) -> Table:
    prepared: list[Callable[..., Mapping[str, System]]] = [our_systems]
    missing = "" if importlib.util.find_spec("torch") else f" {TORCH}: not measured, PyTorch is not installed."
    if not missing:
        prepared.append(torch_systems)
    with ExitStack() as stack:
        children = [stack.enter_context(Child(prepare, loss)) for prepare in prepared]
        timings = measure_alternately({key: system for child in children for key, system in child.systems().items()}, repetitions)
    note = f"An epoch of {USERS:,} sequences on {os.cpu_count()} threads, by {BATCH} sequences, or as many places.{missing}"
    return timing_table(f"Training of a sequential transformer, {name}", timings, {OURS: "wall"}, note, scale=1e3)


def walks(rng: np.random.Generator) -> list[np.ndarray]:
    """Sequences of items, int32 each."""
    lengths = np.minimum(LEAST + rng.geometric(1.0 / (REST + 1.0), USERS) - 1, PLACES + 1)
    return [rng.integers(ITEMS, size=length).astype(np.int32) for length in lengths]


def our_systems(loss: Loss) -> Mapping[str, System]:
    """An epoch of our trainer. Runs in a child."""
    from ihas.config.transformer import TransformerConfig, TransformerTraining
    from ihas.sequential.data.sequences import Sequences
    from ihas.sequential.transformer.model import Transformer
    from ihas.sequential.transformer.training import TransformerTrainer

    rng = np.random.default_rng(0)
    sequences = Sequences.of([walk.tolist() for walk in walks(rng)])
    config = TransformerConfig(max_length=PLACES, num_layers=LAYERS, dim=DIM, dropout_first=DROPOUT, dropout_last=DROPOUT)
    places = round(BATCH * float(sequences.lengths.mean()))  # as many targets in a batch as the other form has
    training = TransformerTraining(loss=loss, num_negatives=NEGATIVES, batch_targets=places)
    trainer = TransformerTrainer(Transformer(ITEMS, config, rng), sequences, training, rng)
    return {OURS: timed(lambda: trainer.run_epoch(LEARNING_RATE), MEASUREMENT_S)}


def torch_systems(loss: Loss) -> Mapping[str, System]:
    """An epoch in PyTorch: sequences padded to all places, the loss where there is a target. Runs in a child."""
    import torch
    from torch.nn import functional

    rng = np.random.default_rng(0)
    padded = np.full((USERS, PLACES + 1), -1, np.int64)
    for row, walk in enumerate(walks(rng)):
        padded[row, : len(walk)] = walk
    items, network = torch.from_numpy(padded), _torch_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)

    def epoch() -> None:
        for rows in torch.randperm(USERS).split(BATCH):
            told = items[rows, 1:] >= 0
            states, targets = network(items[rows, :-1].clamp(min=0))[told], items[rows, 1:][told]
            logits, wanted = _torch_logits(states, network.items.weight, targets, loss)
            optimizer.zero_grad()
            functional.cross_entropy(logits, wanted).backward()
            optimizer.step()

    return {TORCH: timed(epoch, MEASUREMENT_S)}


def _torch_logits(states: Any, weights: Any, targets: Any, loss: Loss) -> tuple[Any, Any]:
    import torch

    if loss == "full":
        return states @ weights.T, targets
    drawn = torch.randint(ITEMS, (NEGATIVES,))
    others = (states @ weights[drawn].T).masked_fill(drawn[None] == targets[:, None], -1e9)
    return torch.cat([(states * weights[targets]).sum(1, keepdim=True), others], 1), torch.zeros(len(targets), dtype=torch.long)


def _torch_network() -> Any:
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.items, self.places, self.dropout = nn.Embedding(ITEMS, DIM), nn.Embedding(PLACES, DIM), nn.Dropout(DROPOUT)
            block = nn.TransformerEncoderLayer(DIM, 1, 4 * DIM, DROPOUT, "gelu", batch_first=True, norm_first=True)
            self.blocks = nn.TransformerEncoder(block, LAYERS, nn.LayerNorm(DIM), enable_nested_tensor=False)
            self.mask = nn.Transformer.generate_square_subsequent_mask(PLACES)

        def forward(self, items: Any) -> Any:
            entered = self.dropout(DIM**0.5 * self.items(items) + self.places(torch.arange(PLACES)))
            return self.blocks(entered, mask=self.mask, is_causal=True)

    return Network()
