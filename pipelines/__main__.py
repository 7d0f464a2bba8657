"""`python -m pipelines run|compare|benchmark|bench|overrec|inspect`: what the worker and the command line start as a child process.

Exit status: 0 succeeded, 4 bad data or settings, 5 the run failed. The last line of standard output says why.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import stat
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import orjson
from pydantic import ValidationError

from ihas.config.data import DataConfig
from ihas.config.overrec import OverRecRecipe
from ihas.config.recipe import Recipe
from ihas.config.size_sweep import SizeSweepRecipe, TransferRecipe
from ihas.config.transformer import TransformerRecipe
from ihas.errors import (
    BudgetError,
    ConfigError,
    DataError,
    FolderBusyError,
    IhasError,
    TrainingError,
    is_disk_full,
    is_memory_full,
    missing_package,
    path_fault,
)
from ihas.folders import file_digest, write_whole
from pipelines.runs.progress import Progress, Stage, print_progress
from pipelines.runs.recipe import read_any_recipe, read_recipe

STOPPED, BAD_INPUT, FAILED = 3, 4, 5


def main() -> int:
    """Parse the arguments and carry out the command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipelines", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="carry out a recipe on a run folder")
    run.add_argument("--recipe", type=Path, required=True, help="TOML or JSON file")
    run.add_argument("--folder", type=Path, required=True, help="run folder; complete stages in it are kept")
    run.add_argument("--data-sha256", default=None, help="digest that the data's file must have")
    compare = commands.add_parser("compare", help="carry out a recipe under several seeds and write comparison.json and comparison.md")
    compare.add_argument("--recipe", type=Path, required=True, help="TOML or JSON file")
    compare.add_argument("--folder", type=Path, required=True, help="folder of the runs")
    compare.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="seeds")
    bench = commands.add_parser("benchmark", help="carry out a plan: data sets x backbones x seeds x methods, as tables and figures")
    bench.add_argument("--plan", type=Path, required=True, help="TOML file")
    bench.add_argument("--folder", type=Path, required=True, help="folder of the runs and of benchmark.json, .md and .html")
    quote = commands.add_parser("estimate", help="say what a search would take and whether it may be worth it, from small ones")
    quote.add_argument("--recipe", type=Path, required=True, help="TOML or JSON file")
    quote.add_argument("--folder", type=Path, required=True, help="folder that takes estimate.json")
    quote.add_argument("--data-sha256", default=None, help="digest that the data's file must have")
    cost = commands.add_parser("bench", help="measure what serving and training cost, against a floor and peers")
    cost.add_argument("names", nargs="*", help="which; all of them where there are none")
    cost.add_argument("--folder", type=Path, default=Path("runs/bench"), help="folder of the figures")
    cost.add_argument("--rounds", type=int, default=9, help="turns of every contender")
    cost.add_argument("--rows", type=int, default=None, help="rows of the tables that `ingest`, `growth` and `large` make")
    study = commands.add_parser("overrec", help="carry out a study of the recommender that needs no training; writes study.json and .md")
    study.add_argument("--plan", type=Path, required=True, help="TOML file")
    study.add_argument("--folder", type=Path, required=True, help="folder of study.json and study.md")
    inspect = commands.add_parser("inspect", help="say what a table holds and what is wrong with it")
    inspect.add_argument("--data", type=Path, required=True, help="JSON file with a DataConfig")
    inspect.add_argument("--max-expanded-bytes", type=int, default=None, help="most bytes that a compressed file may unpack to")
    inspect.add_argument("--max-memory-bytes", type=int, default=None, help="most memory that this process may use")
    inspect.add_argument("--max-cpu-s", type=int, default=None, help="most seconds that this process may compute")
    arguments = parser.parse_args()
    stop_with_parent()
    if arguments.command == "inspect":
        _limit(arguments.max_memory_bytes, arguments.max_cpu_s)
        return _inspect(arguments.data, arguments.max_expanded_bytes)
    if arguments.command == "bench":
        return _bench(arguments.names, arguments.folder, arguments.rounds, arguments.rows)
    if arguments.command == "benchmark":
        return _benchmark(arguments.plan, arguments.folder)
    if arguments.command == "estimate":
        return _estimate(arguments.recipe, arguments.folder, arguments.data_sha256)
    if arguments.command == "overrec":
        return _study(arguments.plan, arguments.folder)
    if arguments.command == "compare":
        return _run(arguments.recipe, arguments.folder, arguments.seeds)
    return _run(arguments.recipe, arguments.folder, digest=arguments.data_sha256)


