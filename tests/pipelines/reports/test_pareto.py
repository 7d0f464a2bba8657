"""The Pareto frontier."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ihas_pipelines.reports.pareto import unbeaten

Point = tuple[int, int]


def _front(points: list[Point]) -> list[Point]:
    return unbeaten(points, lambda point: point[0], lambda point: point[1])


def test_a_hand_worked_front() -> None:
    """Dearer points stay only where they score higher than every cheaper one."""
    assert _front([(3, 5), (1, 2), (2, 2), (4, 5), (1, 1), (5, 9)]) == [(1, 2), (3, 5), (5, 9)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_each_point_is_matched_by_the_front_and_no_point_of_the_front_by_another(points: list[Point]) -> None:
    """For every point the front has one that costs no more and scores no less; along the front both grow."""
    front = _front(points)
    assert all(any(cost <= point[0] and score >= point[1] for cost, score in front) for point in points)
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in zip(front, front[1:], strict=False))
