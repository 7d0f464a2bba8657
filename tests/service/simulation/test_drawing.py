"""A chart is well-formed SVG with every line, and names that can be read."""

from __future__ import annotations

from xml.etree import ElementTree

from ihas_service.simulation.drawing import HEIGHT, WIDTH, Line, chart

SVG = "{http://www.w3.org/2000/svg}"


def test_lines_lie_in_the_chart_and_names_apart() -> None:
    """Two lines that end together have names fourteen pixels apart; what is text in the data is text in the chart."""
    lines = [Line("weekly", "#123456", [0.1, 0.3]), Line("a <b> & c", "#654321", [0.2, 0.3], dashed=True)]
    root = ElementTree.fromstring(chart("Clicks & shown", lines, {2: "bad day"}))
    points = [tuple(map(float, point.split(","))) for line in root.iter(f"{SVG}polyline") for point in line.attrib["points"].split()]
    names = {text.text: float(text.attrib["y"]) for text in root.iter(f"{SVG}text")}

    assert len(points) == 4
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert abs(names["weekly"] - names["a <b> & c"]) >= 14
    assert {"Clicks & shown", "bad day", "day 1"} <= set(names)
    assert [line.attrib.get("stroke-dasharray") for line in root.iter(f"{SVG}polyline")] == [None, "5 4"]


def test_a_chart_of_one_day_is_drawn() -> None:
    """There is nothing to divide by between one day and itself."""
    assert "polyline" in chart("One", [Line("never", "#000000", [0.2])], {})
