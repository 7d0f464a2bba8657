"""What a study is to measure, as a TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ihas.config.base import Config, Count
from ihas.config.data import DataConfig
from ihas.config.overrec import KernelConfig
from ihas.errors import ConfigError
from ihas_pipelines.studies.plan_file import beside


class AccuracyPlan(Config):
    """Kernels, numbers of neighbours and score forms on the validation rows; the best of each kernel, and baselines, on the test rows."""

    study: Literal["accuracy"]
    """What is measured."""
    data: DataConfig
    """Sequences."""
    kernels: Annotated[dict[str, KernelConfig], Field(min_length=1)]
    """Kernels by the name that the table gives them."""
    num_neighbours: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 5, 10, 50, 100)
    """Numbers of neighbours."""
    sigma_w: tuple[float, ...] = (0.0, 0.3, 0.6, 1.0, 1.4142135623730951, 2.0)
    """Deviations of the recurrent weights tried with the first kernel."""
    krr_rows: tuple[Count, ...] = ()
    """Prefixes that kernel ridge regression is fitted on, with the first kernel."""
    krr_ridge: tuple[float, ...] = (0.1,)
    """Ridges of the regression."""
    session_neighbours: Annotated[tuple[Count, ...], Field(min_length=1)] = (50, 100, 200, 500, 1000)
    """Numbers of neighbours of SKNN."""
    hide_history: bool = True
    """Whether items of the history are taken out of the ranking."""


class CostPlan(Config):
    """Seconds and memory of the exact search, against comparing all pairs, and as prefixes grow."""

    study: Literal["cost"]
    """What is measured."""
    data: DataConfig
    """Sequences."""
    num_neighbours: Count = 100
    """Neighbours of a query."""
    dense_queries: Count = 20
    """Queries that are compared with all prefixes; the rest is scaled up."""
    rounds: Count = 5
    """Times that both take turns."""
    threads: Count = 1
    """Threads of the search."""


class WidthPlan(Config):
    """A small recurrent recommender at several widths, against the kernel's limit."""

    study: Literal["width"]
    """What is measured."""
    data: DataConfig
    """Sequences."""
    widths: Annotated[tuple[Count, ...], Field(min_length=1)] = (4, 8, 16, 32, 64, 128, 256)
    """Hidden units."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2)
    """Seeds."""
    epochs: Count = 20
    """Passes over the training sequences; every width takes all of them."""
    learning_rate: float = 3e-3
    """Adam's step size."""
    batch_size: Count = 64
    """Sequences of one step."""
    max_length: Count = 50
    """Most recent items of a history."""
    num_threads: Count = 1
    """Threads of TensorFlow's arithmetic."""


class TiedPlan(Config):
    """Networks with tied input and output embeddings against the kernel of untied ones."""

    study: Literal["tied"]
    """What is measured."""
    widths: Annotated[tuple[Count, ...], Field(min_length=1)] = (400, 1600)
    """Hidden units."""
    draws: Count = 100
    """Draws of the weights."""
    seed: int = 0
    """Source of the draws."""


Plan = AccuracyPlan | CostPlan | WidthPlan | TiedPlan
READER: TypeAdapter[Plan] = TypeAdapter(Annotated[Plan, Field(discriminator="study")])


def read_plan(path: Path) -> Plan:
    """Read a plan; a relative data path starts at the plan's folder, `$NAME` in it is the environment's.

    Raises:
        ConfigError: no such file, not TOML, or a setting is invalid.
    """
    try:
        plan = READER.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"The plan must be a readable file, but {path} is not ({error.strerror}). Name another one.") from error
    except ValidationError as error:
        wrong = "; ".join(f"`{'.'.join(map(str, part['loc']))}`: {part['msg']}" for part in error.errors())
        raise ConfigError(f"{path} is no valid plan. {wrong}") from error
    except ValueError as error:
        raise ConfigError(f"The plan must be TOML, but {path} is not: {error}.") from error
    if isinstance(plan, TiedPlan):
        return plan
    paths = {"path": beside(path, str(plan.data.path)), "appended": tuple(beside(path, str(one)) for one in plan.data.appended)}
    data = plan.data.model_copy(update=paths)
    return plan.model_copy(update={"data": data})
