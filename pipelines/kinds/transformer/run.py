"""A recipe of the kind `transformer`, carried out: read, train, measure once on the test items, write the bundle and the report.

A run that was stopped begins its training anew: a network of this kind has no stages to keep.
"""

from __future__ import annotations

import time
from pathlib import Path

from ihas.config.transformer import TransformerEpoch, TransformerRecipe
from ihas.folders import write_whole
from ihas.results.next_steps import between, more_rows
from ihas.results.run_result import Interval
from ihas.sequential.data.baselines import Popularity
from ihas.sequential.data.ranking import discounted_gains, paired_difference, ranking_metrics, ranks
from ihas.sequential.data.sequences import LeaveOneOut, UserSequences
from ihas.sequential.transformer.archive import write_transformer
from ihas.sequential.transformer.export import export_transformer
from ihas.sequential.transformer.full_ranking import transformer_loss, transformer_ranks
from ihas.sequential.transformer.model import Transformer
from ihas.sequential.transformer.training import train_transformer
from ihas_pipelines.kinds.transformer.page import write_page
from ihas_pipelines.kinds.transformer.values import TransformerResult
from ihas_pipelines.runs.folder import RunFolder, replace_bundle
from ihas_pipelines.runs.progress import Report
from ihas_pipelines.runs.reporter import Reporter
from ihas_pipelines.runs.sequences import read_parts
from ihas_pipelines.runs.threads import limit_threads

CUTOFF = 10
SHARES = {"reading": 0.02, "base": 0.88, "evaluate": 0.10}


def run_in_child(recipe: TransformerRecipe, folder: Path, report: Report) -> TransformerResult:
    """Carry out a recipe in a process of its own, with the recipe's number of threads; errors as `run_transformer`."""
    limit_threads(recipe.run)
    return run_transformer(recipe, folder, report)


def run_transformer(recipe: TransformerRecipe, path: Path, report: Report) -> TransformerResult:
    """Carry out a recipe on a run folder: `result.json`, `report.html` and `bundle/` in it are new.

    Raises:
        ConfigError, DataError, TrainingError: as reading and training say.
    """
    folder, reporter = RunFolder(path), Reporter(report, SHARES)
    with folder.locked():
        data, parts = read_parts(recipe.data, folder, reporter)
        network, history = _trained(recipe, parts, data.num_items, reporter, folder.seconds)
        result = _measured(recipe, data, parts, network, history, reporter, folder.seconds)
        bundle = export_transformer(network, data, recipe.name, result.model_dump(mode="json"))
        replace_bundle(path, lambda fresh: write_transformer(bundle, fresh))
        write_page(result, path / "report.html")
        write_whole(path / "result.json", result.model_dump_json(indent=1))
    reporter.finish(result.verdict)
    return result


def _trained(
    recipe: TransformerRecipe, parts: LeaveOneOut, num_items: int, reporter: Reporter, seconds: dict[str, float]
) -> tuple[Transformer, tuple[TransformerEpoch, ...]]:
    learning, began = recipe.learning, time.monotonic()
    reporter.enter("base", "Training the transformer")
    trained = train_transformer(parts.train, parts.valid, num_items, learning.transformer, learning.training, reporter.step)
    network = Transformer.of(learning.transformer, trained.weights)
    seconds["train"] = time.monotonic() - began
    return network, trained.history


def _measured(
    recipe: TransformerRecipe, data: UserSequences, parts: LeaveOneOut, network: Transformer, history: tuple[TransformerEpoch, ...],
    reporter: Reporter, seconds: dict[str, float],
) -> TransformerResult:  # fmt: skip
    reporter.enter("evaluate", "Ranking all items for every user, and comparing with popularity")
    began = time.monotonic()
    own = transformer_ranks(network, parts.test)
    popular = ranks(Popularity(parts.train.counts(data.num_items)).scores, parts.test, hide_history=network.config.hide_history)
    gain = paired_difference(discounted_gains(own, CUTOFF), discounted_gains(popular, CUTOFF))
    test, loss, popularity = ranking_metrics(own), transformer_loss(network, parts.test), ranking_metrics(popular)
    seconds["evaluate"] = time.monotonic() - began
    better = "ranks better than popularity" if gain.low > 0.0 else "ranks no better than popularity, as far as these rows tell"
    after = _next(gain, test.rows, history, recipe.learning.training.epochs)
    told = f"HR@10 {test.hit_rate[CUTOFF]:.4f} and NDCG@10 {test.ndcg[CUTOFF]:.4f} on {test.rows:,} test rows, full ranking"
    return TransformerResult(
        name=recipe.name,
        users=len(data.users),
        items=data.num_items,
        interactions=len(data.sequences.items),
        parameters=network.config.num_parameters,
        verdict=f"The transformer {better}: {told}; popularity's NDCG@10 is {popularity.ndcg[CUTOFF]:.4f}, {between(gain)}. {after}",
        history=history,
        test=test,
        loss=loss,
        popularity=popularity,
        gain=gain,
        seconds={stage: round(value, 2) for stage, value in seconds.items()},
        learning=recipe.learning,
    )


def _next(gain: Interval, rows: int, history: tuple[TransformerEpoch, ...], epochs: int) -> str:
    """What to do after the run: train longer where it was still learning, collect rows where chance explains the gain, else compare."""
    if len(history) >= epochs:
        return "Next: training ended at its limit; train longer (`learning.training.epochs`)."
    if gain.low > 0.0:
        return 'Next: compare it with `kind = "overrec"`, which needs no training, and with larger sizes (`ihas advise`).'
    return more_rows("transformer", gain, rows, 'Next: longer sequences, or more users; `kind = "overrec"` needs no training.')
