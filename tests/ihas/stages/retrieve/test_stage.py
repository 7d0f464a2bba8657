"""The retrieval stage, on clicks whose right items are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.data.field_encoders import FIRST_VALUE
from ihas.models.network import fresh_weights
from ihas.models.prediction import GroupedRows, GroupModel, predict_groups
from ihas.stages.retrieve.ranker import Ranker
from ihas.stages.retrieve.stage import RetrievalTowers, Retrieving, learn_retrieval, within_side
from ihas.stages.retrieve.towers import TrainedTower
from tests.ihas.stages.retrieve.factory import KINDS, PEOPLE, encoder, item_table, retrieving, rows

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def learnt() -> tuple[Retrieving, RetrievalTowers, list[tuple[int, float, float]]]:
    """Towers that were trained, and what was told meanwhile."""
    told: list[tuple[int, float, float]] = []
    asked = retrieving()
    return asked, learn_retrieval(asked, lambda *epoch: told.append(epoch)), told


def test_the_nearest_items_are_those_of_the_right_kind(learnt: tuple[Retrieving, RetrievalTowers, list[tuple[int, float, float]]]) -> None:
    """Of the ten nearest of 200 items, nearly all are of the context's own kind; by chance two would be."""
    _, towers, _ = learnt
    people = encoder().encode_rows([{"who": str(person)} for person in range(PEOPLE)], ("who",))
    queries = towers.tower(encoder()).vectors(within_side(encoder(), people, "context"))
    nearest = np.argsort(-queries @ towers.items.T, axis=1)[:, :10]
    assert (nearest % KINDS == np.arange(PEOPLE)[:, None] % KINDS).mean() > 0.9


class Tidy:
    """Ranks items of the context's own kind first, and of these the lower numbers, of which clicks say nothing."""

    def logits(self, rows: np.ndarray, positions: np.ndarray) -> np.ndarray:
        who = rows[:, 2] - encoder().layout.first_rows[1] - FIRST_VALUE  # slots: noise, noise, who, item
        return (8.0 * (who[:, None] % KINDS == positions % KINDS) - 0.1 * positions).astype(np.float32)


@pytest.mark.slow
def test_the_ranker_is_learnt(learnt: tuple[Retrieving, RetrievalTowers, list[tuple[int, float, float]]]) -> None:
    """Of its ten best items of 200 nearly all are among the ten nearest; clicks find the kind alone, of forty items."""
    asked, by_clicks, _ = learnt
    taught = learn_retrieval(replace(asked, ranker=Tidy()), lambda *_: None)
    people = encoder().encode_rows([{"who": str(person)} for person in range(PEOPLE)], ("who",))
    best = np.arange(PEOPLE)[:, None] % KINDS + KINDS * np.arange(10)
    shares = []
    for towers in (by_clicks, taught):
        queries = towers.tower(encoder()).vectors(within_side(encoder(), people, "context"))
        nearest = np.argsort(-queries @ towers.items.T, axis=1)[:, :10]
        shares.append(float(np.mean([np.isin(own, near).mean() for own, near in zip(best, nearest, strict=True)])))
    assert shares[0] < 0.5
    assert shares[1] > 0.9
    assert taught.recall > 0.9
    assert by_clicks.recall == 0.0


def test_a_ranker_scores_every_pair_as_whole_rows() -> None:
    """The context's slots of the row, the item's of the item table, in the layout's order."""
    config = LearningConfig(training=TrainingConfig(embedding_dim=4))
    layout, table = encoder().layout, item_table()
    weights = fresh_weights(layout, config, np.random.default_rng(5))
    given, positions = np.asarray(rows(6, 3).ids), np.array([7, 0, 199])
    whole = np.concatenate([[[*table.ids[item][:2], row[2], table.ids[item][2]] for item in positions] for row in given]).astype(np.int32)
    model = GroupModel("base", weights, np.ones((layout.num_fields, 4), bool))
    expected = predict_groups((model,), GroupedRows.one_group(Dataset(layout, whole, np.zeros(len(whole), np.float32))), config)
    found = Ranker(weights, config, encoder(), table.ids).logits(given, positions)
    np.testing.assert_allclose(found, expected.reshape(6, 3), rtol=1e-5, atol=1e-6)


def test_the_best_epoch_is_kept(learnt: tuple[Retrieving, RetrievalTowers, list[tuple[int, float, float]]]) -> None:
    """The towers are those of the epoch with the best hit rate, and the loss fell from the first to it."""
    _, towers, told = learnt
    rates = [rate for _, _, rate in told]
    assert towers.hit_rate == max(rates)
    assert told[int(np.argmax(rates))][1] < told[0][1] or len(told) == 1


def test_arrays_give_the_vectors_that_were_trained() -> None:
    """The frozen tower gives TensorFlow's own vectors, padding and both sides' order of fields included."""
    layout = encoder().layout.side([0, 2])
    tower = TrainedTower(layout, 4, retrieving().config.retrieval, np.random.default_rng(3))
    ids = within_side(encoder(), np.asarray(item_table().ids), "item")
    np.testing.assert_allclose(tower.frozen().vectors(ids), tower(ids).numpy(), rtol=1e-5, atol=1e-6)


def test_ids_of_a_side_count_from_its_own_first_row() -> None:
    """By hand: `who` begins at row 4 of the table and at row 0 of its side; of the items' side, `item` begins at row 4; padding stays."""
    assert within_side(encoder(), np.array([[4, 5]], np.int32)[:, :1], "context").tolist() == [[0]]
    who_rows = PEOPLE + 2
    assert within_side(encoder(), np.array([[2, -1, 4 + who_rows]], np.int32), "item").tolist() == [[2, -1, 4]]


def _shifted(rows: Dataset) -> Dataset:
    """The clicks, on the next item each, which is of another kind."""
    first, clicked = encoder().layout.first_rows[2] + FIRST_VALUE, np.asarray(rows.ids)[np.asarray(rows.labels) > 0.5].copy()
    clicked[:, 3] = first + (clicked[:, 3] - first + 1) % len(item_table().names)  # slots: noise, noise, who, item
    return Dataset(rows.layout, clicked, np.ones(len(clicked), np.float32))


@pytest.mark.slow
def test_clicks_of_weight_0_teach_nothing() -> None:
    """Of the same clicks, half on the right kind of item and half on another, those that have a weight say which kind is nearest."""
    asked = retrieving()
    right, wrong = asked.train.take(np.asarray(asked.train.labels) > 0.5), _shifted(asked.train)
    both = Dataset(right.layout, np.concatenate([right.ids, wrong.ids]), np.ones(2 * len(right), np.float32))
    people = encoder().encode_rows([{"who": str(person)} for person in range(PEOPLE)], ("who",))
    shares = []
    for weights, valid in (((2.0, 0.0), asked.valid), ((0.0, 2.0), _shifted(asked.valid))):
        train = replace(both, weights=np.repeat(weights, len(right)).astype(np.float32))
        towers = learn_retrieval(replace(asked, train=train, valid=valid), lambda *_: None)
        queries = towers.tower(encoder()).vectors(within_side(encoder(), people, "context"))
        nearest = np.argsort(-queries @ towers.items.T, axis=1)[:, :10]
        shares.append(float((nearest % KINDS == np.arange(PEOPLE)[:, None] % KINDS).mean()))
    assert shares[0] > 0.9
    assert shares[1] < 0.3
