"""`ihas.fit` and `ihas.fit_sequences`: a run in a child process, which alone imports TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, cast

from pydantic import BaseModel, ValidationError

from ihas.errors import ConfigError
from ihas_pipelines.kinds.registry import kind_named
from ihas_pipelines.runs.faults import faults
from ihas_service.python.carry_out import carry_out
from ihas_service.python.model import Model
from ihas_service.python.run_folder import model_of_run
from ihas_service.python.tables import data_file

if TYPE_CHECKING:
    from ihas.config.backbone import BackboneConfig
    from ihas.config.budget import BudgetConfig
    from ihas.config.cluster import ClusterConfig
    from ihas.config.data import SchemaConfig
    from ihas.config.distil import DistilConfig
    from ihas.config.encoding import EncodingConfig
    from ihas.config.evaluate import EvaluateConfig
    from ihas.config.learning import LearningConfig
    from ihas.config.members import MembersConfig
    from ihas.config.overrec import OverRecLearning
    from ihas.config.retrain import RetrainConfig
    from ihas.config.retrieval import RetrievalConfig
    from ihas.config.search import SearchConfig
    from ihas.config.split import SplitConfig
    from ihas.config.training import TrainingConfig
    from ihas.config.transformer import TransformerLearning
    from ihas_pipelines.kinds.model_kind import AnyRecipe

Group = Mapping[str, Any]


class RunSettings(TypedDict, total=False):
    """How a run is carried out."""

    name: str
    """Model name."""
    folder: str | Path | None
    """Run folder, which stays: an interrupted fit continues there. Without it, a temporary one is removed with the model."""
    progress: bool | None
    """Whether progress is shown; without it, on a terminal and in a notebook."""
    num_threads: int
    """Threads; 0 means one per core."""
    reading: Group
    """How a file is written: settings of `ihas.config.data.DataConfig` such as `format`, `delimiter`, `names` and `decimal`."""


class FitSettings(RunSettings, total=False):
    """How a run is carried out, and the groups of `ihas.config.learning.LearningConfig`."""

    valid: Any
    """Table of validation rows; without it they are split from the clicks."""
    test: Any
    """Table of test rows; without it they are split from the clicks."""
    learning: LearningConfig | Group
    seed: int
    encoding: EncodingConfig | Group
    split: SplitConfig | Group
    backbone: BackboneConfig | Group
    training: TrainingConfig | Group
    members: MembersConfig | Group
    distil: DistilConfig | Group
    search: SearchConfig | Group
    cluster: ClusterConfig | Group
    retrain: RetrainConfig | Group
    evaluate: EvaluateConfig | Group
    retrieval: RetrievalConfig | Group


class SequenceSettings(RunSettings, total=False):
    """How a run is carried out, and what is learnt."""

    learning: OverRecLearning | TransformerLearning | Group


OF_RUN = frozenset(RunSettings.__annotations__) | {"valid", "test", "learning"}


def fit(
    clicks: Any,
    *,
    label: str | None = None,
    item_id: str | None = None,
    columns: SchemaConfig | Group | None = None,
    budget: BudgetConfig | Group | None = None,
    **settings: Unpack[FitSettings],
) -> Model:
    """Search, group and train on a table of clicks; what is not stated about its columns is inferred as by `ihas inspect`.

    Args:
        clicks: DataFrame of pandas or polars, Arrow table, or path or URL of a CSV, Parquet or JSON-lines file.
        label: column with the label, 1 for a click and 0 for none.
        item_id: column with the item's id.
        columns: what else is known of the columns: fields of `ihas.config.data.SchemaConfig`.
        budget: limits: fields of `ihas.config.budget.BudgetConfig`.
        settings: `seed`, `training`, ...: groups of `ihas.config.learning.LearningConfig`, which win over `learning`; `valid` and `test`,
            tables of their own; `folder`, `progress`, `name`, `num_threads`, `reading`: see `RunSettings`.

    Raises:
        ConfigError: a setting is wrong.
        DataError: the table cannot be learnt from; its `findings` name rows and columns.
        TrainingError, BudgetError: as the run says.
        KeyboardInterrupt: after the run has stopped and its temporary folder is gone.
    """
    known = stated(columns) | {name: value for name, value in (("label", label), ("item_id", item_id)) if value is not None}
    options: dict[str, Any] = dict(settings)
    learning = stated(options.get("learning")) | {name: value for name, value in options.items() if name not in OF_RUN}
    tables = {"path": clicks, "valid_path": options.get("valid"), "test_path": options.get("test")}
    settled = {"learning": learning, **({} if budget is None else {"budget": budget})}
    return _fitted("grouped", tables, {"columns": known}, settled, options)


def fit_sequences(
    sequences: Any,
    kind: Literal["overrec", "transformer"] = "overrec",
    *,
    user: str = "user",
    item: str = "item",
    time: str | None = "time",
    **settings: Unpack[SequenceSettings],
) -> Model:
    """Build a recommender of the next item from users' item sequences.

    Args:
        sequences: interactions as a DataFrame of pandas or polars, an Arrow table, or path or URL of a file; or a list of item lists, one a
            user, from the oldest item on.
        kind: `overrec` votes by the nearest sequences and trains nothing; `transformer` trains a sequential transformer.
        user: column of the user.
        item: column of the item.
        time: column of the time; None if rows are in order of time.
        settings: `learning`, the fields of `ihas.config.overrec.OverRecLearning` or `ihas.config.transformer.TransformerLearning`;
            `folder`, `progress`, `name`, `num_threads`, `reading`: see `RunSettings`. `reading={"format": "sequences"}` reads a file with a
            user a line.

    Raises:
        ConfigError, DataError, TrainingError: as `fit`.
    """
    options: dict[str, Any] = dict(settings)
    if unknown := sorted(options.keys() - OF_RUN):
        raise ConfigError(f"`ihas.fit_sequences` has no setting {unknown[0]!r}. What is learnt is stated in `learning`.")
    listed = _listed(sequences)
    columns = {"user": user, "item": item, "time": None if listed is not None else time}
    lines = dict(options.get("reading") or {}).get("format") == "sequences"
    known = {} if lines else {"interactions": columns}
    table = sequences if listed is None else _interactions(listed, user, item)
    return _fitted(kind, {"path": table}, known, {"learning": stated(options.get("learning"))}, options)


def _fitted(kind: str, tables: Mapping[str, Any], known: Group, settled: Group, options: Mapping[str, Any]) -> Model:
    """The model of a run; without a folder of its own, in a temporary one that goes with the model, or with an error."""

    def carry(place: Path, scratch: Path) -> None:
        files = {name: data_file(table, scratch, name) for name, table in tables.items() if table is not None}
        recipe = _recipe(kind, {**dict(options.get("reading") or {}), **known, **files}, settled, options)
        carry_out(recipe, place, options.get("progress"))

    return model_of_run(options.get("folder"), carry)


def _recipe(kind: str, data: Group, settled: Group, options: Mapping[str, Any]) -> AnyRecipe:
    recipe_type = kind_named(kind).recipe
    if recipe_type is None:
        raise ConfigError(f"A model must be of a kind that a recipe makes, but {kind!r} is made by another command.")
    document = {"name": options.get("name", "model"), "data": data, "run": {"num_threads": options.get("num_threads", 0)}, **settled}
    try:
        return cast("AnyRecipe", recipe_type.model_validate(document))
    except ValidationError as error:
        raise ConfigError(f"These settings cannot be used. {faults(error)} `ihas settings --recipe {kind}` lists all settings.") from error


def stated(settings: BaseModel | Group | None) -> dict[str, Any]:
    """What a group of settings states, by name."""
    if isinstance(settings, BaseModel):
        return {name: getattr(settings, name) for name in settings.model_fields_set}
    return dict(settings or {})


def _listed(sequences: Any) -> Sequence[Sequence[Any]] | None:
    """Item lists, one a user; None for anything else."""
    is_list = isinstance(sequences, list | tuple) and all(isinstance(one, list | tuple) for one in sequences)
    return sequences if is_list else None


def _interactions(listed: Sequence[Sequence[Any]], user: str, item: str) -> Any:
    """An Arrow table of an interaction a row; users are named by their number, from 0."""
    import pyarrow as pa

    users = [str(number) for number, items in enumerate(listed) for _ in items]
    return pa.table({user: users, item: [str(one) for items in listed for one in items]})
