"""The `ihas` command line. Imports that take time are made by the command that needs them; none is TensorFlow."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from ihas.errors import ConfigError, IhasError, RequestError, missing_package, path_fault
from service.cli.commands import datasets, keys, models, searches
from service.cli.terminal import EXIT_CODES, CommandError, ExitCode, Output, Terminal, exit_code, this_command

if TYPE_CHECKING:
    from ihas.serving.grouped.recommender import Recommender
    from service.settings import Settings

EPILOG = "Exit codes: " + "; ".join(f"{int(code)} {meaning}" for code, meaning in EXIT_CODES.items()) + "."
SCORED_AT_ONCE = 1_000
EXPLAINED_AT_ONCE = 100

app = typer.Typer(
    name="ihas",
    help="Search embedding dimensions per instance, group the instances, serve one model per group.",
    epilog=EPILOG,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
FolderOption = Annotated[Path | None, typer.Option(help="Folder of data sets, runs and bundles, and of the SQLite file [IHAS_FOLDER].")]
HostOption = Annotated[str | None, typer.Option(help="Address to listen on [IHAS_HOST].")]
PortOption = Annotated[int | None, typer.Option(help="Port to listen on [IHAS_PORT].")]
BundleArgument = Annotated[Path, typer.Argument(help="Bundle, or run folder that holds one.")]


@app.callback()
def options(
    context: typer.Context,
    output: Annotated[Output, typer.Option(help="Form of results on standard output; messages go to standard error.")] = Output.TABLE,
) -> None:
    """Search embedding dimensions per instance, group the instances, serve one model per group."""
    context.obj = Terminal(output)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


@app.command()
def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Folder for everything that the demo writes.")] = Path("runs/demo"),
    data: Annotated[Path | None, typer.Option(help="Coupon data, where it does not lie in data/coupon beside the package.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the service running at the end.")] = False,
) -> None:
    """Search on the coupon data over HTTP, write the report, ask for recommendations."""
    from service.cli.demo import run_demo

    run_demo(context.obj, folder, data, keep)


for group in (datasets.dataset, searches.search, models.model, keys.keys):
    app.add_typer(group)
SEARCH_COMMANDS = frozenset(str(command.name) for command in searches.search.registered_commands) | {"-h", "--help"}


@searches.search.command("here")
def search(
    context: typer.Context,
    recipe: Annotated[Path, typer.Argument(help="Recipe, a TOML file.")],
    folder: Annotated[Path | None, typer.Option(help="Run folder; runs/<name of the recipe> where it is left out.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting that wins over the recipe: learning.training.epochs=3")] = None,
) -> None:
    """Carry out a recipe on this machine; started again, it goes on after the last finished stage."""
    from pipelines.runs.recipe import read_any_recipe
    from service.cli import local_run, tables

    terminal: Terminal = context.obj
    asked = read_any_recipe(recipe, set_ or ())
    target = folder or Path("runs") / asked.name
    try:
        result = local_run.search(asked, target, terminal)
    except KeyboardInterrupt:
        kept = ", ".join(local_run.finished_stages(target)) or "nothing yet"
        raise CommandError(f"Stopped. Finished and kept in {target}: {kept}. To go on: {this_command()}", ExitCode.INTERRUPTED) from None
    report = target / "report.html"
    if not report.is_file():
        local_run.write_report(result, report)
    terminal.result(result.model_dump(mode="json"), *tables.tables(result))
    terminal.say(f"Report: {report}\nBundle: {target / 'bundle'}")


@app.command()
def inspect(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(help="CSV, Parquet or JSON-lines file.")],
    columns: Annotated[Path | None, typer.Option(help="What is known about the columns: a TOML or JSON file.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Character between CSV cells; told from the header where it is left out.")] = None,
) -> None:
    """Show what the columns of a table are taken for, and what is wrong with them."""
    import tempfile

    from pipelines.runs.recipe import read_data
    from service.cli import local_run, tables

    terminal: Terminal = context.obj
    with tempfile.TemporaryDirectory() as folder:
        report = local_run.inspect(read_data(data, columns, delimiter), Path(folder))
    terminal.result(report.model_dump(mode="json"), *tables.findings(report))
    if report.errors:
        found = tables.num_errors(report)
        raise CommandError(f"A search needs a table without errors, but {data} has {found:,}. Mend them.", ExitCode.INVALID_DATA)


@app.command()
def report(context: typer.Context, run_folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")]) -> None:
    """Write the report of a finished run anew."""
    import pipelines.reports.report  # noqa: F401 # says what an installation lacks before anything else
    from service.cli.local_run import read_any_result, write_report

    path = run_folder / "report.html"
    write_report(read_any_result(run_folder), path)
    context.obj.result({"report": str(path)}, str(path))


@app.command()
def advise(
    context: typer.Context,
    recipe: Annotated[Path, typer.Argument(help="Recipe of the kind ladder, a TOML file such as pipelines/recipes/scaling/lastfm.toml.")],
    seconds: Annotated[float, typer.Option(help="Wall time that one training of the advised size may take.")],
    folder: Annotated[
        Path | None, typer.Option(help="Folder of the ladder; runs/advice-<name of the ladder> where it is left out.")
    ] = None,
) -> None:
    """Train a small ladder of sequential transformers and advise which size to train within a budget; it goes on where it was stopped."""
    from ihas.config.size_sweep import SizeSweepRecipe
    from ihas.sequential.scaling.advised import Advice
    from pipelines.runs.recipe import read_of_kind
    from service.cli import tables
    from service.cli.local_run import climb

    terminal: Terminal = context.obj
    target = folder or Path("runs") / f"advice-{read_of_kind(recipe, SizeSweepRecipe).name}"
    climb(recipe, target, seconds, terminal)
    found = Advice.model_validate_json((target / "advice.json").read_bytes())
    terminal.result(found.model_dump(mode="json"), tables.advice(found), found.reason)
    terminal.say(f"Figure: {target / 'advice.html'}")


@app.command()
def score(
    context: typer.Context,
    bundle: BundleArgument,
    rows: Annotated[str, typer.Argument(help="File with a JSON object per line, or - for standard input.")],
    explain: Annotated[bool, typer.Option("--explain", help="Say why.")] = False,
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
    k: Annotated[int, typer.Option(help="Most items to return.")] = 10,
    candidates: Annotated[str | None, typer.Option(help="Items to choose from, a JSON list of ids.")] = None,
    exclude: Annotated[str, typer.Option(help="Items to leave out, a JSON list of ids.")] = "[]",
    explain: Annotated[bool, typer.Option("--explain", help="Say why.")] = False,
    filter_: Annotated[str | None, typer.Option("--filter", help='What item fields must say: year >= 1990 and genres has "War"')] = None,
    retrieve: Annotated[int | None, typer.Option(help="Items that retrieval chooses to be scored; told by itself without it.")] = None,
    diversity: Annotated[str | None, typer.Option(help='How alike answers may be: {"field": "genres", "at_most": 2}')] = None,
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
    front: Annotated[Path, typer.Argument(help="Bundle of the kind overrec, or run folder that holds one.")],
    folder: Annotated[Path, typer.Argument(help="Folder of the bundle to write; it must not exist yet.")],
    user_field: Annotated[str, typer.Option(help="Field of the trained model that names the user.")] = "user",
    name: Annotated[str, typer.Option(help="Model name.")] = "combined",
) -> None:
    """Put histories in front of a trained model: they answer for users whom it does not know."""
    from ihas.bundle.compound import write_compound
    from ihas.serving.loading import COLD_START, load_recommender

    parts = {"model": _bundle_in(model), "front": _bundle_in(front)}
    write_compound(COLD_START, name, {"user_field": user_field}, parts, folder)
    load_recommender(folder)
    context.obj.result({"bundle": str(folder)}, str(folder))


@app.command()
def serve(host: HostOption = None, port: PortOption = None, folder: FolderOption = None) -> None:
    """Answer HTTP; jobs are carried out by `ihas worker`."""
    from service.server import serve

    serve(_settings(host=host, port=port, folder=folder))


@app.command()
def worker(folder: FolderOption = None) -> None:
    """Carry out searches, one at a time."""
    from service.server import work

    work(_settings(folder=folder))


@app.command()
def up(host: HostOption = None, port: PortOption = None, folder: FolderOption = None) -> None:
    """Answer HTTP and carry out searches, both on this machine."""
    from service.server import up

    up(_settings(host=host, port=port, folder=folder))


@app.command("settings")
def show_settings(context: typer.Context) -> None:
    """Every setting of the service: its environment variable, its value now, and what it means."""
    from service.cli import tables

    found = _settings()
    rows = [
        {"variable": f"IHAS_{name.upper()}", "value": _shown(name, getattr(found, name)), "meaning": field.description}
        for name, field in type(found).model_fields.items()
    ]
    context.obj.result(rows, tables.plain_table(("variable", "value now", "meaning"), [tuple(row.values()) for row in rows]))


def _shown(name: str, value: Any) -> Any:
    """A setting's value, a database's password hidden."""
    if name == "database_url" and value is not None:
        from sqlalchemy.engine import make_url

        return make_url(value).render_as_string(hide_password=True)
    return None if value is None else value if isinstance(value, int | float) else str(value)


@app.command()
def doctor(context: typer.Context, host: HostOption = None, port: PortOption = None, folder: FolderOption = None) -> None:
    """Is this machine fit to serve and to search?"""
    from service.cli import doctor

    settings = _settings(host=host, port=port, folder=folder)
    checks = doctor.examine(settings.folder, settings.host, settings.port)
    context.obj.result(doctor.documents(checks), doctor.table(checks))
    failed = [check.name for check in checks if check.verdict == "fail"]
    if failed:
        raise CommandError(f"Not fit: {', '.join(failed)}. The lines above tell the way out.", ExitCode.RUN_FAILED)


def _settings(**given: Any) -> Settings:
    from pydantic import ValidationError

    from service.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(f"`{'.'.join(map(str, part['loc']))}`: {part['msg']}" for part in error.errors())
        raise ConfigError(f"The settings (IHAS_* or options) are not valid. {wrong}") from error


def _recommender(bundle: Path) -> Recommender:
    from ihas.serving.loading import load_recommender

    return load_recommender(_bundle_in(bundle))


def _bundle_in(folder: Path) -> Path:
    inner = folder / "bundle"
    if not inner.is_dir() and (folder / "stages").is_dir():
        way = "Begin the search in the same folder again: it goes on with the stages that are done."
        raise CommandError(f"A run must have ended to have a bundle, but the one in {folder} has not. {way}", ExitCode.INVALID_DATA)
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
    try:
        code = app(list(arguments), prog_name="ihas", standalone_mode=False)
    except typer.TyperException as error:
        message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
        return terminal.fail(f"{message.rstrip('.')}. See `ihas --help`.", ExitCode.USAGE)
    except typer.Abort:
        return terminal.fail("Interrupted.", ExitCode.INTERRUPTED)
    except IhasError as error:
        return terminal.fail(str(error), exit_code(error))
    except ModuleNotFoundError as error:
        return terminal.fail(str(missing_package(error)), ExitCode.USAGE)
    except OSError as error:
        if (fault := path_fault(error)) is None:
            raise
        return terminal.fail(str(fault), ExitCode.USAGE)
    if code == ExitCode.INTERRUPTED:
        return terminal.fail("Interrupted.", ExitCode.INTERRUPTED)
    return int(code or ExitCode.OK)


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
