"""The sum of any window's hours, from this run's own states and from the store; no raw data are read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from hourglass.capture.window import Window, hour_of, hour_start, source_of
from hourglass.errors import InputError
from hourglass.hours import HourStates
from hourglass.processes import in_processes
from hourglass.store import Header, Listed, Reading, StateError, StateFile, StateStore, StoredHour

_KEPT_SUMS = 64  # of days and hours in memory: windows of one run overlap
_THREADS = 8
_OTHERS = "other settings (names, format, hook, segments or model)"
_WORTH_PROCESSES = 4  # days of a hundred features take a second, as long as a process takes to start
DAY_LETTERS = len("yyyy/mm/dd")

Hours = Mapping[str, StoredHour | None]
Wanted = Callable[[str], bool]


def _all(_source: str) -> bool:
    return True


@dataclass(frozen=True)
class Summed:
    """A window's states, the rows of each endpoint and variant in it, the hours that are in it, and what is not."""

    states: HourStates
    traffic: Mapping[str, int] = field(default_factory=dict)
    hours: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    """One hour, or the sum of a day's: which hours are in it, which could not be read and why, which are of another kind."""

    states: HourStates = field(default_factory=HourStates)
    read: tuple[str, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()


class History:
    """The hours of one monitor: those that this run has read (`fresh`), and those in the store.

    Stored hours are added up only if they were read as `reading` says; without one, as the last hour of the window was.
    Data outside of hour folders belong to the run's own `span` and to no other window.
    """

    def __init__(
        self,
        fresh: Mapping[str, HourStates],
        store: StateStore | None = None,
        span: Window | None = None,
        reading: Reading | None = None,
    ) -> None:
        self._fresh = fresh
        self._store = store
        self._span = span
        self._reading = reading
        self._sums: OrderedDict[tuple[str, ...], _Part] = OrderedDict()
        self._days: dict[tuple[str, str], Listed] = {}
        self.damaged: set[str] = set()  # hours that turned out to be unreadable

    def hours(self, window: Window | None, wanted: Wanted = _all) -> Hours:
        """The hours of a window that have states, by partition, of the sources (`endpoint/variant`) that are wanted.

        None as a window is all of time.
        """
        return self._listed(window, wanted)[0]

    def _listed(self, window: Window | None, wanted: Wanted) -> tuple[Hours, Collection[str]]:
        """The hours of a window, and the days that have been summed. A place is listed once."""
        found: dict[str, StoredHour | None] = {}
        summed: set[str] = set()
        if self._store is not None:
            days = list(dict.fromkeys(hour[:DAY_LETTERS] for hour in window.hours())) if window else [""]
            sources = [source for source in self._store.sources() if wanted(source)]
            places = [(source, day) for source in sources for day in days]
            self._days |= self._store.listed([place for place in places if place not in self._days])
            for place in places:
                found |= {hour.partition: hour for hour in self._days[place].hours}
                summed |= self._days[place].summed
        found |= dict.fromkeys(partition for partition in self._fresh if wanted(source_of(partition)))
        names = None if window is None else {*window.hours(), *([""] if window == self._span else [])}
        return {name: hour for name, hour in sorted(found.items()) if names is None or hour_of(name) in names}, summed

    def sum(self, window: Window | None, wanted: Wanted = _all, within: Collection[str] | None = None) -> Summed:
        """The sum of a window's hours, or of those `within` a set of partitions.

        The hours of a whole day are summed first, and days after that, whether or not the day's sum is in the store:
        so a window has the same bytes however it came about.
        """
        hours, summed = self._listed(window, wanted)
        if within is not None:
            hours = {partition: hour for partition, hour in hours.items() if partition in within}
        groups = list(_groups(hours, window))
        reading = self._reading if self._reading is not None else self._reading_of_last(hours)
        self._sum_days([group for group in groups if group[0][: -len("/hh")] not in summed and group not in self._sums], hours, reading)
        with ThreadPoolExecutor(_THREADS) as threads:
            parts = list(threads.map(lambda group: self._sums.get(group) or self._part(group, hours, reading), groups))
        by_source: dict[str, list[HourStates]] = {}
        for group, part in zip(groups, parts, strict=True):
            self._keep(group, part)
            self.damaged |= part.faults.keys()
            by_source.setdefault(source_of(group[0]), []).append(part.states)
        sources = {source: HourStates.merged(found) for source, found in by_source.items()}
        traffic = {source: sum(states.intake.rows.values()) for source, states in sources.items()}
        whole = HourStates.merged(list(sources.values())) if sources else HourStates()
        read = frozenset(hour_of(partition) for part in parts for partition in part.read)
        return Summed(whole, traffic, read, tuple(_warnings(parts)))

    def _reading_of_last(self, hours: Hours) -> Reading:
        """How the last of some stored hours was read; what cannot be read says so later."""
        for partition in reversed([partition for partition, hour in hours.items() if hour is not None]):
            try:
                header = self._store.header(partition) if self._store is not None else None
            except StateError:
                continue
            if header is not None:
                return Reading(header.reading.columns, header.reading.names)
        return Reading()

    def _sum_days(self, groups: Sequence[tuple[str, ...]], hours: Hours, reading: Reading) -> None:
        """Has processes put the sums of days into the store, where there are many to make."""
        days = [group for group in groups if len(group) > 1 and all(hours[partition] is not None for partition in group)]
        if self._store is not None and len(days) >= _WORTH_PROCESSES:
            listed = [{partition: hours[partition] for partition in group} for group in days]
            in_processes(partial(_sum_day, self._store, reading), listed)

    def _part(self, group: tuple[str, ...], hours: Hours, reading: Reading) -> _Part:
        """One hour, or the sum of a whole day's."""
        stamps = {hour_of(partition): (hour.size, hour.modified) for partition in group if (hour := hours[partition]) is not None}
        keeps = self._store if self._store is not None and len(group) > 1 and len(stamps) == len(group) else None
        day = group[0][: -len("/hh")]
        states = keeps.day(day, stamps, reading) if keeps else None
        if states is not None:
            return _Part(states, group)
        part, readings = self._read(group, reading)
        if keeps and part.read == group:
            common = readings.pop().segments if len({found.segments for found in readings}) == 1 else "several"
            keeps.write_day(day, part.states, Header(Reading(reading.columns, reading.names, common), stamps))
        return part

    def _keep(self, group: tuple[str, ...], part: _Part) -> None:
        self._sums[group] = part
        self._sums.move_to_end(group)
        if len(self._sums) > _KEPT_SUMS:
            self._sums.popitem(last=False)

    def _read(self, group: Iterable[str], reading: Reading) -> tuple[_Part, set[Reading]]:
        """The sum of some hours, all of whose rows are merged at once, and how they were read."""
        fresh: dict[str, HourStates] = {}
        files: dict[str, StateFile] = {}
        faults: dict[str, str] = {}
        others: list[str] = []
        for partition in group:
            if partition in self._fresh:
                fresh[partition] = self._fresh[partition]
                continue
            try:
                file = self._store.read(partition) if self._store is not None else None
            except StateError as fault:
                faults[partition] = str(fault)
                continue
            if file is None:
                faults[partition] = f"stored states {partition}: found no file any more; expected the one that was listed"
            elif not file.header.serves(reading):
                others.append(partition)
            else:
                files[partition] = file
        try:
            stored = HourStates.from_rows(row for file in files.values() for row in file.rows)
        except InputError:  # one of them; which one shows when each is read by itself
            stored = HourStates()
            for partition, file in files.items():
                try:
                    fresh[partition] = file.states()
                except StateError as fault:
                    faults[partition] = str(fault)
        states = HourStates.merged([stored, *fresh.values()]) if fresh else stored
        read = tuple(partition for partition in group if partition not in faults and partition not in others)
        return _Part(states, read, faults, tuple(others)), {file.header.reading for file in files.values()}


def _sum_day(store: StateStore, reading: Reading, hours: Hours) -> None:
    History({}, store)._part(tuple(hours), hours, reading)  # noqa: SLF001 the same class, in another process


def _warnings(parts: Iterable[_Part]) -> Iterable[str]:
    """A sentence for each hour that cannot be read, and one for all that were read in another way."""
    others: list[str] = []
    for part in parts:
        yield from part.faults.values()
        others += part.others
    if others:
        count = f"{len(others)} stored hours" if len(others) > 1 else "one stored hour"
        hint = "hourglass backfill with the settings of this run reads them again, while their captures are there"
        yield f"{count}, the first {min(others)}: found states of {_OTHERS}, left out. Hint: {hint}"


def _groups(hours: Iterable[str], window: Window | None) -> Iterable[tuple[str, ...]]:
    """The hours of each source by day where the whole day lies in the window, else one by one."""
    days: dict[str, list[str]] = {}
    for partition in hours:
        if not hour_of(partition):
            days[partition] = [partition]
            continue
        midnight = hour_start(hour_of(partition)).replace(hour=0)
        whole = window is None or (window.start <= midnight and midnight + timedelta(days=1) <= window.end)
        days.setdefault(partition[: -len("/hh")] if whole else partition, []).append(partition)
    return map(tuple, days.values())
