"""Commands that speak to a service: `dataset`, `search`, `model`, and `keys`, whose first one needs no service.

The service is at `--url`; the key comes from IHAS_API_KEY alone, so that no list of processes shows it.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ihas.data.findings import ValidationReport
from ihas.errors import ConfigError
from ihas.sequential.advised import Advice
from pipelines.recipe import assign, read_document, request_settings
from service import rendering
from service.client import FINISHED, POLL_S, Client
from service.local_run import ProgressBar, failure
from service.terminal import CommandError, ExitCode, Terminal

Url = Annotated[str, typer.Option("--url", envvar="IHAS_URL", help="Where the service answers; its key comes from IHAS_API_KEY.")]
HERE = "http://127.0.0.1:8000"
SearchId = Annotated[str, typer.Argument(help="Id of the search.")]
ModelName = Annotated[str, typer.Argument(help="Name of the model.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for the history.")]

dataset = typer.Typer(name="dataset", help="Data sets of a service.", no_args_is_help=True)
search = typer.Typer(name="search", help="Searches, of a service or on this machine.", no_args_is_help=True)
model = typer.Typer(name="model", help="Models of a service: which version answers.", no_args_is_help=True)
keys = typer.Typer(name="keys", help="Keys of a tenant.", no_args_is_help=True)


def client_of(url: str) -> Client:
    """A client with the key of the environment."""
    return Client(url, api_key=os.environ.get("IHAS_API_KEY") or None)


@dataset.command()
def push(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FILE|URI", help="CSV, Parquet or JSON-lines file; the service fetches a URI.")],
    name: Annotated[str | None, typer.Option(help="Name for people; the file's where it is left out.")] = None,
    columns: Annotated[Path | None, typer.Option(help="What is known about the columns: a TOML or JSON file.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Character between CSV cells.")] = None,
    url: Url = HERE,
) -> None:
    """Upload a table and wait until it was checked."""
    terminal, path = context.obj, Path(source)
    if "://" not in source and not path.is_file():
        raise typer.BadParameter(f"File '{source}' does not exist.", param_hint="'FILE|URI'")
    reading: dict[str, Any] = {"delimiter": delimiter} if delimiter else {}
    if columns is not None:
        reading["columns"] = read_document(columns)
    with client_of(url) as client:
        found = client.create_dataset(name or path.name, **reading, **({"uri": source} if "://" in source else {}))
        if "://" not in source:
            with _upload_bar(terminal, path) as bar:
                client.upload(found["id"], path, lambda sent: bar.advance(bar.task_ids[0], sent))
        found = client.wait_dataset(found["id"])
    terminal.result(found, _datasets([found]))
    if found["state"] == "invalid":
        raise failure(found.get("error") or {})


@dataset.command("ls")
def list_datasets(context: typer.Context, url: Url = HERE) -> None:
    """Data sets, newest first."""
    with client_of(url) as client:
        found = client.datasets()["datasets"]
    context.obj.result(found, _datasets(found))


@dataset.command("report")
def report_dataset(context: typer.Context, dataset_id: Annotated[str, typer.Argument(help="Id of the data set.")], url: Url = HERE) -> None:
    """What the check of a data set found."""
    with client_of(url) as client:
        report = ValidationReport.model_validate(client.data_report(dataset_id))
    context.obj.result(report.model_dump(mode="json"), *rendering.findings(report))


@search.command("run")
def run_search(
    context: typer.Context,
    dataset_id: Annotated[str, typer.Argument(help="Id of a valid data set.")],
    name: Annotated[str, typer.Option(help="Name of the model that comes out.")],
    recipe: Annotated[Path | None, typer.Option(help="TOML or JSON file with `learning`, `run`, `budget`; `data` is not read.")] = None,
    priority: Annotated[int, typer.Option(help="A higher one is begun first.")] = 0,
    key: Annotated[str | None, typer.Option(help="Idempotency key; the same one with the same settings is the same search.")] = None,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Show progress until it has finished.")] = True,
    url: Url = HERE,
) -> None:
    """Submit a search; Ctrl-C stops watching, never the search."""
    terminal: Terminal = context.obj
    asked = {} if recipe is None else request_settings(recipe, ("run", "budget"))
    with client_of(url) as client:
        found = client.create_search(name, dataset_id, key or secrets.token_hex(8), priority=priority, **asked)
        terminal.say(f"Search {found['id']} is {found['state']}.")
        if watch:
            found = _watched(client, found["id"], terminal)
    terminal.result(found, _searches([found]))
    _check_succeeded(found, watch)


@search.command("estimate")
def estimate_search(
    context: typer.Context,
    dataset_id: Annotated[str, typer.Argument(help="Id of a valid data set.")],
    recipe: Annotated[Path | None, typer.Option(help="TOML or JSON file with `learning` and `run`, or of the kind ladder.")] = None,
    seconds: Annotated[float | None, typer.Option(help="With a ladder: wall time that one training of the advised size may take.")] = None,
    url: Url = HERE,
) -> None:
    """What a search would take and whether it may be worth it, from two small ones."""
    terminal: Terminal = context.obj
    asked = {} if recipe is None else request_settings(recipe, ("run", "seconds"))
    if seconds is not None:
        asked["seconds"] = seconds
    with client_of(url) as client, ProgressBar(terminal) as bar:
        found = client.create_estimate(dataset_id, **asked)
        while found["state"] not in FINISHED:
            time.sleep(POLL_S)
            found = client.estimate(found["id"])
            bar.show(found["state"], found["message"], found["progress"], None)
    if found["advice"] is not None:
        terminal.result(found, rendering.advice(Advice.model_validate(found["advice"])), found["advice"]["reason"])
        return
    if found["estimate"] is None:
        raise failure(found.get("error") or {"detail": f"The estimate is {found['state']}."})
    said = found["estimate"]
    lines = (
        f"time:        {said['seconds_low']:,.0f} to {said['seconds_high']:,.0f} s for {said['rows']:,} training rows",
        f"memory:      {said['memory_bytes'] / 2**20:,.0f} MiB",
        f"parameters:  {said['parameters']:,} in the plain model",
        f"worth it?    {said['advice']}",
    )
    terminal.result(found, "\n".join(lines))


@search.command("ls")
def list_searches(context: typer.Context, url: Url = HERE) -> None:
    """Searches, newest first."""
    with client_of(url) as client:
        found = client.searches()["searches"]
    context.obj.result(found, _searches(found))


@search.command("watch")
def watch_search(context: typer.Context, search_id: SearchId, url: Url = HERE) -> None:
    """Show progress until a search has finished, across broken connections."""
    with client_of(url) as client:
        found = _watched(client, search_id, context.obj)
    context.obj.result(found, _searches([found]))
    _check_succeeded(found, True)


@search.command("logs")
def show_logs(context: typer.Context, search_id: SearchId, url: Url = HERE) -> None:
    """What a search's run wrote beside its progress."""
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
    """Stop a search; what is finished stays."""
    with client_of(url) as client:
        found = client.cancel(search_id)
    context.obj.result(found, _searches([found]))


