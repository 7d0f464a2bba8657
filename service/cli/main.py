"""The `ihas` command line. Imports that take time are made by the command that needs them; `study` and `bench` alone import TensorFlow."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from ihas.bundle.manifest import package_version
from ihas.errors import RequestError
from pipelines.commands.bench import bench
from pipelines.commands.shell import REPORT, carry_out, make_app
from pipelines.commands.studies import study
from service.cli.commands import datasets, keys, models, searches
from service.cli.commands import promotion as _promotion  # noqa: F401 - adds commands to `model`
from service.cli.commands import traffic as _traffic  # noqa: F401 - likewise
from service.cli.commands import usage as usages
from service.cli.commands.reading import Delimiter, Escape, NoQuoting, reading_of
from service.cli.commands.settings import service_settings, show_settings
from service.cli.terminal import CommandError, ExitCode, Output, Terminal, exit_code, this_command

if TYPE_CHECKING:
    from ihas.serving.protocol import Recommender


SCORED_AT_ONCE = 1_000
EXPLAINED_AT_ONCE = 100

app = make_app("ihas", "Search embedding dimensions per instance, group the instances, serve one model per group.")
FolderOption = Annotated[Path | None, typer.Option(help="Folder of data sets, runs and bundles, and of the SQLite file [IHAS_FOLDER].")]
HostOption = Annotated[str | None, typer.Option(help="Address to listen on [IHAS_HOST].")]
PortOption = Annotated[int | None, typer.Option(help="Port to listen on [IHAS_PORT].")]
BundleArgument = Annotated[Path, typer.Argument(help="Bundle, or run folder that holds one.")]


@app.callback()
def options(
    context: typer.Context,
    output: Annotated[Output, typer.Option(help="Form of results on standard output; messages go to standard error.")] = Output.TABLE,
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
    data: Annotated[Path | None, typer.Option(help="Coupon data; data/coupon beside the package by default.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the service running at the end.")] = False,
) -> None:
    """Search on the coupon data over HTTP, write the report, request recommendations."""
    from service.cli.demo import run_demo

    run_demo(context.obj, folder, data, keep)


for group in (datasets.dataset, searches.search, models.model, keys.keys):
    app.add_typer(group)
app.command("usage")(usages.usage)
SEARCH_COMMANDS = frozenset(str(command.name) for command in searches.search.registered_commands) | {"-h", "--help"}


@searches.search.command("here")
def search(
    context: typer.Context,
    recipe: Annotated[Path, typer.Argument(help="Recipe, a TOML file.")],
    folder: Annotated[Path | None, typer.Option(help="Run folder; runs/<name of the recipe> by default.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting that overrides the recipe: learning.training.epochs=3")] = None,
) -> None:
    """Carry out a recipe on this machine; started again, it continues after the last finished stage."""
    from pipelines.kinds.recipe_file import read_any_recipe
    from service.cli import local_run

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
    data: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON-lines file.")],
    columns: Annotated[Path | None, typer.Option(help="Known facts about the columns: a TOML or JSON file.")] = None,
    delimiter: Delimiter = None,
    no_quoting: NoQuoting = False,
    escape: Escape = None,
) -> None:
    """Show the inferred purpose and kind of each column of a table, and its faults."""
    import tempfile

    from pipelines.kinds.recipe_file import read_data
    from service.cli import local_run, tables

    terminal: Terminal = context.obj
    with tempfile.TemporaryDirectory() as folder:
        report = local_run.inspect(read_data(data, columns, reading_of(delimiter, no_quoting, escape)), Path(folder))
    terminal.result(report.model_dump(mode="json"), *tables.findings(report))
    if report.errors:
        found = tables.num_errors(report)
        raise CommandError(f"A search needs a table without errors, but {data} has {found:,}. Correct them.", ExitCode.INVALID_DATA)


@app.command()
def report(context: typer.Context, run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")]) -> None:
    """Write the report of a finished run again."""
    import pipelines.reports.report  # noqa: F401 # names a missing package before anything else
    from service.cli.local_run import read_any_result, write_report

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
    from pipelines.kinds.recipe_file import read_of_kind
    from pipelines.kinds.size_sweep.tables import advice_table
    from pipelines.kinds.size_sweep.values import SizeSweepResult
    from service.cli import local_run

    terminal: Terminal = context.obj
    asked = read_of_kind(recipe, SizeSweepRecipe, [f"seconds={seconds}"])
    target = folder or Path("runs") / f"advice-{asked.name}"
    result, _ = local_run.search(asked, target, terminal)
    if not isinstance(result, SizeSweepResult) or result.advice is None:
        raise CommandError(f"A size sweep with a budget must give advice, but {target} has none.", ExitCode.RUN_FAILED)
    terminal.result(result.advice.model_dump(mode="json"), advice_table(result.advice), result.advice.reason)
    terminal.say(f"Plot: {target / 'advice.html'}")


@app.command()
def score(
    context: typer.Context,
    bundle: BundleArgument,
    rows: Annotated[str, typer.Argument(help="File with a JSON object per line, or - for standard input.")],
    explain: Annotated[bool, typer.Option("--explain", help="Explain each answer.")] = False,
) -> None:
    """Score rows with a bundle, without a service."""
    import msgspec

    from service.cli import tables

    recommender = _recommender(bundle)
    answers: list[dict[str, Any]] = []
    with _opened(rows) as lines:
        for block in _blocks(lines, EXPLAINED_AT_ONCE if explain else SCORED_AT_ONCE):
            answers += msgspec.to_builtins(recommender.score(block, explain))
    why = [tables.explanation(row["explanation"]) for row in answers if row.get("explanation")]
    context.obj.result(answers, tables.scores(answers), *why)


@app.command()
def recommend(
    context: typer.Context,
    bundle: BundleArgument,
    asked: Annotated[str, typer.Option("--context", help='Values of the context fields, a JSON object: {"user": "1"}')] = "{}",
    k: Annotated[int, typer.Option(help="Maximum number of items.")] = 10,
    candidates: Annotated[str | None, typer.Option(help="Candidates, a JSON list of item ids.")] = None,
    exclude: Annotated[str, typer.Option(help="Items to exclude, a JSON list of ids.")] = "[]",
    explain: Annotated[bool, typer.Option("--explain", help="Explain each answer.")] = False,
    filter_: Annotated[str | None, typer.Option("--filter", help='Condition on item fields: year >= 1990 and genres has "War"')] = None,
    retrieve: Annotated[int | None, typer.Option(help="Items that retrieval passes on to be scored; automatic by default.")] = None,
    diversity: Annotated[str | None, typer.Option(help='Limit on similar items: {"field": "genres", "at_most": 2}')] = None,
) -> None:
    """Recommend items with a bundle, without a service."""
    import msgspec

    from ihas.serving.answers import RecommendRequest
    from service.cli import tables

    parts = {"context": _json("--context", asked), "exclude": _json("--exclude", exclude), "k": k, "explain": explain}
    parts |= {} if retrieve is None else {"retrieve": retrieve}
    parts |= {} if filter_ is None else {"filter": filter_}
    parts |= {} if diversity is None else {"diversity": _json("--diversity", diversity)}
    if candidates is not None:
        parts["candidates"] = _json("--candidates", candidates)
    try:
        request = msgspec.convert(parts, RecommendRequest)
    except msgspec.ValidationError as error:
        raise RequestError(f"The request cannot be read: {error}.") from error
    answer = msgspec.to_builtins(_recommender(bundle).recommend(request))
    context.obj.result(answer, tables.recommendation(answer, f"{answer['num_scored']:,} items scored by {answer['model']}"))


@app.command()
def combine(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="Bundle of a trained model, or run folder that holds one.")],
    cold_start_model: Annotated[Path, typer.Argument(help="Bundle of the kind overrec, or run folder that holds one.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the bundle to write; it must not exist yet.")],
    user_field: Annotated[str, typer.Option(help="Field of the trained model that names the user.")] = "user",
    name: Annotated[str, typer.Option(help="Model name.")] = "combined",
) -> None:
    """Add a cold-start model to a trained model: histories answer for users whom the trained model does not know."""
    from ihas.bundle.compound import write_compound
    from ihas.serving.loading import COLD_START, load_recommender

    parts = {"model": _bundle_in(model), "front": _bundle_in(cold_start_model)}  # folder names of the bundle format
    write_compound(COLD_START, name, {"user_field": user_field}, parts, folder)
    load_recommender(folder)
    context.obj.result({"bundle": str(folder)}, str(folder))


@app.command()
def choose(
    context: typer.Context,
    run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the bundle to write; it must not exist yet.")],
    point: Annotated[str, typer.Option(help="Name of a point of the run's frontier, such as 'members x2'.")],
) -> None:
    """Write another point of a run's frontier as a bundle, without training; of a service, `ihas model choose`."""
    from pipelines.runs.points import write_point

    found = write_point(run_folder, point, folder)
    context.obj.result({"bundle": str(folder), "point": found.name}, str(folder))


