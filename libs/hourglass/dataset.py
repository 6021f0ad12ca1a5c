"""The columns of a window: the states of its hours merged, in one layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from hourglass.capture.reader import WRONG_WIDTH
from hourglass.hours import HourStates
from hourglass.states import ColumnProfile, Intake, ValueClasses


@dataclass(frozen=True)
class Dataset:
    """The rows of a window whose columns can be told apart.

    `layout` is "named" or the number of columns; `other_layouts` the rows with other numbers of columns, which are in
    no statistic.
    """

    rows: int
    layout: str
    columns: Mapping[str, ColumnProfile]
    intake: Intake
    other_layouts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_any_columns(cls, states: HourStates) -> Dataset:
        """All rows of an hour or a window, whatever columns they have, for who looks at none of them."""
        return cls(sum(states.intake.rows.values()), "", {}, states.intake)

    def share_with_columns(self, fits: Callable[[int], bool]) -> float:
        """Share of the rows whose columns have positions only and are of such a number."""
        layouts = {self.layout: self.rows, **self.other_layouts}
        fitting = sum(rows for layout, rows in layouts.items() if layout.isdigit() and fits(int(layout)))
        return fitting / sum(layouts.values()) if fitting else 0.0

    @property
    def positional(self) -> bool:
        """Whether columns are known by their position only."""
        return self.layout.isdigit()


def dataset_of(states: HourStates) -> Dataset:
    """The data set of an hour or a window: of the layout that most rows have (ties: the first by name).

    A row that lacks a column of its layout counts as a missing value there.
    """
    rows = states.intake.rows
    if not rows:
        return Dataset(0, "", {}, states.intake)
    layout = min(rows, key=lambda name: (-rows[name], name))
    found = states.layouts.get(layout, {})
    ordered = sorted(found.items(), key=lambda item: (item[1].position, item[0]))
    columns = {name: _filled_up(profile, rows[layout]) for name, profile in ordered}
    others = {name: n for name, n in rows.items() if name != layout}
    return Dataset(rows[layout], layout, columns, _with_other_layouts(states.intake, others), others)


def without_columns(dataset: Dataset, left_out: Collection[str]) -> Dataset:
    """The data set but for some columns."""
    return replace(dataset, columns={name: column for name, column in dataset.columns.items() if name not in left_out})


def _with_other_layouts(intake: Intake, others: Mapping[str, int]) -> Intake:
    """The intake with the lines of other layouts among the bad ones; a line may hold several rows."""
    if not others:
        return intake
    used = intake.lines - intake.bad_lines
    lines = max(1, round(used * sum(others.values()) / sum(intake.rows.values())))
    return replace(intake, bad=intake.bad + Counter({WRONG_WIDTH: lines}))


def _filled_up(profile: ColumnProfile, rows: int) -> ColumnProfile:
    lacking = rows - profile.get(ValueClasses).rows
    absent = ColumnProfile({ValueClasses.kind: ValueClasses(rows=lacking, missing=lacking)}, profile.position)
    return profile + absent if lacking else profile
