"""States of hours, put together from the rows of a pass; windows are sums of hours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
import pyarrow as pa

from hourglass.errors import InputError
from hourglass.scan import raise_fault
from hourglass.schemas import BAD_LINE, FAULT
from hourglass.states import COLUMN_STATES, ColumnProfile, Intake


@dataclass
class HourStates:
    """Everything that is known of an hour, or of several: what came in, and each layout's columns by name."""

    intake: Intake = field(default_factory=Intake)
    layouts: dict[str, dict[str, ColumnProfile]] = field(default_factory=dict)

    def __add__(self, other: Self) -> Self:
        layouts = {layout: dict(columns) for layout, columns in self.layouts.items()}
        for layout, columns in other.layouts.items():
            mine = layouts.setdefault(layout, {})
            for name, profile in columns.items():
                mine[name] = mine[name] + profile if name in mine else profile
        return type(self)(self.intake + other.intake, layouts)


@dataclass
class Gathered:
    """What a pass found: states by hour, and the lines that were set aside."""

    hours: dict[str, HourStates] = field(default_factory=dict)
    bad_lines: list[dict[str, Any]] = field(default_factory=list)


def gather(tables: Iterable[pa.Table | pa.RecordBatch]) -> Gathered:
    """Merges the rows of a pass. Rows are taken in a stated order, so that the same input gives the same bytes."""
    gathered = Gathered()
    rows: list[tuple[Any, ...]] = []
    for table in tables:
        rows += zip(*(table.column(name).to_pylist() for name in table.schema.names), strict=True)
    rows.sort()
    for hour, layout, subject, position, kind, version, state in rows:
        if kind == FAULT:
            raise_fault(state)
        if kind == BAD_LINE:
            gathered.bad_lines.append(orjson.loads(state))
            continue
        states = gathered.hours.setdefault(hour, HourStates())
        if kind == Intake.kind:
            states.intake += Intake.from_bytes(state)
            continue
        cls = COLUMN_STATES.get(kind)
        if cls is None or version > cls.version:
            raise InputError(f"state {kind!r} version {version}", found="not known to this release", expected=", ".join(COLUMN_STATES))
        profile = ColumnProfile({kind: cls.from_bytes(state)}, position)
        columns = states.layouts.setdefault(layout, {})
        columns[subject] = columns[subject] + profile if subject in columns else profile
    return gathered
