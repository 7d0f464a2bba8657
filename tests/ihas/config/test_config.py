"""Settings say what they mean."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ihas.config.data import DataConfig
from ihas.config.learning import LearningConfig


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"seed": True}, "`seed` must be a number, but got True"),
        ({"seed": "3"}, "`seed` must be a number, but got '3'"),
        ({"cluster": {"num_groups": [2, True]}}, "`num_groups` must be a number"),
        ({"evaluate": {"controls": 1}}, "`controls` must be true or false, but got 1"),
    ],
)
def test_a_number_is_written_as_one(settings: dict[str, object], said: str) -> None:
    """`true` is no 1, "3" is no 3, and 1 is no `true`; 3.0 is 3, as JSON has one kind of number."""
    with pytest.raises(ValidationError, match=said):
        LearningConfig.model_validate(settings)
    assert LearningConfig.model_validate({"seed": 3.0}).seed == 3


@pytest.mark.parametrize("setting", ["delimiter", "escape"])
def test_one_character_is_asked_for_where_one_is_wanted(setting: str) -> None:
    """A longer or an empty text is refused with what it is."""
    for value in (";;", ""):
        with pytest.raises(ValidationError, match=f"`{setting}` must be one character, but got '{value}'"):
            DataConfig.model_validate({"path": "x.csv", setting: value})


def test_settings_that_are_not_stated_leave_the_keys_of_stages_alone() -> None:
    """What version 0.1.0 did not know is written down only where it is stated, so that its run folders are gone on with."""
    data = DataConfig.model_validate({"path": "x.csv"}).model_dump(mode="json")
    assert set(data) == {"path", "valid_path", "test_path", "format", "delimiter", "columns", "interactions"}
    assert "histories" not in data["columns"]
    stated = {"path": "x.csv", "quoting": False, "escape": "\\", "columns": {"histories": ["seen"]}}
    kept = DataConfig.model_validate(stated)
    assert DataConfig.model_validate(kept.model_dump(mode="json")) == kept
    assert kept.model_dump(mode="json")["quoting"] is False
