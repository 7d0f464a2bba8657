"""How predictable a recipe's sequences are, and whether their entropies say more than their lengths.

    python -m pipelines.studies.entropy --recipe FILE [FILE ...] [--last 50] [--block 2]

Recipes are of any kind that reads sequences. Exit status: 0 succeeded, 4 bad data or settings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ihas.sequential.data.reading import read_sequences
from ihas.sequential.scaling.entropy import EntropyMetrics, entropy_metrics
from pipelines.runs.exit_status import status_of
from pipelines.runs.recipe import read_any_recipe

HEAD = (
    "| data | sequences | interactions | repeat an item | repeat a block | ApEn | LZ | D' | caution |",
    "|---|---|---|---|---|---|---|---|---|",
)


def main(given: Sequence[str] | None = None) -> int:
    """Print a row for each recipe; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.studies.entropy", description=__doc__)
    parser.add_argument("--recipe", type=Path, nargs="+", required=True, help="TOML or JSON file of a kind that reads sequences")
    parser.add_argument("--last", type=int, default=50, help="most recent items of each sequence that are looked at")
    parser.add_argument("--block", type=int, default=2, help="items of a block, m")
    arguments = parser.parse_args(given)
    return status_of(lambda: _print_rows(arguments.recipe, arguments.last, arguments.block))


def _print_rows(recipes: Sequence[Path], last: int, block: int) -> None:
    sys.stdout.write("\n".join(HEAD) + "\n")
    for path in recipes:
        data = read_any_recipe(path).data
        sys.stdout.write(row(data.path.name, entropy_metrics(read_sequences(data).sequences.last(last), block)) + "\n")


def row(name: str, found: EntropyMetrics) -> str:
    """A row of the table; D' is absent where entropy measures length alone."""
    scaled = "none" if found.length_only else f"{found.scaled_interactions:.4g}"
    cells = (
        name, f"{found.sequences:,}", f"{found.interactions:,}", f"{found.repeating_items:.0%}", f"{found.repeating_blocks:.0%}",
        f"{found.approximate_entropy:.4f}", f"{found.lempel_ziv_entropy:.3f}", scaled, found.caution or "none",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