@app.command()
def serve(host: HostOption = None, port: PortOption = None, folder: FolderOption = None) -> None:
    """Serve HTTP; `ihas worker` carries out the jobs."""
    from service.server import serve

    serve(service_settings(host=host, port=port, folder=folder))


@app.command()
def worker(folder: FolderOption = None) -> None:
    """Run jobs one at a time: searches, estimates and checks of data sets."""
    from service.server import work

    work(service_settings(folder=folder))


@app.command()
def up(host: HostOption = None, port: PortOption = None, folder: FolderOption = None) -> None:
    """Serve HTTP and run jobs, both on this machine."""
    from service.server import up

    up(service_settings(host=host, port=port, folder=folder))


app.command("settings")(show_settings)
app.command()(bench)
app.add_typer(study)


@app.command()
def doctor(context: typer.Context, host: HostOption = None, port: PortOption = None, folder: FolderOption = None) -> None:
    """Check whether this machine is fit to serve and to search."""
    from service.cli import doctor

    settings = service_settings(host=host, port=port, folder=folder)
    checks = doctor.examine(settings.folder, settings.host, settings.port)
    context.obj.result(doctor.documents(checks), doctor.table(checks))
    failed = [check.name for check in checks if check.verdict == "fail"]
    if failed:
        raise CommandError(f"Not fit: {', '.join(failed)}. The lines above say what to do.", ExitCode.RUN_FAILED)


