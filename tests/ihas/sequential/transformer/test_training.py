"""Training of the transformer on sequences whose rule is known, and full ranking by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ihas.config.transformer import TransformerConfig, TransformerEpoch, TransformerTraining
from ihas.errors import DataError, TrainingError
from ihas.sequential.data.sequences import NextItem, Sequences, leave_one_out
from ihas.sequential.transformer.full_ranking import transformer_loss, transformer_metrics, transformer_ranks
from ihas.sequential.transformer.model import Transformer
from ihas.sequential.transformer.training import train_transformer

pytestmark = pytest.mark.tf

NUM_ITEMS = 12
CONFIG = TransformerConfig(max_length=8, num_layers=1, dim=16, num_heads=2, dropout_first=0.0, dropout_last=0.0)


def _walks(count: int = 200) -> Sequences:
    """Walks round a circle of items by steps of five: the last item tells the next one."""
    rng = np.random.default_rng(0)
    starts, lengths = rng.integers(NUM_ITEMS, size=count), rng.integers(5, 9, size=count)
    return Sequences.of([(start + 5 * np.arange(length)) % NUM_ITEMS for start, length in zip(starts, lengths, strict=True)])


PARTS = leave_one_out(_walks())


def _train(**settings: Any) -> tuple[Transformer, tuple[TransformerEpoch, ...]]:
    training = TransformerTraining.model_validate(
        {"learning_rate": 0.01, "batch_targets": 128, "epochs": 8, "stop_by": "loss", "num_negatives": 8, "sgd_learning_rate": None}
        | settings
    )
    trained = train_transformer(PARTS.train, PARTS.valid, NUM_ITEMS, CONFIG, training, lambda _: None)
    network = Transformer(NUM_ITEMS, CONFIG, np.random.default_rng(0))
    network.assign(trained.weights)
    return network, trained.history


@pytest.mark.parametrize("loss", ["full", "sampled", "gbce"])
def test_learns_the_rule(loss: str) -> None:
    """Under every loss the next step of every walk scores highest among all items that are not in it."""
    longer = {"epochs": 20, "patience": 20, "stop_by": "ndcg"} if loss == "gbce" else {}  # its scores are not those of a softmax
    network, history = _train(loss=loss, **longer)
    walks = np.array([[1, 6, 11], [7, 0, 5]], np.int32)
    scores = network.scores(walks).numpy()
    np.put_along_axis(scores, walks, -np.inf, axis=1)
    assert scores.argmax(axis=1).tolist() == [4, 10]
    assert history[-1].loss < history[0].loss


def test_gradient_descent_takes_over() -> None:
    """Adam's epochs come first, then SGD's, numbered on; the weights kept are those of the best validation value of both."""
    network, history = _train(loss="full", epochs=5, patience=0, sgd_learning_rate=0.05, learning_rate=1e-12)
    rules = [epoch.rule for epoch in history]
    assert rules == sorted(rules)
    assert set(rules) == {"adam", "sgd"}
    assert [epoch.epoch for epoch in history] == list(range(1, len(history) + 1))
    assert -transformer_loss(network, PARTS.valid) == pytest.approx(max(epoch.valid for epoch in history), rel=1e-5)


def test_same_seed_same_weights() -> None:
    """A seed gives the same history to the last digit; another seed gives another."""
    one, again, other = (_train(epochs=2, seed=seed)[1] for seed in (1, 1, 2))
    assert one == again != other


def test_stops_by_ranking() -> None:
    """With `ndcg` the validation value is NDCG@10 under full ranking."""
    network, history = _train(epochs=2, stop_by="ndcg")
    assert max(epoch.valid for epoch in history) == transformer_metrics(network, PARTS.valid).ndcg[10]


def test_refuses_what_teaches_nothing() -> None:
    """Sequences of one item, no validation rows and a loss that explodes are errors."""
    training, nothing = TransformerTraining(epochs=2), NextItem(np.empty(0, np.int64), Sequences.of([]), np.empty(0, np.int32))
    with pytest.raises(DataError, match="two items or more"):
        train_transformer(Sequences.of([[1], [2]]), PARTS.valid, NUM_ITEMS, CONFIG, training, lambda _: None)
    with pytest.raises(DataError, match="validation rows"):
        train_transformer(PARTS.train, nothing, NUM_ITEMS, CONFIG, training, lambda _: None)
    for stop_by in ("loss", "ndcg"):  # the one step's loss is finite still, the weights after it are not
        with pytest.raises(TrainingError, match="Lower the learning rate of 'adam'"):
            _train(learning_rate=1e38, batch_targets=100_000, stop_by=stop_by)


def _scripted(scores: np.ndarray, hide_history: bool = True) -> Transformer:
    """A network of dimension 4 that gives the same scores after every history: its last state is the unit vector 0."""
    config = TransformerConfig(max_length=4, num_layers=1, dim=4, hide_history=hide_history)
    network = Transformer(len(scores), config, np.random.default_rng(0))
    weights = {name: np.zeros_like(value) for name, value in network.weights().items()}
    weights["norm/bias"][0] = 1.0
    weights["items"][:, 0] = scores
    network.assign(weights)
    return network


def test_full_ranking_by_hand() -> None:
    """Scores 5 4 3 2 1: after item 0, which is hidden, item 1 is first and item 3 third; the loss is ln sum exp minus the score."""
    network = _scripted(np.array([5.0, 4.0, 3.0, 2.0, 1.0], np.float32))
    rows = NextItem(np.arange(3), Sequences.of([[0], [0, 4], [2]]), np.array([1, 3, 0], np.int32))
    assert transformer_ranks(network, rows).tolist() == [1, 3, 1]
    total = np.log(np.exp([5.0, 4.0, 3.0, 2.0, 1.0]).sum())
    assert transformer_loss(network, rows) == pytest.approx(np.mean([total - 4.0, total - 2.0, total - 5.0]), rel=1e-5)


@pytest.mark.parametrize(("hide_history", "found"), [(True, [5, 1]), (False, [1, 2])])
def test_a_return_counts_where_the_history_is_not_hidden(hide_history: bool, found: list[int]) -> None:
    """Scores 5 4 3 2 1: item 0 after item 0 is last where the history is hidden and first where not; item 1 after 0 first or second."""
    network = _scripted(np.array([5.0, 4.0, 3.0, 2.0, 1.0], np.float32), hide_history)
    rows = NextItem(np.arange(2), Sequences.of([[0], [0]]), np.array([0, 1], np.int32))
    assert transformer_ranks(network, rows).tolist() == found
