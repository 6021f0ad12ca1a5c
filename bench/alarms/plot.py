"""The plot: detection against false alarms, by the drawing that the package's reports have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hourglass.outputs.drawing import AXIS, drawn

LEAST = 0.1  # %: what a scale of tenfolds begins with; a rule without a false alarm stands there
TICKS = (0.1, 0.3, 1, 3, 10, 30, 100)
LOOKS: Mapping[str, tuple[str, str]] = {
    "Calibrated": ("#b84600", "circle"),
    "Simple": ("#0a5a9c", "square"),
    "Robust": ("#4aa3a2", "square"),
    "KS": ("#7a4fa3", "triangle-up"),
    "PSI": ("#666666", "diamond"),
    "Evidently": ("#c9a200", "square"),
    "NannyML": ("#2e8b57", "diamond"),
    "whylogs": ("#d6558a", "triangle-up"),
}
VARIANTS = {"without λ": "triangle-down", "with its checks": "cross", "Bonferroni": "triangle-down"}


def _look(rule: str) -> tuple[str, str]:
    """A rule's colour, which its variants share, and its shape."""
    colour, shape = next(look for name, look in LOOKS.items() if rule.startswith(name))
    return colour, next((other for name, other in VARIANTS.items() if rule.endswith(name)), shape)


def draw(path: Path, points: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]]) -> None:
    """A mark for each rule as it is by default, and a line through its other thresholds."""
    rules = [str(point["rule"]) for point in points]
    colour = {"field": "rule", "type": "nominal", "sort": None, "title": None}
    colours = {"domain": rules, "range": [_look(rule)[0] for rule in rules]}
    shapes = {"domain": rules, "range": [_look(rule)[1] for rule in rules]}
    x = {
        "field": "alarms",
        "type": "quantitative",
        "scale": {"type": "log", "domain": [LEAST, 100], "nice": False},
        "axis": {**AXIS, "values": list(TICKS), "format": "~g"},
        "title": "clean windows of random rows that alarm, %",
    }
    y = {
        "field": "found",
        "type": "quantitative",
        "scale": {"domain": [0, 100], "nice": False},
        "axis": {**AXIS, "tickCount": 6},
        "title": "planted faults that are found, %",
    }
    # where a threshold leaves no false alarm a scale of tenfolds has no place for it
    curves = [line for line in lines if line["alarms"] >= LEAST]
    marks = [{**point, "alarms": max(point["alarms"], LEAST)} for point in points]
    legend = {"orient": "right", "symbolSize": 80, "labelLimit": 300}
    chart = {
        "width": 560,
        "height": 400,
        "layer": [
            {
                "data": {"values": [{"alarms": 1, "found": 0, "top": 100}]},
                "mark": {"type": "rule", "stroke": "#bbbbbb", "strokeDash": [4, 4]},
                "encoding": {"x": x, "y": y, "y2": {"field": "top"}},
            },
            {
                "data": {"values": curves},
                "mark": {"type": "line", "strokeWidth": 1.5, "opacity": 0.8},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {**colour, "scale": colours, "legend": legend},
                    "order": {"field": "alarms", "type": "quantitative"},
                },
            },
            {
                "data": {"values": marks},
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1, "clip": False},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {**colour, "scale": colours, "legend": legend},
                    "shape": {**colour, "scale": shapes, "legend": legend},
                },
            },
        ],
    }
    path.write_text(drawn(chart), "utf-8")
