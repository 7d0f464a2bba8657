"""`ihas.fit` as an estimator of scikit-learn: for `cross_val_score`, `Pipeline`, searches of parameters, and Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import assert_all_finite, check_is_fitted, validate_data

from ihas.errors import ConfigError, DataError
from ihas.seeding import generator
from ihas_service.python.fitting import fit, stated
from ihas_service.python.tables import arrow_table, is_table

if TYPE_CHECKING:
    import pyarrow as pa

    from ihas.config.budget import BudgetConfig
    from ihas.config.data import SchemaConfig
    from ihas.config.learning import LearningConfig

Group = Mapping[str, Any]
PARTS = np.array(["train", "valid", "test"])
SHARE = 0.1
"""Share of each class that chooses among variants, and of that which measures them."""


class ClickClassifier(ClassifierMixin, BaseEstimator):
    """Binary classifier on rows of numbers, or on DataFrames with columns of any kind that `ihas.fit` reads.

    The columns of an array are numbers, named `x0`, `x1`, ...; those of a DataFrame are inferred unless `columns` states them. A tenth of
    the rows of each class chooses among variants and a tenth measures them; a class of fewer than three rows stands in every part.

    Args:
        item_id: column of a DataFrame with the item's id, which `model_.recommend` needs.
        columns: what else is known of a DataFrame's columns: fields of `ihas.config.data.SchemaConfig`.
        budget: fields of `ihas.config.budget.BudgetConfig`.
        learning: fields of `ihas.config.learning.LearningConfig`.
        random_state: seed of the split and of the training; None draws one from NumPy's global generator.
        progress: as of `ihas.fit`.

    Attributes:
        classes_: the two labels, in order: (2,).
        model_: the fitted `ihas.Model`.
        n_features_in_: number of columns.
        feature_names_in_: names of the columns: `(n_features_in_,)`, of a DataFrame only.
    """

    def __init__(
        self,
        item_id: str | None = None,
        columns: SchemaConfig | Group | None = None,
        budget: BudgetConfig | Group | None = None,
        learning: LearningConfig | Group | None = None,
        random_state: Any = None,
        progress: bool | None = False,
    ) -> None:
        self.item_id, self.columns, self.budget = item_id, columns, budget
        self.learning, self.random_state, self.progress = learning, random_state, progress

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on rows `(n, n_features_in_)` and one of two labels each (n,).

        Raises:
            ConfigError, DataError: labels of one class or of more than two, or as `ihas.fit`; both are a `ValueError` too.
            ValueError: infinity among the numbers, or as `sklearn.utils.validation.validate_data`.
        """
        numbers = not is_table(X)
        table = _array_table(validate_data(self, X, y, **_CHECKS)[0]) if numbers else self._frame(X, y)
        self.classes_, codes = _two_classes(y, table.num_rows)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        known = {"numeric": table.column_names} if numbers else stated(self.columns)
        label, part = _free("label", table), _free("part", table)
        learning = stated(self.learning) | {"seed": seed, "split": {"kind": "given", "column": part}}
        rows = _parted(table, codes, seed, (label, part))
        more: dict[str, Any] = {"columns": known, "budget": self.budget, "learning": learning, "progress": self.progress}
        self.model_ = fit(rows, label=label, item_id=self.item_id, **more)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class, in the order of `classes_`: float64 (n, 2)."""
        check_is_fitted(self)
        if is_table(X):
            validate_data(self, X, reset=False, skip_check_array=True)
            return self.model_.predict_proba(X)
        return self.model_.predict_proba(_array_table(validate_data(self, X, reset=False, **_CHECKS)))

    def predict(self, X: Any) -> np.ndarray:
        """The more probable class of each row: (n,)."""
        more_probable = self.predict_proba(X)[:, 1] > 0.5
        return np.asarray(self.classes_[more_probable.astype(np.int64)])

    def _frame(self, X: Any, y: Any) -> pa.Table:
        validate_data(self, X, y, skip_check_array=True)
        return arrow_table(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags


_CHECKS: dict[str, Any] = {"dtype": "numeric", "ensure_all_finite": "allow-nan"}


def _array_table(rows: np.ndarray) -> pa.Table:
    """Columns of numbers; DataError where one is infinite, which no bucket holds."""
    import pyarrow as pa

    if rows.dtype.kind == "f" and np.isinf(rows).any():
        raise DataError("Input must be finite or NaN, but contains infinity. Replace it, for example by NaN, which is a missing cell.")
    return pa.table({f"x{number}": pa.array(column, from_pandas=True) for number, column in enumerate(rows.T.copy())})


def _two_classes(y: Any, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Both labels in order, (2,), and the place of each row's label among them, int64 (rows,)."""
    labels = column_or_1d(y, warn=True)
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    kind = type_of_target(labels, input_name="y")
    if kind != "binary":
        raise ConfigError(f"Only binary classification is supported. The type of the target is {kind}.")
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) != 2:
        raise ConfigError(f"Labels of two classes must occur, but got {len(classes)} class. Provide rows of the other one.")
    if len(codes) != rows:
        raise ConfigError(f"Each row must have a label, but got {rows} rows and {len(codes)} labels. Pass as many of both.")
    return classes, codes


def _parted(table: pa.Table, codes: np.ndarray, seed: int, names: tuple[str, str]) -> pa.Table:
    """The table with a column of labels and one of parts; rows of rare classes occur in each part."""
    random = generator(seed, "estimator")
    pieces = [_class_parts(random.permutation(np.flatnonzero(codes == code))) for code in (0, 1)]
    rows = np.concatenate([of_class for of_class, _ in pieces])
    parts = np.concatenate([part for _, part in pieces])
    order = np.argsort(rows, kind="stable")
    rows, parts = rows[order], parts[order]
    return table.take(rows).append_column(names[0], [codes[rows].astype(np.int8)]).append_column(names[1], [PARTS[parts].tolist()])


def _class_parts(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a class, and the part of each: int64 (n,) -> int64 (n,), or (3 n,) where there are fewer than three."""
    count = len(rows)
    if count < len(PARTS):
        return np.tile(rows, len(PARTS)), np.repeat(np.arange(len(PARTS)), count)
    held = max(1, round(SHARE * count))
    return rows, np.repeat([1, 2, 0], [held, held, count - 2 * held])


def _free(name: str, table: pa.Table) -> str:
    """A name that no column has."""
    while name in table.column_names:
        name += "_"
    return name
