"""A recipe of the kind `overrec`, carried out: read, try settings, compare, write the bundle, the metrics and the report."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ihas.config.overrec import OverRecRecipe
from ihas.folders import write_whole
from ihas.results.next_steps import between, more_rows
from ihas.results.run_result import Interval
from ihas.sequential.data.sequences import UserSequences
from ihas.sequential.overrec.archive import OverRecBundle, write_overrec
from ihas_pipelines.kinds.overrec.choice import Rows, baselines, compared, evaluate_settings, ndcg_difference, overrec_method
from ihas_pipelines.kinds.overrec.page import write_page
from ihas_pipelines.kinds.overrec.values import OverRecResult, RankedMethod
from ihas_pipelines.runs.folder import RunFolder, replace_bundle
from ihas_pipelines.runs.progress import Report
from ihas_pipelines.runs.reporter import Reporter
from ihas_pipelines.runs.sequences import read_parts

TRANSFORMER = 'Next: compare a trained model on the same file (`kind = "transformer"`), or serve this one (`ihas recommend`).'
SHARES = {"reading": 0.05, "search": 0.70, "evaluate": 0.25}


def run_overrec(recipe: OverRecRecipe, path: Path, report: Report) -> OverRecResult:
    """Carry out a recipe on a run folder. All sequences vote in the bundle; the metrics are of the training part's votes.

    Raises:
        ConfigError, DataError: as reading and the recommender say.
    """
    folder, reporter = RunFolder(path), Reporter(report, SHARES)
    with folder.locked():
        data, parts = read_parts(recipe.data, folder, reporter)
        rows = Rows(parts, data.num_items, recipe.run.num_threads or os.cpu_count() or 1)
        result = _found(recipe, data, rows, reporter, folder.seconds)
        bundle = OverRecBundle.of(recipe.name, data, result.chosen, result.model_dump(mode="json"))
        replace_bundle(path, lambda fresh: write_overrec(bundle, fresh))
        write_page(result, path / "report.html")
        write_whole(path / "result.json", result.model_dump_json(indent=1))
    reporter.finish(result.verdict)
    return result


def _found(recipe: OverRecRecipe, data: UserSequences, rows: Rows, reporter: Reporter, seconds: dict[str, float]) -> OverRecResult:
    learning, began = recipe.learning, time.monotonic()
    reporter.enter("search", "Evaluating settings on the validation rows")
    candidates = list(evaluate_settings(rows, learning, reporter.say))
    config, trial = max(candidates, key=lambda pair: pair[1].valid.ndcg[10])
    seconds["search"] = time.monotonic() - began
    reporter.enter("evaluate", "Comparing with popularity and SKNN")
    began = time.monotonic()
    found = [*baselines(rows, learning, reporter.say), overrec_method(rows, config, trial)]
    (_, popular), (_, sknn), (_, own) = found
    contenders = (found[0][0], *(compared(ranked, popular, method) for method, ranked in found[1:]))
    over_sknn = ndcg_difference(own, sknn)
    seconds["evaluate"] = time.monotonic() - began
    return OverRecResult(
        name=recipe.name,
        users=len(data.users),
        items=data.num_items,
        interactions=len(data.sequences.items),
        chosen=config,
        verdict=verdict(contenders, over_sknn),
        contenders=contenders,
        over_sknn=over_sknn,
        trials=tuple(trial for _, trial in candidates),
        seconds={stage: round(value, 2) for stage, value in seconds.items()},
        learning=learning,
    )


def verdict(contenders: tuple[RankedMethod, ...], over_sknn: Interval) -> str:
    """What the metrics mean, and what to do next.

    Args:
        contenders: popularity, SKNN and OverRec.
        over_sknn: test NDCG@10 of OverRec minus SKNN's, on the same rows.
    """
    by_name = {method.name: method.test for method in contenders}
    own, sknn = by_name["overrec"], by_name["sknn"]
    if over_sknn.low > 0.0:
        words, after = "The nearest prefixes rank better than SKNN", TRANSFORMER
    elif over_sknn.high < 0.0:
        words, after = "SKNN ranks better than the nearest prefixes, which are served", TRANSFORMER
    else:
        words = "These rows do not tell the nearest prefixes, which are served, from SKNN"
        after = more_rows("overrec", over_sknn, own.rows, TRANSFORMER)
    figures = f"NDCG@10 {own.ndcg[10]:.4f} against {sknn.ndcg[10]:.4f}, {between(over_sknn)}"
    return f"{words}: {figures}; HR@10 {own.hit_rate[10]:.4f} on {own.rows:,} test rows, full ranking. {after}"
