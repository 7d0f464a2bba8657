"""Rows without a click that were left out of the table."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ihas.config.data import DataConfig, SchemaConfig
from ihas.config.negatives import NegativesConfig
from ihas.data.column_file import stated_columns
from ihas.data.ingest import inspect
from ihas.errors import ConfigError
from tests.ihas.data.tables import written


def _table(path: Path) -> DataConfig:
    rows = (f"u{row % 7},m{row % 5},{row * 5 % 7 % 2}" for row in range(200))
    return DataConfig(path=written(path, "\n".join(["user,item,click", *rows]) + "\n"), columns=SchemaConfig(negatives_kept=0.1))


def test_the_report_says_what_is_corrected(tmp_path: Path) -> None:
    """And what is not; the schema keeps the share, so that a table read later is read alike."""
    report = inspect(_table(tmp_path / "x.csv"))
    (note,) = [one for one in report.findings if one.code == "negatives_kept"]
    assert note.severity == "warning"
    assert note.message.startswith("0.1 of the rows without a click are here: served probabilities are corrected")
    assert stated_columns(report.columns).negatives_kept == report.columns.negatives_kept == 0.1


@pytest.mark.parametrize("kept", [0.0, -0.5, 1.5, "0.1", True])
def test_a_share_is_above_0_and_at_most_1(kept: object) -> None:
    """Anything else is refused by the setting's name; all rows are the default, which leaves no key."""
    with pytest.raises(ValidationError, match="negatives_kept"):
        SchemaConfig(negatives_kept=kept)  # type: ignore[arg-type]
    assert "negatives_kept" not in SchemaConfig().model_dump()


def test_drawn_negatives_are_none_that_were_left_out(tmp_path: Path) -> None:
    """Both settings at once contradict each other."""
    data = _table(tmp_path / "x.csv")
    columns = SchemaConfig(negatives_kept=0.1, negatives=NegativesConfig(per_positive=2), user_id="user", item_id="item")
    with pytest.raises(ConfigError, match="both drawn, `negatives`, and left out, `negatives_kept`"):
        inspect(data.model_copy(update={"columns": columns}))
