"""Who is in each group, and how it fares."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from ihas.data.dataset import Dataset, Splits
from ihas.data.encoder import Encoder
from ihas.data.mapped import scattered, spans
from ihas.graded_metrics import are_fractions
from ihas.metrics import auc, auc_difference, click_metrics
from ihas.results.run_result import GroupResult, Interval, Point
from ihas.routing.grouping import Grouping
from ihas.routing.router import Gates, embed, points
from ihas.stages.evaluate.variants import Variant

TYPICAL_VALUES = 5
TYPICAL_SHARE = 0.05
PLANE_ROWS = 1_000
BLOCK_ROWS = 1 << 18


def group_results(parts: Splits, grouping: Grouping, chosen: Variant, base: Variant, encoder: Encoder) -> tuple[GroupResult, ...]:
    """Each group's members, mask, model and metrics, beside the base's on the same rows."""
    results = []
    for group in range(grouping.num_groups):
        train, test = grouping.groups.train == group, grouping.groups.test == group
        labels = parts.test.labels[test]
        own, reference = chosen.test_logits[test], base.test_logits[test]
        path = chosen.models[group].name if len(chosen.models) == grouping.num_groups > 1 else chosen.name
        results.append(
            GroupResult(
                group=group,
                share=float(train.mean()),
                click_rate=float(parts.train.labels[train].mean()),
                kept_dims=tuple(grouping.masks[group].sum(axis=1).tolist()),
                mean_gates=tuple(tuple(round(float(gate), 4) for gate in field) for field in grouping.mean_gates[group]),
                mask=tuple(tuple(field) for field in grouping.masks[group].tolist()),
                threshold=grouping.thresholds[group],
                path=path,
                test=click_metrics(own, labels, label_range=parts.test.label_range),
                base_test=click_metrics(reference, labels, label_range=parts.test.label_range),
                gain=None if chosen is base else gain(own, reference, labels),
                typical=typical_values(parts.train, train, encoder),
            )
        )
    return tuple(results)


def gain(own: np.ndarray, reference: np.ndarray, labels: np.ndarray) -> Interval | None:
    """Difference in AUC of a group's rows; None below two clicks or two others, of which no interval can be told; of fractions, below four
    rows."""
    if are_fractions(labels):
        return auc_difference(own, reference, labels) if len(labels) >= 4 and auc(own, labels) is not None else None
    clicks = int((labels > 0.5).sum())
    return auc_difference(own, reference, labels) if min(clicks, len(labels) - clicks) >= 2 else None


def typical_values(rows: Dataset, members: np.ndarray, encoder: Encoder) -> tuple[str, ...]:
    """Values that at least `TYPICAL_SHARE` of the members have, by how much oftener they have them than all rows do."""
    layout = rows.layout
    everywhere, within = (_value_shares(rows.ids, chosen, layout.num_rows) for chosen in (np.ones(len(rows), bool), members))
    lift = np.where(within >= TYPICAL_SHARE, within / np.maximum(everywhere, 1e-12), 0.0)
    best = [int(row) for row in np.argsort(-lift, kind="stable")[:TYPICAL_VALUES] if lift[row] > 1.1]
    return tuple(f"{_name(row, encoder)} ({lift[row]:.1f} times as often)" for row in best)


def _value_shares(ids: np.ndarray, chosen: np.ndarray, num_rows: int) -> np.ndarray:
    counts = np.zeros(num_rows + 1, np.int64)  # the first entry is that of padding
    for block in spans(len(ids), BLOCK_ROWS):
        counts += np.bincount(ids[block][chosen[block]].reshape(-1) + 1, minlength=len(counts))
    return np.asarray(counts[1:] / max(chosen.sum(), 1))


def _name(row: int, encoder: Encoder) -> str:
    field = int(np.searchsorted(encoder.layout.first_rows, row, side="right")) - 1
    name = encoder.layout.names[field]
    return f"{name} = {encoder.decode(name, row)}"


def plane(rows: Dataset, grouping: Grouping, table: np.ndarray, gates: Gates, rng: np.random.Generator) -> tuple[Point, ...]:
    """Some training rows on the first two principal components of what was clustered: table float32 (num_rows, dim)."""
    chosen = np.sort(rng.choice(len(rows), size=min(PLANE_ROWS, len(rows)), replace=False))
    embedded = embed(scattered(rows.ids, chosen), table, rows.layout)
    clustered = points(embedded, gates.logits(embedded), grouping.on, table.shape[1])
    flat = PCA(2, svd_solver="full").fit_transform(clustered.astype(np.float64))
    return tuple(Point(x=float(x), y=float(y), group=int(g)) for (x, y), g in zip(flat, grouping.groups.train[chosen], strict=True))
