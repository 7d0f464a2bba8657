"""`ihas search`: searches of a service."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ihas.errors import ConfigError
from ihas.results.run_result import RunResult
from ihas.sequential.scaling.advised import Advice
from ihas_pipelines.kinds.recipe_file import assign, request_settings
from ihas_pipelines.kinds.size_sweep.tables import advice_table
from ihas_pipelines.reports.pareto import pareto_frontier
from ihas_pipelines.reports.terminal_tables import plain_table
from ihas_service.cli.commands.connection import HERE, Url, Yes, client_of, confirm
from ihas_service.cli.local_run import failure, stage_of
from ihas_service.cli.progress_bar import ProgressBar
from ihas_service.cli.terminal import CommandError, ExitCode, Terminal
from ihas_service.client.client import Client
from ihas_service.client.transfer import FINISHED, POLL_S

SearchId = Annotated[str, typer.Argument(help="Id of the search.")]

search = typer.Typer(name="search", help="Searches of a service, or on this machine.", no_args_is_help=True)


@search.command("run")
def run_search(
    context: typer.Context,
    dataset_id: Annotated[str, typer.Argument(help="Id of a valid data set.")],
    name: Annotated[str, typer.Option(help="Name of the model that comes out.")],
    recipe: Annotated[Path | None, typer.Option(help="TOML or JSON file with `learning`, `run`, `budget`; `data` is not read.")] = None,
    dataset_version: Annotated[int | None, typer.Option(min=1, help="Version of the data set; the newest valid one by default.")] = None,
    window_days: Annotated[float | None, typer.Option(help="Read only the rows of the newest so many days.")] = None,
    window_column: Annotated[
        str | None, typer.Option(help="With --window-days: column of the time, where the data set states none.")
    ] = None,
    priority: Annotated[int, typer.Option(help="Searches of a higher priority start first.")] = 0,
    auto_promote: Annotated[str | None, typer.Option(help="Which version goes live unasked: `first`, `passing` or `never`.")] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key with the same settings is the same search.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting that overrides the recipe: learning.seed=2")] = None,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Show progress until the search has finished.")] = True,
    url: Url = HERE,
) -> None:
    """Submit a search; Ctrl-C stops watching, not the search."""
    terminal: Terminal = context.obj
    asked = request_settings(recipe, ("run", "budget"), set_ or ())
    asked |= {} if dataset_version is None else {"dataset_version": dataset_version}
    asked |= _window(window_days, window_column)
    asked |= {} if auto_promote is None else {"auto_promote": auto_promote}
    with client_of(url) as client:
        found = client.create_search(name, dataset_id, key or secrets.token_hex(8), priority=priority, **asked)
        terminal.say(f"Search {found['id']} is {found['state']}.")
        if watch:
            found = watched(client, found["id"], terminal)
    terminal.result(found, searches_table([found]))
    check_succeeded(found, watch)


def _window(days: float | None, column: str | None) -> dict[str, Any]:
    if days is None:
        if column is not None:
            raise typer.BadParameter("`--window-column` is of a window. Give `--window-days` too.")
        return {}
    return {"window": {"days": days} | ({} if column is None else {"column": column})}


@search.command("estimate")
def estimate_search(
    context: typer.Context,
    dataset_id: Annotated[str, typer.Argument(help="Id of a valid data set.")],
    recipe: Annotated[Path | None, typer.Option(help="TOML or JSON file with `learning` and `run`, or of the kind size-sweep.")] = None,
    seconds: Annotated[float | None, typer.Option(help="With a size sweep: maximum wall time of one training of the advised size.")] = None,
    url: Url = HERE,
) -> None:
    """Estimate the time, memory and gain of a search from two small ones."""
    terminal: Terminal = context.obj
    asked = {} if recipe is None else request_settings(recipe, ("run", "seconds"))
    if seconds is not None:
        asked["seconds"] = seconds
    with client_of(url) as client, ProgressBar(terminal) as bar:
        found = client.create_estimate(dataset_id, **asked)
        while found["state"] not in FINISHED:
            time.sleep(POLL_S)
            found = client.estimate(found["id"])
            bar.show(stage_of(found), found["message"], found["progress"], None)
    if found["advice"] is not None:
        terminal.result(found, advice_table(Advice.model_validate(found["advice"])), found["advice"]["reason"])
        return
    if found["estimate"] is None:
        raise failure(found.get("error") or {"detail": f"The estimate is {found['state']}."})
    estimate = found["estimate"]
    lines = (
        f"time:        {estimate['seconds_low']:,.0f} to {estimate['seconds_high']:,.0f} s for {estimate['rows']:,} training rows",
        f"memory:      {estimate['memory_bytes'] / 2**20:,.0f} MiB",
        f"parameters:  {estimate['parameters']:,} in the plain model",
        f"advice:      {estimate['advice']}",
    )
    terminal.result(found, "\n".join(lines))


@search.command("ls")
def list_searches(context: typer.Context, url: Url = HERE) -> None:
    """List searches, newest first."""
    with client_of(url) as client:
        found = client.searches()["searches"]
    context.obj.result(found, searches_table(found))


@search.command("watch")
def watch_search(context: typer.Context, search_id: SearchId, url: Url = HERE) -> None:
    """Show progress until a search has finished, across broken connections."""
    with client_of(url) as client:
        found = watched(client, search_id, context.obj)
    context.obj.result(found, searches_table([found]))
    check_succeeded(found, True)


@search.command("logs")
def show_logs(context: typer.Context, search_id: SearchId, url: Url = HERE) -> None:
    """Print the log of a search's run."""
    parts: list[str] = []
    offset = 0
    with client_of(url) as client:
        while True:
            answer = client.send("GET", f"/v1/searches/{search_id}/logs", params={"offset": offset})
            if not answer.text:
                break
            parts.append(answer.text)
            offset = int(answer.headers["next-offset"])
    context.obj.result({"log": "".join(parts)}, "".join(parts).rstrip("\n"))


