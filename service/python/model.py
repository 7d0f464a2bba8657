"""A model that was fitted or read: scores, recommendations, explanations, report, frontier. Nothing here imports TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import msgspec
import numpy as np

from ihas.bundle.copies import copy_bundle
from ihas.errors import ConfigError, RequestError
from ihas.results.frontier import NO_FRONTIER, find_point, unknown_point
from ihas.results.run_result import FrontierPoint
from ihas.serving.answers import Explanation, Recommendation, RecommendRequest, Scored
from ihas.serving.loading import load_recommender
from ihas.serving.protocol import predicts_numbers
from ihas.serving.requests import MAX_EXPLAINED, MAX_ROWS
from ihas_pipelines.kinds.registry import kind_of_result
from ihas_pipelines.runs.points import point_bundle
from ihas_service.python.report import Report, report_of
from ihas_service.python.tables import plain, rows_of
from ihas_service.python.workspace import Workspace

if TYPE_CHECKING:
    from ihas_pipelines.kinds.model_kind import AnyResult, ModelKind

RESULT = "result.json"
NOT_IN_BUNDLES = {"history": (), "points": ()}
"""What a bundle's summary leaves out of a result."""


class Selection(TypedDict, total=False):
    """Which items may be recommended, as a request to the service states it."""

    candidates: Sequence[str | int | float] | None
    exclude: Sequence[str | int | float]
    explain: bool
    filter: str | None
    diversity: Mapping[str, Any] | None
    retrieve: int | None
    exclude_seen: bool
    fields: Sequence[str]


