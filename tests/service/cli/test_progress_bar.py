"""Without a terminal, progress is lines with percent and time left, and a long silence is broken."""

from __future__ import annotations

import io

import pytest

from ihas_service.cli.progress_bar import REMIND_S, ProgressBar, duration
from ihas_service.cli.terminal import HarmlessConsole, Output, Terminal


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.seconds


@pytest.fixture
def screen() -> io.StringIO:
    """What was printed."""
    return io.StringIO()


def terminal(screen: io.StringIO, output: Output = Output.TABLE) -> Terminal:
    """A stream that is no terminal."""
    console = HarmlessConsole(file=screen, force_terminal=False, markup=False, highlight=False, emoji=False, width=200)
    return Terminal(output, console, console)


def test_lines_tell_percent_and_time_left(screen: io.StringIO) -> None:
    """A line where the stage changes and after each twentieth of the run; none for less."""
    bar = ProgressBar(terminal(screen), Clock())
    bar.show("base", "Training the plain model", 0.0, None)
    bar.show("base", "epoch 1", 0.04, None)
    bar.show("base", "epoch 2", 0.06, 840.0)
    bar.show("base", "epoch 3", 0.1, 800.0)
    bar.show("search", "Searching gates", 0.105, 40.0)
    assert screen.getvalue().splitlines() == [
        "base: Training the plain model (0%)",
        "base: epoch 2 (6%, 14 min left)",
        "search: Searching gates (10%, 40 s left)",
    ]


def test_a_long_silence_is_broken(screen: io.StringIO) -> None:
    """The last line is said again with the time so far, once for each time that nothing was printed for."""
    clock = Clock()
    bar = ProgressBar(terminal(screen), clock)
    bar.remind()
    bar.show("base", "Training the plain model", 0.0, None)
    clock.seconds = REMIND_S - 1.0
    bar.remind()
    clock.seconds = 2.0 * REMIND_S
    bar.remind()
    bar.remind()
    bar.show("base", "epoch 1", 0.01, 400.0)
    clock.seconds = 3.0 * REMIND_S
    bar.show("base", "epoch 2", 0.02, 400.0)
    assert screen.getvalue().splitlines() == [
        "base: Training the plain model (0%)",
        "base: Training the plain model (0%, 2 min so far)",
        "base: epoch 2 (2%, 7 min left)",
    ]


def test_json_takes_no_progress(screen: io.StringIO) -> None:
    """Where results are JSON, nothing is printed for a person."""
    clock = Clock()
    with ProgressBar(terminal(screen, Output.JSON), clock) as bar:
        bar.show("base", "Training the plain model", 0.5, 10.0)
        clock.seconds = 2.0 * REMIND_S
        bar.remind()
    assert screen.getvalue() == ""


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0 s"), (89.0, "89 s"), (90.0, "2 min"), (5399.0, "90 min"), (9000.0, "2.5 h")])
def test_durations_have_the_digits_that_a_person_needs(seconds: float, shown: str) -> None:
    """Seconds below a minute and a half, minutes below an hour and a half."""
    assert duration(seconds) == shown