@search.command("resume")
def resume_search(context: typer.Context, search_id: SearchId, url: Url = HERE) -> None:
    """Queue a failed or cancelled search again."""
    with client_of(url) as client:
        found = client.resume(search_id)
    context.obj.result(found, _searches([found]))


@search.command("clone")
def clone_search(
    context: typer.Context,
    search_id: SearchId,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting that differs: learning.training.epochs=3")] = None,
    url: Url = HERE,
) -> None:
    """Submit a search like another one, but for some settings."""
    changes: dict[str, Any] = {}
    for one in set_ or ():
        assign(changes, one)
    with client_of(url) as client:
        found = client.clone(search_id, secrets.token_hex(8), **changes)
    context.obj.result(found, _searches([found]))


@search.command("compare")
def compare_searches(context: typer.Context, first: SearchId, second: SearchId, url: Url = HERE) -> None:
    """Two searches that succeeded, side by side."""
    with client_of(url) as client:
        found = client.compare(first, second)
    settings = [(one["setting"], one["first"], one["second"]) for one in found["settings"]]
    figures = [(one["figure"], one["first"], one["second"], one["difference"]) for one in found["figures"]]
    differing = rendering.plain_table(("setting", first, second), settings)
    context.obj.result(found, differing, rendering.plain_table(("figure", first, second, "difference"), figures))


