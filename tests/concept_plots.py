"""The plots of the concepts, as SVG: `python -m tests.concept_plots` measures anew what they show (`make plots`).

Gates and groups are measured on the oracle's tribes, whose answers are known; members and teacher are what `make demo` printed on the
coupon data (docs/demo.md). The measured values stand in docs/images/concepts.json, from which a test draws the same plots again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from tests.paths import ROOT

IMAGES = ROOT / "docs" / "images"
VALUES = IMAGES / "concepts.json"
DEMO = ROOT / "docs" / "demo.md"
SHOWN = {
    "members": "members, same cost", "pruned x1 of 24-12": "wider, then pruned", "distilled": "student of the teacher",
    "static": "+ one mask", "grouped": "+ groups", "members x2": "more members, 2 x cost", "teacher": "the teacher, 17 x cost",
}  # fmt: skip
"""Variants of the demo, as the plot names them."""
BLUE, ORANGE, GREEN, GREY, TEXT, TITLE = "#2f7ed8", "#e6862a", "#17907a", "#8a94a3", "#7a8594", "#4a5563"
COLOURS = (BLUE, ORANGE, GREEN, "#b565c9")
NUMBER = r"[-+]?\d\.\d+"
ROW = re.compile(
    rf"^  (?P<name>[\w -]+?)(?: \(chosen\))? +{NUMBER} +(?P<gain>{NUMBER}) \[(?P<low>{NUMBER}), (?P<high>{NUMBER})\] +\d", re.MULTILINE
)


def svg(title: str, height: int, parts: Sequence[str], width: int = 720) -> str:
    """A picture with its title, which screen readers read."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" font-size="12">'
    return "\n".join([head, f"<title>{escape(title)}</title>", text(12, 20, title, "start", TITLE), *parts, "</svg>", ""])


def text(x: float, y: float, words: str, anchor: str = "start", colour: str = TEXT) -> str:
    """Words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, colour: str) -> str:
    """A filled rectangle."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" fill="{colour}"/>'


def rule(x: float, y: float, to_x: float, to_y: float, colour: str = "#80808040") -> str:
    """A straight line."""
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{colour}" stroke-width="1.5"/>'


def bars(title: str, groups: Mapping[str, Mapping[str, float]], low: float, high: float, written: Callable[[float], str]) -> str:
    """Bars side by side: a group of bars by name, each bar by its name, which has one colour throughout.

    Args:
        title: of the plot.
        groups: value of each bar of each group.
        low, high: where bars begin and end.
        written: a value as it stands above its bar.
    """
    names = list(dict.fromkeys(name for values in groups.values() for name in values))
    place, top, bottom = 660 / len(groups), 70, 260
    parts = [rule(40, bottom, 700, bottom)]
    for number, name in enumerate(names):
        parts += [box(40 + 160 * number, 36, 12, 12, COLOURS[number]), text(58 + 160 * number, 46, name)]
    for group, (label, values) in enumerate(groups.items()):
        left = 40 + group * place
        size = (place - 24) / len(names)
        parts.append(text(left + place / 2 - 12, bottom + 18, label, "middle"))
        for number, name in enumerate(names):
            tall = (values[name] - low) / (high - low) * (bottom - top)
            parts.append(box(left + number * size, bottom - tall, size - 4, tall, COLOURS[number]))
            parts.append(text(left + number * size + size / 2 - 2, bottom - tall - 4, written(values[name]), "middle"))
    return svg(title, 290, parts)


def intervals(title: str, rows: Sequence[tuple[str, float, float, float]], note: str) -> str:
    """A line for each name: an estimate with its interval, and 0.

    Args:
        title: of the plot.
        rows: name, estimate, lower and upper end.
        note: what stands below.
    """
    least, most = min(0.0, *(low for _, _, low, _ in rows)), max(high for _, _, _, high in rows)

    def x(value: float) -> float:
        return 190 + (value - least) / (most - least) * 440

    bottom = 40 + 28 * len(rows)
    parts = [rule(x(0), 34, x(0), bottom, GREY), text(x(0), bottom + 16, "plain model", "middle"), text(12, bottom + 40, note)]
    for number, (name, estimate, low, high) in enumerate(rows):
        y = 52 + 28 * number
        colour = GREEN if low > 0 else GREY
        parts += [text(180, y + 4, name, "end"), rule(x(low), y, x(high), y, colour)]
        parts.append(f'<circle cx="{x(estimate):.1f}" cy="{y}" r="5" fill="{colour}"/>')
        parts.append(text(x(high) + 8, y + 4, f"{estimate:+.4f}", "start", colour))
    return svg(title, bottom + 54, parts)


def demo_rows() -> list[tuple[str, float, float, float]]:
    """Gains over the plain model that `make demo` printed, in the order in which parts were added."""
    found = {match["name"].strip(): match for match in ROW.finditer(DEMO.read_text(encoding="utf-8"))}
    return [(SHOWN[name], *(float(found[name][part]) for part in ("gain", "low", "high"))) for name in SHOWN]


def drawn(values: Mapping[str, Any]) -> dict[str, str]:
    """Each plot by the name of its file."""
    note = "Test AUC minus that of the plain model, 95 % intervals; 1,268 test rows, one seed. Cost: multiply-adds of a row."
    return {
        "gates.svg": bars(
            "Share of gates that are open, by field, for the rows of each tribe", values["open"], 0.0, 1.0, lambda share: f"{share:.0%}"
        ),
        "groups.svg": bars(
            "Test AUC where the tribes are known; bars begin at .5, which is chance", values["auc"], 0.5, 0.92, lambda auc: f"{auc:.3f}"[1:]
        ),
        "members.svg": intervals("What each part brings on the coupon data", demo_rows(), note),
    }


def measured() -> dict[str, Any]:
    """Open gates of three tribes, and AUC of one to three tribes: plain model, groups' models, and the best that there can be."""
    from ihas.metrics import auc
    from ihas.models.network import Network
    from ihas.models.prediction import GroupedRows, predict
    from ihas.routing.router import embed
    from tests.oracle import solved_tribes

    found: dict[str, Any] = {"open": {}, "auc": {}}
    for tribes in (1, 2, 3):
        solved = solved_tribes(tribes)
        test = solved.oracle.parts.test
        plain = Network(test.layout, solved.config.backbone, solved.config.training.embedding_dim)
        plain.assign(solved.base.weights)
        name = "1 tribe: nothing to group" if tribes == 1 else f"{tribes} tribes"
        found["auc"][name] = {
            "plain model": round(auc(predict(plain, GroupedRows.one_group(test)), test.labels) or 0.0, 4),
            "a model per group": round(solved.test_auc(), 4),
            "best possible": round(auc(solved.oracle.logits[2], test.labels) or 0.0, 4),
        }
    layout, dim = solved.oracle.layout, solved.config.training.embedding_dim
    gates = solved.found.gates.open(embed(test.ids, solved.found.weights.table[:, :dim], layout)).reshape(len(test), -1, dim)
    for tribe in range(3):
        shares = gates[solved.oracle.tribe[2] == tribe].mean(axis=(0, 2))
        found["open"][f"rows of tribe {tribe}"] = {
            f"field {name}": round(float(shares[layout.names.index(name)]), 3) for name in ("taste_0", "taste_1", "taste_2", "noise")
        }
    return found


def main() -> None:
    """Measure, write the values and the plots."""
    values = measured()
    VALUES.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    for name, picture in drawn(values).items():
        (IMAGES / name).write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
