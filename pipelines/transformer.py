"""A sequential transformer from a recipe: trained, measured on its test items, written as a bundle.

    python -m pipelines.transformer --recipe FILE --folder FOLDER

`result.json` and `bundle/` in the folder are new; the bundle serves like any other (`ihas recommend FOLDER`).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from ihas.config import Config, RunOptions
from ihas.folders import write_whole
from ihas.legacy_keras import tf
from ihas.sequential.full_ranking import transformer_figures
from ihas.sequential.ranking import RankingFigures
from ihas.sequential.reading import read_item_sequences
from ihas.sequential.sequences import leave_one_out
from ihas.sequential.transformer import Transformer
from ihas.sequential.transformer_archive import write_transformer
from ihas.sequential.transformer_config import TransformerConfig, TransformerTraining
from ihas.sequential.transformer_export import export_transformer
from ihas.sequential.transformer_training import TransformerEpoch, train_transformer
from pipelines.plan_file import beside, document_of
from pipelines.run import threads


class TransformerRecipe(Config):
    """One training."""

    name: str
    """Name of the model."""
    sequences: Path
    """A user a line: the user, then items, oldest first."""
    transformer: TransformerConfig = TransformerConfig()
    """Sizes and dropout."""
    training: TransformerTraining = TransformerTraining()
    """The training."""
    run: RunOptions = RunOptions()
    """How it is run."""


class TransformerResult(Config):
    """What a training found."""

    recipe: TransformerRecipe
    """What was asked for."""
    history: tuple[TransformerEpoch, ...]
    """Epochs."""
    test: RankingFigures
    """Test figures: leave-one-out, full ranking, history hidden, ties against the target."""
    seconds: float
    """Wall time of the training."""


def read_transformer_recipe(path: Path) -> TransformerRecipe:
    """Read a recipe from TOML; a relative path starts at its folder, `$NAME` in it is the environment's.

    Raises:
        ConfigError: no such file, not TOML, or a setting breaks a law.
    """
    with document_of(path, "recipe") as document:
        if "sequences" in document:
            document["sequences"] = beside(path, document["sequences"])
        return TransformerRecipe.model_validate({"name": path.stem, **document})


def carry_out(recipe: TransformerRecipe, folder: Path) -> TransformerResult:
    """Train, measure once on the test items, and write `result.json` and `bundle/`.

    Raises:
        BundleError: the folder holds a bundle already.
        DataError, TrainingError: as reading and training say.
    """
    data = read_item_sequences(recipe.sequences)
    parts, start = leave_one_out(data.sequences), time.perf_counter()
    trained = train_transformer(parts.train, parts.valid, data.num_items, recipe.transformer, recipe.training, _say)
    seconds = time.perf_counter() - start
    network = Transformer(data.num_items, recipe.transformer, np.random.default_rng(0))
    network.assign(trained.weights)
    result = TransformerResult(recipe=recipe, history=trained.history, test=transformer_figures(network, parts.test), seconds=seconds)
    folder.mkdir(parents=True, exist_ok=True)
    summary = {"test": result.test.model_dump(mode="json"), "epochs": len(result.history)}
    write_transformer(export_transformer(network, data, recipe.name, summary), folder / "bundle")
    write_whole(folder / "result.json", result.model_dump_json(indent=1))
    return result


def _say(epoch: TransformerEpoch) -> None:
    sys.stdout.write(f"epoch {epoch.epoch} ({epoch.rule}): training loss {epoch.loss:.4f}, validation {epoch.valid:.4f}\n")
    sys.stdout.flush()


def main() -> None:
    """Carry out a recipe and print its test figures."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.transformer", description=__doc__)
    parser.add_argument("--recipe", type=Path, required=True, help="TOML file")
    parser.add_argument("--folder", type=Path, required=True, help="folder of result.json and bundle/")
    arguments = parser.parse_args()
    recipe = read_transformer_recipe(arguments.recipe)
    tf.config.threading.set_intra_op_parallelism_threads(threads(recipe.run))
    test = carry_out(recipe, arguments.folder).test
    sys.stdout.write(f"HR@10 {test.hit_rate[10]:.4f}, NDCG@10 {test.ndcg[10]:.4f} on {test.rows:,} test items\n")


if __name__ == "__main__":
    main()
