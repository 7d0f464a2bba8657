"""The `ihas` command line. Imports that take time are made by the command that needs them; `study` and `bench` alone import TensorFlow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ihas.bundle.manifest import package_version
from ihas_pipelines.commands.bench import bench
from ihas_pipelines.commands.shell import REPORT, carry_out, make_app
from ihas_pipelines.commands.studies import study
from ihas_service.cli.arguments import output_of, spelled_out
from ihas_service.cli.commands import backups, batches, bundles, datasets, events, items, keys, models, schedules, searches, users
from ihas_service.cli.commands import consuming as _consuming  # noqa: F401 - adds `events consume`
from ihas_service.cli.commands import dashboard as dashboards
from ihas_service.cli.commands import promotion as _promotion  # noqa: F401 - adds commands to `model`
from ihas_service.cli.commands import simulation as _simulation  # noqa: F401 - adds `study loop`
from ihas_service.cli.commands import traffic as _traffic  # noqa: F401 - likewise
from ihas_service.cli.commands import usage as usages
from ihas_service.cli.commands.init import init
from ihas_service.cli.commands.reading import Delimiter, Escape, FileEncoding, Names, NoQuoting, reading_of
from ihas_service.cli.commands.settings import service_settings, show_settings
from ihas_service.cli.help import polished
from ihas_service.cli.terminal import CommandError, ExitCode, Output, Terminal, exit_code, this_command

app = make_app("ihas", "Search embedding dimensions per instance, group the instances, serve one model per group.", completion=True)
FolderOption = Annotated[Path | None, typer.Option(help="Folder of data sets, runs and bundles, and of the SQLite file [IHAS_FOLDER].")]
HostOption = Annotated[str | None, typer.Option(help="Address to listen on [IHAS_HOST].")]
PortOption = Annotated[int | None, typer.Option(help="Port to listen on [IHAS_PORT].")]
ONLY_SERVES = (
    "This installation only serves bundles: packages to read tables and to train are missing, so checks of data sets and searches "
    "will fail. To have them: pip install 'ihas[train]'. `ihas doctor` names what is missing."
)


@app.callback()
def options(
    context: typer.Context,
    output: Annotated[
        Output, typer.Option(help="Form of results on standard output, wherever it stands; messages go to standard error.")
    ] = Output.TABLE,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Search embedding dimensions per instance, group the instances, serve one model per group."""
    if version:
        typer.echo(f"ihas {package_version()}")
        raise typer.Exit
    context.obj = terminal = Terminal(output)
    context.meta[REPORT] = lambda progress: terminal.say(f"{progress.stage}: {progress.message}")
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


@app.command()
def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Folder for everything that the demo writes.")] = Path("runs/demo"),
    data: Annotated[Path | None, typer.Option(help="Coupon data; the copy that comes with iHAS by default.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the service running at the end.")] = False,
) -> None:
    """Search on the coupon data over HTTP, write the report, request recommendations."""
    from ihas_service.cli.demo import run_demo

    run_demo(context.obj, folder, data, keep)


for group in (
    datasets.dataset,
    searches.search,
    models.model,
    schedules.schedule,
    users.user,
    items.item,
    batches.batch,
    events.events,
    keys.keys,
):
    app.add_typer(group)
app.command("usage")(usages.usage)
app.command("dashboard")(dashboards.dashboard)
app.command("whoami")(dashboards.whoami)
app.command("sign-in")(dashboards.sign_in)


app.command()(init)


