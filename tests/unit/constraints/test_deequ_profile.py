"""Deequ's profile as a baseline: a real one, and what may be wrong with one."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hourglass.constraints import parse_baseline
from hourglass.constraints.deequ_profile import is_deequ_profile, statistics_from_deequ
from hourglass.demo.census import TRAINING, read_census
from hourglass.errors import InputError, SettingsError

PROFILE = json.loads((Path(__file__).parents[2] / "data" / "deequ" / "profile.json").read_text())
ROWS = read_census(TRAINING)[0][:1500]


@pytest.fixture
def profile() -> dict[str, Any]:
    """The real profile, to be changed at will."""
    return copy.deepcopy(PROFILE)


def column(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in document.get("columns", document.get("features")) if name in {entry.get("column"), entry.get("name")})


def test_a_profile_is_told_from_statistics() -> None:
    """By the name of its list."""
    assert is_deequ_profile(PROFILE)
    assert not is_deequ_profile(statistics_from_deequ(PROFILE))


def test_the_numbers_are_those_of_the_data() -> None:
    """Counts, mean, deviation and extremes exactly; the distribution within the rank error of a sketch of 128."""
    statistics = statistics_from_deequ(PROFILE)
    assert statistics["dataset"] == {"item_count": 1500}
    hours = column(statistics, "hours_a_day")
    values = np.sort([row["hours_per_week"] / 8 for number, row in enumerate(ROWS) if number % 10])
    numbers = hours["numerical_statistics"]
    assert hours["inferred_type"] == "Fractional"
    assert numbers["common"] == {"num_present": 1350, "num_missing": 150}
    assert (numbers["min"], numbers["max"], numbers["sum"]) == (values[0], values[-1], values.sum())
    assert (numbers["mean"], numbers["std_dev"]) == pytest.approx((values.mean(), values.std()))
    assert sum(len(level) << weight for weight, level in enumerate(numbers["distribution"]["kll"]["sketch"]["data"])) == 1350
    edges = [bucket["upper_bound"] for bucket in numbers["distribution"]["kll"]["buckets"]]
    ours = np.cumsum([bucket["count"] for bucket in numbers["distribution"]["kll"]["buckets"]]) / 1350
    assert np.abs(ours[:-1] - np.searchsorted(values, edges[:-1]) / 1350).max() < 0.03


def test_buckets_of_large_numbers_start_at_their_minimum() -> None:
    """Not at 2,147,483,647, where Deequ's own start."""
    assert column(PROFILE, "time")["kll"]["buckets"][0]["low_value"] == 2147483647
    buckets = column(statistics_from_deequ(PROFILE), "time")["numerical_statistics"]["distribution"]["kll"]["buckets"]
    times = [1_700_000_000_000 + row["final_weight"] for row in ROWS]
    assert (buckets[0]["lower_bound"], buckets[-1]["upper_bound"]) == (min(times), max(times))


def test_missing_values_are_no_category() -> None:
    """Deequ counts them as the text NullValue; the other values are as they were counted."""
    workclass = column(statistics_from_deequ(PROFILE), "workclass")["string_statistics"]
    missing = sum(row["workclass"] is None for row in ROWS)
    assert workclass["common"] == {"num_present": 1500 - missing, "num_missing": missing}
    counts = {bucket["value"]: bucket["count"] for bucket in workclass["distribution"]["categorical"]["buckets"]}
    assert counts["Private"] == sum(row["workclass"] == "Private" for row in ROWS)
    assert "NullValue" not in counts


