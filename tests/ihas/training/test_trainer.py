"""The one training loop, on rows whose rule is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.search import SearchConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.data.synthetic import Oracle, make_tribes
from ihas.errors import TrainingError
from ihas.layers.gates import BernoulliGates
from ihas.legacy_keras import tf
from ihas.metrics import auc, row_losses
from ihas.models.fm import FM
from ihas.models.network import Network, fresh_weights
from ihas.models.prediction import GroupedRows, predict
from ihas.results.run_result import EpochMetrics
from ihas.training import trainer as training
from ihas.training.kept import Start, validation_score
from ihas.training.trainer import GIVEN_UP_AFTER, Trainer, TrainingRows, batch_size_for

pytestmark = pytest.mark.tf

ORACLE = make_tribes(np.random.default_rng(0), 1, (4000, 2000, 10), values=8)
ROWS = TrainingRows.one_group(ORACLE.parts)
OPPOSITE = TrainingRows.one_group(replace(ORACLE.parts, train=replace(ORACLE.parts.train, labels=1.0 - ORACLE.parts.train.labels)))
CONFIG = TrainingConfig(embedding_dim=2, batch_size=128, learning_rate=0.02, embedding_l2=0.0)


def _trainer(seed: int = 0, gates: BernoulliGates | None = None, masks: np.ndarray | None = None, **settings: Any) -> Trainer:
    config = LearningConfig(backbone=BackboneConfig(hidden=()), training=CONFIG.model_copy(update=settings))
    rng = np.random.default_rng(seed)
    network = Network(ORACLE.layout, config.backbone, 2, gates)
    network.assign(fresh_weights(ORACLE.layout, config, rng), masks)
    return Trainer(network, config.training, rng)


def _ignore(figures: EpochMetrics) -> None:
    pass


def _valid_auc(trainer: Trainer) -> float:
    return auc(predict(trainer.network, ROWS.valid), ROWS.valid.rows.labels) or 0.0


def _best(oracle: Oracle) -> float:
    return auc(oracle.logits[1], oracle.parts.valid.labels) or 0.0


def test_learns_the_rule() -> None:
    """A linear model reaches the AUC of the true probabilities within .01, and tells the listener of every epoch."""
    trainer, heard = _trainer(), list[EpochMetrics]()
    history = trainer.fit("base", ROWS, 4, heard.append)
    assert _valid_auc(trainer) > _best(ORACLE) - 0.01 > 0.8
    assert tuple(heard) == history
    assert [(figures.model, figures.epoch) for figures in history] == [("base", epoch + 1) for epoch in range(len(history))]
    assert history[-1].loss < history[0].loss


def test_learns_over_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in four blocks, the last one smaller, the same rule is learnt as well."""
    monkeypatch.setattr(training, "BLOCK_ROWS", 1100)
    trainer = _trainer()
    trainer.fit("base", ROWS, 4, _ignore)
    assert _valid_auc(trainer) > _best(ORACLE) - 0.01


def test_learns_first_order_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A factorisation machine learns the rule too: the table's last column is trained like the others."""
    monkeypatch.setattr("ihas.models.mlp.MLP", FM)
    trainer = _trainer()
    trainer.fit("base", ROWS, 4, _ignore)
    assert _valid_auc(trainer) > _best(ORACLE) - 0.01


@pytest.mark.parametrize("block_rows", [10_000, 1100])
def test_loss_is_the_mean_over_rows(monkeypatch: pytest.MonkeyPatch, block_rows: int) -> None:
    """An epoch that learns nothing returns the mean log-loss of all rows, those of partial batches and blocks included."""
    monkeypatch.setattr(training, "BLOCK_ROWS", block_rows)
    trainer = _trainer()
    trainer.network.table.assign(np.random.default_rng(1).normal(size=trainer.network.table.shape).astype(np.float32))
    expected = row_losses(predict(trainer.network, ROWS.train), ROWS.train.rows.labels).mean()
    assert trainer.run_epoch(ROWS.train, 0.0) == pytest.approx(expected, rel=1e-5)


