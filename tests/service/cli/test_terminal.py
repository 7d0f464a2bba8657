"""What the command line prints: nothing that data say commands the terminal."""

from __future__ import annotations

import io
import json

import pytest
from rich.table import Table
from rich.text import Text

from ihas_service.cli import tables
from ihas_service.cli.terminal import ExitCode, HarmlessConsole, Output, Terminal

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


@pytest.fixture
def screen() -> io.StringIO:
    """What a terminal was sent."""
    return io.StringIO()


def terminal(screen: io.StringIO, output: Output) -> Terminal:
    """A terminal in colours."""
    console = HarmlessConsole(
        file=screen, force_terminal=True, color_system="standard", markup=False, highlight=False, emoji=False, width=200
    )
    return Terminal(output, console, console)


@pytest.mark.parametrize("output", list(Output))
def test_names_command_no_terminal(screen: io.StringIO, output: Output) -> None:
    """In tables, their titles, messages, errors and JSON: of the sent escapes only the console's own styles are left."""
    shown = terminal(screen, output)
    table = Table("name", title=EVIL)
    table.add_row(EVIL)
    table.add_row(Text(EVIL, style="red"))
    answer = {"items": [{"rank": 1, "id": EVIL, "score": 0.5, "group": 0}], "unknown_candidates": [EVIL]}
    shown.result({"name": EVIL}, table, tables.recommendation(answer, EVIL))
    shown.say(EVIL, "red")
    shown.fail(EVIL, ExitCode.USAGE)
    sent = screen.getvalue()

    assert not set("\x07\x9b\u202e\r") & set(sent)
    assert "\x1b]" not in sent
    assert "\x1b[2J" not in sent
    assert "\\u001b]0;owned" in sent


def test_json_keeps_its_values(screen: io.StringIO) -> None:
    """Whoever reads the result as JSON reads the name as it is."""
    terminal(screen, Output.JSON).result({"name": EVIL})

    assert json.loads(screen.getvalue()) == {"name": EVIL}


def test_what_says_the_group_is_shown(screen: io.StringIO) -> None:
    """Sums, and the fields that speak most for the group first; without sums, distances."""
    why = {
        "sentence": "Because.", "distances": (), "runner_up": 1, "margin": 2.1, "path": "shared", "dim": 2, "gates_open": {},
        "kept_dims": {"user": 1}, "contributions": (), "group_scores": (1.25, -0.5), "group_contributions": {"movie": 0.25, "user": -2.0},
    }  # fmt: skip
    other = {**why, "distances": (0.5, 2.0), "group_scores": (), "group_contributions": {}}
    console = terminal(screen, Output.TABLE).out
    console.print(tables.explanation(why))
    console.print(tables.explanation(other))
    shown = Text.from_ansi(screen.getvalue()).plain

    assert "group 0 has +1.25, group 1 has -0.50" in shown
    assert "user (-2.00), movie (+0.25)" in shown
    assert "against group 1" in shown
    assert "group 0 at 0.50, group 1 at 2.00" in shown
