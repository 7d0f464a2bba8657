"""Tables of clicks with a known answer, and a recipe that searches them in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ihas.config.backbone import BackboneConfig
from ihas.config.cluster import ClusterConfig
from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.distil import DistilConfig
from ihas.config.evaluate import EvaluateConfig
from ihas.config.learning import LearningConfig
from ihas.config.members import MembersConfig
from ihas.config.recipe import Recipe
from ihas.config.retrain import RetrainConfig
from ihas.config.retrieval import RetrievalConfig
from ihas.config.run import RunOptions
from ihas.config.search import SearchConfig
from ihas.config.split import SplitConfig
from ihas.config.training import TrainingConfig

COLUMNS = SchemaConfig(label="label", categorical=("user", "item", "place"), numeric=("age",), item=("item",), item_id="item", time="day")


def write_clicks(path: Path, rows: int, items: int = 20, first_new: int | None = None) -> Path:
    """Rows of which the item alone tells, P(click) = sigmoid(3 * weight[item]), weights +1 and -1 in turn.

    Args:
        path: file to write.
        rows: number of rows; the first ones are the same whatever it is.
        items: items of the rows before `first_new`; as many others come from there on.
        first_new: row from which on half of the rows show new items.
    """
    rng = np.random.default_rng(5)
    lines = ["label,user,item,place,age,day"]
    for number in range(rows):
        user, item, place, age, late, chance = rng.random(6)
        which = int(item * items) + (items if first_new is not None and number >= first_new and late < 0.5 else 0)
        click = chance < 1.0 / (1.0 + np.exp(3.0 - 6.0 * (which % 2)))
        lines.append(f"{int(click)},u{int(user * 15)},i{which},{'abc'[int(place * 3)]},{int(age * 60)},{number}")
    path.write_text("\n".join(lines) + "\n")
    return path


def clicks_recipe(path: Path) -> Recipe:
    """A search of seconds, by time, with groups, without teacher and controls."""
    learning = LearningConfig(
        split=SplitConfig(kind="time"),
        backbone=BackboneConfig(hidden=(8,), batch_norm=False),
        training=TrainingConfig(embedding_dim=4, batch_size=128, learning_rate=0.02, embedding_l2=1e-4, epochs=3),
        members=MembersConfig(counts=(2,), larger=()),
        distil=DistilConfig(members=0),
        search=SearchConfig(epochs=1),
        cluster=ClusterConfig(num_groups=(2,), on=("masked",), thresholds=(0.3, 0.6), min_group_fraction=0.01),
        retrain=RetrainConfig(epochs=1),
        evaluate=EvaluateConfig(controls=False),
        retrieval=RetrievalConfig(when="always", width=4, hidden=8, epochs=1),
    )
    return Recipe(name="clicks", data=DataConfig(path=path, columns=COLUMNS), learning=learning, run=RunOptions(num_threads=1))