def test_same_seed_same_weights() -> None:
    """Two trainings of one seed end with the same numbers to the bit, another seed ends elsewhere."""
    one, again, other = (_trainer(seed) for seed in (1, 1, 2))
    histories = [trainer.fit("base", ROWS, 2, _ignore) for trainer in (one, again, other)]
    assert histories[0] == histories[1] != histories[2]
    np.testing.assert_array_equal(one.network.table, again.network.table)
    kernels = [trainer.network.weights().backbone["output/kernel"] for trainer in (one, again)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (one.network.table.numpy() != other.network.table.numpy()).any()


def test_keeps_the_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """After epochs that ruin the weights, those of the best epoch are back."""
    trainer = _trainer(patience=2, plateau_factor=1.0)
    rates, run_epoch = iter([0.02, 0.02, 30.0, 30.0, 30.0]), trainer.run_epoch
    monkeypatch.setattr(trainer, "run_epoch", lambda train, _: run_epoch(train, next(rates)))
    history = trainer.fit("base", ROWS, 5, _ignore)
    best = max(figures.auc for figures in history)
    assert best - history[-1].auc > 0.01
    assert _valid_auc(trainer) == best


def test_keeps_the_best_gates() -> None:
    """Gates and their statistics return to the best epoch with everything else."""
    gates = BernoulliGates(ORACLE.layout.num_fields, 2, SearchConfig(strength=1.0, keep_ratio=0.2), np.random.default_rng(0))
    trainer = _trainer(0, gates, learning_rate=0.05, patience=3, plateau_factor=1.0)
    history = trainer.fit("search", ROWS, 6, _ignore)
    best = max(range(len(history)), key=lambda i: history[i].auc)
    assert best < len(history) - 1
    assert _valid_auc(trainer) == history[best].auc


def test_every_step_draws_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """No two steps of two epochs, each in two blocks, sample gates from the same seed."""
    gates, seeds = BernoulliGates(ORACLE.layout.num_fields, 2, SearchConfig(), np.random.default_rng(0)), list[tuple[int, ...]]()
    sample = gates.sample

    def note_seed(seed: np.ndarray) -> np.ndarray:
        seeds.append(tuple(seed.tolist()))
        return seed

    monkeypatch.setattr(gates, "sample", lambda logits, seed: sample(logits, tf.numpy_function(note_seed, [seed], tf.int32)))
    monkeypatch.setattr(training, "BLOCK_ROWS", 2000)
    trainer = _trainer(0, gates, batch_size=500)
    trainer.run_epoch(ROWS.train, 0.01)
    trainer.run_epoch(ROWS.train, 0.01)
    assert len(set(seeds)) == len(seeds) == 2 * 2 * 4


def test_stops_early_and_slows_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """`patience` epochs that are not better are put up with, each lowering the learning rate; one more ends training."""
    learnt = _trainer()
    learnt.fit("base", ROWS, 2, _ignore)
    slow = CONFIG.model_copy(update={"learning_rate": 1e-12, "patience": 2, "plateau_factor": 0.5})
    history, rates = _fit_and_note_rates(Trainer(learnt.network, slow, np.random.default_rng(0)), monkeypatch)

    assert len(history) == 1 + 2 + 1
    assert rates == pytest.approx([1e-12, 1e-12, 0.5e-12, 0.25e-12])


def test_nothing_is_awaited_before_learning_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """At chance the first 15 epochs neither count nor lower the learning rate; after them patience is what it is."""
    trainer = _trainer(2, learning_rate=1e-12, patience=2, plateau_factor=0.5)  # a start that ranks at random
    history, rates = _fit_and_note_rates(trainer, monkeypatch)

    assert max(epoch.auc for epoch in history) < 0.53
    assert len(history) == 15 + 2 + 1
    assert rates == pytest.approx([1e-12] * 16 + [0.5e-12, 0.25e-12])


@pytest.mark.parametrize(
    ("rows", "area", "chance"), [(60, 0.64, True), (60, 0.66, False), (6000, 0.52, True), (6000, 0.54, False), (0, 0.5, False)]
)
def test_chance_is_as_wide_as_the_rows_are_few(rows: int, area: float, chance: bool) -> None:
    """30 clicks of 60 rows: the AUC of random scores has a standard error of sqrt(61 / 10800) = .075; one label: nothing is awaited."""
    labels = np.repeat(np.array([0.0, 1.0], np.float32), rows // 2) if rows else np.zeros(5, np.float32)
    assert training._at_chance([EpochMetrics(model="base", epoch=1, loss=0.7, auc=area)], labels) is chance


def _fit_and_note_rates(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> tuple[tuple[EpochMetrics, ...], list[float]]:
    rates, run_epoch = list[float](), trainer.run_epoch

    def note_rate(train: GroupedRows, learning_rate: float) -> float:
        rates.append(learning_rate)
        return run_epoch(train, learning_rate)

    monkeypatch.setattr(trainer, "run_epoch", note_rate)
    return trainer.fit("base", ROWS, 30, _ignore), rates


@pytest.mark.parametrize("start", ["forgotten", "counts", "floor"])
def test_trained_weights_may_be_the_best(start: Start) -> None:
    """Unless the start is forgotten, a training that only makes it worse leaves the weights as they were."""
    trainer = _trainer()
    trainer.fit("base", ROWS, 3, _ignore)
    before = trainer.network.table.numpy()
    worse = Trainer(trainer.network, CONFIG.model_copy(update={"learning_rate": 0.1}), np.random.default_rng(3))
    worse.fit("copy", OPPOSITE, 1, _ignore, start=start)
    assert (trainer.network.table.numpy() == before).all() == (start != "forgotten")


def test_what_stays_clearly_below_its_start_is_given_up() -> None:
    """A training that ruins trained weights, for it learns the opposite, ends after five epochs, whatever the patience, and says so."""
    trainer = _trainer()
    trainer.fit("base", ROWS, 3, _ignore)
    before = trainer.network.table.numpy()
    ruin = Trainer(trainer.network, CONFIG.model_copy(update={"learning_rate": 0.1, "patience": 50}), np.random.default_rng(3))

    history = ruin.fit("search", OPPOSITE, 20, _ignore, start="floor")

    assert (len(history), ruin.given_up, trainer.given_up) == (GIVEN_UP_AFTER, True, False)
    np.testing.assert_array_equal(trainer.network.table.numpy(), before)


def test_dropped_dimensions_are_not_trained() -> None:
    """Under a mask the table's dropped columns keep their numbers, kept ones learn."""
    trainer = _trainer(masks=np.tile([True, False], ORACLE.layout.num_fields))
    before = trainer.network.table.numpy()
    trainer.run_epoch(ROWS.train, 0.02)
    after = trainer.network.table.numpy()
    np.testing.assert_array_equal(after[:, 1], before[:, 1])
    assert (after[ORACLE.parts.train.ids.ravel(), 0] != before[ORACLE.parts.train.ids.ravel(), 0]).all()


@pytest.mark.parametrize("batch_size", [128, 4000])
def test_exploding_training_is_an_error(batch_size: int) -> None:
    """A loss, or a score after the last step, that is no number names the epoch and the learning rate."""
    trainer = _trainer(learning_rate=1e30, batch_size=batch_size)
    with pytest.raises(TrainingError, match=r"epoch 1 of `base`.*Lower `training.learning_rate` \(1e\+30\)"):
        trainer.fit("base", ROWS, 3, _ignore)


def test_rows_of_one_label_are_judged_by_log_loss() -> None:
    """Validation rows of one label have no AUC: minus the log-loss says which epoch is best, and the figures say 0.5."""
    clicks = ORACLE.parts.valid.take(ORACLE.parts.valid.labels == 1.0)
    rows = TrainingRows(ROWS.train, GroupedRows.one_group(Dataset(ORACLE.layout, clicks.ids, clicks.labels)))
    trainer = _trainer()
    before = validation_score(predict(trainer.network, rows.valid), clicks.labels)
    history = trainer.fit("base", rows, 2, _ignore)
    after = validation_score(predict(trainer.network, rows.valid), clicks.labels)
    assert before < after < 0.0
    assert {figures.auc for figures in history} == {0.5}


def test_validation_score_by_hand() -> None:
    """With both labels it is the AUC; with one label, scores of 1/2 give -ln 2."""
    assert validation_score(np.array([1.0, 2.0]), np.array([1, 0], np.float32)) == 0.0
    assert validation_score(np.zeros(2), np.ones(2, np.float32)) == pytest.approx(-np.log(2))


def test_a_single_row_trains() -> None:
    """One training row is enough for a step."""
    trainer = _trainer()
    assert np.isfinite(trainer.run_epoch(ROWS.train.take(np.array([5])), 0.01))


@pytest.mark.parametrize(("num_rows", "size"), [(1, 32), (4_000, 32), (10_142, 64), (181_825, 1024), (591_210, 4096), (50_000_000, 4096)])
def test_the_batch_follows_the_rows(num_rows: int, size: int) -> None:
    """About two hundred steps an epoch, from 32 rows a step to 4,096."""
    assert batch_size_for(num_rows) == size


@pytest.mark.slow
def test_the_average_of_epochs_ranks_better() -> None:
    """Under a rate at which epochs swing to and fro, the average is nearer to the rule than the best single epoch."""
    alone, averaged = (_trainer(learning_rate=0.3, averaging=averaging, plateau_factor=1.0, patience=20) for averaging in (0.0, 0.8))
    for trainer in (alone, averaged):
        trainer.fit("base", ROWS, 12, _ignore)
    logits = [row_losses(predict(trainer.network, ROWS.valid), ROWS.valid.rows.labels).mean() for trainer in (alone, averaged)]
    assert logits[1] < logits[0]
    assert _valid_auc(averaged) >= _valid_auc(alone) - 1e-4


@pytest.mark.parametrize("averaging", [0.0, 0.8])
def test_a_training_is_repeated_to_the_bit(averaging: float) -> None:
    """Where every epoch was kept, the same epochs on the same rows from the same start lead to the same weights."""
    first, second = _trainer(averaging=averaging, learning_rate=0.002), _trainer(averaging=averaging, learning_rate=0.002)
    history = first.fit("base", ROWS, 4, _ignore)
    assert len(first.steps) == len(history) == 4
    second.repeat(first.steps, ROWS.train)
    np.testing.assert_array_equal(first.network.table, second.network.table)
    np.testing.assert_array_equal(first.network.weights().backbone["output/kernel"], second.network.weights().backbone["output/kernel"])


@pytest.mark.parametrize("averaging", [0.0, 0.8])
def test_a_training_with_falls_of_the_rate_is_repeated(averaging: float) -> None:
    """On the same rows it ends as good, whatever epochs were left out."""
    first, second = _trainer(averaging=averaging, learning_rate=0.1), _trainer(averaging=averaging, learning_rate=0.1)
    history = first.fit("base", ROWS, 20, _ignore)
    assert 0 < len(first.steps) < len(history)
    second.repeat(first.steps, ROWS.train)
    assert _valid_auc(second) > _valid_auc(first) - 0.003


def test_what_was_given_up_has_no_steps() -> None:
    """The weights that it started from are kept, and nothing leads to them."""
    trainer = _trainer()
    trainer.fit("base", ROWS, 3, _ignore)
    kept = trainer.network.table.numpy().copy()
    ruin = Trainer(trainer.network, CONFIG.model_copy(update={"learning_rate": 30.0}), np.random.default_rng(1))
    ruin.fit("ruin", ROWS, 8, _ignore, start="counts")
    assert ruin.steps == ()
    np.testing.assert_array_equal(trainer.network.table, kept)
    ruin.repeat(ruin.steps, ROWS.train)
    np.testing.assert_array_equal(trainer.network.table, kept)


@pytest.mark.parametrize("members", [1, 2])
def test_a_weight_of_two_is_a_row_twice(members: int) -> None:
    """One step on weighted rows has the loss and leaves the table and the network as one on rows that are repeated; 0 is a row left out."""
    rows, times = ORACLE.parts.train.block(0, 40), np.arange(40) % 3
    repeated = rows.take(np.repeat(np.arange(40), times))
    weighted = replace(rows, weights=(times / times.mean()).astype(np.float32))
    results = []
    for one in (repeated, weighted):
        config = LearningConfig(backbone=BackboneConfig(hidden=(), members=members), training=CONFIG)
        rng = np.random.default_rng(0)
        network = Network(ORACLE.layout, config.backbone, 2)
        network.assign(fresh_weights(ORACLE.layout, config, rng))
        trainer = Trainer(network, config.training.model_copy(update={"optimizer": "sgd"}), rng)
        trainer.table.values[...] = network.table.numpy()
        loss = trainer.step(GroupedRows.one_group(one), 0.5, np.zeros(2, np.int32))
        results.append((loss, trainer.table.values.copy(), [variable.numpy() for variable in trainer.dense]))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    np.testing.assert_allclose(results[0][1], results[1][1], atol=1e-6)
    for first, second in zip(results[0][2], results[1][2], strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)


def test_weights_say_what_is_learnt() -> None:
    """With half of the labels turned over and weighted 0, the AUC of the true probabilities is reached within .01; else it is not."""
    train = ORACLE.parts.train
    wrong = np.random.default_rng(1).random(len(train)) < 0.5
    labels = np.where(wrong, 1.0 - train.labels, train.labels).astype(np.float32)
    weights = (~wrong / (~wrong).mean()).astype(np.float32)
    found = {}
    for name, given in (("weighted", weights), ("alike", None)):
        trainer = _trainer()
        rows = TrainingRows.one_group(replace(ORACLE.parts, train=Dataset(train.layout, train.ids, labels, given)))
        trainer.fit("base", rows, 6, _ignore)
        found[name] = _valid_auc(trainer)
    assert found["weighted"] > _best(ORACLE) - 0.01
    assert found["alike"] < _best(ORACLE) - 0.05


def test_weights_travel_with_their_rows() -> None:
    """Taken in any order, in blocks, and of groups."""
    weights = np.arange(len(ORACLE.parts.train), dtype=np.float32)
    rows = GroupedRows.one_group(replace(ORACLE.parts.train, weights=weights))
    chosen = np.array([5, 1, 9])
    for found, expected in ((rows.take(chosen), chosen), (rows.block(3, 6), [3, 4, 5]), (rows.take(weights < 2), [0, 1])):
        assert found.rows.weights is not None
        assert found.rows.weights.tolist() == list(expected)


def test_what_explodes_later_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores of a second epoch that are no numbers are told with the epoch, not compared with those of the average."""
    trainer = _trainer(learning_rate=0.02)
    run_epoch = trainer.run_epoch

    def ruin(train: GroupedRows, learning_rate: float) -> float:
        loss = run_epoch(train, learning_rate)
        if ruined:
            trainer.network.table.assign(np.full(trainer.network.table.shape, np.nan, np.float32))
        ruined.append(True)
        return loss

    ruined = list[bool]()
    monkeypatch.setattr(trainer, "run_epoch", ruin)
    with pytest.raises(TrainingError, match="after epoch 2 of `base`"):
        trainer.fit("base", ROWS, 3, _ignore)


@pytest.mark.parametrize("start", ["forgotten", "counts", "floor"])
@pytest.mark.parametrize("averaging", [0.0, 0.8])
def test_steps_lead_to_what_is_kept(averaging: float, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an epoch is a move by a number that the rows alone decide, the steps end, to the bit, at the weights that were kept."""
    rng, moves = np.random.default_rng(5), dict[tuple[bytes, float], np.ndarray]()
    trainer = _trainer(averaging=averaging, learning_rate=1.0, patience=3)
    table = trainer.network.table

    def move(_: GroupedRows, learning_rate: float) -> float:
        now = table.numpy()
        step = moves.setdefault((now.tobytes(), learning_rate), rng.normal(size=now.shape).astype(np.float32))
        table.assign(now + np.float32(learning_rate) * step)
        return 1.0

    monkeypatch.setattr(trainer, "run_epoch", move)
    for _ in range(12):
        begun = rng.normal(size=table.shape).astype(np.float32)
        table.assign(begun)
        trainer.fit("base", ROWS, 12, _ignore, start=start)
        kept = table.numpy().copy()
        table.assign(begun)
        trainer.repeat(trainer.steps, ROWS.train)
        np.testing.assert_array_equal(table, kept)