def stop_with_parent() -> None:
    """Exit as soon as standard input, where it is a pipe, is closed: the parent is gone."""
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_outlive_parent_never, daemon=True).start()


def _outlive_parent_never() -> None:
    while os.read(0, 4096):  # not sys.stdin, whose lock would still be held when the interpreter ends
        pass
    os._exit(STOPPED)


def _run(recipe_path: Path, folder: Path, seeds: list[int] | None = None, digest: str | None = None) -> int:
    last = LastStage()
    try:
        recipe = read_any_recipe(recipe_path) if seeds is None else read_recipe(recipe_path)
        if isinstance(recipe, SizeSweepRecipe | TransferRecipe):
            raise ConfigError(
                "A ladder makes advice and no model: use `ihas advise`. A transfer: python -m pipelines.studies.scaling.transfer."
            )
        _check_content(recipe.data.path, digest)
        if isinstance(recipe, OverRecRecipe):
            from pipelines.kinds.overrec.run import run_overrec

            run_overrec(recipe, folder, last)
            return 0
        from ihas.legacy_keras import tf  # after the recipe is known to be good: this import takes seconds
        from pipelines.runs.run import run_recipe, threads

        tf.config.threading.set_intra_op_parallelism_threads(threads(recipe.run))
        if isinstance(recipe, TransformerRecipe):
            from pipelines.kinds.transformer.run import run_transformer

            run_transformer(recipe, folder, last)
            return 0
        if seeds is None:
            with _within(recipe.budget.wall_s, last):
                run_recipe(recipe, folder, last)
        else:
            from pipelines.studies.compare import compare, markdown

            comparison = compare(recipe, folder, seeds, last)
            write_whole(folder / "comparison.json", comparison.model_dump_json(indent=1))
            write_whole(folder / "comparison.md", markdown(comparison))
        return 0
    except Exception as error:
        return _fail(error, last)


def _check_content(path: Path, digest: str | None) -> None:
    """Refuse a file that is no longer the one that was checked."""
    if digest is not None and (found := file_digest(path)) != digest:
        way = "Bring that one back, or make a data set of what is there now."
        raise DataError(f"{path.name} must be the file that was checked, of SHA-256 {digest}, but has {found}. {way}")


def _estimate(recipe_path: Path, folder: Path, digest: str | None = None) -> int:
    last = LastStage()
    try:
        recipe = read_any_recipe(recipe_path)
        if not isinstance(recipe, Recipe | SizeSweepRecipe):
            raise ConfigError(f"Searches of the kinds 'grouped' and 'ladder' are estimated, but got {recipe.kind!r}.")
        _check_content(recipe.data.path, digest)
        from ihas.legacy_keras import tf
        from pipelines.runs.estimate import estimate
        from pipelines.runs.run import threads
        from pipelines.studies.scaling.command import advise_size

        tf.config.threading.set_intra_op_parallelism_threads(threads(recipe.run))
        if isinstance(recipe, SizeSweepRecipe):
            advise_size(recipe, folder, last)
        else:
            estimate(recipe, folder, last)
        return 0
    except Exception as error:
        return _fail(error, last)


@contextlib.contextmanager
def _within(wall_s: float | None, last: LastStage) -> Iterator[None]:
    """End the process, with the reason as its last line, once a run takes longer than its budget; what is finished stays."""
    timer = threading.Timer(wall_s or 0.0, _over_budget, (wall_s, last))
    timer.daemon = True
    if wall_s is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _over_budget(wall_s: float, last: LastStage) -> None:
    _fail(BudgetError(f"`wall_s <= {wall_s:g}` must hold, but the run is not finished. Raise `budget.wall_s`, or resume the search."), last)
    os._exit(FAILED)


def _benchmark(plan_path: Path, folder: Path) -> int:
    last = LastStage()
    try:
        from ihas.legacy_keras import tf
        from pipelines.runs.run import threads
        from pipelines.studies.benchmark.command import benchmark
        from pipelines.studies.benchmark.plan import read_plan

        plan = read_plan(plan_path)
        tf.config.threading.set_intra_op_parallelism_threads(threads(plan.run))
        table = benchmark(plan, folder, last)
        if table.failures:
            raise TrainingError(
                f"{len(table.failures)} of {table.cells} cells failed; {folder / 'benchmark.md'} says why and holds the others."
            )
        last(
            Progress(stage="evaluating", message=f"{table.cells} cells are in {folder / 'benchmark.md'}", fraction=1.0, outcome="succeeded")
        )
        return 0
    except Exception as error:
        return _fail(error, last)


