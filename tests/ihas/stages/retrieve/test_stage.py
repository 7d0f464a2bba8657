"""The retrieval stage, on clicks whose right items are known."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.stages.retrieve.stage import RetrievalTowers, Retrieving, learn_retrieval, within_side
from ihas.stages.retrieve.towers import TrainedTower
from tests.ihas.stages.retrieve.factory import KINDS, PEOPLE, encoder, item_table, retrieving

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
