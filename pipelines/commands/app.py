"""The command line of `python -m ihas_pipelines`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from ihas.harmless import harmless
from ihas_pipelines.commands import batches, bench, bundles, jobs, studies
from ihas_pipelines.commands.shell import carry_out, make_app
from ihas_pipelines.runs.child import stop_with_parent
from ihas_pipelines.runs.exit_codes import ExitCode

ABOUT = "Child processes of `ihas` and of the worker, and research commands."
NAME = "python -m ihas_pipelines"

app = make_app("pipelines", ABOUT)


@app.callback()
def options(context: typer.Context) -> None:
    """Child processes of `ihas` and of the worker, and research commands."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(ExitCode.USAGE)
    stop_with_parent()


for command in (jobs.run, jobs.refresh, jobs.estimate, jobs.inspect, bundles.load, bundles.gates, batches.batch, bench.bench):
    app.command()(command)
app.add_typer(studies.study)
for name, study in (("compare", studies.compare_seeds), ("benchmark", studies.benchmark_methods), ("overrec", studies.study_overrec)):
    app.command(name, hidden=True)(study)  # names of version 0.1.0


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line; its exit code."""
    return carry_out(app, arguments, NAME, _fail)


def main() -> int:
    """Entry point of `python -m ihas_pipelines`."""
    return run(sys.argv[1:])


def _fail(message: str, code: ExitCode) -> int:
    sys.stderr.write(harmless(" ".join(message.split())) + "\n")
    return int(code)
