"""How a training reached what it kept."""

from __future__ import annotations

from ihas.training.steps import EpochStep, KeptPath


def test_epochs_that_led_nowhere_are_left_out():
    """Two kept, one dropped by going back, one kept from the average, one at the end that was no better."""
    path = KeptPath()
    path.went(0.1, begins=True)
    path.keep()
    path.went(0.1, begins=False)
    path.keep()
    path.went(0.1, begins=False)
    path.go_back()
    path.went(0.03, begins=True)
    path.keep()
    path.went(0.03, begins=False)

    assert path.steps == (
        EpochStep(0.1, from_average=False, begins=True),
        EpochStep(0.1, from_average=False, begins=False),
        EpochStep(0.03, from_average=True, begins=True),
    )


def test_an_epoch_that_was_no_better_counts_where_training_went_on_from_it():
    """Without going back, what was kept later came through it."""
    path = KeptPath()
    path.went(0.1, begins=True)
    path.keep()
    path.went(0.1, begins=True)
    path.went(0.03, begins=True)
    path.keep()

    assert [step.rate for step in path.steps] == [0.1, 0.1, 0.03]


def test_nothing_kept_has_no_steps():
    """Also after going back to the start: the next epoch does not go on from an average that there is not."""
    path = KeptPath()
    path.went(0.1, begins=True)
    path.go_back()
    assert path.steps == ()

    path.went(0.03, begins=True)
    path.keep()
    assert path.steps == (EpochStep(0.03, from_average=False, begins=True),)