def _bench(names: list[str], folder: Path, rounds: int, rows: int | None) -> int:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as `ihas serve` sets it
    from pipelines.benchmarks.command import bench

    try:
        bench(names, folder, rounds, rows)
    except IhasError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED if not isinstance(error, ConfigError) else BAD_INPUT
    return 0


def _study(plan_path: Path, folder: Path) -> int:
    last = LastStage()
    try:
        from pipelines.studies.overrec.command import carry_out
        from pipelines.studies.overrec.plan import WidthPlan, read_plan

        plan = read_plan(plan_path)
        if isinstance(plan, WidthPlan):
            from ihas.legacy_keras import tf

            tf.config.threading.set_intra_op_parallelism_threads(plan.num_threads)
        carry_out(plan, folder, last)
        return 0
    except Exception as error:
        return _fail(error, last)


def _fail(error: Exception, last: LastStage) -> int:
    document = error_document(error)
    last(Progress(stage=last.stage, message=str(document["detail"]), fraction=last.fraction, outcome="failed", error=document))
    return BAD_INPUT if document["code"] in ("config", "data") else FAILED


class LastStage:
    """Prints progress lines, and remembers where the run is for the line that says why it failed."""

    def __init__(self) -> None:
        self.stage: Stage = "validating"
        self.fraction = 0.0

    def __call__(self, progress: Progress) -> None:
        self.stage, self.fraction = progress.stage, progress.fraction
        print_progress(progress)


def _limit(memory_bytes: int | None, cpu_s: int | None) -> None:
    """What the system lets this process use; a file that somebody sent is read within it."""
    if memory_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    if cpu_s is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))  # the first ends it by SIGXCPU, which says why; the second by SIGKILL
        signal.setitimer(signal.ITIMER_REAL, 2.0 * cpu_s)  # Arrow waits forever for a thread that there is no memory for


def _inspect(data_path: Path, max_expanded_bytes: int | None = None) -> int:
    answer: dict[str, object] = {"outcome": "succeeded"}
    try:
        from ihas.data.findings import raise_errors
        from ihas.data.ingest import inspect
        from ihas.data.sources import check_expansion, check_readable
        from ihas.sequential.data.reading import inspect_sequences

        data = DataConfig.model_validate_json(data_path.read_bytes())
        check_readable(data.path)
        if max_expanded_bytes is not None:
            check_expansion(data.path, max_expanded_bytes)
        answer["sha256"] = file_digest(data.path)
        report = inspect_sequences(data) if data.holds_sequences else inspect(data)
        answer["report"] = report.model_dump(mode="json")
        raise_errors("The table has errors", report.findings, report.omitted)
    except Exception as error:
        if is_memory_full(error):
            detail = "The table needs more memory than a check may use. Send fewer rows or columns, or raise IHAS_CHECK_MEMORY_BYTES."
            answer |= {"outcome": "failed", "error": {"code": "data", "detail": detail, "findings": []}}
        elif isinstance(error, IhasError | ValidationError | OSError | ModuleNotFoundError):
            answer |= {"outcome": "failed", "error": error_document(error)}
        else:
            raise
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    return 0 if answer["outcome"] == "succeeded" else BAD_INPUT


def error_document(error: Exception) -> dict[str, object]:
    """What went wrong, as the last progress line carries it."""
    if isinstance(error, ModuleNotFoundError):
        error = missing_package(error)
    if isinstance(error, DataError):
        return {"code": "data", "detail": str(error), "findings": [finding.model_dump(mode="json") for finding in error.findings]}
    if isinstance(error, FolderBusyError):
        return {"code": "busy", "detail": str(error)}
    if isinstance(error, ConfigError | ValidationError):
        return {"code": "config", "detail": str(error)}
    if isinstance(error, BudgetError):
        return {"code": "budget", "detail": str(error)}
    if isinstance(error, TrainingError):
        return {"code": "training", "detail": str(error)}
    if is_disk_full(error):
        return {"code": "disk", "detail": "The disk is full. What the run has finished stays: make room, then resume it."}
    traceback.print_exception(error)  # to standard error, which the caller keeps as the run's log
    if (fault := path_fault(error)) is not None:
        return {"code": "config", "detail": str(fault)}
    return {"code": "internal", "detail": f"The run ended with an unexpected {type(error).__name__}."}


if __name__ == "__main__":
    sys.exit(main())
