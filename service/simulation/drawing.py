"""A line chart as SVG, which a page shows without a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 320, 48, 86, 34, 36
GREY, TEXT = "#80808040", "#7a8594"


@dataclass(frozen=True)
class Line:
    """A line with a value a day, from day 1 on."""

    name: str
    colour: str
    values: Sequence[float]
    dashed: bool = False


@dataclass(frozen=True)
class _Scale:
    days: int
    most: float

    def x(self, day: float) -> float:
        return LEFT + (day - 1) * (WIDTH - LEFT - RIGHT) / max(1, self.days - 1)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM) / self.most


def chart(title: str, lines: Sequence[Line], marks: Mapping[int, str]) -> str:
    """A chart of lines over days.

    Args:
        title: of the chart.
        lines: each named at its end; names that would touch are moved apart.
        marks: words at days.
    """
    scale = _Scale(max(len(line.values) for line in lines), 1.1 * max(max(line.values) for line in lines))
    parts = [_text(LEFT, 16, title, "start", "#4a5563"), *_axes(scale)]
    for day, words in marks.items():
        parts.append(_rule(scale.x(day), TOP, scale.x(day), HEIGHT - BOTTOM, "#8a94a3", "2 3"))
        parts.append(_text(scale.x(day) + 4, TOP + 4, words, "start", TEXT))
    parts += [_line(line, scale) for line in lines]
    parts += [_text(WIDTH - RIGHT + 6, y, line.name, "start", line.colour) for line, y in _names(lines, scale)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" font-size="12">'
    return "\n".join([head, f"<title>{escape(title)}</title>", *parts, "</svg>", ""])


def _axes(scale: _Scale) -> list[str]:
    parts, step = [], 0.05 if scale.most < 0.5 else 0.1
    for number in range(int(scale.most / step) + 1):
        y = scale.y(number * step)
        parts += [_rule(LEFT, y, WIDTH - RIGHT, y, GREY), _text(LEFT - 6, y + 4, f"{number * step:.2f}", "end", TEXT)]
    for day in range(1, scale.days + 1, 7):
        parts.append(_text(scale.x(day), HEIGHT - BOTTOM + 16, f"day {day}", "middle", TEXT))
    return parts


def _line(line: Line, scale: _Scale) -> str:
    points = " ".join(f"{scale.x(day):.1f},{scale.y(value):.1f}" for day, value in enumerate(line.values, start=1))
    dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
    return f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2"{dashes}/>'


def _names(lines: Sequence[Line], scale: _Scale) -> list[tuple[Line, float]]:
    """Where names stand: at the ends of their lines, fourteen pixels apart at least."""
    found, last = [], float("-inf")
    for line in sorted(lines, key=lambda line: -line.values[-1]):
        last = max(scale.y(line.values[-1]) + 4, last + 14)
        found.append((line, last))
    return found


def _rule(x: float, y: float, to_x: float, to_y: float, colour: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{colour}"{dashed}/>'


def _text(x: float, y: float, words: str, anchor: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
