"""Notebooks as pages: texts, code, and what the code printed as it was last run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

TUTORIALS = Path(__file__).resolve().parents[1] / "tutorials"


def notebook_lines(name: str) -> Iterator[str]:
    """Lines of a notebook without its title, which the page has."""
    cells = json.loads((TUTORIALS / name).read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield from (text.partition("\n")[2] if number == 0 else text, "")
            continue
        yield from ("```python", text, "```", "")
        printed = "".join(line for output in cell["outputs"] for line in output.get("text", ()))
        if printed:
            yield from ("```text", printed.rstrip("\n"), "```", "")
