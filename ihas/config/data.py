"""Settings `data`: where the rows are, and how to read them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ihas.config.base import Config, invalid
from ihas.config.columns import Buckets, TextColumn, VectorColumn
from ihas.config.file_form import FileForm
from ihas.config.joined import JoinedTable
from ihas.config.negatives import NegativesConfig
from ihas.config.positive import PositiveRule
from ihas.config.sql import SqlConfig
from ihas.config.tasks import MAX_TASKS, Exponent, TaskColumn

TimePart = Literal["hour", "weekday", "month"]
TIME_PARTS: tuple[TimePart, ...] = ("hour", "weekday", "month")


class TimestampColumn(Config):
    """What is read of a column of dates or times."""

    parts: Annotated[tuple[TimePart, ...], Field(min_length=1)] | None = None
    """Parts that become fields, each a category: `hour` 0 to 23, `weekday` Monday to Sunday, `month` 1 to 12. Without it, those that differ
    among the rows; `month` where they span 300 days or more."""
    zone: str = "UTC"
    """Time zone, such as `Europe/Berlin`, in which hour, weekday and month are told. Times without a zone of their own are taken to be in
    this one."""

    days_since: tuple[str, ...] = Field(default=(), exclude_if=lambda columns: not columns)
    """Other columns of `timestamps`, such as that of the last visit: the days from that moment to this one, with a fraction and negative
    where it is later, become a numeric field. Both must describe the request, or both the item."""

    @field_validator("zone")
    @classmethod
    def _is_known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError):
            way = "Write a name such as 'UTC' or 'Europe/Berlin'."
            raise PydanticCustomError(
                "unknown_zone", "{told}", {"told": f"`zone` must be a time zone of this machine, but got {zone!r}. {way}"}
            ) from None
        return zone


class SchemaConfig(Config):
    """What you know about the columns. Everything that is left out is inferred and reported."""

    label: str | None = None
    """Column with the label: 1 for a click, 0 for none, or what `positive` says."""
    positive: PositiveRule = Field(default=None, exclude_if=lambda positive: positive is None)
    """What counts as a click in the label's column; every other cell is none. A value (`"yes"`), several (`["bought", "paid"]`), or a
    comparison with a number (`">= 4"`). Without it, labels are 0 and 1, or two texts of which one says yes."""
    label_range: Literal["training"] | tuple[float, float] | None = Field(default=None, exclude_if=lambda found: found is None)
    """For a label that is a number to be predicted, such as a rating: its least and largest number (`[1, 5]`), or `"training"` for those of
    the training rows. Numbers outside are taken for the nearer of both. Answers have the expected number as `value`."""
    tasks: dict[str, TaskColumn] = Field(default={}, max_length=MAX_TASKS, exclude_if=lambda tasks: not tasks)
    """Columns of further labels, such as a purchase after the click, learnt and answered together with `label`; a list of names takes the
    defaults. The choice and the end of trainings go by `label` alone. A missing cell is not learnt from."""
    exponent: Exponent = Field(default=1.0, exclude_if=lambda exponent: exponent == 1.0)
    """Where there are `tasks`: exponent of the label's probability in the score that rows are ranked by, the product of the labels'
    probabilities to their exponents."""
    unlabelled: Literal["refuse", "drop"] = Field(default="refuse", exclude_if=lambda unlabelled: unlabelled == "refuse")
    """What becomes of rows whose label is missing: `refuse` the table, or `drop` them."""
    negatives: NegativesConfig | None = Field(default=None, exclude_if=lambda negatives: negatives is None)
    """For a table of which each row is an item that a user took: draws items that the user did not take. Needs `user_id` and `item_id`.
    The label may be absent; where there is one, rows that it says no of are left out."""
    negatives_kept: float = Field(default=1.0, gt=0.0, le=1.0, exclude_if=lambda kept: kept == 1.0)
    """Share of the rows without a click that are in the table, where the others were left out at random. Served probabilities are corrected
    to what they are without that; orders and metrics are those of the rows as they stand."""
    weight: str | None = Field(default=None, exclude_if=lambda name: name is None)
    """Column with a number of 0 or more, by which a row counts in training; metrics count every row once."""
    categorical: tuple[str, ...] = ()
    """Columns that are read as categories even if they look numeric."""
    numeric: tuple[str, ...] = ()
    """Columns that are read as numbers. Each is cut into buckets at its training quantiles."""
    multivalued: dict[str, str] = {}
    """Columns with several values in one cell, and the separator of each."""
    histories: tuple[str, ...] = Field(default=(), exclude_if=lambda histories: not histories)
    """Multi-valued columns whose values are in order of time, oldest first. Of a cell with too many values, the newest are kept."""
    text: dict[str, TextColumn] = Field(default={}, exclude_if=lambda text: not text)
    """Columns of text, each read as its words; a list of names takes the defaults. Columns of more than 20 different texts of four words
    or more, which recur, are read so unless stated otherwise."""
    hash_buckets: dict[str, Buckets] = Field(default={}, exclude_if=lambda buckets: not buckets)
    """Columns of categories whose values are hashed, and the number of buckets of each: for millions of values, which then need no list.
    Values of one bucket share an embedding."""
    vectors: dict[str, VectorColumn] = Field(default={}, exclude_if=lambda vectors: not vectors)
    """Columns of lists of numbers, such as the embedding of a picture; a list of names takes the defaults. Lists of four numbers or more,
    all of one length and some with a fraction, are read so unless stated otherwise."""
    timestamps: dict[str, TimestampColumn] = Field(default={}, exclude_if=lambda timestamps: not timestamps)
    """Columns of dates or times, and what is read of each; a list of names takes the defaults. Columns with more than 20 different ISO 8601
    dates or times are read so unless stated otherwise."""
    ignored: tuple[str, ...] = ()
    """Columns that are not read."""
    item: tuple[str, ...] = ()
    """Columns that describe the item; every other field describes the context (user, time, place)."""
    item_id: str | None = None
    """Column whose value is the item's id. It describes the item too."""
    user_id: str | None = Field(default=None, exclude_if=lambda name: name is None)
    """Column whose value is the user's id, a field of the context. The bundle then knows the users of the table: what `user` says of them,
    and which items each has clicked."""
    user: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)
    """Fields of the context that describe the user, such as age. A request that states the user's id may leave them out: the bundle holds
    the values of each user's newest row."""
    display: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)
    """Columns that describe the item and are not learnt from, such as its title. They can be asked for with an answer, and filtered by."""
    time: str | None = None
    """Column that orders the rows for a split by time. It is a field only if it is also listed as one."""

    @field_validator("timestamps", "text", "vectors", "tasks", mode="before")
    @classmethod
    def _names_take_the_defaults(cls, columns: Any) -> Any:
        named = isinstance(columns, list | tuple) and all(isinstance(name, str) for name in columns)
        return {name: {} for name in columns} if named else columns

    @model_validator(mode="after")
    def _a_number_is_no_click(self) -> Self:
        if self.label_range is None:
            return self
        if self.label is None:
            raise invalid("`label_range` needs the column whose numbers are to be predicted. Set `label`.")
        if given := self._stated("positive", "negatives"):
            raise invalid(f"A label with `label_range` is a number and no click, but `{given[0]}` is set. Leave one of them out.")
        if not isinstance(self.label_range, str) and not self.label_range[0] < self.label_range[1]:
            raise invalid(f"`label_range` must be a number and a larger one, but got {list(self.label_range)}. Swap or correct them.")
        return self

    @model_validator(mode="after")
    def _tasks_stand_beside_a_click(self) -> Self:
        if not self.tasks:
            if self.exponent != 1.0:
                raise invalid("`exponent` weighs the label among several, but there are no `tasks`. Leave it out.")
            return self
        if self.label is None:
            raise invalid("`tasks` stand beside the first label, which must be named. Set `label`.")
        if given := self._stated("label_range", "negatives"):
            raise invalid(f"Several labels are learnt from rows with clicks and without, but `{given[0]}` is set. Remove it, or `tasks`.")
        if not self.exponent and not any(task.exponent for task in self.tasks.values()):
            raise invalid("Rows must be ranked by a label, but every `exponent` is 0. Raise one of them.")
        return self

    def _stated(self, *names: str) -> list[str]:
        """Which of these settings are stated, and `negatives_kept` where negatives were left out."""
        stated = [name for name in names if getattr(self, name) is not None]
        return [*stated, "negatives_kept"] if self.negatives_kept < 1.0 else stated


