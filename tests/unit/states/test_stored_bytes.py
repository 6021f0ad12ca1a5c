"""Bytes that a release has stored stay readable: `tests/data/states` has some of every state and version there was.

`python -m tests.unit.states.test_stored_bytes` writes what is missing there, and the numbers that are expected of it.

A changed layout takes a new `version` in its state, and with it new files here. Those that are there never change: they
are what users have in their stores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from hourglass.hashing import hash_places
from hourglass.states import COLUMN_STATES, Categories, Distinct, Intake, Quantiles, Repeats, RowSample, SecondMoment
from hourglass.values import classify
from tests.stored_bytes import CASES, StoredBytes

FOLDER = Path(__file__).parents[2] / "data" / "states"
STATES: dict[str, Any] = {**COLUMN_STATES, Intake.kind: Intake, RowSample.kind: RowSample}
RANKS = (0.0, 0.001, 0.25, 0.5, 0.75, 0.999, 1.0)
POINTS = (-1e9, -2.5, 0.0, 3.0, 17.25, 500.0)


def facts(state: Any) -> dict[str, Any]:
    """The numbers that users see of a state."""
    if isinstance(state, Quantiles):
        found = {"n": state.n, "minimum": state.minimum, "maximum": state.maximum, "levels": [len(level) for level in state.levels]}
        below = state.counts_below(np.array(POINTS), inclusive=True).tolist()
        found |= {"quantiles": [state.quantile(rank) for rank in RANKS], "counts_below": below}
    elif isinstance(state, Distinct):
        found = {"estimate": round(state.estimate, 6), "registers": int(state.registers.sum()), "zeros": int((state.registers == 0).sum())}
    elif isinstance(state, Categories):
        table = state.table()
        found = {"total": state.total, "other": state.other, "truncated": state.truncated, "kept": len(table)}
        found |= {"first": dict(list(table.items())[:8]), "last": dict(list(table.items())[-2:])}
    elif isinstance(state, Repeats):
        kept = sorted(zip(state.numbers.tolist(), state.counts.tolist(), strict=True))
        found = {"n": state.n, "share": state.share, "kept": len(kept), "first": kept[:8], "counted": sum(count for _, count in kept)}
    elif isinstance(state, SecondMoment):
        found = {"n": state.n, "estimate": state.estimate, "first": state.buckets[:8].tolist(), "last": state.buckets[-2:].tolist()}
    elif isinstance(state, RowSample):
        found = {"k": state.k, "seen": state.seen, "rows": [asdict(row) for row in state.rows()]}
    else:
        found = dict(vars(state))
    return orjson.loads(orjson.dumps(found))  # infinities and NaN are null, tuples lists


def sample_of(k: int, rows: int) -> RowSample:
    """A sample of rows of every kind of value."""
    sample = RowSample.empty(k)
    values: list[dict[str, object]] = [
        {"age": i, "city": "Zürich" if i % 3 else None, "rate": i / 7, "member": i % 2 == 0, "score": float("inf")} for i in range(rows)
    ]
    segments = [("country=ch", f"tier={i % 2}") for i in range(rows)]
    sample.take(hash_places("2026/01/01/00/a.jsonl", 0, rows), values, segments, layout="named", counted=rows)
    return sample


def columns(case: str) -> list[Any]:
    """The blocks of one column."""
    if case == "small":
        return [["1", "2.5", "x", "", None, "true", "nan", "inf", "-3", "x"], ["é" * 300, "日本", "x", "1.0"]]
    numbers = np.arange(60_000) * 7919 % 60_000 / 8 - 3000
    return [pa.array(numbers[:40_000]), pa.array(numbers[40_000:]), [f"id-{i * 31 % 2500:04d}" for i in range(5000)]]


def make(kind: str, case: str) -> Any:
    """The state of a case."""
    if case == "empty":
        return STATES[kind].empty()
    if kind == Intake.kind:
        size = 1 if case == "small" else 10**9
        bad = Counter({"not JSON": 2 * size, "of the wrong width": size})
        return Intake(12 * size, Counter({"21": 7 * size, "named": 2 * size}), bad, 3 * size, 4 * size, ("a.jsonl:3", "b.jsonl:1"))
    if kind == RowSample.kind:
        return sample_of(10, 3) if case == "small" else sample_of(10, 500)
    state = STATES[kind].empty()
    for column in columns(case):
        state.update(classify(column))
    return state


STORED = StoredBytes(FOLDER, STATES, make, facts)


@pytest.mark.parametrize(("kind", "version", "case"), STORED.stored())
def test_stored_bytes_give_the_numbers_they_always_gave(kind: str, version: int, case: str) -> None:
    """Today's code reads what any release has stored, and finds in it what was found then."""
    state = STATES[kind].from_bytes(STORED.bytes_at(kind, version, case).read_bytes())
    assert facts(state) == orjson.loads(STORED.expected(kind, version).read_bytes())[case]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", sorted(STATES))
def test_every_state_has_stored_bytes_and_still_writes_them(kind: str, case: str) -> None:
    """A new state, or a new version, comes with files here; a layout that changed without a version is noticed."""
    path = STORED.bytes_at(kind, STATES[kind].version, case)
    assert path.exists(), f"run python -m {__name__}"
    assert STATES[kind].from_bytes(path.read_bytes()).to_bytes() == path.read_bytes()


@pytest.mark.parametrize("kind", sorted({kind for kind, _, _ in STORED.stored()}))
def test_old_and_new_states_add_up(kind: str) -> None:
    """Stored hours of all versions merge with each other and with those made today."""
    cls: Callable[[bytes], Any] = STATES[kind].from_bytes
    states = [cls(STORED.bytes_at(*found).read_bytes()) for found in STORED.stored() if found[0] == kind]
    merged = STATES[kind].merged([*states, make(kind, "small")])
    assert STATES[kind].from_bytes(merged.to_bytes()) == merged


if __name__ == "__main__":
    STORED.write_missing()