@searches.search.command("here")
def search(
    context: typer.Context,
    recipe: Annotated[Path, typer.Argument(help="Recipe, a TOML file.")],
    folder: Annotated[Path | None, typer.Option(help="Run folder; runs/<name of the recipe> by default.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting that overrides the recipe: learning.training.epochs=3")] = None,
) -> None:
    """Carry out a recipe on this machine; started again, it continues after the last finished stage."""
    from ihas_pipelines.kinds.recipe_file import read_any_recipe
    from ihas_service.cli import local_run

    terminal: Terminal = context.obj
    asked = read_any_recipe(recipe, set_ or ())
    target = folder or Path("runs") / asked.name
    try:
        run = local_run.search(asked, target, terminal)
    except KeyboardInterrupt:
        kept = ", ".join(local_run.finished_stages(target)) or "nothing yet"
        raise CommandError(f"Stopped. Finished and kept in {target}: {kept}. To continue: {this_command()}", ExitCode.INTERRUPTED) from None
    report, bundle = target / "report.html", target / "bundle"
    terminal.result(run[0].model_dump(mode="json"), *local_run.result_tables(run))
    if report.is_file() or local_run.write_report(run, report):
        terminal.say(f"Report: {report}")
    if bundle.is_dir():
        terminal.say(f"Bundle: {bundle}")


@app.command()
def inspect(
    context: typer.Context,
    data: Annotated[str, typer.Argument(help="CSV, Parquet or JSON-lines file, folder or pattern of such, or URL of a database.")],
    columns: Annotated[Path | None, typer.Option(help="Known facts about the columns: a TOML or JSON file.")] = None,
    delimiter: Delimiter = None,
    no_quoting: NoQuoting = False,
    escape: Escape = None,
    names: Names = None,
    encoding: FileEncoding = None,
    query: Annotated[str | None, typer.Option(help="Query of the database at DATA; $NAME in its URL is the environment's.")] = None,
    write: Annotated[Path | None, typer.Option(help="New file that takes what each column is, for --columns and recipes.")] = None,
) -> None:
    """Show what each column of a table is taken for and why, and its faults."""
    import tempfile

    from ihas_pipelines.kinds.recipe_file import read_data
    from ihas_service.cli import local_run, tables
    from ihas_service.cli.column_files import write_columns

    terminal: Terminal = context.obj
    with tempfile.TemporaryDirectory() as folder:
        asked = read_data(data, columns, reading_of(delimiter, no_quoting, escape, names, encoding), query)
        report = local_run.inspect(asked, Path(folder))
    if write is not None:
        write_columns(report, write)
    terminal.result(report.model_dump(mode="json"), *tables.findings(report))
    if report.errors:
        found = tables.num_errors(report)
        name = asked.path if asked.sql is None else "the query's"
        raise CommandError(f"A search needs a table without errors, but {name} has {found:,}. Correct them.", ExitCode.INVALID_DATA)


