"""Some whole rows of an hour: those whose ids have the smallest hashes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import orjson

from hourglass.states.state import damaged
from hourglass.values import Hashes

K = 100


@dataclass(frozen=True)
class SampledRow:
    """A row of the sample: the hash of its id, its layout, the segments it is in, and its values by column."""

    hash: int
    layout: str
    segments: tuple[str, ...]
    values: Mapping[str, object]


class RowSample:
    """The k rows with the smallest 64-bit hashes of their ids: a uniform sample without replacement.

    Which rows are kept depends on their ids alone, so the same hour gives the same sample however it is cut, and a
    row that is in the sample of a month is in those of its day and its hour. `seen` counts all rows exactly. Samples of
    different k make one of the smaller; a sample of no rows limits none.

    A row may come in parts, as those of wide tables do, or twice, as captures that were retried: parts with one hash are
    laid together. Where they contradict each other, the larger by its JSON stays, and null only beside null.

    Values are text, numbers, booleans and null; anything else, and what JSON has no word for (NaN, infinities), is kept
    as text. The bytes are lines of JSON: one with k, `seen` and the hashes, then a row each, which is parsed only when
    it is asked for: merging 720 hours parses no row but those that two of them have.

    Source: bottom-k sketches, Cohen and Kaplan (2007), "Summarizing data using bottom-k sketches".

    >>> sample = RowSample.empty(2)
    >>> sample.take(np.array([7, 3, 5], np.uint64), [{"a": 1}, {"a": 2}, {"a": 3}], layout="named", counted=3)
    >>> [row.values["a"] for row in sample.rows()], sample.seen
    ([2, 3], 3)
    """

    kind: ClassVar[str] = "row_sample"
    version: ClassVar[int] = 1

    def __init__(self, k: int, seen: int, rows: dict[int, SampledRow | bytes]) -> None:
        self.k = k
        self.seen = seen
        self._rows = rows  # by hash; as they were stored until they are asked for

    @classmethod
    def empty(cls, k: int = K) -> Self:
        return cls(k, 0, {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowSample) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._rows)

    def below(self, hashes: Hashes) -> npt.NDArray[np.int64]:
        """The places of the hashes that are in the sample once these rows are in, in order: only those need be made rows."""
        kept = np.fromiter(self._rows, np.uint64, len(self._rows))
        places = np.arange(len(hashes)) if len(kept) < self.k else np.flatnonzero(hashes <= kept.max(initial=0))
        smallest = np.unique(np.concatenate([kept, hashes[places]]))[: self.k]
        entering: npt.NDArray[np.int64] = places[np.isin(hashes[places], smallest)]
        return entering

    def take(
        self,
        hashes: Hashes,
        rows: Sequence[Mapping[str, object]],
        segments: Sequence[Sequence[str]] | None = None,
        *,
        layout: str,
        counted: int,
    ) -> None:
        """Takes in rows, or parts of rows. `counted` is how many rows they were chosen from, 0 for a further part of the same."""
        self.seen += counted
        of_rows = segments if segments is not None else [()] * len(rows)
        for hashed, values, found in zip(hashes.tolist(), rows, of_rows, strict=True):
            row = SampledRow(hashed, _spelled(layout), _sorted(found), {_spelled(name): _scalar(value) for name, value in values.items()})
            self._rows[hashed] = _laid_together(hashed, [self._rows[hashed], row]) if hashed in self._rows else row
        if len(self._rows) > self.k:
            self._rows = {hashed: self._rows[hashed] for hashed in sorted(self._rows)[: self.k]}

    def rows(self) -> list[SampledRow]:
        """The rows of the sample in the order of their hashes, which is a random one."""
        return [_parsed(hashed, self._rows[hashed]) for hashed in sorted(self._rows)]

    @classmethod
    def merged(cls, states: Sequence[Self]) -> Self:
        filled = [state for state in states if state.seen or len(state)]
        k = min((state.k for state in filled or states), default=K)
        parts: dict[int, list[SampledRow | bytes]] = {}
        for state in filled:
            for hashed, row in state.stored().items():
                parts.setdefault(hashed, []).append(row)
        rows = {hashed: _laid_together(hashed, parts[hashed]) for hashed in sorted(parts)[:k]}
        return cls(k, sum(state.seen for state in states), rows)

    def __add__(self, other: Self) -> Self:
        return self.merged((self, other))

    def stored(self) -> Mapping[int, SampledRow | bytes]:
        """The rows by hash, parsed or as they were stored."""
        return self._rows

    def to_bytes(self) -> bytes:
        hashes = sorted(self._rows)
        lines = [_line(self._rows[hashed]) for hashed in hashes]
        head = {"k": self.k, "seen": self.seen, "hashes": [f"{hashed:016x}" for hashed in hashes], "bytes": sum(map(len, lines))}
        return b"\n".join([orjson.dumps(head), *lines])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        try:
            first, *lines = data.split(b"\n")
            head: Mapping[str, Any] = orjson.loads(first)
            hashes = [int(hashed, 16) for hashed in head["hashes"]]
            k, seen = head["k"], head["seen"]
            sound = len(lines) == len(hashes) <= k and sum(map(len, lines)) == head["bytes"] and seen >= 0
            sound &= head["hashes"] == sorted({f"{hashed:016x}" for hashed in hashes})
        except (ValueError, KeyError, TypeError) as fault:
            raise damaged(cls.kind, repr(fault), "a sample of rows") from fault
        if not sound or (type(k), type(seen)) != (int, int):
            raise damaged(cls.kind, f"{len(lines)} rows in {len(data)} bytes", f"{len(hashes)} of at most {k} in the order of their hashes")
        return cls(k, seen, dict(zip(hashes, lines, strict=True)))


def _line(row: SampledRow | bytes) -> bytes:
    if isinstance(row, bytes):
        return row
    parts = {"layout": row.layout, "segments": row.segments, "values": row.values}
    return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)


def _parsed(hashed: int, row: SampledRow | bytes) -> SampledRow:
    if isinstance(row, SampledRow):
        return row
    try:
        parts: Mapping[str, Any] = orjson.loads(row)
        return SampledRow(hashed, parts["layout"], tuple(parts["segments"]), dict(parts["values"]))
    except (ValueError, KeyError, TypeError) as fault:
        raise damaged(RowSample.kind, repr(fault), "a row with layout, segments and values") from fault


def _laid_together(hashed: int, parts: Sequence[SampledRow | bytes]) -> SampledRow | bytes:
    """Parts of a row, or a row captured twice, as one, whatever their order."""
    if len(parts) == 1:
        return parts[0]
    rows = [_parsed(hashed, part) for part in parts]
    values: dict[str, object] = {}
    for row in rows:
        for name, value in row.values.items():
            values[name] = max(values[name], value, key=_rank) if name in values else value
    return SampledRow(hashed, max(row.layout for row in rows), _sorted(name for row in rows for name in row.segments), values)


def _rank(value: object) -> tuple[bool, bytes]:
    return value is not None, orjson.dumps(value)


def _sorted(segments: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({_spelled(name) for name in segments}))


def _scalar(value: object) -> object:
    """A value as JSON can hold it."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    return _spelled(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def _spelled(text: str) -> str:
    """Text as UTF-8 can hold it: a lone surrogate, which JSON and hooks can make, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
