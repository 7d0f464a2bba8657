"""The plain model of each backbone under published settings, as one table.

    ihas study published [mlp deepfm] [--seeds 0,1]

The recipes are `pipelines/recipes/published`, one for each backbone; nothing but the base is trained, and no run folder is written.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ihas.config.recipe import Recipe
from ihas.data.ingest import ingest
from ihas.errors import ConfigError
from ihas.metrics import click_metrics
from ihas.stages.base import train_base
from ihas.stages.evaluate.variants import plain_variant
from ihas_pipelines.kinds.recipe_file import read_recipe
from ihas_pipelines.runs.child import print_line

FOLDER = Path(__file__).parent.parent / "recipes" / "published"


def print_rows(backbones: Sequence[str], seeds: Sequence[int]) -> None:
    """Train and print a row for each backbone and seed, as soon as it is known.

    Args:
        backbones: names; all of them where there are none.
        seeds: seeds; a seed also draws the validation rows.

    Raises:
        ConfigError: a backbone has no published settings.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.toml"))
    if unknown := sorted(set(backbones) - set(known)):
        raise ConfigError(f"Backbones must be among {', '.join(known)}, but got {', '.join(unknown)}. Take one of these.")
    print_line("| backbone | seed | test AUC | log-loss | epochs | seconds | parameters |\n|---|---|---|---|---|---|---|")
    for backbone in backbones or known:
        recipe = read_recipe(FOLDER / f"{backbone}.toml")
        for seed in seeds:
            print_line(row(recipe.model_copy(update={"learning": recipe.learning.model_copy(update={"seed": seed})})))


def row(recipe: Recipe) -> str:
    """The base of a recipe, trained and measured on its test rows, as a row of the table."""
    learning = recipe.learning
    with tempfile.TemporaryDirectory() as folder:
        parts = ingest(recipe.data, learning.encoding, learning.split, learning.seed, Path(folder) / "encoded").parts
        start = time.perf_counter()
        base = train_base(parts, learning, lambda _: None)
        seconds = time.perf_counter() - start
        variant = plain_variant("base", base.weights, parts, learning)
    test = click_metrics(variant.test_logits, parts.test.labels)
    return (
        f"| {learning.backbone.kind} | {learning.seed} | {test.auc:.5f} | {test.log_loss:.4f} | {len(base.history)} | {seconds:.0f} "
        f"| {variant.cost.parameters_per_path:,.0f} |"
    )