@app.command()
def report(context: typer.Context, run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")]) -> None:
    """Write the report of a finished run again."""
    import ihas_pipelines.reports.report  # noqa: F401 # names a missing package before anything else
    from ihas_service.cli.local_run import read_any_result, write_report

    path = run_folder / "report.html"
    run = read_any_result(run_folder)
    if not write_report(run, path):
        raise CommandError(f"A run of the kind {run[1].name!r} has no report. Its metrics are in result.json.", ExitCode.USAGE)
    context.obj.result({"report": str(path)}, str(path))


@app.command()
def advise(
    context: typer.Context,
    recipe: Annotated[
        Path, typer.Argument(help="Recipe of the kind size-sweep, a TOML file such as pipelines/recipes/scaling/lastfm.toml.")
    ],
    seconds: Annotated[float, typer.Option(help="Maximum wall time of one training of the advised size.")],
    folder: Annotated[Path | None, typer.Option(help="Folder of the size sweep; runs/advice-<its name> by default.")] = None,
) -> None:
    """Train a small size sweep of transformers and advise the size to train within a time budget; a stopped one is resumed."""
    from ihas.config.size_sweep import SizeSweepRecipe
    from ihas_pipelines.kinds.recipe_file import read_of_kind
    from ihas_pipelines.kinds.size_sweep.tables import advice_table
    from ihas_pipelines.kinds.size_sweep.values import SizeSweepResult
    from ihas_service.cli import local_run

    terminal: Terminal = context.obj
    asked = read_of_kind(recipe, SizeSweepRecipe, [f"seconds={seconds}"])
    target = folder or Path("runs") / f"advice-{asked.name}"
    result, _ = local_run.search(asked, target, terminal)
    if not isinstance(result, SizeSweepResult) or result.advice is None:
        raise CommandError(f"A size sweep with a budget must give advice, but {target} has none.", ExitCode.RUN_FAILED)
    terminal.result(result.advice.model_dump(mode="json"), advice_table(result.advice), result.advice.reason)
    terminal.say(f"Plot: {target / 'advice.html'}")


for command in (bundles.score, bundles.recommend, bundles.combine, bundles.choose):
    app.command()(command)


@app.command()
def refresh(
    context: typer.Context,
    run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    folder: Annotated[Path, typer.Argument(help="Run folder of the refresh; started again, it continues after the last finished stage.")],
    data: Annotated[Path, typer.Option(help="Newer table: CSV, Parquet or JSON lines, with the columns of the run's.")],
    point: Annotated[str | None, typer.Option(help="Point of the run's frontier to carry on; the chosen one by default.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting of the refresh: epochs=2")] = None,
) -> None:
    """Carry a finished run on with newer rows, without a search; of a service, `ihas model refresh`."""
    from ihas_service.cli import local_run
    from ihas_service.cli.refreshing import refresh_request

    terminal: Terminal = context.obj
    run = local_run.refresh(refresh_request(run_folder, data, point, set_ or ()), folder, terminal)
    terminal.result(run[0].model_dump(mode="json"), *local_run.result_tables(run))
    terminal.say(f"Report: {folder / 'report.html'}")
    terminal.say(f"Bundle: {folder / 'bundle'}")


@app.command()
def serve(host: HostOption = None, port: PortOption = None, folder: FolderOption = None) -> None:
    """Serve HTTP; `ihas worker` carries out the jobs."""
    from ihas_service.server import serve

    serve(service_settings(host=host, port=port, folder=folder))


@app.command()
def worker(context: typer.Context, folder: FolderOption = None) -> None:
    """Run jobs one at a time: searches, estimates and checks of data sets."""
    from ihas.extras import only_serves
    from ihas_service.server import work

    if only_serves():
        context.obj.say(ONLY_SERVES, "yellow")
    work(service_settings(folder=folder))


@app.command()
def up(context: typer.Context, host: HostOption = None, port: PortOption = None, folder: FolderOption = None) -> None:
    """Serve HTTP and run jobs, both on this machine; without packages that train it serves, and jobs that need them fail."""
    from ihas.extras import only_serves
    from ihas_service.server import up

    if only_serves():
        context.obj.say(ONLY_SERVES, "yellow")
    up(service_settings(host=host, port=port, folder=folder))


app.command("backup")(backups.back_up)
app.command("restore")(backups.restore)
app.command("settings")(show_settings)
app.command()(bench)
app.add_typer(study)


@app.command()
def doctor(context: typer.Context, host: HostOption = None, port: PortOption = None, folder: FolderOption = None) -> None:
    """Check whether this machine is fit to serve and to search."""
    from ihas_service.cli import doctor

    settings = service_settings(host=host, port=port, folder=folder)
    checks = doctor.examine(settings.folder, settings.host, settings.port)
    context.obj.result(doctor.documents(checks), doctor.table(checks))
    failed = [check.name for check in checks if check.verdict == "fail"]
    if failed:
        raise CommandError(f"Not fit: {', '.join(failed)}. The lines above say what to do.", ExitCode.RUN_FAILED)


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and return its exit code; errors that are expected become one line.

    `ihas search RECIPE` is short for `ihas search here RECIPE`, and `--output` may stand anywhere.
    """
    spelled = spelled_out(arguments, _search_words())
    terminal = Terminal(output_of(spelled))
    return carry_out(app, spelled, "ihas", terminal.fail, exit_code, polished)


def _search_words() -> frozenset[str]:
    """What may follow `ihas search` as it is: its commands, and its help."""
    return frozenset({str(command.name) for command in searches.search.registered_commands} | {"-h", "--help"})


def main() -> None:
    """Entry point of `ihas`."""
    sys.exit(run(sys.argv[1:]))
