"""Notebooks, run without Jupyter: `python -m tests.notebook FILE` writes what each cell prints into the file."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any


def printed(notebook: dict[str, Any], names: dict[str, Any]) -> list[str]:
    """What each code cell prints, run in order in the current folder; `names` takes what they define."""
    found: list[str] = []
    for cell in (one for one in notebook["cells"] if one["cell_type"] == "code"):
        with redirect_stdout(io.StringIO()) as out:
            exec(compile("".join(cell["source"]), "notebook", "exec"), names)
        found.append(out.getvalue())
    return found


def stored(notebook: dict[str, Any]) -> list[str]:
    """What each code cell printed when the file was written."""
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    return ["".join(line for output in cell["outputs"] for line in output["text"]) for cell in cells]


def main() -> None:
    """Run a notebook in a folder of its own and store what it prints."""
    path = Path(sys.argv[1]).resolve()
    notebook = json.loads(path.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        lines = printed(notebook, {})
    for cell, text in zip((one for one in notebook["cells"] if one["cell_type"] == "code"), lines, strict=True):
        cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}] if text else []
        sys.stdout.write(f"{text}{os.linesep}")
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
