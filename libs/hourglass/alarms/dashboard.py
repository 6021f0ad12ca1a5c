"""A CloudWatch dashboard of what alarms are on: graphs with their thresholds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from hourglass.alarms.wanted import Alarms, Metric, Place, Shown

_WIDTH, _HEIGHT, _ACROSS = 8, 6, 3
_LINES = 20  # of a graph; more cannot be told apart
_MOST_METRICS, _MOST_GRAPHS = 2500, 480  # of a dashboard


def dashboard_name(place: Place, monitors: Sequence[str]) -> str:
    """Of the letters that CloudWatch takes; each baseline's monitors have a dashboard of their own.

    >>> dashboard_name(Place("churn", "churn.hourly"), ["bias"])
    'hourglass-churn-churn-hourly-bias'
    """
    parts = ("hourglass", place.endpoint, place.schedule, *monitors)
    return re.sub(r"[^A-Za-z0-9_-]+", "-", "-".join(part for part in parts if part))[:255]


def dashboard(found: Sequence[Alarms], region: str) -> dict[str, Any]:
    """The body of the dashboard: under a heading for each monitor its graphs, three in a row."""
    widgets: list[dict[str, Any]] = []
    metrics = y = 0
    for alarms in found:
        about = f"## {alarms.monitor}, {alarms.place.endpoint or alarms.place.schedule or 'data'}\n{len(alarms.alarms)} alarms"
        widgets.append({"type": "text", "x": 0, "y": y, "width": _WIDTH * _ACROSS, "height": 2, "properties": {"markdown": about}})
        y += 2
        place = 0
        for graph in _graphs(alarms.shown):
            metrics += len(graph.metrics)
            if metrics > _MOST_METRICS or len(widgets) >= _MOST_GRAPHS:
                break
            x, row = place % _ACROSS, place // _ACROSS
            size = {"x": x * _WIDTH, "y": y + row * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
            widgets.append({"type": "metric", **size, "properties": _graph(graph, region, int(alarms.place.period.total_seconds()))})
            place += 1
        y += -(-place // _ACROSS) * _HEIGHT
    return {"widgets": widgets}


def _graphs(shown: Sequence[Shown]) -> Iterator[Shown]:
    """Those with many lines as several."""
    for graph in shown:
        for start in range(0, len(graph.metrics), _LINES):
            count = f", {start // _LINES + 1} of {-(-len(graph.metrics) // _LINES)}" if len(graph.metrics) > _LINES else ""
            yield Shown(graph.title + count, graph.metrics[start : start + _LINES], graph.thresholds, graph.statistic)


def _graph(graph: Shown, region: str, period: int) -> dict[str, Any]:
    lines = [{"label": label, "value": value} for label, value in graph.thresholds]
    return {
        "title": graph.title,
        "region": region,
        "view": "timeSeries",
        "stat": graph.statistic,
        "period": period,
        "metrics": [_line(metric) for metric in graph.metrics],
        **({"annotations": {"horizontal": lines}} if lines else {}),
    }


def _line(metric: Metric) -> list[Any]:
    named = [text for one in metric.dimensions for text in (one["Name"], one["Value"])]
    return [metric.namespace, metric.name, *named]
