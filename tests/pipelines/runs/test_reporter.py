"""What a run says of its progress."""

from __future__ import annotations

import pytest

from ihas.results.run_result import EpochMetrics
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.runs.reporter import Reporter
from ihas_pipelines.runs.stages import STAGES

pytestmark = pytest.mark.tf

SHARES = {"reading": 0.1, "search": 0.5, "towers": 0.1, "evaluate": 0.3}


def test_the_shares_of_the_stages_are_a_whole_run():
    """They add up to one."""
    assert sum(stage.share for stage in STAGES) == pytest.approx(1.0)


def test_the_fraction_starts_at_each_stages_own_place_and_never_passes_the_next():
    """After fifty epochs of a stage the fraction is still below the next stage's start."""
    lines: list[Progress] = []
    reporter = Reporter(lines.append, SHARES)
    reporter.enter("search", "Training", (0, 2))
    for epoch in range(50):
        reporter.epoch(EpochMetrics(model="base", epoch=epoch + 1, loss=0.5, auc=0.7))
    reporter.enter("search", "Searching", (1, 2))

    fractions = [line.fraction for line in lines]
    assert fractions[0] == SHARES["reading"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(SHARES["reading"] + SHARES["search"] / 2)


def test_an_epoch_carries_its_metrics():
    """The line names model and epoch, and holds loss and validation AUC as numbers."""
    lines: list[Progress] = []
    Reporter(lines.append, SHARES).epoch(EpochMetrics(model="search", epoch=3, loss=0.5, auc=0.71239))

    assert lines[0].message == "search: epoch 3, validation AUC 0.7124"
    assert lines[0].metrics == {"loss": 0.5, "valid_auc": 0.71239}


def test_what_an_earlier_try_left_does_not_count_as_speed(monkeypatch):
    """A run that skips to half way and then takes 10 s for a tenth of the rest's stage expects as much for the others."""
    clock = [0.0]
    monkeypatch.setattr("ihas_pipelines.runs.reporter.time.monotonic", lambda: clock[0])
    lines: list[Progress] = []
    reporter = Reporter(lines.append, SHARES)
    for stage in ("reading", "search"):
        reporter.enter(stage, "read")
    reporter.enter("evaluate", "compute")
    for _ in range(20):
        clock[0] += 1.0
        reporter.epoch(EpochMetrics(model="grouped/shared", epoch=1, loss=0.5, auc=0.7))

    skipped = SHARES["reading"] + SHARES["search"] + SHARES["towers"]
    speed = (lines[-1].fraction - skipped) / 20.0
    assert lines[-1].eta_s == pytest.approx((1.0 - lines[-1].fraction) / speed, rel=0.02)


def test_a_stage_without_a_name_of_its_own_is_shown_as_another():
    """Lines of `towers` say `retrain`, at the place of `towers` in the run."""
    lines: list[Progress] = []
    Reporter(lines.append, SHARES, {"towers": "retrain"}).enter("towers", "Training")

    assert (lines[0].stage, lines[0].fraction) == ("retrain", 0.6)