@model.command("ls")
def list_models(context: typer.Context, url: Url = HERE) -> None:
    """The newest version of every model, and the one that answers."""
    with client_of(url) as client:
        found = [client.model(one["name"]) for one in client.models()["models"]]
    shown = [(one["name"], one["latest"], one["serving"], one["problem"] or "") for one in found]
    context.obj.result(found, rendering.plain_table(("model", "newest", "answers", "problem"), shown))


@model.command()
def promote(
    context: typer.Context,
    name: ModelName,
    version: Annotated[int, typer.Argument(help="The version.")],
    reason: Why = "",
    url: Url = HERE,
) -> None:
    """Make a version the champion, once it is loaded and meets its golden rows."""
    with client_of(url) as client:
        found = client.promote(name, version, reason)
    context.obj.result(found, f"Version {found['version']} of {name} answers (revision {found['revision']}).")


@model.command()
def rollback(context: typer.Context, name: ModelName, reason: Why = "", url: Url = HERE) -> None:
    """Return to the champion before."""
    with client_of(url) as client:
        found = client.roll_back(name, reason)
    context.obj.result(found, f"Version {found['version']} of {name} answers (revision {found['revision']}).")


@model.command()
def history(context: typer.Context, name: ModelName, url: Url = HERE) -> None:
    """Who made which version the champion, when and why."""
    with client_of(url) as client:
        found = client.alias_history(name)["changes"]
    shown = [(one["revision"], one["version"], one["kind"], one["at"], one["actor"], one["reason"]) for one in found]
    context.obj.result(found, rendering.plain_table(("revision", "version", "how", "when", "who", "why"), shown))


@model.command()
def traffic(
    context: typer.Context,
    name: ModelName,
    canary: Annotated[int | None, typer.Option(help="Version that answers some of the requests.")] = None,
    percent: Annotated[float, typer.Option(help="Share of the requests that the canary answers, in hundredths.")] = 0.0,
    sticky: Annotated[str | None, typer.Option(help="Context field that keeps a person on one side.")] = None,
    shadow: Annotated[list[int] | None, typer.Option(help="Version that answers unheard; may be given several times.")] = None,
    group: Annotated[list[int] | None, typer.Option(help="Group that canary and shadows are for; may be given several times.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Let the champion answer everything.")] = False,
    url: Url = HERE,
) -> None:
    """Show how a model's requests are divided, or divide them."""
    plan: dict[str, Any] = {"sticky_field": sticky, "shadows": shadow or [], "shadow_groups": group or []}
    if canary is not None:
        plan["canary"] = {"version": canary, "percent": percent, "groups": group or []}
    with client_of(url) as client:
        found = client.traffic(name)
        if clear or canary is not None or shadow:
            found = client.divide(name, {} if clear else plan, found["revision"])
    part = found["canary"]
    lines = [f"champion: version {found['champion']}"]
    by = found["sticky_field"] or "chance"
    lines += [f"canary:   version {part['version']}, {part['percent']:g} %, by {by}{_of_groups(part['groups'])}"] if part else []
    lines += [f"shadow:   version {one}{_of_groups(found['shadow_groups'])}" for one in found["shadows"]]
    context.obj.result(found, "\n".join(lines))


def _of_groups(groups: list[int]) -> str:
    return f", of groups {', '.join(map(str, groups))}" if groups else ""


