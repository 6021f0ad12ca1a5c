"""Bytes of labels and predictions that a release has stored stay readable: `tests/data/states/quality` has some of every state.

`PYTHONPATH=. python -m tests.unit.quality.test_stored_bytes` writes what is missing there, and the numbers that are expected
of it. As with the states of columns, a changed layout takes a new `version`, and files that are there never change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from hourglass.attribution.report import analysis_document as attribution_analysis
from hourglass.attribution.report import compared, global_attributions
from hourglass.bias import FacetValue, Stage, analysis_document, measure_bias
from hourglass.hashing import hash_places
from hourglass.quality import Bootstrap, Problem, quality_statistics
from hourglass.states import Attributions, ClassProbabilities, Confusion, Errors, FacetCounts, LabelSets, Rankings, Scores
from tests.stored_bytes import CASES, StoredBytes
from tests.unit.quality.rows import confusion, report_of

FOLDER = Path(__file__).parents[2] / "data" / "states" / "quality"
STATES: dict[str, Any] = {
    cls.kind: cls for cls in (Attributions, ClassProbabilities, Confusion, Errors, FacetCounts, LabelSets, Rankings, Scores)
}
PROBLEMS = {
    "class_probabilities": Problem.MULTICLASS,
    "confusion": Problem.MULTICLASS,
    "errors": Problem.REGRESSION,
    "label_sets": Problem.MULTILABEL,
    "rankings": Problem.RANKING,
    "scores": Problem.BINARY,
}
ROWS = dict(zip(CASES, (0, 5, 70_000), strict=True))


def make(kind: str, case: str) -> Any:
    """The state of a case, of numbers that are the same everywhere."""
    n = ROWS[case]
    state = STATES[kind].empty()
    if n == 0:
        return state
    n = min(n, 3000) if kind in {"attributions", "label_sets", "rankings", "confusion", "facet_counts"} else n
    places = np.arange(n) * 7919 % 104_729
    ids = hash_places("2026/01/01/00/a.jsonl", 0, n)
    names = pa.array([f"é{i % 1201}" if i % 11 else None for i in places.tolist()])
    others = pa.array([f"é{i % 1200}" if i % 7 else None for i in places.tolist()])
    if kind == "confusion":
        state.update(names, others)
    elif kind == "facet_counts":
        groups = pa.array([f"g{i % 1301}" if i % 5 else None for i in places.tolist()])
        # the first facet and the labels have more values than are kept
        state.update({"Sex": names, "Sex & é": pa.array([f"{i % 3} & é" for i in places.tolist()])}, groups, others, names)
    elif kind == "scores":
        state.update(places % 3 > 0, places / 104_729)
        if case == "overflowing":  # most rows have one score, so that the file has few buckets
            state.update(np.arange(3_000_000) % 2 > 0, np.full(3_000_000, 0.5))
    elif kind == "errors":
        state.update(places / 8 - 5, places / 8 - 5 + places % 5 / 4, ids)
    elif kind == "label_sets":
        sets = [pa.array([[f"é{i % 1201}", f"é{i % m}"] for i in places.tolist()]) for m in (5, 7)]
        state.update(*sets, ids)
    elif kind == "rankings":
        lists = [pa.array([[(i * j) % m for j in range(1, 15)] for i in places.tolist()]) for m in (4, 11)]
        state.update(*lists, ids)
    elif kind == "attributions":
        values = np.stack([(places % m - m / 3) / 64 for m in (2, 3, 5, 7, 11, 13)], axis=1).reshape(n, 2, 3)
        state.update(values, ("1", "0"), ("sex", "é", "age"), np.array([0.25, 0.75]), ids, weight=1.5)
    else:
        table = np.stack([places % 7, places % 5, places % 3], axis=1) / 7
        state.update(pa.array([["a", "b", "c", "d"][i % 4] for i in places.tolist()]), table, ["a", "b", "c"], ids)
    return state


def facts(state: Any) -> dict[str, Any]:
    """The numbers that users see of a state; without draws, which are NumPy's and may change with it."""
    if isinstance(state, FacetCounts):
        return facet_facts(state)
    if isinstance(state, Attributions):
        return attribution_facts(state)
    states = [state] if state.kind not in {"scores", "class_probabilities"} else [confusion(["1", "0"], ["1", "0"]), state]
    document = quality_statistics(report_of(PROBLEMS[state.kind], *states, bootstrap=Bootstrap(draws=0)))
    for part in document.values():
        part.pop("confusion_matrix", None)
        part.pop("receiver_operating_characteristic_curve", None)
        part.pop("precision_recall_curve", None)
    if hasattr(state, "sums"):
        document["sums"] = [float(f"{number:.9g}") for number in state.sums.sum(axis=0)]
    return orjson.loads(orjson.dumps({"n": state.n, **document}))


