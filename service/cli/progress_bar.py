"""Progress of a run: a bar on a terminal, plain lines with percent and time left elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from ihas_pipelines.runs.progress import Progress
from ihas_service.cli.terminal import Output, Terminal

STEP = 0.05
"""Share of a run after which a line is printed, also within a stage."""
REMIND_S = 60.0
"""Seconds without a line, as of an epoch that takes long, after which the last one is said again with the time so far."""


class ProgressBar:
    """One bar for the whole run, with the stage, the message and the time left; a context manager.

    Args:
        terminal: shows it; without a terminal behind it, lines.
        now: seconds of a clock.
    """

    def __init__(self, terminal: Terminal, now: Callable[[], float] = time.monotonic) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.fields[stage]:<12}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        rest = (TimeElapsedColumn(), TextColumn("{task.fields[left]}"), TextColumn("{task.description}", markup=False))
        silent = terminal.output is Output.JSON
        self._bars = Bars(*columns, *rest, console=terminal.err, transient=False, disable=silent)
        self._task: TaskID = self._bars.add_task("starting", total=1.0, stage="", left="")
        self._terminal, self._now = terminal, now
        self._plain = not silent and not terminal.err.is_terminal
        self._started = self._said_at = now()
        self._last: tuple[str, str, float] | None = None
        self._ended = threading.Event()

    def __enter__(self) -> ProgressBar:
        self._bars.start()
        if self._plain:
            threading.Thread(target=self._remind_until_it_ends, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._ended.set()
        if kind is None:
            self._bars.update(self._task, completed=1.0, stage="done", description="", left="")
        self._bars.stop()

    def follow(self, progress: Progress) -> None:
        """Show one line of a run."""
        self.show(progress.stage, progress.message, progress.fraction, progress.eta_s)

    def show(self, stage: str, message: str, fraction: float, eta_s: float | None) -> None:
        """Move the bar; without a terminal, print a line where the stage changes and after each twentieth of the run."""
        left = "" if eta_s is None else f"{duration(eta_s)} left"
        self._bars.update(self._task, completed=fraction, description=message, stage=stage, left=left)
        if not self._plain:
            return
        if self._last is None or stage != self._last[0] or fraction - self._last[2] >= STEP or self._is_late():
            self._say((stage, message, fraction), left)

    def remind(self) -> None:
        """Say the last line again, with the time so far, if none was printed for long."""
        if self._plain and self._last is not None and self._is_late():
            self._say(self._last, f"{duration(self._now() - self._started)} so far")

    def _say(self, line: tuple[str, str, float], rest: str) -> None:
        stage, message, fraction = line
        self._terminal.say(f"{stage}: {message} ({', '.join(filter(None, [f'{fraction:.0%}', rest]))})")
        self._last, self._said_at = line, self._now()

    def _is_late(self) -> bool:
        return self._now() - self._said_at >= REMIND_S

    def _remind_until_it_ends(self) -> None:
        while not self._ended.wait(REMIND_S / 4):
            self.remind()


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, with the digits that a person needs."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
