"""Where the names of marks stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ihas_pipelines.studies.benchmark.labels import PLACES, text_places

NUMBERS = st.floats(-1e3, 1e3, allow_nan=False)


def test_a_lone_mark_has_its_name_at_the_first_place():
    """Nothing is in the way on the right."""
    assert text_places([(1.0, 2.0, "base")]) == ["middle right"]
    assert text_places([]) == []


def test_two_marks_at_one_point_have_their_names_on_two_sides():
    """The second name does not cover the first."""
    assert text_places([(0.0, 0.0, "grouped"), (0.0, 0.0, "chosen"), (5.0, 5.0, "base")])[:2] == ["middle right", "middle left"]


def test_a_name_gives_way_to_a_mark_beside_it():
    """With a neighbour close on the right, the left one's name goes to the left; a name at the right edge stays inside."""
    places = text_places(
        [(0.0, 0.5, "far"), (0.5, 0.5, "left one"), (0.52, 0.5, "neighbour"), (1.0, 0.0, "a name that is too long to fit")]
    )

    assert places[1] == "middle left"
    assert places[2] == "middle right"
    assert places[3] in ("middle left", "top left", "bottom left")


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.text(max_size=30)), max_size=12))
def test_every_mark_gets_a_place(named):
    """Whatever the marks, each name stands somewhere."""
    places = text_places(named)

    assert len(places) == len(named)
    assert set(places) <= set(PLACES)
