"""Scores and rates by the values of a field."""

from __future__ import annotations

import numpy as np
import pytest

from ihas.data.dataset import Dataset
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import CategoricalEncoder, MultivaluedEncoder, VectorEncoder
from ihas.results.calibration import CalibrationResult
from ihas.stages.evaluate.field_calibration import MIN_ROWS, by_field, with_fields

ENCODER = Encoder(
    fields=(
        CategoricalEncoder(name="city", role="context", values=("Rome", "Oslo", "Bonn")),
        MultivaluedEncoder(name="tags", role="item", values=("new", "old"), slots=3, separator="|"),
        VectorEncoder(name="taste", role="context", means=(0.0,), scales=(1.0,)),
    )
)


def _rows() -> Dataset:
    """100 rows of Rome with 80 clicks, 100 of Oslo with 20, and too few of Bonn."""
    cities = ["Rome"] * 100 + ["Oslo"] * 100 + ["Bonn"] * (MIN_ROWS - 1)
    labels = [n < 80 for n in range(100)] + [n < 20 for n in range(100)] + [True] * (MIN_ROWS - 1)
    rows = [{"city": city, "tags": "new|new|old" if city == "Rome" else "new", "taste": [0.5]} for city in cities]
    return Dataset(ENCODER.layout, ENCODER.encode_rows(rows), np.array(labels, np.float32))


def test_values_are_judged_by_hand() -> None:
    """Scores of one half: Rome is .3 too low and Oslo .3 too high, six standard errors of .05 each; of the vector nothing is said."""
    rows = _rows()
    city, tags = by_field(np.zeros(len(rows), np.float32), rows, ENCODER)
    assert (city.field, city.values, city.error) == ("city", 2, pytest.approx(0.3))
    told = [(one.value, one.rows, one.score, one.click_rate, one.deviations) for one in city.worst]
    assert [one[:2] for one in told] == [("Rome", 100), ("Oslo", 100)]
    np.testing.assert_allclose([one[2:] for one in told], [[0.5, 0.8, 6.0], [0.5, 0.2, -6.0]], rtol=1e-5)
    assert [one.log_loss for one in city.worst] == pytest.approx([np.log(2.0)] * 2)
    assert {one.value: one.rows for one in tags.worst} == {"new": len(rows), "old": 100}


def test_right_scores_have_no_distance() -> None:
    """Of a model that says the rates; the result keeps all else, and a result of one label stays none."""
    rows = _rows()
    rates = np.repeat([0.8, 0.2, 0.99], [100, 100, MIN_ROWS - 1])
    logits = np.log(rates / (1.0 - rates))
    result = CalibrationResult(method="none", log_loss_before=1.0, log_loss=1.0, error_before=0.0, error=0.0, reliability=())
    assert "fields" not in result.model_dump()
    found = with_fields(result, None, logits, rows, ENCODER)
    assert found is not None
    assert found.fields[0].error == pytest.approx(0.0, abs=1e-6)
    assert found.model_copy(update={"fields": ()}) == result
    assert with_fields(None, None, logits, rows, ENCODER) is None
