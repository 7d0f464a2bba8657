"""`study`: research commands, each of which writes tables that the documentation quotes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ihas.config.run import RunOptions
from ihas.errors import TrainingError
from ihas.folders import write_whole
from ihas_pipelines.commands.shell import PlanOption, RecipeOption, SeedsOption, numbers, report_of
from ihas_pipelines.runs.child import error_document, print_line
from ihas_pipelines.runs.progress import Progress
from ihas_pipelines.runs.threads import limit_threads

study = typer.Typer(name="study", help="Research commands: comparisons, ablations, laws.", no_args_is_help=True)


@study.command("compare")
def compare_seeds(
    context: typer.Context,
    recipe: RecipeOption,
    folder: Annotated[Path, typer.Option(help="Folder of the runs, of comparison.json and comparison.md.")],
    seeds: SeedsOption = "0,1,2",
    ceilings: Annotated[str, typer.Option(help="Multiply-adds, such as 3200,12000: what is chosen within each is a row.")] = "",
) -> None:
    """Carry out a recipe under several seeds; one table with paired intervals."""
    from ihas_pipelines.kinds.recipe_file import read_recipe

    asked = read_recipe(recipe)
    limit_threads(asked.run)
    from ihas_pipelines.studies.compare import compare, markdown

    comparison = compare(asked, folder, numbers(seeds), report_of(context), numbers(ceilings))
    write_whole(folder / "comparison.json", comparison.model_dump_json(indent=1))
    write_whole(folder / "comparison.md", markdown(comparison))


@study.command("benchmark")
def benchmark_methods(
    context: typer.Context,
    plan: PlanOption,
    folder: Annotated[Path, typer.Option(help="Folder of the runs and of benchmark.json, .md and .html.")],
) -> None:
    """Carry out a plan of data sets, backbones, seeds and methods; one table, with plots."""
    from ihas_pipelines.studies.benchmark.plan import read_plan

    asked, report = read_plan(plan), report_of(context)
    limit_threads(asked.run)
    from ihas_pipelines.studies.benchmark.command import benchmark

    table = benchmark(asked, folder, report)
    where = folder / "benchmark.md"
    if table.failures:
        error = TrainingError(f"{len(table.failures)} of {table.cells} cells failed; {where} gives the reasons and holds the other cells.")
        report(Progress(stage="evaluate", message=str(error), fraction=1.0, outcome="failed", error=error_document(error)))
        raise error
    report(Progress(stage="evaluate", message=f"{table.cells} cells are in {where}", fraction=1.0, outcome="succeeded"))


@study.command("overrec")
def study_overrec(
    context: typer.Context, plan: PlanOption, folder: Annotated[Path, typer.Option(help="Folder of study.json and study.md.")]
) -> None:
    """Measure accuracy, cost, width or tied embeddings of the recommender without training."""
    from ihas_pipelines.studies.overrec.command import carry_out
    from ihas_pipelines.studies.overrec.plan import WidthPlan, read_plan

    asked = read_plan(plan)
    if isinstance(asked, WidthPlan):
        limit_threads(RunOptions(num_threads=asked.num_threads))
    carry_out(asked, folder, report_of(context))


@study.command("ablation")
def study_ablation(plan: PlanOption, folder: Annotated[Path, typer.Option(help="Folder of ablation.json and ablation.md.")]) -> None:
    """Train a transformer's recipe with one part changed at a time."""
    from ihas_pipelines.studies.ablation import carry_out, markdown, read_plan, recipe_of

    asked = read_plan(plan)
    recipe = recipe_of(asked)
    limit_threads(recipe.run)
    print_line(markdown(carry_out(asked, recipe, folder, print_line)))


@study.command("embeddings")
def study_embeddings(plan: PlanOption, folder: Annotated[Path, typer.Option(help="Folder of race.json and race.md.")]) -> None:
    """Compare plain with overparameterised embeddings under several update rules."""
    from ihas_pipelines.studies.overparameterisation.plan import read_race_plan

    asked = read_race_plan(plan)
    limit_threads(asked.run)
    from ihas_pipelines.studies.overparameterisation.command import carry_out
    from ihas_pipelines.studies.overparameterisation.table import markdown

    folder.mkdir(parents=True, exist_ok=True)
    print_line(markdown(carry_out(asked, folder)))


@study.command("refresh")
def study_refresh(plan: PlanOption, folder: Annotated[Path, typer.Option(help="Folder of refresh.json and refresh.md.")]) -> None:
    """Compare a model over time that is left alone, refreshed, or trained anew."""
    from ihas_pipelines.studies.refresh.plan import read_plan

    asked = read_plan(plan)
    limit_threads(asked.run)
    from ihas_pipelines.studies.refresh.command import carry_out, markdown

    print_line(markdown(carry_out(asked, folder, print_line)))


@study.command("entropy")
def study_entropy(
    recipes: Annotated[list[Path], typer.Argument(help="Recipes of kinds that read sequences.")],
    last: Annotated[int, typer.Option(help="Most recent items of each sequence to look at.")] = 50,
    block: Annotated[int, typer.Option(help="Items of a block, m.")] = 2,
) -> None:
    """Measure how predictable the sequences of recipes are."""
    from ihas_pipelines.studies.entropy import print_rows

    print_rows(recipes, last, block)


@study.command("performance-law")
def study_performance_law(
    grids: Annotated[Path, typer.Argument(help="JSON file of grids of measured values.")],
    parameters: Annotated[float | None, typer.Option(help="Maximum number of parameters, 12 N d^2, of the best size.")] = None,
) -> None:
    """Compare the performance law with a power law and a log-quadratic on measured grids."""
    from ihas_pipelines.studies.performance_law import print_tables

    print_tables(grids, parameters)


@study.command("published")
def study_published(
    backbones: Annotated[list[str] | None, typer.Argument(help="Backbones; all of them where none is named.")] = None,
    seeds: SeedsOption = "0",
) -> None:
    """Train the plain model of each backbone under published settings."""
    from ihas_pipelines.studies.published import print_rows

    print_rows(backbones or (), numbers(seeds))


@study.command("fuxictr")
def study_fuxictr(
    models: Annotated[list[str] | None, typer.Argument(help="Models: mlp, finalmlp; both where none is named.")] = None,
    seeds: SeedsOption = "0,1,2",
) -> None:
    """Train FuxiCTR's own models on the rows of `published`."""
    from ihas_pipelines.benchmarks.fuxictr_fit import print_rows

    print_rows(models or (), numbers(seeds))