def _recommender(bundle: Path) -> Recommender:
    from ihas.serving.loading import load_recommender

    return load_recommender(_bundle_in(bundle))


def _bundle_in(folder: Path) -> Path:
    inner = folder / "bundle"
    if not inner.is_dir() and (folder / "stages").is_dir():
        way = "Start the search in the same folder again: it continues after the finished stages."
        raise CommandError(f"A finished run has a bundle, but the run in {folder} is not finished. {way}", ExitCode.INVALID_DATA)
    return inner if inner.is_dir() else folder


@contextmanager
def _opened(name: str) -> Iterator[TextIO]:
    if name == "-":
        yield sys.stdin
        return
    try:
        with open(name, encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise CommandError(f"Rows must come from a readable file, but {name} is not ({error.strerror}).", ExitCode.INVALID_DATA) from error


def _blocks(lines: TextIO, size: int) -> Iterator[list[dict[str, Any]]]:
    block: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = _json(f"line {number}", line)
        if not isinstance(row, dict):
            raise RequestError(f"A row must be a JSON object, but line {number} is not. Write {{'field': 'value'}} with double quotes.")
        block.append(row)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise RequestError(f"{name} must be JSON, but got {text.strip()!r} ({error}).") from error


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and return its exit code; errors that are expected become one line.

    `ihas search RECIPE` is short for `ihas search here RECIPE`.
    """
    arguments = _spelled_out(arguments)
    terminal = Terminal(Output.JSON if "json" in _output(arguments) else Output.TABLE)
    return carry_out(app, arguments, "ihas", terminal.fail, exit_code)


def _spelled_out(arguments: Sequence[str]) -> list[str]:
    found = list(arguments)
    place = next((number for number, argument in enumerate(found) if argument == "search"), None)
    if place is not None and all(one.startswith("-") or one in tuple(Output) for one in found[:place]):
        if found[place + 1 : place + 2] and found[place + 1] in SEARCH_COMMANDS:
            return found
        return [*found[: place + 1], "here", *found[place + 1 :]]
    return found


def _output(arguments: Sequence[str]) -> str:
    for number, argument in enumerate(arguments):
        if argument.startswith("--output"):
            return argument.partition("=")[2] or "".join(arguments[number + 1 : number + 2])
    return ""


def main() -> None:
    """Entry point of `ihas`."""
    sys.exit(run(sys.argv[1:]))
