"""`python -m pipelines.studies.scaling --recipe FILE --folder FOLDER [--seconds BUDGET]`: trains a ladder and fits its law.

`ladder.json` in the folder is renewed after every rung and gone on with; `ladder.md` and `ladder.html` are written at the end, and with
a budget `advice.json` and `advice.html`. Exit status: 0 succeeded, 4 bad data or settings, 5 training failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ihas.config.size_sweep import SizeSweepRecipe
from ihas.errors import DataError
from pipelines.runs.exit_status import say, status_of
from pipelines.runs.recipe import read_of_kind


def main() -> int:
    """Carry out a recipe; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.studies.scaling", description=__doc__)
    parser.add_argument("--recipe", type=Path, required=True, help="TOML or JSON file of the kind ladder")
    parser.add_argument("--folder", type=Path, required=True, help="folder of ladder.json, ladder.md and ladder.html")
    parser.add_argument("--seconds", type=float, help="wall time of one training, to advise a size for")
    arguments = parser.parse_args()
    overrides = [] if arguments.seconds is None else [f"seconds={arguments.seconds}"]
    return status_of(lambda: _carry_out(read_of_kind(arguments.recipe, SizeSweepRecipe, overrides), arguments.folder))


def _carry_out(recipe: SizeSweepRecipe, folder: Path) -> None:
    if not recipe.data.path.is_file():
        raise DataError(f"`data.path` must be a file, but there is none at {recipe.data.path}. Name another one.")
    from ihas.legacy_keras import tf  # after the recipe is known to be good: this import takes seconds
    from pipelines.runs.run import threads
    from pipelines.studies.scaling.command import carry_out

    tf.config.threading.set_intra_op_parallelism_threads(threads(recipe.run))
    advice = carry_out(recipe, folder, say)
    say((folder / "ladder.md").read_text(encoding="utf-8") if advice is None else advice.reason)


if __name__ == "__main__":
    sys.exit(main())