@keys.command("create")
def create_key(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Name for people.")] = "key",
    scopes: Annotated[str, typer.Option(help="What it may do, with commas: read, data, search, models, score, admin, metrics.")] = "read",
    tenant: Annotated[str | None, typer.Option(help="Make it here, for this tenant, in the database of the settings.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Folder of the service [IHAS_FOLDER], with --tenant.")] = None,
    expires_in_s: Annotated[float | None, typer.Option(help="Seconds until it ends.")] = None,
    url: Url = HERE,
) -> None:
    """Make a key; its text is printed this once. With --tenant no service and no key is needed, only the database."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    if tenant is None:
        with client_of(url) as client:
            made = client.create_key(name, wanted, expires_in_s)
    else:
        made = _made_here(tenant, name, wanted, folder, expires_in_s)
    context.obj.result(made, made["key"])


@keys.command("ls")
def list_keys(context: typer.Context, url: Url = HERE) -> None:
    """The tenant's keys, without their text."""
    with client_of(url) as client:
        found = client.keys()["keys"]
    shown = [(one["id"], one["name"], ", ".join(one["scopes"]), one["expires_at"] or "", one["revoked_at"] or "") for one in found]
    context.obj.result(found, rendering.plain_table(("id", "name", "scopes", "expires", "revoked"), shown))


@keys.command("rotate")
def rotate_key(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="Id of the key.")],
    grace_s: Annotated[float, typer.Option(help="Seconds that the old one still opens.")] = 86_400.0,
    url: Url = HERE,
) -> None:
    """Replace a key; the new one's text is printed this once."""
    with client_of(url) as client:
        made = client.rotate_key(key_id, grace_s)
    context.obj.result(made, made["key"])


@keys.command("revoke")
def revoke_key(context: typer.Context, key_id: Annotated[str, typer.Argument(help="Id of the key.")], url: Url = HERE) -> None:
    """End a key."""
    with client_of(url) as client:
        ended = client.revoke_key(key_id)
    context.obj.result(ended, f"Key {key_id} opens nothing any more.")


def _made_here(tenant: str, name: str, wanted: list[str], folder: Path | None, expires_in_s: float | None) -> dict[str, Any]:
    from service.access.scopes import Scope
    from service.access.tokens import new_key
    from service.jobs.database import Database
    from service.records.keys import Keys
    from service.settings import Settings

    unknown = sorted(set(wanted) - set(Scope))
    if unknown or not wanted:
        raise ConfigError(f"Scopes must be some of {', '.join(Scope)}, but got {', '.join(unknown) or 'none'}.")
    settings = Settings() if folder is None else Settings(folder=folder)
    settings.folder.mkdir(parents=True, exist_ok=True)
    database = Database(settings.url)
    text, key = new_key(tenant, name, map(Scope, wanted), expires_in_s)
    Keys(database).add(key)
    database.close()
    return {"id": key.id, "tenant": tenant, "name": name, "scopes": wanted, "key": text}


def _watched(client: Client, search_id: str, terminal: Terminal) -> dict[str, Any]:
    try:
        with ProgressBar(terminal) as bar:
            for event in client.events(search_id):
                bar.show(event["state"], event["message"], event["progress"], event["eta_s"])
        return client.search(search_id)
    except KeyboardInterrupt:
        message = f"No longer watching; the search goes on. To watch again: ihas search watch {search_id}"
        raise CommandError(message, ExitCode.INTERRUPTED) from None


def _check_succeeded(found: Mapping[str, Any], watched: bool) -> None:
    if watched and found["state"] != "succeeded":
        raise failure(found.get("error") or {"detail": f"The search is {found['state']}."})


def _upload_bar(terminal: Terminal, path: Path) -> Progress:
    bar = Progress(TextColumn("uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=terminal.err, transient=True)
    bar.disable = terminal.output == "json" or not terminal.err.is_terminal
    bar.add_task("uploading", total=path.stat().st_size)
    return bar


def _datasets(found: list[dict[str, Any]]) -> Any:
    shown = [(one["id"], one["name"], one["state"], one["size"] or "", one["created_at"]) for one in found]
    return rendering.plain_table(("id", "name", "state", "bytes", "created"), shown)


def _searches(found: list[dict[str, Any]]) -> Any:
    shown = [(one["id"], one["name"], one["state"], f"{one['progress']:.0%}", one["model_version"] or "", one["message"]) for one in found]
    return rendering.plain_table(("id", "model", "state", "done", "version", "message"), shown)
