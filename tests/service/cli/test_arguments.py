"""A command line means the same wherever its options stand."""

from __future__ import annotations

import pytest

from ihas_service.cli.arguments import output_of, spelled_out
from ihas_service.cli.terminal import Output

SEARCHES = frozenset({"here", "run", "--help"})


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("search R.toml", "search here R.toml"),
        ("search here R.toml", "search here R.toml"),
        ("search --folder x R.toml", "search here --folder x R.toml"),
        ("search run D", "search run D"),
        ("search --help", "search --help"),
        ("search", "search"),
        ("model search", "model search"),
        ("report x --output json", "--output json report x"),
        ("search R.toml --output=json", "--output json search here R.toml"),
        ("--output table report x --output json", "--output json report x"),
        ("events export m --output rows.parquet", "events export m --output rows.parquet"),
        ("events export m --output rows.parquet --output json", "--output json events export m --output rows.parquet"),
        ("report -- --output json", "report -- --output json"),
        ("report x --output", "report x --output"),
    ],
)
def test_what_is_written_is_spelled_out(written: str, spelled: str) -> None:
    """The form of results goes to the front, `here` behind a search that names no command; nothing else moves."""
    assert spelled_out(written.split(), SEARCHES) == spelled.split()
    assert spelled_out(spelled.split(), SEARCHES) == spelled.split()


def test_the_form_of_results_is_known_before_anything_is_parsed() -> None:
    """So that errors in the arguments are JSON too."""
    assert output_of(["--output", "json", "x"]) is Output.JSON
    assert output_of(["--output", "table"]) is output_of(["events", "--output", "json"]) is output_of([]) is Output.TABLE
