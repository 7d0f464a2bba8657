"""What a run of the kind `grouped` shows on a terminal describes what is served."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ihas.results.run_result import RunResult
from ihas_pipelines.kinds.grouped.tables import run_tables, serves_by_group
from tests.pipelines.result_factory import run_result


def shown(result: RunResult) -> str:
    """A run as it is printed."""
    screen = io.StringIO()
    console = Console(file=screen, width=200, markup=False)
    for table in run_tables(result):
        console.print(table)
    return screen.getvalue()


def test_cards_of_groups_with_models_say_what_each_one_keeps() -> None:
    """Where the groups route requests, each card is of a model that serves."""
    result = run_result()
    text = shown(result)
    assert serves_by_group(result)
    assert text.count(" keeps ") == len(result.groups)
    assert "route no request" not in text


@pytest.mark.parametrize("chosen", ["base", "static"])
def test_cards_of_groups_that_route_nothing_say_so(chosen: str) -> None:
    """One model serves all rows: the cards are of what the search found, and their masks are none of what is served."""
    result = run_result(chosen=chosen)
    text = shown(result)
    assert not serves_by_group(result)
    assert f"`{chosen}` serves all rows alike; these groups are what the search found, and route no request." in text
    assert text.count("its own mask would keep") == len(result.groups)
    assert " keeps " not in text