@search.command("cancel")
def cancel_search(context: typer.Context, search_id: SearchId, url: Url = HERE) -> None:
    """Stop a search; its finished stages are kept."""
    with client_of(url) as client:
        found = client.cancel(search_id)
    context.obj.result(found, searches_table([found]))


@search.command("resume")
def resume_search(context: typer.Context, search_id: SearchId, url: Url = HERE) -> None:
    """Queue a failed or cancelled search again."""
    with client_of(url) as client:
        found = client.resume(search_id)
    context.obj.result(found, searches_table([found]))


@search.command("note")
def write_note(
    context: typer.Context,
    search_id: SearchId,
    text: Annotated[str, typer.Option("--text", help="What is worth knowing of it; empty for nothing.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", help="A word that it is found by; several times for several.")] = None,
    url: Url = HERE,
) -> None:
    """Write down a note and tags of a search, in place of those before."""
    with client_of(url) as client:
        found = client.set_note(search_id, text, tag or ())
    context.obj.result(found, searches_table([found]))


@search.command("rm")
def remove_search(context: typer.Context, search_id: SearchId, yes: Yes = False, url: Url = HERE) -> None:
    """Delete a search that has ended, with its run folder, log and result."""
    confirm(f"Delete search {search_id} with its run folder, log and result?", yes)
    with client_of(url) as client:
        gone = client.delete_search(search_id)
    context.obj.result(gone, f"Search {search_id} is deleted ({gone['bytes']:,} bytes).")


@search.command("clone")
def clone_search(
    context: typer.Context,
    search_id: SearchId,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A changed setting: learning.training.epochs=3")] = None,
    url: Url = HERE,
) -> None:
    """Submit a copy of a search with some settings changed."""
    changes: dict[str, Any] = {}
    for one in set_ or ():
        assign(changes, one)
    with client_of(url) as client:
        found = client.clone(search_id, secrets.token_hex(8), **changes)
    context.obj.result(found, searches_table([found]))


@search.command("compare")
def compare_searches(context: typer.Context, first: SearchId, second: SearchId, url: Url = HERE) -> None:
    """Compare two searches that succeeded."""
    with client_of(url) as client:
        found = client.compare(first, second)
    settings = [(one["setting"], one["first"], one["second"]) for one in found["settings"]]
    metrics = [(one["figure"], one["first"], one["second"], one["difference"]) for one in found["figures"]]
    differing = plain_table(("setting", first, second), settings)
    context.obj.result(found, differing, plain_table(("metric", first, second, "difference"), metrics))


@search.command("front", hidden=True)  # name of version 0.1.0
@search.command("frontier")
def show_frontier(context: typer.Context, search_id: SearchId, url: Url = HERE) -> None:
    """List the Pareto frontier of a search: candidates that no other beats in AUC at the same or fewer parameters."""
    with client_of(url) as client:
        document = client.result(search_id)
    if "variants" not in document:
        raise ConfigError(f"Searches for groups have a Pareto frontier, but {search_id} is of the kind {document.get('kind')!r}.")
    result = RunResult.model_validate(document)
    frontier = pareto_frontier(result)
    shown = [(one.name, one.cost.parameters_per_path, one.test.auc, one.num_groups, _mark(one.name == result.chosen)) for one in frontier]
    found = [one.model_dump(mode="json") for one in frontier]
    context.obj.result(found, plain_table(("variant", "params/model", "AUC", "groups", "served"), shown))


@search.command("plot")
def save_plot(
    context: typer.Context,
    search_id: SearchId,
    plot: Annotated[str | None, typer.Argument(help="Name of the plot, such as pareto; without it, the names are listed.")] = None,
    to: Annotated[Path | None, typer.Option(help="File to write: a page if its name ends in .html, else plotly's JSON.")] = None,
    url: Url = HERE,
) -> None:
    """Write a plot of a search that succeeded to a file."""
    terminal: Terminal = context.obj
    with client_of(url) as client:
        if plot is None:
            names = client.figures(search_id)["figures"]
            terminal.result(names, "\n".join(names))
            return
        target = to or Path(f"{plot}.html")
        page = target.suffix == ".html"
        drawn = client.plot_page(search_id, plot) if page else json.dumps(client.plot(search_id, plot))
    target.write_text(drawn, encoding="utf-8")
    terminal.result({"plot": str(target)}, str(target))


def _mark(there: bool) -> str:
    return "*" if there else ""


def watched(client: Client, search_id: str, terminal: Terminal) -> dict[str, Any]:
    """A search or a refresh once it has ended; its progress is shown meanwhile."""
    try:
        with ProgressBar(terminal) as bar:
            for event in client.events(search_id):
                bar.show(stage_of(event), event["message"], event["progress"], event["eta_s"])
        return client.search(search_id)
    except KeyboardInterrupt:
        message = f"No longer watching; the search continues. To watch again: ihas search watch {search_id}"
        raise CommandError(message, ExitCode.INTERRUPTED) from None


def check_succeeded(found: Mapping[str, Any], watched: bool) -> None:
    """CommandError where a search that was watched did not succeed."""
    if watched and found["state"] != "succeeded":
        raise failure(found.get("error") or {"detail": f"The search is {found['state']}."})


def searches_table(found: list[dict[str, Any]]) -> Any:
    """Searches and refreshes for a terminal."""
    shown = [(one["id"], one["name"], one["state"], f"{one['progress']:.0%}", one["model_version"] or "", one["message"]) for one in found]
    return plain_table(("id", "model", "state", "done", "version", "message"), shown)
