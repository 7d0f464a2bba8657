"""One path at work: gather the kept dimensions, run the graph."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import onnxruntime

from ihas.bundle.values import Path
from ihas.errors import BundleCorruptError
from ihas.layout import PADDING, FieldLayout
from ihas.routing import embed


class PathModel:
    """A path, ready to score rows."""

    def __init__(self, path: Path, layout: FieldLayout) -> None:
        """
        Args:
            path: the model.
            layout: where the fields lie.

        Raises:
            BundleCorruptError: the graph cannot be loaded, or has other inputs than the path's parts.
        """
        self.name = path.name
        self.path = path
        self.layout = layout
        self._session = _session(path)
        expected = ["values"] + ["first_order"] * (path.first_order is not None)
        inputs = [node.name for node in self._session.get_inputs()]
        if sorted(inputs) != sorted(expected):
            raise BundleCorruptError(f"The graph of path {path.name!r} must have the inputs {expected}, but has {inputs}.")

    @cached_property
    def kept_dims(self) -> tuple[int, ...]:
        """Kept dimensions of each field."""
        return tuple(self.path.mask.sum(axis=1).tolist())

    def values(self, ids: np.ndarray, gates: np.ndarray) -> np.ndarray:
        """What the graph reads: float32 (rows, kept dimensions).

        Args:
            ids: int32 (rows, num_slots).
            gates: bool (rows, N). The rows' own gates; a path that is not gated does not read them.
        """
        values = embed(ids, self._square_table, self.layout) if self._uniform else self._gather(ids)
        return values * gates if self.path.gated else values

    def logits(self, ids: np.ndarray, gates: np.ndarray) -> np.ndarray:
        """Logits of rows: float32 (rows,).

        Args:
            ids: int32 (rows, num_slots).
            gates: bool (rows, N). The rows' own gates; a path that is not gated does not read them.
        """
        if not len(ids):
            return np.zeros(0, np.float32)
        feed = {"values": self.values(ids, gates)}
        if self.path.first_order is not None:
            feed["first_order"] = embed(ids, self.path.first_order[:, None], self.layout)
        return np.asarray(self._session.run(["logits"], feed)[0], np.float32).reshape(-1)

    @property
    def _uniform(self) -> bool:
        return bool(self.path.mask.all())

    @cached_property
    def _square_table(self) -> np.ndarray:
        return self.path.table.reshape(self.layout.num_rows, -1)

    @cached_property
    def _columns(self) -> tuple[tuple[int, int, np.ndarray, slice, slice], ...]:
        """Per field with a kept dimension: first row, number of slots, table, its slots, its columns of `values`."""
        ends = np.cumsum(self.kept_dims).tolist()
        return tuple(
            (int(row), width, table, slice(int(slot), int(slot) + width), slice(end - kept, end))
            for row, slot, width, table, kept, end in zip(
                self.layout.first_rows,
                self.layout.first_slots,
                self.layout.slots,
                self.path.field_tables(self.layout),
                self.kept_dims,
                ends,
                strict=True,
            )
            if kept
        )

    def _gather(self, ids: np.ndarray) -> np.ndarray:
        values = np.empty((len(ids), sum(self.kept_dims)), np.float32)
        for first_row, width, table, slots, columns in self._columns:
            local = ids[:, slots]
            values[:, columns] = table[local[:, 0] - first_row] if width == 1 else _mean(local, first_row, table)
        return values


def _mean(ids: np.ndarray, first_row: int, table: np.ndarray) -> np.ndarray:
    """Mean over the slots in use; zeros where none is."""
    present = ids != PADDING
    gathered = table[np.where(present, ids - first_row, 0)] * present[..., None]  # (rows, slots, kept)
    return np.asarray(gathered.sum(axis=1) / np.maximum(present.sum(axis=1, dtype=np.float32), 1.0)[:, None])


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path.graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's error classes have no common base below Exception
        raise BundleCorruptError(f"The graph of path {path.name!r} cannot be loaded: {error}.") from error
