"""From answers to the page: shares of windows, their intervals, and thresholds of equal false alarms."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from data_sets import DataSet
from faults import DISTRIBUTION, FAULTS, QUALITY
from packages import PACKAGES
from plot import draw
from rules import LEARNERS, RULES
from windows import CLEAN, CONSECUTIVE, LARGE, RANDOM, SIZES, Part

EQUAL = 0.01
LEVELS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
_WINDOW = ["data", "size", "order", "rule", "split", "window", "group", "fault", "severity", "planted"]


def windows_of(paths: Sequence[Path]) -> pd.DataFrame:
    """One row a window and rule: how bad its worst column is, and whether it alarms as the rule is by default."""
    found = pd.concat(
        [
            pd.read_parquet(path).astype({"rule": str, "data": str, "fault": str, "planted": str, "group": str, "order": str})
            for path in paths
        ]
    )
    worst = found.groupby(_WINDOW, sort=False).agg(badness=("badness", "max"), checked=("checked", "any")).reset_index()
    worst["alarm"] = (worst["badness"] > 1) | worst["checked"]
    return worst


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share.

    >>> tuple(round(end, 4) for end in wilson(1, 100))
    (0.0018, 0.0545)
    """
    if not of:
        return math.nan, math.nan
    z = 1.959963984540054
    share = count / of
    centre, width = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (centre - width) / (1 + z * z / of), (centre + width) / (1 + z * z / of)


def threshold(clean: pd.DataFrame, level: float) -> float:
    """The badness that a new clean window is above with this probability; infinite where checks alone alarm more often."""
    ordered = np.sort(np.where(clean["checked"], np.inf, clean["badness"]))[::-1]
    place = max(1, math.floor(level * (len(ordered) + 1)))
    return float(ordered[place - 1]) if len(ordered) else math.nan


