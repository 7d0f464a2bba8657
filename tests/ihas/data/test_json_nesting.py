"""Brackets inside one another are counted line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ihas.data.json_nesting import MAX_OPEN, nests_deeply
from ihas.data.sources import CHUNK

DEEP = "[" * MAX_OPEN


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        ("", False),
        ('{"a": [1, 2]}\n' * 10_000, False),
        ('{"a": ' + "[" * (MAX_OPEN - 1) + "\n", False),
        ('{"a": ' + DEEP + "\n", True),
        ('{"a": ' + DEEP, True),
        ('{"a": ' + "[]" * 10_000 + "}\n", False),
        ('{"a": ' + '{"b": ' * MAX_OPEN + "1" + "}" * (MAX_OPEN + 1) + "\n", True),
        ('{"a": 1}\n' + "[" * 10 + "\n" + '{"a": ' + DEEP + "\n", True),
        (("[" * 10 + "\n") * 1_000, False),
        ("x" * (CHUNK - 100) + DEEP + "[", True),
        ("x" * (CHUNK - 1) + "\n" + "[" + "]" * 10 + DEEP, False),
    ],
)
def test_a_line_is_deep_by_the_brackets_that_are_open_at_once(text: str, deep: bool, tmp_path: Path) -> None:
    """Not by those that are closed again, nor by those of other lines; also where a block of the file ends between them."""
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    assert nests_deeply(path) is deep
