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
from hourglass.store import Listed, StateError, StateFile, StateStore, StoredHour

_KEPT_SUMS = 64  # of days and hours in memory: windows of one run overlap
_THREADS = 8
_WORTH_PROCESSES = 4  # days of a hundred features take a second, as long as a process takes to start
DAY_LETTERS = len("yyyy/mm/dd")


def _all(_source: str) -> bool:
    return True


@dataclass(frozen=True)
class Summed:
    """A window's states, the rows of each endpoint and variant in it, how many hours it has, and what could not be read."""

    states: HourStates
    traffic: Mapping[str, int] = field(default_factory=dict)
    hours: int = 0
    unreadable: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows all variants have together."""
        return sum(self.traffic.values())


class History:
    """The hours of one monitor: those that this run has read (`fresh`), and those in the store.

    Data outside of hour folders belong to the run's own `span` and to no other window.
    """

    def __init__(self, fresh: Mapping[str, HourStates], store: StateStore | None = None, span: Window | None = None) -> None:
        self._fresh = fresh
        self._store = store
        self._span = span
        self._sums: OrderedDict[tuple[str, ...], tuple[HourStates, tuple[str, ...]]] = OrderedDict()

    def hours(self, window: Window | None, wanted: Callable[[str], bool] = _all) -> dict[str, StoredHour | None]:
        """The hours of a window that have states, by partition, of the sources (`endpoint/variant`) that are wanted.

        None as a window is all of time.
        """
        return self._listed(window, wanted)[0]

    def _listed(self, window: Window | None, wanted: Callable[[str], bool]) -> tuple[dict[str, StoredHour | None], Collection[str]]:
        """The hours of a window, and the days that have been summed."""
        listed = Listed()
        if self._store is not None:
            days = list(dict.fromkeys(hour[:DAY_LETTERS] for hour in window.hours())) if window else None
            listed = self._store.listed(filter(wanted, self._store.sources()), days)
        found: dict[str, StoredHour | None] = {hour.partition: hour for hour in listed.hours}
        found |= dict.fromkeys(partition for partition in self._fresh if wanted(source_of(partition)))
        names = None if window is None else {*window.hours(), *([""] if window == self._span else [])}
        return {name: hour for name, hour in sorted(found.items()) if names is None or hour_of(name) in names}, listed.summed

    def sum(self, window: Window | None, wanted: Callable[[str], bool] = _all, within: Collection[str] | None = None) -> Summed:
        """The sum of a window's hours, or of those `within` a set of partitions.

        The hours of a whole day are summed first, and days after that, whether or not the day's sum is in the store:
        so a window has the same bytes however it came about.
        """
        hours, summed = self._listed(window, wanted)
        if within is not None:
            hours = {partition: hour for partition, hour in hours.items() if partition in within}
        parts: dict[str, list[HourStates]] = {}
        unreadable: list[str] = []
        groups = list(_groups(hours, window))
        self._sum_days([group for group in groups if group[0][: -len("/hh")] not in summed and group not in self._sums], hours)
        with ThreadPoolExecutor(_THREADS) as threads:
            sums = list(threads.map(lambda group: self._sums.get(group) or self._sum_of(group, hours), groups))
        for group, (states, faults) in zip(groups, sums, strict=True):
            self._keep(group, (states, faults))
            parts.setdefault(source_of(group[0]), []).append(states)
            unreadable += faults
        sources = {source: HourStates.merged(found) for source, found in parts.items()}
        traffic = {source: sum(states.intake.rows.values()) for source, states in sources.items()}
        whole = HourStates.merged(list(sources.values())) if sources else HourStates()
        return Summed(whole, traffic, len({hour_of(partition) for partition in hours}) - len(unreadable), tuple(unreadable))

    def _sum_days(self, groups: Sequence[tuple[str, ...]], hours: Mapping[str, StoredHour | None]) -> None:
        """Has processes put the sums of days into the store, where there are many to make."""
        days = [group for group in groups if len(group) > 1 and all(hours[partition] is not None for partition in group)]
        if self._store is not None and len(days) >= _WORTH_PROCESSES:
            in_processes(partial(_sum_day, self._store), [{partition: hours[partition] for partition in group} for group in days])

    def _sum_of(self, group: tuple[str, ...], hours: Mapping[str, StoredHour | None]) -> tuple[HourStates, tuple[str, ...]]:
        """One hour, or the sum of a whole day's, with the sentences of those that cannot be used."""
        source, day = source_of(group[0]), hour_of(group[0])[:DAY_LETTERS]
        stored = {hour_of(p): (hour.size, hour.modified) for p in group if (hour := hours[p]) is not None}
        keeps = self._store if self._store is not None and len(group) > 1 and len(stored) == len(group) else None
        states = keeps.day(source, day, stored) if keeps else None
        faults: tuple[str, ...] = ()
        if states is None:
            states, faults = self._read(group)
            if keeps and not faults:
                keeps.write_day(source, day, states, stored)
        return states, faults

    def _keep(self, group: tuple[str, ...], found: tuple[HourStates, tuple[str, ...]]) -> None:
        self._sums[group] = found
        self._sums.move_to_end(group)
        if len(self._sums) > _KEPT_SUMS:
            self._sums.popitem(last=False)

    def _read(self, group: Iterable[str]) -> tuple[HourStates, tuple[str, ...]]:
        """The sum of some hours, all of whose rows are merged at once, with the sentences of those that cannot be used."""
        fresh: list[HourStates] = []
        files: list[StateFile] = []
        faults: list[str] = []
        for partition in group:
            try:
                if partition in self._fresh:
                    fresh.append(self._fresh[partition])
                elif self._store is not None and (file := self._store.read(partition)) is not None:
                    files.append(file)
            except StateError as fault:
                faults.append(str(fault))
        try:
            stored = HourStates.from_rows(row for file in files for row in file.rows)
        except InputError:  # one of them; which one shows when each is read by itself
            for file in files:
                try:
                    fresh.append(file.states())
                except StateError as fault:
                    faults.append(str(fault))
            stored = HourStates()
        return HourStates.merged([stored, *fresh]) if fresh else stored, tuple(faults)


def _sum_day(store: StateStore, hours: Mapping[str, StoredHour | None]) -> None:
    History({}, store)._sum_of(tuple(hours), hours)  # noqa: SLF001 the same class, in another process


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