class Model:
    """A bundle at work, with what the run behind it found.

    Args:
        bundle: folder of the bundle; read and checked at once.
        run: folder of the run, which holds the whole result and the bundles of the frontier; None for a bundle alone.
        workspace: temporary folder that holds them and is kept as long as this model is.

    Attributes:
        bundle: folder of the bundle.
        run: folder of the run; None for a bundle alone.
        recommender: what scores and recommends.

    Raises:
        BundleError: as `ihas.serving.loading.load_recommender`.
    """

    def __init__(self, bundle: Path, run: Path | None = None, workspace: Workspace | None = None) -> None:
        self.bundle, self.run, self._workspace = bundle, run, workspace
        self.recommender = load_recommender(bundle)

    @property
    def name(self) -> str:
        """Model name."""
        return self.recommender.name

    @cached_property
    def result(self) -> Any:
        """Everything that the run found: for `ihas.fit`, an `ihas.results.run_result.RunResult`. A bundle alone holds neither the epochs
        nor the points of the plane.

        Raises:
            ConfigError: the bundle says nothing of a run, or another version wrote it.
        """
        return self._found[0]

    @cached_property
    def _found(self) -> tuple[AnyResult, ModelKind]:
        path = None if self.run is None else self.run / RESULT
        document = self.recommender.summary if path is None else json.loads(path.read_bytes())
        kind = kind_of_result(document)
        if kind.result is None:
            raise ConfigError(f"A model of the kind {kind.name!r} has no result of its own. Ask the models that it was made of.")
        try:
            result: Any = kind.result.model_validate(_of_summary(document, kind) if path is None else document)
        except ValueError as error:
            raise ConfigError(f"What model {self.name!r} says of its run has another version's form. Run its search again.") from error
        return result, kind

    @property
    def frontier(self) -> tuple[FrontierPoint, ...]:
        """Candidates that may be served instead, cheapest first; empty for kinds that have one model only."""
        return tuple(getattr(self.result, "frontier", ()))

    def choose(self, point: str | FrontierPoint) -> Model:
        """Another model of the frontier, without training.

        Args:
            point: the point or its name.

        Raises:
            ConfigError: there is no such point, or this model was read from a bundle alone, which holds no other.
        """
        name = point if isinstance(point, str) else point.name
        if not self.frontier:
            raise ConfigError(f"Model {self.name!r} {NO_FRONTIER}")
        if (found := find_point(self.frontier, name)) is None:
            raise ConfigError(unknown_point(self.frontier, name))
        if self.run is None:
            raise ConfigError("A bundle holds one model, not its frontier. Fit with `folder=...`, and `ihas.load` that folder.")
        return Model(point_bundle(self.run, found.name), self.run, self._workspace)

    def predict_proba(self, rows: Any) -> np.ndarray:
        """Probability of no click and of a click, in the order of scikit-learn's `classes_` 0 and 1: float64 (rows, 2). Of several labels,
        those of the first one; `score` has all.

        Args:
            rows: DataFrame, Arrow table or list of dicts by field name; a field left out is missing, other columns are not read.

        Raises:
            RequestError, DataError: a cell cannot be read.
        """
        clicks = np.array([_click(scored) for scored in self.score(rows)], np.float64)
        return np.stack([1.0 - clicks, clicks], axis=1)

    def predict(self, rows: Any) -> np.ndarray:
        """1 where a click is more probable than none, else 0: int64 (rows,); rows as in `predict_proba`.

        Of a model whose label is a number (`label_range`), the number expected: float64 (rows,).
        """
        if predicts_numbers(self.recommender):
            return np.array([scored.value for scored in self.score(rows)], np.float64)
        return np.asarray(self.predict_proba(rows)[:, 1] > 0.5, np.int64)

    def score(self, rows: Any, explain: bool = False) -> list[Scored]:
        """Score, log-odds, group and unknown values of each row, in order; rows and errors as in `predict_proba`."""
        known = self._field_names
        read = rows_of(rows)
        read = read if known is None else [{name: row[name] for name in row if name in known} for row in read]
        blocks = _blocks(read, MAX_EXPLAINED if explain else MAX_ROWS)
        return [scored for block in blocks for scored in self.recommender.score(block, explain)]

    def explain(self, rows: Any) -> list[Explanation]:
        """Why each row scores as it does: a sentence, each field's contribution in log-odds, the group and its margin; in order of rows.

        Raises:
            RequestError: also where a model of sequences does not know the item of a row.
        """
        found = [scored.explanation for scored in self.score(rows, explain=True)]
        for number, why in enumerate(found):
            if why is None:
                raise RequestError("A row can be explained if its item is known, but this one's is not.", f"/rows/{number}")
        return [why for why in found if why is not None]

    def recommend(self, context: Mapping[str, Any], k: int = 10, **selection: Unpack[Selection]) -> Recommendation:
        """The best items for a context; its `items` have `id`, `score`, `rank`, and `explanation` where it is asked for.

        Args:
            context: value of each context field, such as `{"user": 1}`; a field left out is missing. Models of sequences read `user`, a
                user whose sequence they know, or `history`, item ids from the oldest on.
            k: maximum number of items.
            selection: `candidates`, `exclude`, `explain`, `filter`, `diversity`, `retrieve`, `exclude_seen`, `fields` of
                `ihas.serving.answers.RecommendRequest`.

        Raises:
            RequestError: with a pointer to the part that cannot be answered.
        """
        parts = {"context": context, "k": k} | {name: value for name, value in selection.items() if value is not None}
        try:
            request = msgspec.convert(plain(parts), RecommendRequest)
        except msgspec.ValidationError as error:
            raise RequestError(f"The request cannot be read: {error}.") from error
        return self.recommender.recommend(request)

    def report(self) -> Report:
        """The report of the run: shown by a notebook, written by its `save`.

        Raises:
            ConfigError: the kind has no report, or a package of `ihas[train]` that draws is missing.
        """
        return report_of(*self._found)

    def save(self, path: str | Path) -> Path:
        """Write the bundle into a new folder, which `ihas.load`, `ihas recommend` and a service read; the folder.

        Raises:
            BundleError: the folder exists.
        """
        folder = Path(path)
        copy_bundle(self.bundle, folder)
        return folder

    @cached_property
    def _field_names(self) -> frozenset[str] | None:
        """Fields that rows may state; None where the recommender is asked for each."""
        table = self.recommender.table
        return None if table is None else frozenset((*table.schema.stated_names, *(field.name for field in table.schema.fields)))

    def __repr__(self) -> str:
        return f"<ihas model {self.name!r}: {self.recommender.summary.get('verdict', 'no verdict')}>"

    def __getstate__(self) -> dict[str, Any]:
        """The bundle and the result as bytes, so that a copy in another process needs no folder of this one; the frontier stays here."""
        files = {path.relative_to(self.bundle).as_posix(): path.read_bytes() for path in self.bundle.rglob("*") if path.is_file()}
        return {"files": files, "result": None if self.run is None else (self.run / RESULT).read_bytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        workspace = Workspace()
        bundle, result = workspace.path / "bundle", state["result"]
        for name, content in state["files"].items():
            (bundle / name).parent.mkdir(parents=True, exist_ok=True)
            (bundle / name).write_bytes(content)
        if result is not None:
            (workspace.path / RESULT).write_bytes(result)
        Model.__init__(self, bundle, None if result is None else workspace.path, workspace)


def load(path: str | Path) -> Model:
    """The model of a bundle, or of a finished run's folder. Nothing of TensorFlow is imported.

    Raises:
        BundleError: there is none, or it cannot be used.
        ConfigError: the run is not finished.
    """
    folder = Path(path)
    bundle = folder / "bundle"
    if bundle.is_dir():
        return Model(bundle, folder if (folder / RESULT).is_file() else None)
    if (folder / "stages").is_dir():
        raise ConfigError(f"A finished run has a bundle, but the run in {folder} is not finished. Fit again with the same `folder`.")
    return Model(folder)


def _click(scored: Scored) -> float:
    """Probability of the label, the first of several."""
    return next(iter(scored.scores.values())) if isinstance(scored.scores, dict) else scored.score


def _of_summary(document: Mapping[str, Any], kind: ModelKind) -> dict[str, Any]:
    """A bundle's summary as a result of its kind."""
    fields = () if kind.result is None else kind.result.model_fields
    return {name: value for name, value in NOT_IN_BUNDLES.items() if name in fields} | dict(document)


def _blocks(rows: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
