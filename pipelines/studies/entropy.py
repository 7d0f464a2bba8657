"""How predictable a recipe's sequences are, and whether their entropies say more than their lengths: `ihas study entropy RECIPE...`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ihas.sequential.data.reading import read_sequences
from ihas.sequential.scaling.entropy import EntropyMetrics, entropy_metrics
from ihas_pipelines.kinds.recipe_file import read_any_recipe
from ihas_pipelines.runs.child import print_line

HEAD = (
    "| data | sequences | interactions | repeat an item | repeat a block | ApEn | LZ | D' | caution |",
    "|---|---|---|---|---|---|---|---|---|",
)


def print_rows(recipes: Sequence[Path], last: int, block: int) -> None:
    """Print a row for each recipe.

    Args:
        recipes: of any kind that reads sequences.
        last: most recent items of each sequence to look at.
        block: items of a block, m.

    Raises:
        ConfigError, DataError: a recipe or its data cannot be read.
    """
    tables = [read_any_recipe(path).data for path in recipes]
    print_line("\n".join(HEAD))
    for data in tables:
        print_line(row(data.path.name, entropy_metrics(read_sequences(data).sequences.last(last), block)))


def row(name: str, found: EntropyMetrics) -> str:
    """A row of the table; D' is absent where entropy measures length alone."""
    scaled = "none" if found.length_only else f"{found.scaled_interactions:.4g}"
    cells = (
        name, f"{found.sequences:,}", f"{found.interactions:,}", f"{found.repeating_items:.0%}", f"{found.repeating_blocks:.0%}",
        f"{found.approximate_entropy:.4f}", f"{found.lempel_ziv_entropy:.3f}", scaled, found.caution or "none",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"
