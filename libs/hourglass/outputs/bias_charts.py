"""The charts of a bias report: metrics against their allowed ranges, and their course over the stored hours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hourglass.capture.window import format_time
from hourglass.constraints import Verdict
from hourglass.outputs.drawing import BAND, Chart, drawn, layer, plainly, quantity, time_axis
from hourglass.outputs.numbers import number, span
from hourglass.outputs.page import COLOURS, Tone, brief, readable

_ROW, _PLOT = 19, 540
_FURTHEST = 20.0  # limits; what is further away is drawn at the edge, as an arrow
_LONGEST_NAMES = 92  # signs of both sides' names that fit under a chart
_LABELS = 50
_MANY_POINTS = 24  # above that a line says more than its points
_CHANCE = "#a9c6de"  # no transparency: on paper each such part would be a drawing of its own
_SHAPES = {Verdict.VIOLATION: "diamond", Verdict.PASS: "circle"}
_TONES = {Verdict.VIOLATION: Tone.ALARM, Verdict.PASS: Tone.GOOD}
_WORDS = {Verdict.VIOLATION: "beyond", Verdict.PASS: "within"}


@dataclass(frozen=True)
class Mark:
    """A metric in the chart of a facet's value; a value above `ideal` is bad for d where `d_above`, and nobody unless `tells_sides`."""

    metric: str
    value: float
    interval: tuple[float, float] | None
    allowed: tuple[float, float]
    ideal: float
    verdict: Verdict
    tells_sides: bool
    d_above: bool


@dataclass(frozen=True)
class Point:
    """A metric in a stored hour; without a value a gap."""

    time: datetime
    value: float | None
    interval: tuple[float, float] | None = None


Panel = tuple[str, Sequence[Point], tuple[float, float], float | None]


@dataclass(frozen=True)
class Look:
    """How panels of history stand: so many beside each other, of a size in pixels, with or without a dot for each point."""

    beside: int
    width: int
    height: int
    dots: bool


LARGE, SMALL = Look(3, 178, 92, dots=True), Look(5, 82, 46, dots=False)


def standing(verdict: Verdict | None) -> tuple[str, Tone]:
    """Where a metric stands to its allowed range, in a word and a colour.

    >>> standing(Verdict.PASS), standing(None)[0]
    (('within', <Tone.GOOD: 'good'>), 'no baseline')
    """
    if verdict is None:
        return "no baseline", Tone.QUIET
    return _WORDS.get(verdict, str(verdict)), _TONES.get(verdict, Tone.QUIET)


def limits_away(value: float, allowed: tuple[float, float], ideal: float) -> float:
    """How far a value is from the ideal, in multiples of what is allowed; of a ratio by |ln|. May be infinite.

    >>> limits_away(-0.3, (-0.2, 0.2), 0.0), limits_away(0.25, (0.5, 2.0), 1.0), limits_away(0.1, (0.0, 0.0), 0.0)
    (-1.4999999999999998, -2.0, inf)
    """
    limit = allowed[1]
    if ideal == 1.0:
        value, limit = _ln(value), _ln(limit)
    if value == 0.0:
        return 0.0
    if math.isinf(limit):
        return math.copysign(1.0, value) if math.isinf(value) else 0.0
    return value / limit if limit else math.copysign(math.inf, value)


