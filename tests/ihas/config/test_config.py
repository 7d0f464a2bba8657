"""Settings say what they mean."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

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
