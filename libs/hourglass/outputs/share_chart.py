"""The chart of shares beside the baseline's: of features in what drives a model, of values in a column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hourglass.outputs.drawing import drawn, layer, pixels_down, plainly, share_axis
from hourglass.outputs.numbers import percent
from hourglass.outputs.page import COLOURS, Tone, brief, readable

_BAR_ROW, _BAR_PLOT = 25, 400
_BEFORE = "#b5b5b5"
_LONGEST_NAME, _LONGEST_SAID = 34, 40


@dataclass(frozen=True)
class Bar:
    """A share, with the interval that chance gives it and the baseline's share; what `changed` has another colour."""

    name: str
    share: float
    interval: tuple[float, float] | None = None
    before: float | None = None
    changed: bool = False


def share_chart(bars: Sequence[Bar], title: str) -> str:
    """SVG: a bar for each share, with that of the baseline under it; `title` says what they are shares of."""
    compared = any(bar.before is not None for bar in bars)
    rows = [_bar(place, bar) for place, bar in enumerate(bars)]
    height = _BAR_ROW * len(bars)
    top = max([0.01, *(row["far"] for row in rows)]) * 1.02
    x, y = share_axis("x", top, title=title, tickCount=6), pixels_down(height)
    texts = [
        layer(
            rows, "text", {"align": align, "fontSize": size, "limit": limit}, x={"value": at}, y=y, text=plainly(name), color=plainly(tone)
        )
        for name, at, align, size, limit, tone in (
            ("name", -10, "right", 12, 250, "dark"),
            ("now", _BAR_PLOT + 56, "right", 12, 90, "tone"),
            ("was", _BAR_PLOT + 66, "left", 11, 110, "quiet"),
        )
    ]
    thick, offset = (9, -5) if compared else (12, 0)
    shared = _stripes([(row["y"] + offset, 0.0, row["share"], row["tone"]) for row in rows], thick)
    before = _stripes([(row["y"] + 4, 0.0, row["before"], _BEFORE) for row in rows if row["before"]], 6)
    spans = [{**row, "y": row["y"] + offset} for row in rows if row["low"] is not None]
    x2, y2 = {"field": "x2"}, {"field": "y2"}
    layers = [
        layer([*shared, *before], "rect", {}, x=x, x2=x2, y=y, y2=y2, color=plainly("tone")),
        layer(spans, "rule", {"strokeWidth": 1.5}, x={**x, "field": "low"}, x2={"field": "high"}, y=y),
        *texts,
    ]
    return drawn({"layer": layers, "width": _BAR_PLOT, "height": height})


def _stripes(found: Sequence[tuple[float, float, float, str]], thick: float) -> list[dict[str, Any]]:
    """Bars by the middle of their height, their ends and their colour."""
    return [{"y": y - thick / 2, "y2": y + thick / 2, "x": x, "x2": x2, "tone": tone} for y, x, x2, tone in found]


def _bar(place: int, bar: Bar) -> dict[str, Any]:
    low, high = bar.interval or (None, None)
    return {
        "y": (place + 0.5) * _BAR_ROW,
        "name": readable(brief(bar.name, _LONGEST_NAME)),
        "share": bar.share,
        "before": bar.before,
        "low": low,
        "high": high,
        "far": max(bar.share, bar.before or 0.0, high or 0.0),
        "now": percent(bar.share),
        "was": "" if bar.before is None else f"was {percent(bar.before)}",
        "tone": COLOURS[Tone.ALARM if bar.changed else Tone.GOOD],
        "dark": COLOURS[Tone.PLAIN],
        "quiet": COLOURS[Tone.QUIET],
    }


def shares_in_words(bars: Iterable[Bar]) -> str:
    """What the chart shows, for who does not see it.

    >>> shares_in_words([Bar("age", 0.5, before=0.25), Bar("sex", 0.1)])
    'age 50.0% (was 25.0%), sex 10.0%'
    """
    return ", ".join(
        f"{brief(bar.name, _LONGEST_SAID)} {percent(bar.share)}{'' if bar.before is None else f' (was {percent(bar.before)})'}"
        for bar in bars
    )
