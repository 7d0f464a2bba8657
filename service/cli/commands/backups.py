"""`ihas backup` and `ihas restore`: database and bundles of a service, on its machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ihas_service.cli.commands.settings import service_settings
from ihas_service.cli.terminal import Terminal

FolderOption = Annotated[Path | None, typer.Option(help="Folder of the service [IHAS_FOLDER].")]


def back_up(
    context: typer.Context,
    to: Annotated[str, typer.Argument(help="Where to: an empty folder, or a prefix such as s3://backups/ihas/monday.")],
    folder: FolderOption = None,
) -> None:
    """Back up database and bundles, also while the service runs; uploaded data sets and run folders are not in it."""
    from ihas_service.backup.backup import back_up

    terminal: Terminal = context.obj
    found = back_up(service_settings(folder=folder), to, terminal.say)
    terminal.result(asdict(found), f"{found.rows} rows and {found.bundles} bundles are in {to}.")


def restore(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Where the backup lies: a folder, or a prefix such as s3://backups/ihas/monday.")],
    folder: FolderOption = None,
) -> None:
    """Restore database and bundles into an empty service, which must not run; a backup of an older version is brought up to date."""
    from ihas_service.backup.backup import restore

    terminal: Terminal = context.obj
    found = restore(service_settings(folder=folder), source, terminal.say)
    terminal.result(asdict(found), f"{found.rows} rows and {found.bundles} bundles are restored. Start the service.")