def test_a_text_spelled_like_missing_is_kept(profile: dict[str, Any]) -> None:
    """As far as there are more of them than missing values."""
    bars = column(profile, "workclass")["histogram"]
    next(bar for bar in bars if bar["value"] == "Private")["value"] = "was Private"
    next(bar for bar in bars if bar["value"] == "NullValue")["count"] += 7
    column(profile, "workclass")["completeness"] *= 1500 / 1507
    texts = column(statistics_from_deequ({"columns": [column(profile, "workclass")]}), "workclass")["string_statistics"]
    missing = texts["common"]["num_missing"]
    named = next((bar["count"] for bar in texts["distribution"]["categorical"]["buckets"] if bar["value"] == "NullValue"), 0)
    assert missing + named == sum(row["workclass"] is None for row in ROWS) + 7


def test_booleans_are_text_and_numbers_in_text_are_numbers() -> None:
    """As our own pass would type them; a text column with too many values has a count, and no distribution."""
    statistics = statistics_from_deequ(PROFILE)
    assert column(statistics, "male")["inferred_type"] == "String"
    assert column(statistics, "gain_as_text")["inferred_type"] == "Integral"
    assert "distribution" not in column(statistics, "id")["string_statistics"]


def test_a_baseline_takes_it() -> None:
    """Types and distributions of all seven columns; the one without a distribution is without values to compare."""
    statistics = statistics_from_deequ(PROFILE)
    constraints = {"version": 0.0, "features": [{key: entry[key] for key in ("name", "inferred_type")} for entry in statistics["features"]]}
    baseline = parse_baseline(json.dumps(constraints).encode(), json.dumps(statistics).encode())
    assert {name: feature.inferred_type.value for name, feature in baseline.features.items()} == {
        "age": "Integral",
        "gain_as_text": "Integral",
        "hours_a_day": "Fractional",
        "id": "String",
        "male": "String",
        "time": "Integral",
        "workclass": "String",
    }
    sizes = {name: distribution.n for name, distribution in baseline.distributions.items()}
    missing = sum(row["workclass"] is None for row in ROWS)
    assert sizes == {
        "age": 1500,
        "gain_as_text": 1500,
        "hours_a_day": 1350,
        "id": 0,
        "male": 1500,
        "time": 1500,
        "workclass": 1500 - missing,
    }


def test_data_of_a_sketch_may_be_lists_or_their_text(profile: dict[str, Any]) -> None:
    """Deequ writes the text."""
    sketch = column(profile, "age")["kll"]["sketch"]
    assert isinstance(sketch["data"], str)
    sketch["data"] = json.loads(sketch["data"])
    assert statistics_from_deequ(profile) == statistics_from_deequ(PROFILE)


def test_a_profile_without_sketches_has_numbers_and_no_distributions(profile: dict[str, Any]) -> None:
    """`ColumnProfilerRunner` makes sketches only when it is asked to; the rows are counted by a histogram."""
    for entry in profile["columns"]:
        entry.pop("kll", None)
    statistics = statistics_from_deequ(profile)
    assert statistics["dataset"] == {"item_count": 1500}
    assert "distribution" not in column(statistics, "age")["numerical_statistics"]


def test_all_faults_are_told_with_their_places(profile: dict[str, Any]) -> None:
    """Found, expected, and which column's what."""
    column(profile, "age")["kll"]["sketch"]["data"] = "[[1, 2"
    column(profile, "time")["kll"]["sketch"]["data"] = [[1, None]]
    column(profile, "workclass")["histogram"] = [{"value": "Private"}]
    column(profile, "male")["completeness"] = "all"
    del column(profile, "id")["column"]
    with pytest.raises(SettingsError) as caught:
        statistics_from_deequ(profile, "old.json")
    text = str(caught.value)
    for place in ("age].kll.sketch.data", "time].kll.sketch.data", "workclass].histogram", "male].completeness", ".column: found None"):
        assert place in text
    assert text.count("old.json.columns[") == 5


@pytest.mark.parametrize("columns", [None, {}, [1]])
def test_what_is_no_list_of_columns_is_refused(columns: object) -> None:
    """Rather than read as a profile without any."""
    with pytest.raises(InputError, match="expected a list of objects"):
        statistics_from_deequ({"columns": columns})
