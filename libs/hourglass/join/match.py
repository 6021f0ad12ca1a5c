"""The label of each captured line, from rows in the order of their keys.

A key's labels come before its captures, so what must be kept while rows stream by is one label an hour of one key: a key
with ten thousand captures and as many labels costs no more memory than ten thousand keys.

A capture of hour H takes the latest of the key's labels of the hours H - 1 … H + wait. The latest is the one with the
latest time of its own; the begin of its folder's hour stands in for a time that it lacks; then the later hour, then the
later place in the files decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.capture.window import hour_of
from hourglass.join.plan import EARLY_HOURS, PLACE_BITS, JoinPlan, Places, hour_number
from hourglass.schemas import CAPTURE, KEY_ROWS, LABEL, MATCH_ROWS, NOTE

ROWS_AT_A_TIME = 1 << 15
_HOUR_SECONDS = 3600.0
_HOURS = 1 << 24  # more hours than there are in a thousand years

Flags = npt.NDArray[np.bool_]


@dataclass
class Counts:
    """What became of captures by the number of their partition, and of labels by hour.

    `pairs` counts the labels that the captures of a partition took, by the label's hour; `passed_over` the lines of labels
    that a later one of the same key kept from being taken.
    """

    unmatched: Counter[int] = field(default_factory=Counter)
    duplicated: Counter[int] = field(default_factory=Counter)
    passed_over: Counter[int] = field(default_factory=Counter)
    pairs: Counter[tuple[int, int]] = field(default_factory=Counter)
    used: Counter[int] = field(default_factory=Counter)
    superseded: Counter[int] = field(default_factory=Counter)
    left: Counter[int] = field(default_factory=Counter)

    def document(self, partitions: tuple[str, ...]) -> dict[str, Any]:
        """The counts as the driver takes them."""
        return {
            "unmatched": _named(self.unmatched, partitions),
            "duplicated": _named(self.duplicated, partitions),
            "passed_over": _named(self.passed_over, partitions),
            "pairs": [[partitions[scope], hour, count] for (scope, hour), count in sorted(self.pairs.items())],
            "used": sorted(self.used.items()),
            "superseded": sorted(self.superseded.items()),
            "left": sorted(self.left.items()),
        }


def _named(counts: Counter[int], partitions: tuple[str, ...]) -> dict[str, int]:
    return {partitions[scope]: count for scope, count in sorted(counts.items())}


def match_rows(batches: Iterable[pa.RecordBatch], plan: JoinPlan, targets: npt.NDArray[np.int32]) -> Iterator[pa.RecordBatch]:
    """The captured lines that have a label, from rows in `KEY_ROWS_ORDER`; notes are handed on. In the schema `MATCH_ROWS`.

    `targets` says of each part which task writes it.
    """
    matcher = _Matcher(plan, targets)
    for rows in _gathered(batches):
        yield from matcher.take(rows)
    matcher.settle()
    note = orjson.dumps({"matched": matcher.counts.document(plan.partitions)}).decode()
    yield _notes([note], targets)


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches put together: a step costs the same for a thousand rows as for thirty thousand."""
    found: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        found.append(batch)
        size += batch.num_rows
        if size >= ROWS_AT_A_TIME:
            yield pa.Table.from_batches(found).cast(KEY_ROWS)
            found, size = [], 0
    if size:
        yield pa.Table.from_batches(found).cast(KEY_ROWS)


def _notes(payloads: Iterable[str], targets: npt.NDArray[np.int32]) -> pa.RecordBatch:
    target = int(targets[0]) if len(targets) else 0
    rows = [{"target": target, "place": -1, "payload": payload, "delay": 0.0, "timed": False} for payload in payloads]
    return pa.RecordBatch.from_pylist(rows, MATCH_ROWS)


