"""Why a row scored as it did: distances to the groups or sums of its ids, gates, and what each field contributes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ihas.bundle.values import Bundle
from ihas.data.encoder import Encoder
from ihas.data.field_encoders import FieldEncoder
from ihas.data.layout import PADDING, FieldLayout
from ihas.routing.additive import GRID, AdditiveRouter
from ihas.routing.router import sums_of
from ihas.serving.answers import Contribution, Explanation
from ihas.serving.grouped.model import BLOCK_ROWS, GroupedModel, RoutedLogits
from ihas.serving.ranking import probabilities


def explain_rows(model: GroupedModel, bundle: Bundle, ids: np.ndarray, scored: RoutedLogits) -> list[Explanation]:
    """Explanation of each row.

    Args:
        model: what scored the rows.
        bundle: what `model` was made of.
        ids: int32 (rows, num_slots). At least one row.
        scored: what the rows scored.
    """
    parts = [_decoded(bundle.encoder, *cells) for cells in zip(ids.tolist(), contributions(model, ids, scored).tolist(), strict=True)]
    routings = _by_sums(sums, ids, scored) if (sums := sums_of(model.router)) is not None else _by_distances(scored)
    scores = probabilities(bundle.answered(scored.logits)).tolist()
    return [_explanation(model, scored, row, routings[row], scores[row], parts[row]) for row in range(len(ids))]


class _Routing(NamedTuple):
    """Which group comes second, by how much, and what speaks for the first: as in `Explanation`."""

    runner_up: int | None
    margin: float | None
    group_bias: float | None = None
    group_contributions: tuple[float, ...] = ()


def _by_distances(scored: RoutedLogits) -> list[_Routing]:
    if scored.distances.shape[1] == 1:
        return [_Routing(None, None)] * len(scored.group)
    order, nearest_first = np.argsort(scored.distances, axis=1, kind="stable"), np.sort(scored.distances, axis=1)
    return [_Routing(*cell) for cell in zip(order[:, 1].tolist(), (nearest_first[:, 1] - nearest_first[:, 0]).tolist(), strict=True)]


def _by_sums(sums: AdditiveRouter, ids: np.ndarray, scored: RoutedLogits) -> list[_Routing]:
    if sums.num_groups == 1:
        return [_Routing(None, None)] * len(ids)
    second, bias, fields = sums.parts(ids, scored.group)
    cells = zip(second.tolist(), ((bias + fields.sum(axis=1)) / GRID).tolist(), (bias / GRID).tolist(), strict=True)
    return [_Routing(*cell, tuple(parts)) for cell, parts in zip(cells, (fields / GRID).tolist(), strict=True)]


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
    cells = (ids[slot : slot + width] for slot, width in zip(layout.first_slots.tolist(), layout.slots, strict=True))
    return tuple(
        Contribution(field.name, _told(encoder, field, cell), effect)
        for field, cell, effect in zip(encoder.fields, cells, effects, strict=True)
    )


def _told(encoder: Encoder, field: FieldEncoder, cell: list[int]) -> tuple[str, ...]:
    """What a cell says, for a person; a vector's numbers say nothing one by one."""
    if field.kind == "vector" and PADDING not in cell[1:]:
        return (f"{field.slots} numbers",)
    return tuple(encoder.decode(field.name, row) for row in _shown(field, cell) if row != PADDING)


def _shown(field: FieldEncoder, cell: list[int]) -> list[int]:
    """Ids of a cell for a person: of a piecewise field each knot once."""
    return list(dict.fromkeys(cell)) if field.kind == "piecewise" else cell


def _explanation(
    model: GroupedModel, scored: RoutedLogits, row: int, routing: _Routing, score: float, contributions: tuple[Contribution, ...]
) -> Explanation:
    served, names = model.models[scored.model[row]], model.layout.names
    gates = scored.gates[row].reshape(len(names), -1).sum(axis=1).tolist() if scored.gates.shape[1] else []
    own = dict(zip(names, routing.group_contributions, strict=False))
    return Explanation(
        sentence=_sentence(int(scored.group[row]), routing, own, score, contributions),
        distances=tuple(scored.distances[row].tolist()),
        runner_up=routing.runner_up,
        margin=routing.margin,
        path=served.name,
        dim=model.dim,
        gates_open=dict(zip(names, gates, strict=False)),
        kept_dims=dict(zip(names, served.kept_dims, strict=True)),
        contributions=contributions,
        group_scores=tuple((scored.scores[row] / GRID).tolist()),
        group_bias=routing.group_bias,
        group_contributions=own,
    )


def _sentence(group: int, routing: _Routing, own: dict[str, float], score: float, contributions: tuple[Contribution, ...]) -> str:
    place = "the only one" if routing.runner_up is None else f"nearest, by {routing.margin:.2f} before group {routing.runner_up}"
    if own:
        field = max(own, key=own.__getitem__)
        reason = f", most by {field} ({own[field]:+.2f})" if own[field] > 0.0 else ""
        place = f"ahead, by {routing.margin:.2f} of group {routing.runner_up}{reason}"
    most = max(contributions, key=lambda part: part.logit)
    least = min(contributions, key=lambda part: part.logit)
    raised = f", raised most by {_cell(most)}" if most.logit > 0.0 else ""
    lowered = f", lowered most by {_cell(least)}" if least.logit < 0.0 else ""
    return f"Group {group} is {place}; its model gives a probability of {score:.3f}{raised}{lowered}."


def _cell(part: Contribution) -> str:
    return f"{part.field} = {', '.join(part.values)} ({part.logit:+.2f})"
