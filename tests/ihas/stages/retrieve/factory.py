"""Clicks whose right items are known: a context of kind c clicks items of kind c and no other.

Fields: `who` (context, kinds * 3 values, kind = value mod kinds), `item` (item id, kind = item mod kinds), `noise` (item; says nothing).
"""

from __future__ import annotations

import numpy as np

from ihas.config.learning import LearningConfig
from ihas.config.retrieval import RetrievalConfig
from ihas.config.training import TrainingConfig
from ihas.data.dataset import Dataset
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import FIRST_VALUE, CategoricalEncoder, MultivaluedEncoder
from ihas.data.item_table import ItemTable
from ihas.stages.retrieve.stage import Retrieving

KINDS, PEOPLE, ITEMS = 5, 15, 200


def encoder() -> Encoder:
    """Encoder of the three fields; the context's comes second in the layout."""
    return Encoder(
        fields=(
            MultivaluedEncoder(name="noise", role="item", values=("a", "b"), slots=2, separator="|"),
            CategoricalEncoder(name="who", role="context", values=tuple(map(str, range(PEOPLE)))),
            CategoricalEncoder(name="item", role="item", values=tuple(map(str, range(ITEMS)))),
        )
    )


def rows(number: int, seed: int) -> Dataset:
    """Rows of which those of the same kind are clicked."""
    rng, layout = np.random.default_rng(seed), encoder().layout
    who, item = rng.integers(0, PEOPLE, number), rng.integers(0, ITEMS, number)
    item = np.where(rng.random(number) < 0.5, item - item % KINDS + who % KINDS, item)
    first, second = layout.first_rows[1] + FIRST_VALUE, layout.first_rows[2] + FIRST_VALUE
    ids = np.stack([2 + item % 2, np.where(item % 3, -1, 3), who + first, item + second], axis=1).astype(np.int32)
    return Dataset(layout, ids, (who % KINDS == item % KINDS).astype(np.float32))


def item_table() -> ItemTable:
    """Every item, with its noise."""
    cells = [{"noise": "ab"[item % 2] + ("" if item % 3 else "|b"), "item": str(item)} for item in range(ITEMS)]
    return ItemTable(tuple(map(str, range(ITEMS))), encoder().encode_rows(cells, ("noise", "item")), np.ones(ITEMS, np.int32))


def retrieving(epochs: int = 20) -> Retrieving:
    """Something to learn from, in seconds."""
    config = LearningConfig(
        training=TrainingConfig(embedding_dim=8), retrieval=RetrievalConfig(width=8, hidden=16, epochs=epochs, learning_rate=0.03)
    )
    return Retrieving(encoder(), item_table(), rows(8_000, 1), rows(1_000, 2), config)
