"""The chosen model trained once more, with validation rows among what it learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ihas.config.backbone import BackboneConfig
from ihas.config.learning import LearningConfig
from ihas.config.training import TrainingConfig
from ihas.data.synthetic import make_tribes
from ihas.metrics import auc
from ihas.results.run_result import ClickMetrics, Interval, Refit
from ihas.stages.evaluate.variants import Variant, plain_variant
from ihas.training.plain import Refitting, train_plain
from ihas_pipelines.runs.folder import RunFolder
from ihas_pipelines.runs.refit import refit_result, refit_variants, refit_words

pytestmark = pytest.mark.tf

PARTS = make_tribes(np.random.default_rng(0), 1, (600, 2400, 4000), values=40).parts
CONFIG = LearningConfig(
    backbone=BackboneConfig(hidden=()), training=TrainingConfig(embedding_dim=4, batch_size=64, learning_rate=0.02, embedding_l2=1e-4)
)


def _variant(name: str) -> Variant:
    model = train_plain(PARTS, CONFIG, name, lambda _: None)
    return plain_variant(name, model.weights, PARTS, CONFIG, model.courses)


@pytest.fixture(scope="module")
def base() -> Variant:
    """A plain model of few training rows."""
    return _variant("base")


def test_learns_from_validation_rows_too(base: Variant, tmp_path: Path):
    """Five times as many rows: test AUC rises clearly; what validation rows said of it stays, cost and settings too."""
    refits = refit_variants(RunFolder(tmp_path), "key", PARTS, base, base)

    assert refits is not None
    assert refits.served is refits.base
    before, after = (auc(one.test_logits, PARTS.test.labels) or 0.0 for one in (base, refits.served))
    assert after > before + 0.01
    np.testing.assert_array_equal(refits.served.valid_logits, base.valid_logits)
    assert (refits.served.cost, refits.served.config, refits.served.name) == (base.cost, base.config, "base")
    result = refit_result(refits, PARTS)
    assert (result.rows, result.test.auc, result.gain) == (3000, pytest.approx(after), None)


def test_is_kept_in_the_run_folder(base: Variant, tmp_path: Path):
    """A run that is started again trains nothing anew; the plain model is trained beside another one."""
    other = replace(base, name="members")
    first = refit_variants(RunFolder(tmp_path), "key", PARTS, other, base)
    again = refit_variants(RunFolder(tmp_path), "key", PARTS, other, base)

    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first.served.test_logits, again.served.test_logits)
    np.testing.assert_array_equal(first.base.models[0].weights.table, again.base.models[0].weights.table)
    assert (again.served.name, again.base.name) == ("members", "base")
    assert (first.served.test_logits != first.base.test_logits).any(), "each has a random stream of its own"
    assert refit_result(again, PARTS).gain is not None


def test_what_did_not_learn_from_clicks_alone_is_left(base: Variant, tmp_path: Path):
    """A model under masks, or of an earlier version, has no courses to repeat."""
    assert refit_variants(RunFolder(tmp_path), "key", PARTS, replace(base, name="static", courses=()), base) is None
    assert list(tmp_path.glob("stages/*")) == []


def test_what_never_learns_as_much_is_left(base: Variant, tmp_path: Path):
    """Validation rows that the model before put in perfect order: every start ends clearly below, and the model stays as it is."""
    perfect = replace(base, name="members", valid_logits=PARTS.valid.labels * 2.0 - 1.0)
    assert refit_variants(RunFolder(tmp_path), "key", PARTS, perfect, base) is None
    assert refit_variants(RunFolder(tmp_path), "key", PARTS, perfect, base) is None, "the kept stage says so too"


def test_starts_differ(base: Variant):
    """Each number is a random start of its own, the same every time."""
    refitting = Refitting(PARTS.train, len(PARTS.train))
    tables = [refitting.train(CONFIG, "base", base.courses[:1], start=start).table for start in (0, 1, 1)]
    assert (tables[0] != tables[1]).any()
    np.testing.assert_array_equal(tables[1], tables[2])


def test_words():
    """The test AUC, beside that of the plain model where it is not the one."""
    metrics = [ClickMetrics(rows=9, auc=area, log_loss=0.5, calibration=1.0) for area in (0.9, 0.85)]
    alone = Refit(rows=20, test=metrics[0], base=metrics[0], gain=None)
    beside = Refit(rows=20, test=metrics[0], base=metrics[1], gain=Interval(difference=0.05, low=0.04, high=0.06))

    served = " Served is this model trained once more, on training and validation rows together: test AUC 0.9000"
    assert [refit_words(one) for one in (None, alone, beside)] == ["", f"{served}.", f"{served} (the plain model, treated alike, 0.8500)."]
    one_label = metrics[0].model_copy(update={"auc": None})
    assert refit_words(alone.model_copy(update={"test": one_label})) == ""
