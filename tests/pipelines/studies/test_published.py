"""Recipes of plain models under published settings."""

from __future__ import annotations

import pytest

from ihas.config.backbone import BACKBONES, BackboneConfig
from ihas.config.training import TrainingConfig
from ihas.data.ingest import ingest
from ihas_pipelines.kinds.recipe_file import read_recipe
from ihas_pipelines.studies.published import FOLDER, row
from tests.pipelines.small_run import small_recipe

pytestmark = pytest.mark.tf

KINDS = tuple(BACKBONES)


def test_every_backbone_has_a_recipe():
    """There is one recipe for each backbone, named after it, and no other."""
    assert sorted(path.stem for path in FOLDER.glob("*.toml")) == sorted(KINDS)


PUBLISHED = {  # L2 weight, patience, hidden layers, dropout and whether they are normalised: the run logs of BARS, commit 5b5e61f
    "lr": (1e-5, 1, None, None, None),
    "fm": (5e-6, 1, None, None, None),
    "mlp": (0.05, 1, (400, 400, 400), 0.2, True),
    "wide_deep": (0.1, 1, (400, 400, 400), 0.6, True),
    "deepfm": (0.05, 1, (400, 400, 400), 0.2, True),
    "dcn": (0.05, 1, (400, 400, 400), 0.4, True),
    "ipnn": (0.05, 2, (400, 400, 400), 0.3, False),
    "xdeepfm": (0.1, 1, (400, 400, 400), 0.2, True),
    "autoint": (0.1, 1, (400, 400, 400), 0.1, True),
    "finalmlp": (0.05, 1, (400,), 0.4, True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_is_the_published_setting(kind, monkeypatch):
    """A recipe builds its backbone as published, under the schedule that all of them share, and keeps every value of the table."""
    monkeypatch.setenv("IHAS_DATA", "/data")
    recipe = read_recipe(FOLDER / f"{kind}.toml")
    training, backbone = recipe.learning.training, recipe.learning.backbone
    l2, patience, hidden, dropout, batch_norm = PUBLISHED[kind]

    assert backbone.kind == kind
    assert recipe.learning.encoding.min_count == 1
    assert (training.batch_size, training.learning_rate, training.plateau_factor, training.epochs) == (4096, 1e-3, 0.1, 100)
    assert (training.embedding_l2, training.patience, training.initial_deviation) == (l2, patience, 1e-4)
    if hidden is not None:
        assert (backbone.hidden, backbone.dropout, backbone.batch_norm) == (hidden, dropout, batch_norm)
        assert backbone.batch_norm_epsilon == (1e-5 if batch_norm else 1e-3)


def test_a_row_measures_a_trained_plain_model(tmp_path):
    """Logistic regression on the coupons orders test rows far better than chance; its parameters are the table's and one bias."""
    recipe = small_recipe()
    training = TrainingConfig(embedding_dim=1, batch_size=256, learning_rate=0.02, embedding_l2=1e-4, epochs=3)
    learning = recipe.learning.model_copy(update={"backbone": BackboneConfig(kind="lr"), "training": training})
    cells = [cell.strip() for cell in row(recipe.model_copy(update={"learning": learning})).strip("|").split("|")]

    assert cells[:2] == ["lr", "0"]
    assert float(cells[2]) > 0.65
    assert float(cells[3]) < 0.68
    assert cells[4] == "3"
    parts = ingest(recipe.data, learning.encoding, learning.split, learning.seed, tmp_path / "encoded").parts
    assert int(cells[6].replace(",", "")) == parts.train.layout.num_rows + 1