def at_level(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """The random windows that may be reported, with the alarms at thresholds that others of the same data set and size give.

    The largest windows are too few for a threshold of each data set: theirs is of all data sets together.
    """
    table = table[table["order"] == RANDOM]
    table = table.assign(place=np.where(table["size"] >= LARGE, "all", table["data"]))
    clean = table[(table["group"] == CLEAN) & (table["split"] % 2 == 0)]
    limits = {key: threshold(group, level) for key, group in clean.groupby(["rule", "size", "place"])}
    told = table[table["split"] % 2 == 1].copy()
    limit = np.array([limits.get(key, math.nan) for key in zip(told["rule"], told["size"], told["place"], strict=True)])
    told["alarm"] = (told["badness"].to_numpy() > limit) | told["checked"].to_numpy()
    told["reachable"] = np.isfinite(limit)
    return told


def share(table: pd.DataFrame, **where: object) -> float:
    """Of the windows that are so the share that alarms; sizes weigh alike."""
    for name, value in where.items():
        table = table[table[name] == value]
    return float(table.groupby("size")["alarm"].mean().mean()) if len(table) else math.nan


def percent(value: float) -> str:
    """A share in a table."""
    return "–" if math.isnan(value) else f"{100 * value:.1f}"


def _short(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.0f}"


def with_interval(table: pd.DataFrame) -> str:
    """The share of windows that alarm, and where it lies by their number."""
    if not len(table):
        return "–"
    count, of = int(table["alarm"].sum()), len(table)
    low, high = wilson(count, of)
    return f"{100 * count / of:.1f} ({100 * low:.1f}–{100 * high:.1f})"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table."""
    return [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows), ""]


@dataclass(frozen=True)
class Found:
    """All windows, those at 1 % of false alarms, and the rules in the order of the tables."""

    table: pd.DataFrame
    equal: pd.DataFrame
    rules: Sequence[str]
    dependent: Sequence[str]
    moving: Sequence[str]

    @property
    def sizes(self) -> list[int]:
        """The windows' sizes."""
        return sorted(self.table["size"].unique())

    def rows(self, cells: Callable[[str], Sequence[str]]) -> list[list[str]]:
        """A row a rule."""
        return [[rule, *cells(rule)] for rule in self.rules]

    def clean(self, rule: str, order: str, data: Sequence[str] | None = None) -> pd.DataFrame:
        """Clean windows."""
        table = self.table[(self.table["rule"] == rule) & (self.table["group"] == CLEAN) & (self.table["order"] == order)]
        return table if data is None else table[table["data"].isin(data)]

    def faulty(self, rule: str, group: str, *, equal: bool = False, order: str = RANDOM) -> pd.DataFrame:
        """Windows with a fault."""
        table = self.equal if equal else self.table
        return table[(table["rule"] == rule) & (table["group"] == group) & (table["order"] == order)]

    def detection(self, rule: str, group: str, *, equal: bool = False, size: int | None = None) -> str:
        """The share of faults that are found; at equal false alarms only where these can be reached."""
        table = self.faulty(rule, group, equal=equal)
        table = table if size is None else table[table["size"] == size]
        if equal and len(table) and not table["reachable"].all():
            return "not reachable"
        return percent(share(table))


def _summary(found: Found) -> list[str]:
    def cells(rule: str) -> list[str]:
        reached = found.equal[(found.equal["rule"] == rule) & (found.equal["group"] == CLEAN)]
        return [
            with_interval(found.clean(rule, RANDOM)),
            with_interval(found.clean(rule, CONSECUTIVE, found.dependent)),
            *(found.detection(rule, group) for group in (DISTRIBUTION, QUALITY)),
            *(found.detection(rule, group, equal=True) for group in (DISTRIBUTION, QUALITY)),
            with_interval(reached) if reached["reachable"].all() else "–",
        ]

    head = [
        *("rule", "false alarms, random rows", "consecutive rows", "distribution faults", "data-quality faults"),
        *("at 1 %: distribution", "data quality", "false alarms reached"),
    ]
    return markdown(head, found.rows(cells))


def _goals(found: Found) -> list[str]:
    """What was asked for before anything was measured, and whether it is reached."""
    ours, with_history, *_ = LEARNERS
    clean, consecutive = found.clean(ours, RANDOM), found.clean(with_history, CONSECUTIVE, found.dependent)
    faults, quality = (share(found.faulty(ours, group, equal=True)) for group in (DISTRIBUTION, QUALITY))
    leads = {rule: lead for rule in found.rules if rule not in LEARNERS and not math.isnan(lead := _lead(found, ours, rule))}
    nearest = min(leads, key=lambda rule: leads[rule], default="none")
    lead = leads.get(nearest, math.nan)
    rows = [
        ("false alarms: random rows", "≤ 1 %", with_interval(clean), clean["alarm"].mean() <= 0.01),
        ("consecutive rows, λ of a week of history", "≤ 2 %", with_interval(consecutive), consecutive["alarm"].mean() <= 0.02),
        ("at 1 % of false alarms: distribution faults", "≥ 87 %", percent(faults), faults >= 0.87),
        ("data-quality faults", "≥ 90 %", percent(quality), quality >= 0.9),
        (f"distribution faults, more than the best other rule: {nearest}", "≥ 8 points", percent(lead), lead >= 0.08),
    ]
    return markdown(["goal", "asked", "measured", "reached"], [[*row[:3], "yes" if row[3] else "no"] for row in rows])


def _lead(found: Found, ours: str, rule: str) -> float:
    """How much more of the distribution faults ours finds at equal false alarms, in data sets and sizes that the other has judged."""
    theirs = found.faulty(rule, DISTRIBUTION, equal=True)
    if not len(theirs) or not theirs["reachable"].all():
        return math.nan
    mine = found.faulty(ours, DISTRIBUTION, equal=True).merge(theirs[["data", "size"]].drop_duplicates(), on=["data", "size"])
    return share(mine) - share(theirs)


def _alarms(found: Found, order: str, data: Sequence[str] | None) -> list[str]:
    def cells(rule: str) -> list[str]:
        table = found.clean(rule, order, data)
        return [with_interval(table[table["size"] == size]) for size in sizes]

    sizes = sorted(found.clean(found.rules[0], order, data)["size"].unique())
    counts = ["windows", *(f"{len(t[t['size'] == size]):,}" for t in (found.clean(found.rules[0], order, data),) for size in sizes)]
    return markdown(["rule", *(f"n = {size:,}" for size in sizes)], [*found.rows(cells), counts]) if sizes else ["no windows", ""]


def _detections(found: Found, group: str) -> list[str]:
    def cells(rule: str) -> list[str]:
        return [found.detection(rule, group, equal=equal, size=size) for equal in (False, True) for size in found.sizes]

    head = ["rule", *(f"{size:,}" for size in found.sizes), *(f"{size:,} at 1 %" for size in found.sizes)]
    counts = ["windows", *(f"{len(t[t['size'] == size]):,}" for t in [found.faulty(found.rules[0], group)] * 2 for size in found.sizes)]
    return markdown(head, [*found.rows(cells), counts])


def _by_data(found: Found, order: str) -> list[str]:
    names = sorted(found.table[(found.table["order"] == order) & (found.table["group"] == CLEAN)]["data"].unique())

    def cells(rule: str) -> list[str]:
        return [percent(float(found.clean(rule, order, [name])["alarm"].mean())) for name in names]

    return markdown(["rule", *names], found.rows(cells))


def _by_fault(found: Found, rule: str) -> list[str]:
    """By kind, severity and size, as the rule is by default."""
    table = found.table[(found.table["rule"] == rule) & (found.table["order"] == RANDOM) & (found.table["group"] != CLEAN)]
    rows = []
    for fault in FAULTS.values():
        mine = table[table["fault"] == fault.name]
        if len(mine):
            cells = [" / ".join(_short(share(mine, size=size, severity=severity)) for severity in range(3)) for size in found.sizes]
            rows.append([fault.name, " / ".join(f"{by:g}" for by in fault.severities), *cells, f"{len(mine):,}"])
    return markdown(["fault", "severities", *(f"n = {size:,}" for size in found.sizes), "windows"], rows)


def _consecutive_faults(found: Found) -> list[str]:
    def cells(rule: str) -> list[str]:
        return [percent(share(found.faulty(rule, group, order=CONSECUTIVE))) for group in (DISTRIBUTION, QUALITY)]

    return markdown(["rule", "distribution faults", "data-quality faults"], found.rows(cells))


def _data(data: Mapping[str, DataSet], parts: Sequence[Part]) -> list[str]:
    rows = []
    for one in data.values():
        mine = [part for part in parts if part.data.name == one.name]
        numbers = sum(column.numeric for column in one.columns.values())
        order = [part for part in mine if part.order == CONSECUTIVE]
        spans = ", ".join(f"{part.size:,}: {len(part.spans[0])} and {len(part.spans[1])}" for part in order)
        random = ", ".join(f"{part.size:,}" for part in mine if part.order == RANDOM)
        consecutive = f"{order[0].baseline_rows:,} of {one.ordered_rows:,}; {spans}" if order else "–"
        columns = f"{numbers} + {len(one.columns) - numbers}"
        counts = [f"{one.rows:,}", columns, f"{one.rows // 2:,}", random]
        rows.append([one.name, *counts, one.order or "none", consecutive, one.source, one.licence])
    head = [
        *("data", "rows", "columns: numbers + texts", "random baselines' rows", "random windows' sizes", "order"),
        *("consecutive: baseline's rows; by size windows of history and reported", "source", "licence"),
    ]
    return markdown(head, rows)


def write(
    page: Path, data: Mapping[str, DataSet], parts: Sequence[Part], paths: Sequence[Path], missing: Sequence[str], command: str
) -> None:
    """The page and its plot; what is missing of what was asked for is said at the top."""
    table = windows_of(paths)
    known = [*LEARNERS, *(rule.name for rule in RULES), *(peer.rule for peer in PACKAGES.values())]
    present = [rule for rule in known if rule in set(table["rule"])]
    found = Found(
        table,
        at_level(table, EQUAL),
        present,
        [one.name for one in data.values() if one.dependent],
        [one.name for one in data.values() if one.moves],
    )
    independent = [one.name for one in data.values() if one.order and not one.dependent and not one.moves]
    first = table[table["rule"] == present[0]]
    clean, faulty = (first[(first["group"] == CLEAN) == wanted] for wanted in (True, False))
    curves = [(rule, level, told) for level in LEVELS for told in (at_level(table, level),) for rule in present]
    draw(page.with_name("alarms.svg"), *_points(found, curves))
    lines = [
        "# Alarms where nothing has changed, and faults that are found",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, `{command}`:",
        f"{len(clean):,} clean windows and {len(faulty):,} with a fault, of {len(data)} data sets,",
        "from the product's own states (KLL and all). Shares of windows in %; in parentheses the 95 % interval (Wilson) of a share of",
        "clean windows. Means over sizes weigh sizes alike.",
        "",
        *_not_whole(parts, missing),
        "![detection against false alarms](alarms.svg)",
        "",
        *_goals(found),
        *_summary(found),
        "## False alarms: clean windows in which any column alarms",
        "",
        "Random rows, which share none with the baseline:",
        "",
        *_alarms(found, RANDOM, None),
        f"Consecutive rows where neighbours are alike ({', '.join(found.dependent) or 'none'}), after the baseline and the history:",
        "",
        *_alarms(found, CONSECUTIVE, found.dependent),
        f"Consecutive rows that are independent ({', '.join(independent) or 'none'}):",
        "",
        *_alarms(found, CONSECUTIVE, independent),
        "By data set, all sizes, random rows:",
        "",
        *_by_data(found, RANDOM),
        "By data set, all sizes, consecutive rows:",
        "",
        *_by_data(found, CONSECUTIVE),
        "## Faults that are found",
        "",
        "Found is a fault if its column alarms; a sub-population if any does. Distribution faults, by rows of the window:",
        "",
        *_detections(found, DISTRIBUTION),
        "Data-quality faults:",
        "",
        *_detections(found, QUALITY),
        f"{present[0]}, as it is by default, by kind and severity (least / middle / most):",
        "",
        *_by_fault(found, present[0]),
        f"Faults planted in consecutive windows ({', '.join(found.dependent)}), rules at their defaults, beside their false alarms there:",
        "",
        *_consecutive_faults(found),
        "## Data",
        "",
        *_data(data, parts),
        (Path(__file__).with_name("method.md")).read_text("utf-8").rstrip(),
        "",
    ]
    page.write_text("\n".join(lines), "utf-8")


def _not_whole(parts: Sequence[Part], missing: Sequence[str]) -> list[str]:
    sizes = sorted({part.size for part in parts})
    lacks = [f"only windows of {', '.join(f'{size:,}' for size in sizes)} rows"] if set(sizes) != set(SIZES) else []
    lacking = Counter(name.rpartition(".")[2] for name in missing)
    lacks += [
        f"{who} judged {len(parts) - count} of {len(parts)} parts (a data set, size and order each)" for who, count in lacking.items()
    ]
    why = ["The tables show which; shares and means of a rule are over the windows that it judged.", ""]
    return [f"**Not whole**: {'; '.join(lacks)}.", *why] if lacks else []


def _points(found: Found, curves: Sequence[tuple[str, float, pd.DataFrame]]) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """What the plot shows: each rule by default, and with other thresholds."""
    whole = [rule for rule in found.rules for told in [found.equal[found.equal["rule"] == rule]] if len(told) and told["reachable"].all()]
    points = [
        {
            "rule": rule,
            "alarms": 100 * share(found.clean(rule, RANDOM)),
            "found": 100 * share(pd.concat([found.faulty(rule, group) for group in (DISTRIBUTION, QUALITY)])),
        }
        for rule in found.rules
        if len(found.clean(rule, RANDOM))
    ]
    lines = []
    for rule, _, told in curves:
        mine = told[told["rule"] == rule]
        if rule in whole:
            alarms, hits = share(mine[mine["group"] == CLEAN]), share(mine[mine["group"] != CLEAN])
            lines.append({"rule": rule, "alarms": 100 * alarms, "found": 100 * hits})
    return points, lines
