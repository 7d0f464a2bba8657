"""A group model at work: gather the kept dimensions, run the graph."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ihas.bundle.values import ExportedModel
from ihas.data.layout import FieldLayout
from ihas.errors import BundleCorruptError
from ihas.routing.router import embed
from ihas.serving.grouped.gather import Gather
from ihas.serving.onnx_graph import check_graph
from ihas.serving.onnx_runtime import onnxruntime


class ServedGroupModel:
    """A group model, ready to score rows."""

    def __init__(self, exported: ExportedModel, layout: FieldLayout) -> None:
        """
        Args:
            exported: the model.
            layout: where the fields lie.

        Raises:
            BundleCorruptError: a graph cannot be loaded, or has other inputs than the model's parts.
        """
        self.name = exported.name
        self.exported = exported
        self.layout = layout
        self._gather = Gather(exported.table, exported.mask, layout, range(layout.num_fields), exported.held)
        self._session = _session(exported.name, exported.graph, ["values"] + ["first_order"] * (exported.first_order is not None))
        self._sums_session = None if exported.two_sided is None else _session(exported.name, exported.two_sided.graph, ["sums"])

    @cached_property
    def kept_dims(self) -> tuple[int, ...]:
        """Kept dimensions of each field."""
        return tuple(self.exported.mask.sum(axis=1).tolist())

    def values(self, ids: np.ndarray, gates: np.ndarray) -> np.ndarray:
        """What the graph reads: float32 (rows, kept dimensions).

        Args:
            ids: int32 (rows, num_slots).
            gates: bool (rows, N). The rows' own gates; a model that is not gated does not read them.
        """
        values = self._gather(ids)
        if self.exported.gated:
            values *= gates.astype(np.float32)  # twice as fast as to multiply by bool
        return values

    def logits(self, ids: np.ndarray, gates: np.ndarray) -> np.ndarray:
        """Logits of rows: float32 (rows,).

        Args:
            ids: int32 (rows, num_slots).
            gates: bool (rows, N). The rows' own gates; a model that is not gated does not read them.
        """
        if not len(ids):
            return np.zeros(0, np.float32)
        feed = {"values": self.values(ids, gates)}
        if self.exported.first_order is not None:
            feed["first_order"] = embed(ids, self.exported.first_order[:, None], self.layout)
        return self._run(self._session, feed, len(ids))

    def logits_of_sums(self, sums: np.ndarray) -> np.ndarray:
        """Logits from the sums of the two-sided arithmetic: float32 (rows, width) -> (rows,)."""
        if self._sums_session is None:
            raise RuntimeError(f"Group model {self.name!r} must be two-sided to score sums, but is not.")
        return self._run(self._sums_session, {"sums": sums}, len(sums))

    def _run(self, session: onnxruntime.InferenceSession, feed: dict[str, np.ndarray], rows: int) -> np.ndarray:
        try:
            logits = np.asarray(session.run(["logits"], feed)[0], np.float32).reshape(-1)
        except Exception as error:  # ONNX Runtime's error classes have no common base below Exception
            raise BundleCorruptError(f"The graph of model {self.name!r} cannot be run: {error}.") from error
        if len(logits) != rows:
            raise BundleCorruptError(f"The graph of model {self.name!r} must give a logit a row, but gives {len(logits)} of {rows} rows.")
        return logits


def _session(name: str, graph: bytes, expected: list[str]) -> onnxruntime.InferenceSession:
    check_graph(graph, name)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a request is too small to share; requests run beside each other
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's error classes have no common base below Exception
        raise BundleCorruptError(f"The graph of model {name!r} cannot be loaded: {error}.") from error
    inputs = [node.name for node in session.get_inputs()]
    if sorted(inputs) != sorted(expected):
        raise BundleCorruptError(f"The graph of model {name!r} must have the inputs {expected}, but has {inputs}.")
    return session
