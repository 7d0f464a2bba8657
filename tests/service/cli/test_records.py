"""Every table can be read on a terminal of 60 columns."""

from __future__ import annotations

import io

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from ihas_pipelines.kinds.grouped.tables import run_tables
from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli.records import fitting
from ihas_service.cli.terminal import HarmlessConsole, Output, Terminal
from tests.pipelines.result_factory import run_result


def terminal(width: int) -> tuple[Terminal, io.StringIO]:
    """A terminal of so many columns, and what it was sent."""
    screen = io.StringIO()
    console = HarmlessConsole(file=screen, force_terminal=True, color_system=None, markup=False, highlight=False, emoji=False, width=width)
    return Terminal(Output.TABLE, console, console), screen


def test_rows_that_do_not_fit_are_records() -> None:
    """A line for each cell that says something, under the title; nothing is cut."""
    table = plain_table(("variant", "gain", "note"), [("static" * 4, "+0.0124", None), ("base", "", "x" * 30)])
    table.title = "On test rows"
    shown, screen = terminal(50)
    shown.result(None, table)
    lines = [line.strip() for line in screen.getvalue().splitlines()]
    first = ["", f"variant: {'static' * 4}", "gain:    +0.0124", "note:    –"]
    assert lines == ["On test rows", *first, "", "variant: base", f"note:    {'x' * 30}"]


def test_rows_that_fit_are_a_table() -> None:
    """So is whatever is no table with headers."""
    console = Console(file=io.StringIO(), width=60)
    table = plain_table(("variant", "gain"), [("base", "+0.0")])
    grid, group, text = Table.grid(), Group(table), Text("x" * 200)
    assert [fitting(one, console) for one in (table, grid, group, text)] == [table, grid, group, text]


def test_a_run_is_readable_at_60_columns() -> None:
    """No line is longer than the terminal, and no number is cut or broken."""
    result = run_result()
    shown, screen = terminal(60)
    shown.result(None, *run_tables(result))
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert "…" not in screen.getvalue()
    for variant in result.variants:
        assert any(f"{variant.test.auc:.4f}" in line for line in lines)
