"""`ihas settings`: the settings of the service, and those of recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from ihas.errors import ConfigError
from ihas_service.cli.terminal import Output, Terminal

if TYPE_CHECKING:
    from ihas_service.settings import Settings


def show_settings(
    context: typer.Context,
    recipe: Annotated[bool, typer.Option("--recipe", help="Settings of recipes instead of those of the service.")] = False,
    kind: Annotated[str | None, typer.Argument(help="With --recipe: kind of the recipe; grouped by default.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="With --recipe: the page of the documentation, with all kinds.")] = False,
) -> None:
    """List every setting: of the service its environment variable, value and meaning; of a recipe its default, values and meaning."""
    terminal: Terminal = context.obj
    if recipe or kind is not None or markdown:
        _show_recipe(terminal, kind, markdown)
        return
    from ihas_pipelines.reports.terminal_tables import plain_table

    found = service_settings()
    rows = [
        {"variable": f"IHAS_{name.upper()}", "value": _shown(name, getattr(found, name)), "meaning": field.description}
        for name, field in type(found).model_fields.items()
    ]
    terminal.result(rows, plain_table(("variable", "value now", "meaning"), [tuple(row.values()) for row in rows]))


def service_settings(**given: Any) -> Settings:
    """The service's settings, from the environment and options that are not None.

    Raises:
        ConfigError: one is invalid.
    """
    from ihas_pipelines.runs.faults import faults
    from ihas_service.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigError(f"The settings (IHAS_* or options) are not valid. {faults(error)}") from error


def _show_recipe(terminal: Terminal, kind: str | None, markdown: bool) -> None:
    from ihas_pipelines.kinds.recipe_settings import page, settings_of_kind, settings_table

    if markdown and terminal.output is Output.TABLE:
        typer.echo(page(), nl=False)
        return
    settings = settings_of_kind(kind or "grouped")
    terminal.result([setting.document() for setting in settings], settings_table(settings))


def _shown(name: str, value: Any) -> Any:
    """A setting's value, a database's password hidden."""
    if name == "database_url" and value is not None:
        from sqlalchemy.engine import make_url

        return make_url(value).render_as_string(hide_password=True)
    return None if value is None else value if isinstance(value, int | float) else str(value)