def attribution_facts(state: Attributions) -> dict[str, Any]:
    """The attributions by label as the analysis has them, and what the replicates drew."""
    labels = [compared(found, None, {}) for found in global_attributions(state).values()] if state.n else []
    spread = float(state.replicates.std(axis=0).sum()) if state.n else 0.0
    return orjson.loads(orjson.dumps({"n": state.n, "weight": state.weight, "spread": spread, **attribution_analysis(labels)}))


def facet_facts(state: FacetCounts) -> dict[str, Any]:
    """Rows, and the bias of the value with the most of them, as its analysis has it."""
    found: dict[str, Any] = {"n": state.n, "truncated": state.truncated}
    for facet, cells in state.facets.items():
        rows = np.bincount(cells.value[cells.value < len(cells.values)], cells.counts[cells.value < len(cells.values)])
        values = [FacetValue.of(cells.values[int(rows.argmax())])]
        report = measure_bias(state, facet, values, state.classes[::2], Bootstrap(draws=0))
        found[facet] = {"missing": report.missing, "labelled": report.labelled, "predicted": report.predicted}
        found[facet] |= {
            key: metric["value"] for key, metric in metrics_in(analysis_document([report], "y", "1")) if metric["value"] is not None
        }
    return orjson.loads(orjson.dumps(found))


def metrics_in(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    parts = [document[f"{stage}_bias_metrics"]["facets"] for stage in Stage]
    return [(metric["name"], metric) for part in parts for values in part.values() for value in values for metric in value["metrics"]]


STORED = StoredBytes(FOLDER, STATES, make, facts)


def assert_close(found: Any, expected: Any) -> None:
    """The same document, numbers to nine digits: sums of doubles may differ in their last ones from machine to machine."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_close(found[key], value)
    else:
        assert found == (expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-8, abs=1e-12))


@pytest.mark.parametrize(("kind", "version", "case"), STORED.stored())
def test_stored_bytes_give_the_numbers_they_always_gave(kind: str, version: int, case: str) -> None:
    """Today's code reads what any release has stored, and finds in it what was found then."""
    state = STATES[kind].from_bytes(STORED.bytes_at(kind, version, case).read_bytes())
    assert_close(facts(state), orjson.loads(STORED.expected(kind, version).read_bytes())[case])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", sorted(STATES))
def test_every_state_has_stored_bytes_and_still_writes_them(kind: str, case: str) -> None:
    """A new state, or a new version, comes with files here; a layout that changed without a version is noticed."""
    path = STORED.bytes_at(kind, STATES[kind].version, case)
    assert path.exists(), f"run python -m {__name__}"
    state = STATES[kind].from_bytes(path.read_bytes())
    assert state.to_bytes() == path.read_bytes()
    merged = STATES[kind].merged([state, make(kind, "small")])
    assert STATES[kind].from_bytes(merged.to_bytes()) == merged


if __name__ == "__main__":
    STORED.write_missing()
