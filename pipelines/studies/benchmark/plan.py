"""What a benchmark compares: data sets x backbones x seeds x (variants of a run and baseline methods).

    learning of a cell = the recipe's <- the plan's overrides <- the backbone's <- the variant's <- the seed

A backbone changes what the base is, a variant only what comes after it, so that all variants are measured against one base.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from ihas.config.base import Config
from ihas.config.recipe import Recipe
from ihas.config.run import RunOptions
from ihas.errors import ConfigError
from ihas_pipelines.kinds.recipe_file import read_recipe
from ihas_pipelines.studies.baselines.registry import BASELINES
from ihas_pipelines.studies.plan_file import beside

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
DEFAULT = "default"
AFTER_THE_BASE = ("distil", "search", "cluster", "retrain", "evaluate")
SomeConfig = TypeVar("SomeConfig", bound=Config)


class PlannedBackbone(Config):
    """What a backbone changes in every recipe."""

    backbone: dict[str, Any] = {}
    """Overrides of `learning.backbone`."""
    training: dict[str, Any] = {}
    """Overrides of `learning.training`."""
    unset: tuple[str, ...] = ()
    """Settings of the recipe's `learning.training` that go back to their defaults: without `embedding_l2`, validation chooses it."""


class Plan(Config):
    """One benchmark."""

    name: Name
    """Name of the benchmark."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    """Seeds; baseline methods are tuned on the first."""
    recipes: Annotated[tuple[Recipe, ...], Field(min_length=1)]
    """The data sets, each with the settings that it starts from; in a file, paths of recipes."""
    learning: dict[str, dict[str, Any]] = {}
    """Overrides of `learning` for every cell."""
    backbones: Annotated[dict[Name, PlannedBackbone], Field(min_length=1)]
    """Backbones by name."""
    variants: dict[Name, dict[str, dict[str, Any]]] = {}
    """Variants of a run by name, each with its overrides of `learning`; `default`, without any, always comes first."""
    peers: tuple[str, ...] = ()
    """Names of `ihas_pipelines.studies.baselines.registry.BASELINES`; none by default."""
    run: RunOptions = RunOptions()
    """How it is run; what the recipes say of it does not count."""

    @model_validator(mode="after")
    def _names_are_known_and_differ(self) -> Self:
        _known("`peers`", self.peers, list(BASELINES))
        for name, overrides in self.variants.items():
            _known(f"`variants.{name}`", overrides, AFTER_THE_BASE)
        names = {"seeds": self.seeds, "names of recipes": [recipe.name for recipe in self.recipes]}
        names["variants and baseline methods"] = [DEFAULT, *self.variants, *self.peers]
        for what, values in names.items():
            if len(set(values)) < len(values):
                raise ValueError(f"The {what} of a benchmark must differ, but are {', '.join(map(str, values))}. Rename or remove one.")
        return self

    def recipe(self, data: str, backbone: str, variant: str, seed: int) -> Recipe:
        """The recipe of one cell.

        Raises:
            ConfigError: an override is invalid.
        """
        planned, recipe = self.backbones[backbone], next(recipe for recipe in self.recipes if recipe.name == data)
        kept = {name: getattr(recipe.learning.training, name) for name in recipe.learning.training.model_fields_set - set(planned.unset)}
        learning = overridden(
            recipe.learning.model_copy(update={"training": type(recipe.learning.training)(**kept), "seed": seed}),
            self.learning,
            "`learning`",
        )
        learning = overridden(learning, {"backbone": planned.backbone, "training": planned.training}, f"`backbones.{backbone}`")
        learning = overridden(learning, self.variants.get(variant, {}), f"`variants.{variant}`")
        return recipe.model_copy(update={"learning": learning, "run": self.run})


def read_plan(path: Path) -> Plan:
    """Read a plan from TOML; the recipes' relative paths start at its folder, `$NAME` in them is the environment's.

    Raises:
        ConfigError: no such file, not TOML, or it, a recipe or an override is invalid.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        paths = document.get("recipes", [])
        document["recipes"] = [read_recipe(beside(path, recipe)) for recipe in paths]
        plan = Plan.model_validate({"name": path.stem.lower().replace("_", "-"), **document})
    except OSError as error:
        raise ConfigError(f"The plan must be a readable file, but {path} is not ({error.strerror}). Name another one.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The plan must be TOML, but {path} is not: {error}.") from error
    except ValidationError as error:
        raise ConfigError(f"{path} is no valid plan. {_wrong(error)}") from error
    _check_every_cell(plan)
    return plan


def _check_every_cell(plan: Plan) -> None:
    training = type(plan.recipes[0].learning.training).model_fields
    for backbone, planned in plan.backbones.items():
        _known(f"`backbones.{backbone}.unset`", planned.unset, list(training))
        for recipe in plan.recipes:
            for variant in (DEFAULT, *plan.variants):
                plan.recipe(recipe.name, backbone, variant, plan.seeds[0])


def overridden(config: SomeConfig, overrides: Mapping[str, Any], where: str) -> SomeConfig:
    """Settings with others in their place, group by group.

    Raises:
        ConfigError: an unknown name, or a value that is invalid.
    """
    _known(f"Overrides of {where}", overrides, list(type(config).model_fields))
    changed = {}
    for name, value in overrides.items():
        before = getattr(config, name)
        changed[name] = overridden(before, value, f"{where}: `{name}`") if isinstance(before, Config) else value
    try:
        return type(config).model_validate({**dict(config), **changed})
    except ValidationError as error:
        raise ConfigError(f"Overrides of {where} break a law. {_wrong(error)}") from error


def _known(what: str, names: Sequence[str] | Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"{what} must name some of {', '.join(known)}, but got {', '.join(map(repr, unknown))}. Take one of these.")


def _wrong(error: ValidationError) -> str:
    places = [(".".join(map(str, part["loc"])), part["msg"].removeprefix("Value error, ")) for part in error.errors()]
    return "; ".join(f"`{place}`: {message}" if place else message for place, message in places)
