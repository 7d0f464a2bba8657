"""What a run says of its progress."""

from __future__ import annotations

import pytest

from ihas.results import EpochFigures
from pipelines.progress import Progress
from pipelines.reporter import SHARES, Reporter


def test_the_shares_of_the_stages_are_a_whole_run():
    """They add up to one."""
    assert sum(SHARES.values()) == pytest.approx(1.0)


def test_the_fraction_starts_at_each_stages_own_place_and_never_passes_the_next():
    """After fifty epochs of a stage the fraction is still below the next stage's start."""
    lines: list[Progress] = []
    reporter = Reporter(lines.append)
    reporter.enter("searching", "Training", (0, 2))
    for epoch in range(50):
        reporter.epoch(EpochFigures(model="base", epoch=epoch + 1, loss=0.5, auc=0.7))
    reporter.enter("searching", "Searching", (1, 2))

    fractions = [line.fraction for line in lines]
    assert fractions[0] == SHARES["validating"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(SHARES["validating"] + SHARES["searching"] / 2)


def test_an_epoch_carries_its_figures():
    """The line names model and epoch, and holds loss and validation AUC as numbers."""
    lines: list[Progress] = []
    Reporter(lines.append).epoch(EpochFigures(model="search", epoch=3, loss=0.5, auc=0.71239))

    assert lines[0].message == "search: epoch 3, validation AUC 0.7124"
    assert lines[0].metrics == {"loss": 0.5, "valid_auc": 0.71239}