class InteractionColumns(Config):
    """Columns of a table of interactions, which is read as a sequence of items for each user."""

    user: str = "user"
    """Column of the user."""
    item: str = "item"
    """Column of the item."""
    time: str | None = "time"
    """Column of the time: numbers, or ISO 8601 dates or times. Without it, rows must be in order of time."""


class WindowConfig(Config):
    """The newest rows of a table."""

    days: float = Field(gt=0.0, le=36_525.0)
    """Length of the window in days of 24 hours. A row is in it if its time is later than the newest time less the length."""
    column: str | None = None
    """Column of the time: ISO 8601 dates or times, or numbers since 1970. Without it, the column that is stated as the time."""


MAX_JOINED = 20
"""Tables that are joined to one."""
SNAPSHOT = Path("table.parquet")
"""Name of the file that the rows of a query are written to, where no other is stated."""


class DataConfig(FileForm):
    """Where the data is, and how it is read."""

    path: Path
    """CSV, Parquet or JSON-lines file, optionally compressed with gzip or zstd or in a zip archive; a folder of such files, whose names
    such as `day=2026-11-30` become columns; or a pattern such as `clicks/*.csv`."""
    sql: SqlConfig | None = Field(default=None, exclude_if=lambda sql: sql is None)
    """A query whose rows are the table, in the place of `path`: the command line and Python write them to a file first."""
    appended: tuple[Path, ...] = Field(default=(), exclude_if=lambda appended: not appended)
    """Files whose rows follow those of `path`, in this order, with the same columns. Each is read by its own suffix."""
    joined: Annotated[tuple[JoinedTable, ...], Field(max_length=MAX_JOINED)] = Field(default=(), exclude_if=lambda joined: not joined)
    """Tables whose columns are added to the rows of `path`, `appended`, `valid_path` and `test_path` by a key."""
    window: WindowConfig | None = Field(default=None, exclude_if=lambda window: window is None)
    """If set, only the newest rows of `path` and `appended` are read; `valid_path` and `test_path` are read whole."""
    valid_path: Path | None = None
    """File of validation rows with the same columns. Without it, validation rows are split from `path`."""
    test_path: Path | None = None
    """File of test rows with the same columns. Without it, test rows are split from `path`."""
    format: Literal["auto", "csv", "parquet", "jsonl", "sequences"] = "auto"
    """Format of the files. `auto`: by the suffix of the file name; `sequences`: one line per user, with item ids from the oldest on."""
    columns: SchemaConfig = SchemaConfig()
    """What you know about the columns."""
    interactions: InteractionColumns | None = None
    """Columns of a table of interactions (user, item, time). If set, the file is read as such, not as a table of clicks."""

    @model_validator(mode="before")
    @classmethod
    def _a_query_needs_no_path(cls, values: Any) -> Any:
        return {"path": SNAPSHOT, **values} if isinstance(values, dict) and values.get("sql") is not None else values

    @model_validator(mode="after")
    def _rows_are_joined(self) -> Self:
        if self.joined and self.holds_sequences:
            raise invalid("`joined` must be of a table of rows with a label, but the file holds sequences of items. Leave one of them out.")
        return self

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of the table, in the order of their rows."""
        return (self.path, *self.appended)

    @property
    def holds_sequences(self) -> bool:
        """Whether the file is read as sequences of items, and not as rows with a label."""
        return self.format == "sequences" or self.interactions is not None
