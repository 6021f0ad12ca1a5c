"""The states of an hour, put together from rows; a window is the sum of its hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import orjson
import pyarrow as pa

from hourglass.errors import InputError
from hourglass.scan import raise_fault
from hourglass.schemas import BAD_LINE, FAULT
from hourglass.segments import capped
from hourglass.states import COLUMN_STATES, ROW_STATES, ColumnProfile, ColumnState, Intake, RowSample, State


class UnknownStateError(InputError):
    """A state of a kind or version that this release does not know."""


StateRow = tuple[str, str, str, int, str, int, bytes]  # a row of the schema STORED_ROWS


@dataclass
class HourStates:
    """Everything that is known of an hour, or of several: what came in, each layout's columns by name, the segments.

    `of_rows` are states of whole rows, by kind. A segment has rows and columns of its own, and no segments; `bad_lines` are
    the ones that were set aside.
    """

    intake: Intake = field(default_factory=Intake)
    layouts: dict[str, dict[str, ColumnProfile]] = field(default_factory=dict)
    of_rows: dict[str, State] = field(default_factory=dict)
    segments: dict[str, HourStates] = field(default_factory=dict)
    sample: RowSample | None = None
    bad_lines: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def merged(cls, hours: Sequence[Self]) -> Self:
        """The sum of many hours at once; the same to the last bit whatever their order."""
        if len(hours) == 1:
            return hours[0]
        columns: dict[str, dict[str, list[ColumnProfile]]] = {}
        for hour in hours:
            for layout, found in hour.layouts.items():
                for name, profile in found.items():
                    columns.setdefault(layout, {}).setdefault(name, []).append(profile)
        of_rows: dict[str, list[State]] = {}
        for hour in hours:
            for kind, state in hour.of_rows.items():
                of_rows.setdefault(kind, []).append(state)
        segments: dict[str, list[HourStates]] = {}
        names = capped(name for hour in hours for name in hour.segments)
        for hour in hours:
            for name, segment in hour.segments.items():
                segments.setdefault(names[name], []).append(segment)
        samples = [hour.sample for hour in hours if hour.sample is not None]
        return cls(
            Intake.merged([hour.intake for hour in hours]),
            {
                layout: {name: ColumnProfile.merged(profiles) for name, profiles in sorted(found.items())}
                for layout, found in sorted(columns.items())
            },
            {kind: type(found[0]).merged(found) for kind, found in sorted(of_rows.items())},
            {name: HourStates.merged(found) for name, found in sorted(segments.items())},
            RowSample.merged(samples) if samples else None,
            [line for hour in hours for line in hour.bad_lines],
        )

    def rows(self, segment: str = "") -> Iterator[StateRow]:
        """The rows for the store."""
        yield segment, "", "", 0, Intake.kind, Intake.version, self.intake.to_bytes()
        for layout, columns in self.layouts.items():
            for name, profile in columns.items():
                for kind, state in profile.states.items():
                    yield segment, layout, name, profile.position, kind, state.version, state.to_bytes()
        for kind, of_rows in self.of_rows.items():
            yield segment, "", "", 0, kind, of_rows.version, of_rows.to_bytes()
        if self.sample is not None:
            yield segment, "", "", 0, RowSample.kind, RowSample.version, self.sample.to_bytes()
        for line in self.bad_lines:
            yield segment, "", "", 0, BAD_LINE, 1, orjson.dumps(line)
        for name, states in self.segments.items():
            yield from states.rows(name)

    @classmethod
    def from_rows(cls, rows: Iterable[StateRow]) -> Self:
        """The states that rows hold; rows of the same subject are merged. InputError for a state that is not known here."""
        parts: dict[str, _Parts] = {}
        for segment, layout, subject, position, kind, version, state in rows:
            parts.setdefault(segment, _Parts()).add(layout, subject, position, kind, version, state)
        whole = parts.pop("", _Parts()).made(cls)
        names = capped(parts)
        segments: dict[str, list[HourStates]] = {}
        for name, found in parts.items():
            segments.setdefault(names[name], []).append(found.made(HourStates))
        whole.segments = {name: HourStates.merged(found) for name, found in sorted(segments.items())}
        return whole


_OF_HOURS: dict[str, type[Any]] = {Intake.kind: Intake, RowSample.kind: RowSample}


def known_state(kind: str, version: int) -> type[Any]:
    """The class of a stored state; UnknownStateError for one that this release does not know."""
    cls: type[Any] | None = COLUMN_STATES.get(kind) or ROW_STATES.get(kind) or _OF_HOURS.get(kind)
    if cls is None or version > cls.version:
        known = ", ".join(f"{known} {found.version}" for known, found in {**COLUMN_STATES, **ROW_STATES}.items())
        raise UnknownStateError(f"state {kind!r} of version {version}", found="not known to this release", expected=known)
    return cls


H = TypeVar("H", bound=HourStates)


class _Parts:
    """States of the same subjects, waiting to be merged."""

    def __init__(self) -> None:
        self.intakes: list[Intake] = []
        self.samples: list[RowSample] = []
        self.bad_lines: list[bytes] = []
        self.of_rows: dict[str, list[State]] = {}
        self.columns: dict[tuple[str, str], dict[str, list[ColumnState]]] = {}
        self.positions: dict[tuple[str, str], int] = {}

    def add(self, layout: str, subject: str, position: int, kind: str, version: int, state: bytes) -> None:
        if kind == BAD_LINE:
            self.bad_lines.append(state)
            return
        cls = known_state(kind, version)
        made: Any = cls.from_bytes(state)
        if cls is Intake:
            self.intakes.append(made)
        elif cls is RowSample:
            self.samples.append(made)
        elif kind in ROW_STATES:
            self.of_rows.setdefault(kind, []).append(made)
        else:
            self.columns.setdefault((layout, subject), {}).setdefault(kind, []).append(made)
            self.positions[layout, subject] = min(position, self.positions.get((layout, subject), position))

    def made(self, cls: type[H]) -> H:
        layouts: dict[str, dict[str, ColumnProfile]] = {}
        for (layout, subject), kinds in sorted(self.columns.items(), key=lambda item: item[0]):
            states = {kind: type(found[0]).merged(found) if len(found) > 1 else found[0] for kind, found in kinds.items()}
            layouts.setdefault(layout, {})[subject] = ColumnProfile(states, self.positions[layout, subject])
        return cls(
            Intake.merged(self.intakes),
            layouts,
            {kind: type(found[0]).merged(found) for kind, found in sorted(self.of_rows.items())},
            sample=RowSample.merged(self.samples) if self.samples else None,
            bad_lines=[orjson.loads(line) for line in sorted(self.bad_lines)],
        )


def gather(found: pa.Table) -> dict[str, HourStates]:
    """The hours that a pass found, by partition; a failure that it sent as a row is raised."""
    by_partition: dict[str, list[StateRow]] = {}
    for partition, *row in zip(*(column.to_pylist() for column in found.columns), strict=True):
        if row[4] == FAULT:
            raise_fault(row[6])
        by_partition.setdefault(partition, []).append(tuple(row))
    return {partition: HourStates.from_rows(rows) for partition, rows in sorted(by_partition.items())}
