"""One path at work: gather the kept dimensions, run the graph."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from ihas.bundle.values import Path
from ihas.errors import BundleCorruptError
from ihas.layout import PADDING, FieldLayout
from ihas.routing import embed
from ihas.serving.onnx_runtime import onnxruntime


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
        table = self._square_table
        values = self._gather(ids) if table is None else embed(ids, table, self.layout)
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

    @cached_property
    def _square_table(self) -> np.ndarray | None:
        """The table as (num_rows, dim), where nothing is dropped."""
        return self.path.table.reshape(self.layout.num_rows, -1) if self.path.mask.all() else None

    @cached_property
    def _fields(self) -> tuple[_KeptField, ...]:
        """Fields with a kept dimension."""
        ends = np.cumsum(self.kept_dims).tolist()
        columns = zip(self.layout.first_rows.tolist(), self.layout.first_slots.tolist(), self.layout.slots, strict=True)
        tables = self.path.field_tables(self.layout)
        return tuple(
            _KeptField(table, row, slice(slot, slot + width), slice(end - kept, end))
            for table, (row, slot, width), kept, end in zip(tables, columns, self.kept_dims, ends, strict=True)
            if kept
        )

    def _gather(self, ids: np.ndarray) -> np.ndarray:
        values = np.empty((len(ids), sum(self.kept_dims)), np.float32)
        by_slot = np.ascontiguousarray(ids.T)
        for field in self._fields:
            values[:, field.columns] = field.gather(by_slot[field.slots])
        return values


class _KeptField(NamedTuple):
    """A field's table, its first row in the fused table, its slots in an id matrix, and its columns of `values`."""

    table: np.ndarray
    first_row: int
    slots: slice
    columns: slice

    def gather(self, ids: np.ndarray) -> np.ndarray:
        """Mean over the slots in use, zeros where none is: int32 (slots, rows) -> float32 (rows, kept dimensions)."""
        if len(ids) == 1:
            return np.asarray(self.table.take(ids[0] - self.first_row, axis=0))
        present = ids != PADDING
        gathered = self.table.take(np.where(present, ids - self.first_row, 0), axis=0) * present[..., None]
        return np.asarray(gathered.sum(axis=0) / np.maximum(present.sum(axis=0, dtype=np.float32), 1.0)[:, None])


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