def _ln(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def shortened(away: float) -> float:
    """A place on an axis that is even up to the limit and logarithmic beyond, so that 1.2 and 12 limits can both be seen.

    >>> shortened(0.5), round(shortened(-10.0), 2)
    (0.5, -3.3)
    """
    return away if abs(away) <= 1 else math.copysign(1 + math.log(abs(away)), away)


_EDGE = shortened(_FURTHEST)


def interval_chart(marks: Sequence[Mark], d: str, a: str) -> str:
    """SVG: a dot and an interval for each metric, in multiples of what is allowed.

    To the right is bad for d, whatever the metric's sign; metrics that do not tell the sides apart have a panel of their own.
    """
    d, a = readable(d), readable(a)
    d, a = (brief(name, max(_LONGEST_NAMES // 2, _LONGEST_NAMES - len(other))) for name, other in ((d, a), (a, d)))
    panels = []
    if directed := [mark for mark in marks if mark.tells_sides]:
        panels.append(_intervals(directed, -_EDGE, f"← {a} worse off   |   {d} worse off →"))
    if others := [mark for mark in marks if not mark.tells_sides]:
        panels.append(_intervals(others, 0.0, "how different; these do not say who is worse off →"))
    return drawn({"vconcat": panels, "spacing": 18})


def _intervals(marks: Sequence[Mark], left: float, title: str) -> Chart:
    rows = [_place(mark, left) for mark in marks]
    label = "datum.value == 0 ? 'ideal' : abs(datum.value) == 1 ? 'limit' : round(exp(abs(datum.value) - 1)) + ' × limit'"
    ticks = [shortened(tick) for tick in (-10, -3, -1, 0, 1, 3, 10) if tick >= left]
    x = quantity("x", left, _EDGE, title=title, values=ticks, labelExpr=label, labelFlush=False)
    axis = {"ticks": False, "domain": False, "labelFontWeight": "bold", "labelPadding": 8}
    y = {"field": "metric", "type": "nominal", "sort": [mark.metric for mark in marks], "title": None, "axis": axis}
    tone, end = plainly("tone"), {"field": "end"}
    texts = [
        layer(
            rows,
            "text",
            {"align": align, "fontSize": 12, "fontWeight": weight},
            x={"value": _PLOT + at},
            y=y,
            text=plainly(name),
            color=tone,
        )
        for name, at, align, weight in (("value", 76, "right", "normal"), ("verdict", 90, "left", "bold"))
    ]
    layers = [
        layer([{"x": max(-1.0, left), "end": 1.0}], "rect", {"color": BAND}, x=x, x2=end),
        layer([{"x": 0.0}], "rule", {"color": "#888888"}, x=x),
        layer([{**row, "x": row["low"], "end": row["high"]} for row in rows], "rule", {"strokeWidth": 2}, x=x, x2=end, y=y, color=tone),
        layer(rows, "point", {"filled": True, "size": 75, "opacity": 1}, x=x, y=y, color=tone, shape=plainly("shape")),
        *texts,
    ]
    return {"layer": layers, "width": _PLOT, "height": _ROW * len(marks)}


def _place(mark: Mark, left: float) -> dict[str, Any]:
    """Where a metric is drawn; nothing is drawn outside, where it would cover the text beside the chart."""
    sign = 1.0 if mark.d_above or not mark.tells_sides else -1.0
    at = sign * shortened(limits_away(mark.value, mark.allowed, mark.ideal))
    ends = sorted(sign * shortened(limits_away(end, mark.allowed, mark.ideal)) for end in mark.interval or (mark.value, mark.value))
    shape = _SHAPES.get(mark.verdict, "square")
    if abs(at) > _EDGE:
        shape = "triangle-right" if at > 0 else "triangle-left"
    low, high, x = (max(left, -_EDGE, min(_EDGE, found)) for found in (*ends, at))
    word, tone = standing(mark.verdict)
    return {
        "metric": mark.metric,
        "x": x,
        "low": low,
        "high": high,
        "shape": shape,
        "tone": COLOURS[tone],
        "value": number(mark.value),
        "verdict": word,
    }


def history_chart(panels: Sequence[Panel], look: Look = LARGE) -> str:
    """SVG: the course of some metrics beside each other, each with its interval and its allowed range."""
    return drawn({"hconcat": [_course(*panel, look) for panel in panels], "spacing": 72, "bounds": "flush"})


def _course(metric: str, points: Sequence[Point], allowed: tuple[float, float], value: float | None, look: Look) -> Chart:
    bottom, top = _heights(points, allowed)
    rows = [_height(point, bottom, top) for point in points]
    values = [row["value"] for row in rows]
    # an hour between two without a value has no line
    alone = [
        row
        for place, row in enumerate(rows)
        if not any(v is not None for v in (*values[max(0, place - 1) : place], *values[place + 1 :][:1]))
    ]
    few = look.dots and len(rows) <= _MANY_POINTS
    dots = [row for row in (rows if few else alone) if row["value"] is not None and not row["arrow"]]
    low, high = (max(bottom, min(top, end)) for end in allowed)
    x = time_axis([point.time for point in points], ticks=3, dated=True)
    y = quantity("value", bottom, top, tickCount=4 if look.dots else 2, format=",.3~r")
    end, blue = {"field": "high"}, {"color": COLOURS[Tone.GOOD]}
    spans = [{**row, "value": row["low"]} for row in rows]
    layers = [
        layer([{"value": low, "high": high}], "rect", {"color": BAND}, y=y, y2=end),
        layer(spans, "area", {"color": _CHANCE, "opacity": 1}, x=x, y=y, y2=end),
        layer(rows, "line", {**blue, "strokeWidth": 1.5}, x=x, y=y),
        layer([{**row, "value": row["low"]} for row in dots if row["low"] is not None], "rule", blue, x=x, y=y, y2=end),
        layer(dots, "point", {**blue, "filled": True, "size": 14, "opacity": 1}, x=x, y=y),
        layer(
            [row for row in rows if row["arrow"]],
            "point",
            {"filled": True, "size": 40, "color": COLOURS[Tone.ALARM], "opacity": 1},
            x=x,
            y=y,
            shape=plainly("arrow"),
        ),
        # plots and titles beside and under each other begin at the same places, however long their numbers are
        layer([{}], "rule", {"opacity": 0}, x={"value": -_LABELS}, x2={"value": 0}, y={"value": -10}),
    ]
    subtitle = [f"now {number(value)}", f"allowed {span(allowed)}"]
    title = {"text": metric, "subtitle": subtitle, "anchor": "start", "frame": "group", "offset": 6}
    return {"layer": [part for part in layers if part["data"]["values"]], "width": look.width, "height": look.height, "title": title}


def _heights(points: Sequence[Point], allowed: tuple[float, float]) -> tuple[float, float]:
    """What a panel shows: the finite values and their intervals, and the limit that is nearest to the last of them."""
    finite = [point.value for point in points if point.value is not None and math.isfinite(point.value)]
    ends = [end for point in points for end in point.interval or () if math.isfinite(end)]
    limits = sorted((end for end in allowed if math.isfinite(end)), key=lambda end: abs(end - finite[-1]) if finite else 0.0)
    known = [*finite, *ends, *limits[:1]] or [0.0]
    room = (max(known) - min(known)) * 0.1 or max(abs(max(known)) * 0.1, 0.1)
    return min(known) - room, max(known) + room


def _height(point: Point, bottom: float, top: float) -> dict[str, Any]:
    low, high = (max(bottom, min(top, end)) for end in point.interval) if point.interval else (None, None)
    arrow = "" if point.value is None or math.isfinite(point.value) else "triangle-up" if point.value > 0 else "triangle-down"
    value = None if point.value is None else max(bottom, min(top, point.value))
    return {"time": format_time(point.time), "value": value, "low": low, "high": high, "arrow": arrow}
