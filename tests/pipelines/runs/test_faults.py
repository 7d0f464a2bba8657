"""Faults of settings in plain words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ihas.config.overrec import OverRecRecipe
from ihas.config.recipe import Recipe
from ihas_pipelines.runs.faults import faults


@pytest.mark.parametrize(
    ("learning", "words"),
    [
        ({"training": {"epochs": 0}}, "`learning.training.epochs` must be at least 1, but is 0."),
        ({"training": {"epochs": 2.5}}, "`learning.training.epochs` must be a whole number, but is 2.5."),
        ({"cluster": {"thresholds": []}}, "`learning.cluster.thresholds` must have at least 1 entries, but is []."),
        ({"split": {"kind": "randm"}}, "`learning.split.kind`: `kind` must be 'random', 'time' or 'given', but got 'randm'."),
        ({"training": {"epoch": 3}}, "`learning.training.epoch`: There is no `epoch` here."),
        ({"training": 3}, "`learning.training` must be a group of settings, but is 3."),
    ],
)
def test_a_fault_names_the_setting_its_values_and_what_it_is(learning: dict[str, Any], words: str) -> None:
    """The sentence has the place, what may stand there, and what does; no link and no word of pydantic's."""
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate({"data": {"path": "clicks.csv"}, "learning": learning})
    text = faults(caught.value)
    assert text.startswith(words)
    assert not {"http", "pydantic", "Input should"} & {word for word in ("http", "pydantic", "Input should") if word in text}


def test_all_faults_are_told_at_once() -> None:
    """Two wrong settings are two sentences; a missing one says so."""
    with pytest.raises(ValidationError) as caught:
        OverRecRecipe.model_validate({"learning": {"sigma_w": []}})
    assert faults(caught.value) == "`data`: `data` must be given. `learning.sigma_w` must have at least 1 entries, but is []."
