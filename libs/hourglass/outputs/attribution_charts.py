"""The charts of an attribution report beside that of shares: their course over the hours, and single rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hourglass.capture.window import format_time
from hourglass.outputs.drawing import BAND, Chart, drawn, layer, pixels_down, plainly, quantity, share_axis, time_axis
from hourglass.outputs.numbers import percent
from hourglass.outputs.page import COLOURS, Tone, brief, readable

SPECTRUM = "#0a5a9c", "#6a86b8", "#a79aa8", "#cf7d4e", "#b84600"  # from low to high, told apart by people who do not see red and green
_PANELS, _PANEL_WIDTH, _PANEL_HEIGHT, _BETWEEN = 5, 104, 50, 18
_NDCG_HEIGHT = 66
_LABELS = 46  # for the labels on the left of plots, so that all begin at the same place
_SWARM_ROW, _SWARM_PLOT, _DOT = 26, 540, 3.2
_LONGEST_NAME, _LONGEST_PANEL_NAME = 34, 17
_MOST_TICKS = 5


@dataclass(frozen=True)
class Course:
    """A feature's share at some times, None where there is none, and the baseline's."""

    name: str
    shares: tuple[float | None, ...]
    before: float | None = None


@dataclass(frozen=True)
class Swarm:
    """A feature's attributions in some rows, each with the place of the feature's value from 0, low, to 1, high; None for no number."""

    name: str
    dots: tuple[tuple[float, float | None], ...]


def course_chart(times: Sequence[datetime], courses: Sequence[Course], ndcg: Sequence[float | None], limit: float | None) -> str:
    """SVG: a small panel for each feature's share, all with one axis, and NDCG under them with what it may be."""
    top = max([0.01, *(share for course in courses for share in (*course.shares, course.before) if share is not None)]) * 1.08
    lines = [courses[start : start + _PANELS] for start in range(0, len(courses), _PANELS)]
    known = [value for value in ndcg if value is not None]
    panels: list[Chart] = [
        {
            "hconcat": [
                _course(times, course, top, first=place == 0, dated=not known and line is lines[-1]) for place, course in enumerate(line)
            ],
            "spacing": _BETWEEN,
            "bounds": "flush",
        }
        for line in lines
    ]
    if known:
        panels.append(_ndcg(times, ndcg, limit))
    return drawn({"vconcat": panels, "spacing": 14})


def _course(times: Sequence[datetime], course: Course, top: float, *, first: bool, dated: bool) -> Chart:
    now = next((share for share in reversed(course.shares) if share is not None), None)
    rows = [
        {"time": format_time(time), "value": share, "tone": COLOURS[Tone.GOOD]} for time, share in zip(times, course.shares, strict=True)
    ]
    axis = {} if first else {"labels": False}
    x = time_axis(times, ticks=2, dated=dated)
    x["title"] = x["title"] if first else None
    y = share_axis("value", top, tickCount=2, **axis)
    before = [] if course.before is None else [{"value": course.before}]
    blue = {"color": COLOURS[Tone.GOOD]}
    was = "" if course.before is None else f", was {percent(course.before)}"
    title = {
        "text": readable(brief(course.name, _LONGEST_PANEL_NAME)),
        "subtitle": f"{percent(now)}{was}",
        "limit": _PANEL_WIDTH + _BETWEEN // 2,
        "anchor": "start",
        "frame": "group",
        "offset": 5,
    }
    layers = [
        *([_left()] if first else []),
        layer(before, "rule", {"color": "#888888", "strokeDash": [3, 3]}, y=y),
        layer(rows, "line", {**blue, "strokeWidth": 1.5}, x=x, y=y),
        _as_points(rows, 3.0, x, y),
    ]
    return {"layer": layers, "width": _PANEL_WIDTH, "height": _PANEL_HEIGHT, "title": title}


def _left() -> Chart:
    return layer([{}], "rule", {"opacity": 0}, x={"value": -_LABELS}, x2={"value": 0}, y={"value": _PANEL_HEIGHT})


