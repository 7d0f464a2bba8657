"""The form of numbers that validation chooses, on a table where the right answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.data import DataConfig
from ihas.config.encoding import EncodingConfig
from ihas.config.learning import LearningConfig
from ihas.config.split import SplitConfig
from ihas.config.training import TrainingConfig
from ihas.data.ingest import ingest
from ihas.data.storage import load_ingested
from ihas.metrics import auc
from ihas.stages import numbers
from ihas.stages.numbers import ingest_best, validation_auc
from tests.ihas.data.tables import written
from tests.oracle import ignore

pytestmark = pytest.mark.tf

ROWS = 6_000
CONFIG = LearningConfig(
    encoding=EncodingConfig(numeric="auto", num_buckets=2),
    backbone=BackboneConfig(hidden=(8,)),
    training=TrainingConfig(embedding_dim=4, batch_size=64, learning_rate=0.02, embedding_l2=1e-6, epochs=8),
)


def _rising(path: Path) -> tuple[DataConfig, float]:
    """A table whose log-odds rise with a number, and the best AUC of its rows."""
    rng = np.random.default_rng(3)
    x = rng.random(ROWS)
    logits = 8.0 * (x - 0.5)
    click = rng.random(ROWS) < 1.0 / (1.0 + np.exp(-logits))
    lines = (f"{number:.6f},{int(one)}" for number, one in zip(x, click, strict=True))
    return DataConfig(path=written(path, "\n".join(["price,click", *lines]) + "\n")), auc(logits, click.astype(np.float32)) or 0.0


@pytest.mark.slow
def test_validation_prefers_what_can_be_said(tmp_path: Path) -> None:
    """Two buckets cannot say what rises within them, three knots can: they come within .01 of the best AUC, and are what is written."""
    data, best = _rising(tmp_path / "x.csv")
    found = ingest_best(data, CONFIG, tmp_path / "encoded", ignore)
    assert found["piecewise"] > found["buckets"] + 0.01
    assert found["piecewise"] >= best - 0.01
    assert {field.kind for field in load_ingested(tmp_path / "encoded").encoder.fields} == {"piecewise"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["encoded", "x.csv"]


def test_a_table_without_numbers_is_written_once(tmp_path: Path) -> None:
    """There is nothing to choose, and nothing is trained; the bytes are those of buckets."""
    path = written(tmp_path / "x.csv", "user,click\n" + "".join(f"u{row % 7},{row * 5 % 7 % 2}\n" for row in range(200)))
    assert ingest_best(DataConfig(path=path), CONFIG, tmp_path / "encoded", ignore) == {}
    ingest(DataConfig(path=path), EncodingConfig(), SplitConfig(), CONFIG.seed, tmp_path / "plain")
    assert (tmp_path / "encoded" / "encoder.json").read_bytes() == (tmp_path / "plain" / "encoder.json").read_bytes()


def test_large_tables_are_tried_on_some_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more rows than stated, of training and of validation; epochs are named after the form; the kind `auto` is tried as `mlp`."""
    monkeypatch.setattr(numbers, "SAMPLE_ROWS", 300)
    data, _ = _rising(tmp_path / "x.csv")
    ingested = ingest(data, EncodingConfig(), SplitConfig(), 0, tmp_path / "encoded")
    seen: list[str] = []
    config = CONFIG.model_copy(update={"backbone": BackboneConfig(kind="auto")})
    assert 0.5 < validation_auc(ingested, config, "buckets", lambda epoch: seen.append(epoch.model)) < 1.0
    assert set(seen) == {"numbers/buckets"}