class _Matcher:
    """Rows of keys that follow each other; the labels of the last key are kept for the rows to come."""

    def __init__(self, plan: JoinPlan, targets: npt.NDArray[np.int32]) -> None:
        self.counts = Counts()
        self._wait = plan.wait
        self._hours = np.array([hour_number(hour_of(partition)) for partition in plan.partitions], np.int64)
        self._targets = targets
        self._labels = KEY_ROWS.empty_table()
        self._lines = np.empty(0, np.int64)  # how many lines each of the kept labels stands for
        self._used = np.empty(0, np.bool_)
        self._seen = np.empty(0, np.bool_)
        self._last: tuple[str, int, str | None] | None = None  # key, partition and event of the last capture

    def take(self, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        """Takes in the next rows, and gives the captured lines whose label is known."""
        kinds = np.asarray(rows["kind"])
        noted = kinds == NOTE
        if noted.any():
            yield _notes(rows["payload"].filter(pa.array(noted)).to_pylist(), self._targets)
            rows = rows.filter(pa.array(~noted))
        if rows.num_rows == 0:
            return
        kept = self._labels.num_rows
        rows = pa.concat_tables([self._labels, rows]).combine_chunks()
        kinds = np.asarray(rows["kind"])
        codes = _codes(rows["key"].chunk(0))
        winners = self._win(rows, kinds, codes, kept)
        yield from self._match(rows.filter(pa.array(kinds == CAPTURE)), codes[kinds == CAPTURE], winners)
        self._keep(winners, int(codes[-1]))

    def settle(self) -> None:
        """Counts what became of the labels that are kept, since no row of theirs will come."""
        hours = np.asarray(self._labels["scope"], np.int64)
        _add(self.counts.used, hours[self._used])
        _add(self.counts.superseded, hours[self._seen & ~self._used])
        _add(self.counts.left, hours[~self._seen])

    def _win(self, rows: pa.Table, kinds: npt.NDArray[np.int8], codes: Places, kept: int) -> _Winners:
        """The latest label of each key and hour; the others count as superseded."""
        places = np.flatnonzero(kinds == LABEL)
        hours = np.asarray(rows["scope"], np.int64)[places]
        within = codes[places] * _HOURS + hours  # ascends, as the rows do
        last = np.append(within[1:] != within[:-1], True) if len(within) else np.empty(0, np.bool_)
        _add(self.counts.superseded, hours[~last])
        ends = np.flatnonzero(last)
        lines = np.ones(len(places), np.int64)
        lines[:kept] = self._lines
        sums = np.diff(np.concatenate([[0], np.cumsum(lines)[ends]]))
        flags = [np.zeros(len(places), np.bool_) for _ in range(2)]
        flags[0][:kept], flags[1][:kept] = self._used, self._seen
        # a kept label has flags only if captures of its key have come, and then no label of it comes any more
        return _Winners(rows.take(pa.array(places[ends])), within[ends], sums, flags[0][ends], flags[1][ends])

    def _match(self, captures: pa.Table, codes: Places, winners: _Winners) -> Iterator[pa.RecordBatch]:
        if captures.num_rows == 0:
            return
        scopes = np.asarray(captures["scope"], np.int64)
        fresh, begins = self._news(captures, codes, scopes)
        _add(self.counts.duplicated, scopes[~fresh])
        groups = np.cumsum(begins) - begins[0]  # of one key and partition: they share a label
        starts = np.unique(groups, return_index=True)[1]
        best = winners.best(codes[starts], self._hours[scopes[starts]], self._wait)
        counted = np.ones(len(starts), np.bool_)
        counted[0] = begins[0]  # the rest of a group was counted with its begin
        self._count_groups(scopes[starts], best, winners, counted)
        label = best.winner[groups]
        _add(self.counts.unmatched, scopes[fresh & (label < 0)])
        matched = np.flatnonzero(fresh & (label >= 0))
        if len(matched):
            yield self._rows(captures.take(pa.array(matched)), winners.rows.take(pa.array(label[matched])), self._hours[scopes[matched]])

    def _news(self, captures: pa.Table, codes: Places, scopes: Places) -> tuple[Flags, Flags]:
        """Which captures are none that was there before, and which are the first of their key and partition.

        The same event of the same key in the same hour is the same capture, delivered twice; one without an event's id
        is never taken for another.
        """
        events = captures["event"].combine_chunks()
        begins = np.ones(len(codes), np.bool_)
        begins[1:] = (codes[1:] != codes[:-1]) | (scopes[1:] != scopes[:-1])
        other = np.ones(len(codes), np.bool_)
        other[1:] = np.asarray(pc.fill_null(pc.not_equal(events[1:], events[:-1]), fill_value=True))
        first = captures["key"][0].as_py(), int(scopes[0]), events[0].as_py()
        if self._last is not None and self._last[:2] == first[:2]:
            begins[0] = False
            other[0] = first[2] is None or first[2] != self._last[2]
        self._last = captures["key"][-1].as_py(), int(scopes[-1]), events[-1].as_py()
        return begins | other, begins

    def _count_groups(self, scopes: Places, best: _Best, winners: _Winners, counted: Flags) -> None:
        chosen = counted & (best.winner >= 0)
        winners.used[best.winner[best.winner >= 0]] = True
        reach = np.zeros(len(winners.within) + 1, np.int64)
        np.add.at(reach, best.first, 1)
        np.add.at(reach, best.end, -1)
        np.logical_or(winners.seen, np.cumsum(reach)[:-1] > 0, out=winners.seen)
        pairs, counts = np.unique(scopes[chosen] * _HOURS + winners.within[best.winner[chosen]] % _HOURS, return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            self.counts.pairs[divmod(pair, _HOURS)] += count
        running = np.concatenate([[0], np.cumsum(winners.lines)])
        others = running[best.end[chosen]] - running[best.first[chosen]] - 1
        _add(self.counts.passed_over, np.repeat(scopes[chosen], others))

    def _rows(self, captures: pa.Table, labels: pa.Table, hours: Places) -> pa.RecordBatch:
        places = np.asarray(captures["place"])
        between = pc.subtract(labels["time"], captures["time"]).combine_chunks()  # null where one of the two has no time
        timed = np.asarray(between.is_valid())
        apart = (np.asarray(labels["scope"], np.int64) - hours) * _HOUR_SECONDS
        delay = np.where(timed, np.asarray(pc.fill_null(between, 0)) / 1e6, apart)
        columns = [
            pa.array(self._targets[places >> PLACE_BITS]),
            pa.array(places),
            labels["payload"].combine_chunks(),
            pa.array(delay),
            pa.array(timed),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=MATCH_ROWS)

    def _keep(self, winners: _Winners, code: int) -> None:
        """Keeps the labels of the last key; counts those of the keys that are over."""
        last = winners.within // _HOURS == code
        over = ~last
        hours = winners.within[over] % _HOURS
        used, seen = winners.used[over], winners.seen[over]
        _add(self.counts.used, hours[used])
        _add(self.counts.superseded, hours[seen & ~used])
        _add(self.counts.left, hours[~seen])
        self._labels = winners.rows.filter(pa.array(last)).combine_chunks()
        self._lines, self._used, self._seen = winners.lines[last], winners.used[last], winners.seen[last]


@dataclass(frozen=True)
class _Best:
    """Of each group of captures: the labels in its reach, as the first and one past the last, and the latest of them (-1: none)."""

    first: Places
    end: Places
    winner: Places


@dataclass(frozen=True)
class _Winners:
    """The latest label of each key and hour, in order; `within` is the number of its key with its hour, `lines` the lines it stands for."""

    rows: pa.Table
    within: Places
    lines: Places
    used: Flags
    seen: Flags

    def best(self, codes: Places, hours: Places, wait: int) -> _Best:
        """The latest label in reach of each group of captures, which is of a key and an hour."""
        at = codes * _HOURS + hours
        first = np.searchsorted(self.within, at - EARLY_HOURS, side="left")
        end = np.searchsorted(self.within, at + wait, side="right")
        found = end > first
        winner = np.where(found, first, -1)
        several = np.flatnonzero(end - first > 1)
        if len(several):
            order = np.lexsort([self.within, np.asarray(self.rows["stamp"])])  # there is one label an hour
            ranks = np.empty(len(order) + 1, np.int64)
            ranks[order] = np.arange(len(order))
            ranks[-1] = -1  # where a reach ends with the last label
            edges = np.stack([first[several], end[several]], axis=1).reshape(-1)
            winner[several] = order[np.maximum.reduceat(ranks, edges)[::2]]
        return _Best(first, end, winner)


def _codes(keys: pa.StringArray) -> Places:
    """A number for each row: that of its key among the keys of these rows."""
    changes = np.asarray(pc.not_equal(keys[1:], keys[:-1]))
    return np.concatenate([[0], np.cumsum(changes, dtype=np.int64)])


def _add(counts: Counter[int], numbers: Places) -> None:
    values, found = np.unique(numbers, return_counts=True)
    counts.update(dict(zip(values.tolist(), found.tolist(), strict=True)))
