"""The plain model of each backbone under published settings, as one table.

    python -m pipelines.studies.published [--kinds mlp deepfm] [--seeds 0 1]

The recipes are `pipelines/recipes/published`, one for each backbone; nothing but the base is trained, and no run folder is written.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from ihas.config.recipe import Recipe
from ihas.data.ingest import ingest
from ihas.metrics import click_metrics
from ihas.stages.base import train_base
from ihas.stages.evaluate.variants import plain_variant
from pipelines.runs.exit_status import say
from pipelines.runs.recipe import read_recipe

FOLDER = Path(__file__).parent.parent / "recipes" / "published"


def main() -> None:
    """Train and print a row for each backbone and seed, as soon as it is known."""
    kinds = sorted(path.stem for path in FOLDER.glob("*.toml"))
    parser = argparse.ArgumentParser(prog="python -m pipelines.studies.published", description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=kinds, default=kinds, help="backbones")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds; a seed also draws the validation rows")
    arguments = parser.parse_args()
    say("| backbone | seed | test AUC | log-loss | epochs | seconds | parameters |\n|---|---|---|---|---|---|---|")
    for kind in arguments.kinds:
        recipe = read_recipe(FOLDER / f"{kind}.toml")
        for seed in arguments.seeds:
            say(row(recipe.model_copy(update={"learning": recipe.learning.model_copy(update={"seed": seed})})))


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


if __name__ == "__main__":
    main()