def _ndcg(times: Sequence[datetime], ndcg: Sequence[float | None], limit: float | None) -> Chart:
    known = [value for value in ndcg if value is not None]
    worst = min(known if limit is None else [limit, *known])
    low = max(0.0, worst - max(0.02, 0.15 * (1 - worst)))
    line = [{"time": format_time(time), "value": value, "tone": _tone(value, limit)} for time, value in zip(times, ndcg, strict=True)]
    x, y = time_axis(times, ticks=_MOST_TICKS, dated=True), quantity("value", low, 1.0 + 0.06 * (1.0 - low), format="~g", tickCount=3)
    allowed = [] if limit is None else [{"value": limit, "high": 1.0}]
    layers = [
        _left(),
        layer(allowed, "rect", {"color": BAND}, y=y, y2={"field": "high"}),
        layer(line, "line", {"color": COLOURS[Tone.GOOD], "strokeWidth": 1.5}, x=x, y=y),
        layer(
            [row for row in line if row["value"] is not None],
            "point",
            {"filled": True, "size": 22, "opacity": 1},
            x=x,
            y=y,
            color=plainly("tone"),
        ),
    ]
    title = {"text": "NDCG", "anchor": "start", "frame": "group", "offset": 5}
    if limit is not None:
        title["subtitle"] = f"allowed from {limit:g} to 1"
    width = _PANELS * _PANEL_WIDTH + (_PANELS - 1) * _BETWEEN
    return {"layer": layers, "width": width, "height": _NDCG_HEIGHT, "title": title}


def _tone(value: float | None, limit: float | None) -> str:
    return COLOURS[Tone.ALARM if value is not None and limit is not None and value < limit else Tone.GOOD]


def swarm_chart(swarms: Sequence[Swarm], title: str) -> str:
    """SVG: a row of dots for each feature, one for each row of the data, at its attribution; where many are alike they pile up."""
    found = [value for swarm in swarms for value, _ in swarm.dots]
    low, high = min([0.0, *found]), max([0.0, *found])
    room = 0.02 * (high - low) or 1.0
    low, high, height = low - room, high + room, _SWARM_ROW * len(swarms)
    x, y = quantity("x", low, high, title=title, tickCount=7, format="~g"), pixels_down(height)
    dots = [
        {"tone": tone, "x": across, "y": down}
        for place, swarm in enumerate(swarms)
        for tone, across, down in _dots(place, swarm, low, high)
    ]
    names = [{"y": (place + 0.5) * _SWARM_ROW, "name": readable(brief(swarm.name, _LONGEST_NAME))} for place, swarm in enumerate(swarms)]
    legend = [{"x": 46 + 12 * place, "tone": tone} for place, tone in enumerate(SPECTRUM)]
    words = [{"x": 40, "text": "low", "align": "right"}, {"x": 46 + 12 * len(legend), "text": "high value of the feature", "align": "left"}]
    top = {"value": -12}
    layers = [
        layer(names, "rule", {"color": "#e6e6e6"}, y=y),
        layer([{"x": 0.0}], "rule", {"color": "#888888"}, x=x),
        _as_points(dots, _DOT, x, y),
        layer(names, "text", {"align": "right", "fontSize": 12, "limit": 250}, x={"value": -10}, y=y, text=plainly("name")),
        *(
            layer([{}], "point", {"filled": True, "size": 42, "opacity": 1, "color": mark["tone"]}, x={"value": mark["x"]}, y=top)
            for mark in legend
        ),
        *(
            layer([word], "text", {"align": word["align"], "fontSize": 11}, x={"value": word["x"]}, y=top, text=plainly("text"))
            for word in words
        ),
    ]
    return drawn({"layer": layers, "width": _SWARM_PLOT, "height": height})


def _dots(place: int, swarm: Swarm, low: float, high: float) -> Iterator[tuple[str, float, float]]:
    """Colour and place of every dot: in columns as wide as a dot, from the middle outwards, which needs no chance."""
    columns = [round((value - low) / (high - low) * _SWARM_PLOT / _DOT) for value, _ in swarm.dots]
    heights = Counter(columns)
    # the fullest column fills the row, whose dots cover each other then
    step = min(_DOT, (_SWARM_ROW - _DOT) / max([1, *heights.values()]))
    done: Counter[int] = Counter()
    for column, (_, level) in zip(columns, swarm.dots, strict=True):
        count = done[column]
        done[column] += 1
        aside = (count + 1) // 2 * (1 if count % 2 else -1)
        tone = COLOURS[Tone.QUIET] if level is None else SPECTRUM[min(len(SPECTRUM) - 1, math.floor(level * len(SPECTRUM)))]
        yield tone, low + column * _DOT / _SWARM_PLOT * (high - low), round((place + 0.5) * _SWARM_ROW + aside * step, 1)


def _as_points(rows: Sequence[Mapping[str, Any]], width: float, x: Chart, y: Chart) -> Chart:
    """Dots as the round ends of lines without length: all of a tone are one path of 12 bytes a dot, not a drawing of 300 each."""
    apart = [part for row in rows for part in (row, {**row, y["field"]: None})]
    look = {"strokeCap": "round", "strokeWidth": width, "invalid": "break-paths-filter-domains"}
    return layer(apart, "line", look, x=x, y=y, color=plainly("tone"), order={"value": None})
