"""Kinds of fields whose best answer is known by construction, trained: texts, hashed values, vectors, days between two times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.columns import TextColumn
from ihas.config.data import DataConfig, SchemaConfig, TimestampColumn
from ihas.config.encoding import EncodingConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.ingest import ingest
from ihas.metrics import auc
from ihas.stages.numbers import validation_auc
from tests.ihas.data.tables import written
from tests.oracle import GIVEN, ignore, parts_of

pytestmark = pytest.mark.tf

ORACLE = LearningConfig(
    encoding=EncodingConfig(),
    backbone=BackboneConfig(hidden=()),
    training=TrainingConfig(embedding_dim=4, batch_size=64, learning_rate=0.02, embedding_l2=1e-5, epochs=10),
)


@pytest.mark.slow
def test_words_are_learnt(tmp_path: Path) -> None:
    """Log-odds that are a sum over a text's words, of which no text recurs: within .01 of the best AUC."""
    rng, rows = np.random.default_rng(5), 12_000
    weights = rng.normal(0.0, 1.5, 60)
    chosen = np.array([rng.permutation(60)[:6] for _ in range(rows)])
    logits = weights[chosen].sum(axis=1)
    click = rng.random(rows) < 1.0 / (1.0 + np.exp(-logits))
    parts, judged = parts_of(rows)
    lines = (
        f"{' '.join(f'Wort{word}' for word in words)}!,{int(one)},{part}" for words, one, part in zip(chosen, click, parts, strict=True)
    )
    path = written(tmp_path / "x.csv", "\n".join(["title,click,part", *lines]) + "\n")
    columns = SchemaConfig(text={"title": TextColumn()})
    data = ingest(DataConfig(path=path, columns=columns), ORACLE.encoding, GIVEN, 0, tmp_path / "encoded")
    best = auc(logits[judged], click[judged].astype(np.float32)) or 0.0
    assert validation_auc(data, ORACLE, "text", ignore) >= best - 0.01


@pytest.mark.slow
def test_hashed_values_are_learnt(tmp_path: Path) -> None:
    """200 users in 2^16 buckets are told apart: within .01 of the best AUC."""
    rng, rows = np.random.default_rng(6), 16_000
    weights, user = rng.normal(0.0, 2.0, 200), rng.integers(0, 200, rows)
    click = rng.random(rows) < 1.0 / (1.0 + np.exp(-weights[user]))
    parts, judged = parts_of(rows)
    lines = (f"{100_000 + one},{int(label)},{part}" for one, label, part in zip(user, click, parts, strict=True))
    path = written(tmp_path / "x.csv", "\n".join(["user,click,part", *lines]) + "\n")
    data = ingest(DataConfig(path=path, columns=SchemaConfig(hash_buckets={"user": 2**16})), ORACLE.encoding, GIVEN, 0, tmp_path / "e")
    found, best = validation_auc(data, ORACLE, "hashed", ignore), auc(weights[user[judged]], click[judged].astype(np.float32)) or 0.0
    assert found >= best - 0.01


@pytest.mark.slow
def test_a_linear_map_is_learnt(tmp_path: Path) -> None:
    """Log-odds that are a linear function of a vector, of which none recurs: within .01 of the best AUC of the rows judged."""
    rng, rows, dim = np.random.default_rng(8), 8_000, 16
    vectors = (rng.normal(size=(rows, dim)) * rng.uniform(0.5, 40.0, dim) + rng.normal(0.0, 9.0, dim)).astype(np.float32)
    logits = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0) @ rng.normal(0.0, 0.6, dim)
    click = rng.random(rows) < 1.0 / (1.0 + np.exp(-logits))
    parts, judged = parts_of(rows)
    table = pa.table(
        {"picture": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dim), "click": click.astype(np.int32), "part": parts}
    )
    pq.write_table(table, tmp_path / "x.parquet")
    config = LearningConfig(
        backbone=BackboneConfig(hidden=()),
        training=TrainingConfig(embedding_dim=4, batch_size=64, learning_rate=0.02, embedding_l2=1e-6, epochs=10),
    )
    data = ingest(DataConfig(path=tmp_path / "x.parquet"), config.encoding, GIVEN, 0, tmp_path / "encoded")
    assert data.encoder.fields[0].kind == "vector"
    best = auc(logits[judged], click[judged].astype(np.float32)) or 0.0
    found = validation_auc(data, config, "vector", ignore)
    assert found >= best - 0.01, (found, best)


@pytest.mark.slow
def test_days_are_learnt(tmp_path: Path) -> None:
    """Log-odds that depend on the days between two times alone: within .01 of the best AUC; the two times' parts say nothing of it."""
    rng, rows = np.random.default_rng(4), 6_000
    gaps = rng.integers(1, 9, rows).astype(float) * 3.0
    logits = np.where(gaps > 12.0, 1.5, -1.5) + np.where(gaps % 2 > 0, 0.8, -0.8)
    click = rng.random(rows) < 1.0 / (1.0 + np.exp(-logits))
    config = LearningConfig(
        encoding=EncodingConfig(num_buckets=16),
        backbone=BackboneConfig(hidden=()),
        training=TrainingConfig(embedding_dim=4, batch_size=64, learning_rate=0.02, embedding_l2=1e-5, epochs=8),
    )
    parts, judged = parts_of(rows)
    seen = [datetime(2024, 3, 1, tzinfo=UTC) + timedelta(minutes=37 * row) for row in range(rows)]
    lines = (
        f"{at.isoformat()},{(at - timedelta(days=gap)).isoformat()},{int(one)},{part}"
        for at, gap, one, part in zip(seen, gaps.tolist(), click, parts, strict=True)
    )
    path = written(tmp_path / "x.csv", "\n".join(["seen,last,click,part", *lines]) + "\n")
    hours = TimestampColumn(parts=("hour",))
    columns = SchemaConfig(timestamps={"seen": TimestampColumn(parts=("hour",), days_since=("last",)), "last": hours})
    data = ingest(DataConfig(path=path, columns=columns), config.encoding, GIVEN, 0, tmp_path / "encoded")
    best, found = auc(logits[judged], click[judged].astype(np.float32)) or 0.0, validation_auc(data, config, "days", ignore)
    assert found >= best - 0.01, (found, best)
