"""What makes a model kind: the functions and classes that the rest of iHAS calls for a recipe, a result or a bundle of that kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel
from rich.console import RenderableType

from ihas.config.data import DataConfig
from ihas.config.run import RunOptions
from ihas_pipelines.runs.progress import Report

if TYPE_CHECKING:
    from ihas.serving.protocol import Recommender


class AnyRecipe(Protocol):
    """What the recipes of all kinds have."""

    @property
    def name(self) -> str:
        """Model name."""

    @property
    def data(self) -> DataConfig:
        """Where the data are."""

    @property
    def run(self) -> RunOptions:
        """How it is run."""

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """The recipe as JSON, as `read_any_recipe` reads it."""


class AnyResult(Protocol):
    """What the results of all kinds have."""

    @property
    def name(self) -> str:
        """Model name."""

    @property
    def verdict(self) -> str:
        """What was found, in a sentence or two."""

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """The result as JSON values."""


Runner = Callable[[Any, Path, Report], Any]


def lazily(where: str) -> Callable[..., Any]:
    """The function named `module:function`, whose module is imported at the first call."""
    module, _, name = where.partition(":")

    def call(*arguments: Any) -> Any:
        return getattr(import_module(module), name)(*arguments)

    call.__qualname__ = call.__name__ = where
    return call


@dataclass(frozen=True, kw_only=True)
class ModelKind:
    """A model kind. A module that defines one imports neither TensorFlow nor plotly; see `lazily`.

    Attributes:
        name: value of `kind` in recipes, results and bundles.
        description: one sentence.
        aliases: other values of `kind` that recipes may have.
        recipe: settings; its fields are `name`, `data`, `learning`, `run` and `kind`. None where no recipe makes the kind.
        run: carries out a recipe in a process of its own, on a run folder: writes `result.json`, and `bundle/` where it makes a model.
        result: what `result.json` is read as; its fields are at least `name`, `verdict` and `kind`.
        write_report: writes a result as one HTML file.
        tables: a result for a terminal.
        estimate: says in a process of its own what a run would take; writes `estimate_file` into a folder.
        estimate_file: the file.
        served: of a result, as the bundle carries it: `chosen`, the variant or method that is served, and its `test` metrics.
        load: makes a recommender of a bundle; None where the bundle is of a kind that `ihas.serving.loading` knows.
        group: name of the settings in an HTTP request; `name` where it is left out.
        submitted_as: jobs that an HTTP request may submit: `search`, `estimate`.
        made_by: the command that makes the kind, where it is not `ihas search`.
    """

    name: str
    description: str
    aliases: tuple[str, ...] = ()
    recipe: type[BaseModel] | None = None
    run: Runner | None = None
    result: type[BaseModel] | None = None
    write_report: Callable[[Any, Path], None] | None = None
    tables: Callable[[Any], Iterable[RenderableType]] | None = None
    estimate: Runner | None = None
    estimate_file: str = "estimate.json"
    served: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    load: Callable[[Path], Recommender] | None = None
    group: str = ""
    submitted_as: frozenset[Literal["search", "estimate"]] = field(default_factory=frozenset)
    made_by: str = "ihas search"

    @property
    def settings_group(self) -> str:
        """Name of the kind's settings in an HTTP request."""
        return self.group or self.name

    @property
    def learning(self) -> type[BaseModel] | None:
        """Class of the recipe's `learning`, which is what an HTTP request states."""
        if self.recipe is None:
            return None
        annotation: Any = self.recipe.model_fields["learning"].annotation
        return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
