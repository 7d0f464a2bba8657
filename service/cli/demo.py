"""The demo: a service of its own, a search over HTTP, a report, and recommendations with explanations."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import ihas_pipelines
from ihas.config.recipe import Recipe
from ihas.findings import Finding
from ihas.results.run_result import RunResult
from ihas_pipelines.kinds.grouped.tables import run_tables
from ihas_pipelines.kinds.recipe_file import read_recipe
from ihas_service.cli import tables
from ihas_service.cli.local_run import failure, finished_stages, stage_of
from ihas_service.cli.progress_bar import ProgressBar
from ihas_service.cli.terminal import CommandError, ExitCode, Terminal, exit_code, this_command
from ihas_service.client.client import Client
from ihas_service.errors import ServiceError, WaitTimeoutError
from ihas_service.server import free_port

HOST = "127.0.0.1"
READY_WITHIN_S = 60.0
CHECKED_WITHIN_S = 300.0
SEARCHED_WITHIN_S = 3_600.0
STOP_WITHIN_S = 20.0
SHOWN_FINDINGS = 20
INSTALLED_DATA = Path("data/coupon")
"""Where a wheel has the coupon data, beside the recipes; in the repository it is the folder of this name."""
CONTEXTS = {
    "a student with friends, no hurry, a sunny evening": {
        "Destination": "No Urgent Place", "Passanger": "Friend(s)", "Weather": "Sunny", "Temperature": "80", "Time": "6PM",
        "Expiration": "1d", "Gender": "Female", "Age": "21", "MaritalStatus": "Single", "Has_children": "0", "Occupation": "Student",
        "Education": "Some college - no degree", "Income": "$25000 - $37499", "Bar": "1-3", "CoffeeHouse": "4-8", "CarryAway": "4-8",
        "RestaurantLessThan20": "4-8", "Restaurant20To50": "<1", "ToCoupon_GEQ5min": "1", "ToCoupon_GEQ15min": "0",
        "ToCoupon_GEQ25min": "0", "Direction_same": "0", "Direction_opp": "1",
    },
    "a retired driver alone on the way to work, snow in the morning": {
        "Destination": "Work", "Passanger": "Alone", "Weather": "Snowy", "Temperature": "30", "Time": "7AM",
        "Expiration": "2h", "Gender": "Male", "Age": "50plus", "MaritalStatus": "Married partner", "Has_children": "1",
        "Occupation": "Retired", "Education": "Bachelors degree", "Income": "$100000 or More", "Bar": "0", "CoffeeHouse": "0",
        "CarryAway": "1-3", "RestaurantLessThan20": "1-3", "Restaurant20To50": "<1", "ToCoupon_GEQ5min": "1",
        "ToCoupon_GEQ15min": "1", "ToCoupon_GEQ25min": "0", "Direction_same": "0", "Direction_opp": "1",
    },
}  # fmt: skip


def run_demo(terminal: Terminal, folder: Path, data: Path | None = None, keep: bool = False) -> None:
    """Start a service, search on the coupon data over HTTP, and request recommendations.

    Args:
        terminal: shows everything.
        folder: takes the database, data sets, runs and the report.
        data: the coupon data; without it, the copy that the repository and the wheel carry.
        keep: whether the service stays up at the end.

    Raises:
        CommandError: no data, the service does not start, the search fails or takes too long, or somebody interrupts.
    """
    recipe = coupon_recipe(data)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _demonstrate(terminal, recipe, folder, keep)
    except KeyboardInterrupt:
        message = f"Stopped. Finished work is kept in {folder}. To start again: {this_command()}"
        raise CommandError(message, ExitCode.INTERRUPTED) from None


def _demonstrate(terminal: Terminal, recipe: Recipe, folder: Path, keep: bool) -> None:
    terminal.say(f"Starting the service on SQLite in {folder}", "bold")
    with _service(folder.resolve(), keep) as url, Client(url) as client:
        _wait_ready(client, folder)
        shown = _search(client, recipe, folder, terminal)
        shown |= {"url": url if keep else None, "recommendations": _recommendations(client, recipe.name, terminal)}
        if terminal.output == "json":
            terminal.result(shown)
    terminal.say(f"\nReport: {shown['report']}", "bold")
    terminal.say(f"The service is still running at {url}; its API is documented at {url}/docs." if keep else "The service has stopped.")


def coupon_recipe(data: Path | None) -> Recipe:
    """The recipe of the coupon data, with the path of the data file; CommandError where there is no such file."""
    recipes = Path(ihas_pipelines.__path__[0]) / "recipes"
    recipe = read_recipe(recipes / "coupon.toml")
    installed = recipes / INSTALLED_DATA / recipe.data.path.name
    path = data or (installed if installed.is_file() else recipe.data.path)
    if not path.is_file():
        raise CommandError(
            f"The demo needs the coupon data, but there is no file at {path}. Take data/coupon/ from the repository and name the file "
            "with `--data`.",
            ExitCode.INVALID_DATA,
        )
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"path": path})})


@contextmanager
def _service(folder: Path, keep: bool) -> Iterator[str]:
    """`ihas up` on a free port, stopped at the end unless it is kept and nothing failed."""
    port = free_port(HOST)
    command = [sys.executable, "-P", "-c", "from ihas_service.cli.main import main; main()", "up", "--host", HOST]
    with (folder / "service.log").open("ab") as log, _terminated_like_interrupted():
        process, kept = None, False
        try:
            with _signals_held():  # an interrupt inside Popen would lose a process that runs already
                process = subprocess.Popen(
                    [*command, "--port", str(port), "--folder", str(folder)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=_environment(),
                )  # fmt: skip
            yield f"http://{HOST}:{port}"
            kept = keep
        finally:
            if process is not None and not kept:
                _stop(process)


def _environment() -> dict[str, str]:
    """The environment without settings of another service: the demo's own service keeps everything in its folder."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IHAS_")}


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Handle SIGTERM as Ctrl-C, so that no process is left behind."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back until the end of the block."""
    held: list[int] = []
    before = {number: signal.signal(number, lambda received, _frame: held.append(received)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if held:
        raise KeyboardInterrupt


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_ready(client: Client, folder: Path) -> None:
    try:
        client.wait_ready(READY_WITHIN_S)
    except WaitTimeoutError as error:
        message = f"The service was not ready within {READY_WITHIN_S:.0f} s. See {folder / 'service.log'}, or run `ihas doctor`."
        raise CommandError(message, ExitCode.TIMEOUT) from error


def _search(client: Client, recipe: Recipe, folder: Path, terminal: Terminal) -> dict[str, Any]:
    columns = recipe.data.columns.model_dump(mode="json", exclude_defaults=True)
    dataset = client.create_dataset(recipe.name, columns=columns)
    terminal.say(f"Uploading {recipe.data.path.name}", "bold")
    client.upload(dataset["id"], recipe.data.path)
    checked = client.wait_dataset(dataset["id"], CHECKED_WITHIN_S)
    if checked["state"] != "valid":
        raise _invalid(checked["error"] or {"code": "data"}, terminal)
    terminal.say("Searching", "bold")
    search = client.create_search(recipe.name, dataset["id"], learning=recipe.learning.model_dump(mode="json", exclude_defaults=True))
    with _cancelled_if_left(client, search["id"], folder):
        _watch(client, search["id"], terminal)
    client.promote(recipe.name, client.search(search["id"])["model_version"], "the newest demo is what is shown")
    result = RunResult.model_validate(client.result(search["id"]))
    report = folder / "report.html"
    report.write_text(client.report(search["id"]), encoding="utf-8")
    if terminal.output == "table":
        terminal.result(None, *run_tables(result))
    return {"report": str(report), "result": result.model_dump(mode="json")}


@contextmanager
def _cancelled_if_left(client: Client, search_id: str, folder: Path) -> Iterator[None]:
    """Cancel a search that nobody waits for any longer, so that the next demo's worker does not start with it."""
    try:
        yield
    except (KeyboardInterrupt, WaitTimeoutError) as left:
        with suppress(ServiceError):
            client.cancel(search_id)
        why, code = ("Stopped", ExitCode.INTERRUPTED) if isinstance(left, KeyboardInterrupt) else (str(left), exit_code(left))
        raise CommandError(f"{why.rstrip('.')}. {_kept(folder / 'searches' / search_id)}", code) from None


def _kept(run: Path) -> str:
    """What a cancelled search has finished, and how to resume it."""
    if not (run / "recipe.json").is_file():
        return f"The search was cancelled before it started. To start again: {this_command()}"
    resume = shlex.join(["ihas", "search", str(run / "recipe.json"), "--folder", str(run)])
    kept = ", ".join(finished_stages(run)) or "nothing yet"
    return f"The search was cancelled. Finished and kept in {run}: {kept}. To continue: {resume}"


def _invalid(error: dict[str, Any], terminal: Terminal) -> CommandError:
    """Show the faults of the table; the error that ends the demo."""
    for finding in error.get("findings", ())[:SHOWN_FINDINGS]:
        terminal.say(tables.finding_line(Finding.model_validate(finding)).plain)
    return failure(error)


def _watch(client: Client, search_id: str, terminal: Terminal) -> None:
    with ProgressBar(terminal) as bar:
        for event in client.events(search_id, within_s=SEARCHED_WITHIN_S):
            bar.show(stage_of(event), event["message"], event["progress"], event["eta_s"])
        found = client.search(search_id)
        if found["state"] != "succeeded":
            raise failure(found.get("error") or {"detail": f"The search is {found['state']}."})


def _recommendations(client: Client, model: str, terminal: Terminal) -> list[dict[str, Any]]:
    answers = []
    for who, context in CONTEXTS.items():
        answer = client.recommend(model, {"context": context, "k": 3, "explain": True})
        answers.append(answer)
        if terminal.output == "table":
            terminal.result(None, tables.recommendation(answer, f"\nFor {who}"))
    return answers
