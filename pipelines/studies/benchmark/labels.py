"""Where the names of crowded marks stand: greedily, each at the place where it covers least.

Every mark and every name is a box in a plot of usual size; marks are named in order of height, and a name takes the first place
whose box overlaps the least area of all marks and of the names before it, or leaves the plot by least. Source: our choice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PLOT = (1000.0, 520.0)  # pixels
LETTER, LINE, MARK = 5.6, 12.0, 12.0
PLACES = {
    "middle right": (1, 0), "middle left": (-1, 0), "top center": (0, 1), "bottom center": (0, -1),
    "top right": (1, 1), "top left": (-1, 1), "bottom right": (1, -1), "bottom left": (-1, -1),
}  # fmt: skip


def text_places(named: Sequence[tuple[float, float, str]]) -> list[str]:
    """plotly's `textposition` of each mark: (x, y, name) on linear axes, in any units."""
    if not named:
        return []
    points = _in_plot(np.array([(x, y) for x, y, _ in named]))
    taken = [_box(point, (MARK, MARK)) for point in points]
    chosen = [""] * len(named)
    for number in np.argsort(-points[:, 1], kind="stable").tolist():
        size = (LETTER * len(named[number][2]), LINE)
        boxes = {place: _box(_centre(points[number], side, size), size) for place, side in PLACES.items()}
        chosen[number] = min(boxes, key=lambda place: _covered(boxes[place], taken))
        taken.append(boxes[chosen[number]])
    return chosen


def _in_plot(points: np.ndarray) -> np.ndarray:
    span = points.max(axis=0) - points.min(axis=0)
    return np.asarray((points - points.min(axis=0)) / np.where(span > 0, span, 1.0) * (0.8 * np.array(PLOT)) + 0.1 * np.array(PLOT))


def _centre(point: np.ndarray, side: tuple[int, int], size: tuple[float, float]) -> np.ndarray:
    return point + np.array(side) * (np.array(size) + MARK) / 2.0


def _box(centre: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """left, bottom, right, top: float64 (4,)."""
    half = np.array(size) / 2.0
    return np.concatenate([centre - half, centre + half])


def _covered(box: np.ndarray, taken: Sequence[np.ndarray]) -> float:
    others = np.array(taken)
    width, height = (
        np.clip(np.minimum(box[2 + axis], others[:, 2 + axis]) - np.maximum(box[axis], others[:, axis]), 0.0, None) for axis in (0, 1)
    )
    outside = np.clip(np.concatenate([-box[:2], box[2:] - PLOT]), 0.0, None).sum() * LINE
    return float((width * height).sum() + outside)
