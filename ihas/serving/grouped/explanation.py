"""Why a row scored as it did: distances to the groups, gates, and what each field contributes."""

from __future__ import annotations

import numpy as np

from ihas.data.encoder import Encoder
from ihas.data.layout import PADDING, FieldLayout
from ihas.serving.answers import Contribution, Explanation
from ihas.serving.grouped.model import BLOCK_ROWS, GroupedModel, RoutedLogits
from ihas.serving.ranking import probabilities


def explain_rows(model: GroupedModel, encoder: Encoder, ids: np.ndarray, scored: RoutedLogits) -> list[Explanation]:
    """Explanation of each row.

    Args:
        model: what scored the rows.
        encoder: says what ids mean.
        ids: int32 (rows, num_slots). At least one row.
        scored: what the rows scored.
    """
    parts = [_decoded(encoder, *cells) for cells in zip(ids.tolist(), contributions(model, ids, scored).tolist(), strict=True)]
    gates = scored.gates.reshape(len(ids), model.layout.num_fields, -1).sum(axis=2)
    return [_explanation(model, scored, row, gates[row], parts[row]) for row in range(len(ids))]


def contributions(model: GroupedModel, ids: np.ndarray, scored: RoutedLogits) -> np.ndarray:
    """Logit of each row minus its logit with one field unknown: float32 (rows, num_fields).

    Group and gates stay those of the row, so a contribution speaks of one model. Source: occlusion, our choice.
    """
    step = max(1, BLOCK_ROWS // model.layout.num_fields)
    blocks = [np.arange(start, min(start + step, len(ids))) for start in range(0, len(ids), step)]
    return np.concatenate([_occlude(model, ids[rows], scored.take(rows)) for rows in blocks])


def _occlude(model: GroupedModel, ids: np.ndarray, scored: RoutedLogits) -> np.ndarray:
    rows, fields = len(ids), model.layout.num_fields
    occluded = np.where(_field_of_slot(model.layout) == np.arange(fields)[:, None], _unknown(model.layout), ids[:, None, :])
    logits = model.model_logits(
        occluded.reshape(rows * fields, -1).astype(np.int32), scored.gates.repeat(fields, axis=0), scored.model.repeat(fields)
    )
    return np.asarray(scored.logits[:, None] - logits.reshape(rows, fields))


def _field_of_slot(layout: FieldLayout) -> np.ndarray:
    return np.repeat(np.arange(layout.num_fields), layout.slots)


def _unknown(layout: FieldLayout) -> np.ndarray:
    """A row whose every cell is the one unknown value: int32 (num_slots,)."""
    row = np.full(layout.num_slots, PADDING, np.int32)
    row[layout.first_slots] = layout.first_rows
    return row


def _decoded(encoder: Encoder, ids: list[int], effects: list[float]) -> tuple[Contribution, ...]:
    layout = encoder.layout
    return tuple(
        Contribution(name, tuple(encoder.decode(name, row) for row in ids[slot : slot + width] if row != PADDING), effect)
        for name, slot, width, effect in zip(layout.names, layout.first_slots.tolist(), layout.slots, effects, strict=True)
    )


def _explanation(
    model: GroupedModel, scored: RoutedLogits, row: int, gates: np.ndarray, contributions: tuple[Contribution, ...]
) -> Explanation:
    served = model.models[scored.model[row]]
    distances = scored.distances[row]
    order = np.argsort(distances, kind="stable")
    runner_up = int(order[1]) if len(order) > 1 else None
    margin = None if runner_up is None else float(distances[order[1]] - distances[order[0]])
    score = float(probabilities(scored.logits[row : row + 1])[0])
    return Explanation(
        sentence=_sentence(int(scored.group[row]), runner_up, margin, score, contributions),
        distances=tuple(distances.tolist()),
        runner_up=runner_up,
        margin=margin,
        path=served.name,
        dim=model.router.dim,
        gates_open=dict(zip(model.layout.names, gates.tolist(), strict=True)),
        kept_dims=dict(zip(model.layout.names, served.kept_dims, strict=True)),
        contributions=contributions,
    )


def _sentence(group: int, runner_up: int | None, margin: float | None, score: float, contributions: tuple[Contribution, ...]) -> str:
    place = "the only one" if runner_up is None else f"nearest, by {margin:.2f} before group {runner_up}"
    most = max(contributions, key=lambda part: part.logit)
    least = min(contributions, key=lambda part: part.logit)
    raised = f", raised most by {_cell(most)}" if most.logit > 0.0 else ""
    lowered = f", lowered most by {_cell(least)}" if least.logit < 0.0 else ""
    return f"Group {group} is {place}; its model gives a probability of {score:.3f}{raised}{lowered}."


def _cell(part: Contribution) -> str:
    return f"{part.field} = {', '.join(part.values)} ({part.logit:+.2f})"
