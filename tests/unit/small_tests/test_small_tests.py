"""Small tests on real states: how often they alarm where nothing has changed, and what they say where something has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest

from hourglass.comparisons import COMPARISONS, Distribution, distribution_of
from hourglass.small_tests import INDEPENDENT, SMALL_TESTS, Column, Dispersion, Judged, Pair, combined, judged
from hourglass.small_tests.chance import Bridge
from hourglass.states import COLUMN_STATES, ColumnProfile
from hourglass.statistics import ColumnType
from hourglass.undefined import Undefined
from hourglass.values import Floats, classify

CITIES = np.array(["Bern", "Basel", "Genf", "Zug", "Chur"])


DRAWS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "continuous": lambda random, rows: random.normal(50, 10, rows).astype(str),
    "thousandths": lambda random, rows: random.normal(50, 10, rows).round(3).astype(str),
    "prices": lambda random, rows: np.exp(random.normal(3, 1, rows)).round(2).astype(str),
    "whole": lambda random, rows: random.poisson(4, rows).astype(str),
    "weekdays": lambda random, rows: random.integers(0, 7, rows).astype(str),
    "a flag": lambda random, rows: random.integers(0, 2, rows).astype(str),
    "a rare flag": lambda random, rows: (random.random(rows) < 0.01).astype(int).astype(str),
    "cities": lambda random, rows: random.choice(CITIES, rows, p=[0.5, 0.25, 0.15, 0.08, 0.02]),
    "a rare one": lambda random, rows: random.choice(["a", "b", "c"], rows, p=[0.6, 0.399, 0.001]),
}


def draw(kind: str, random: np.random.Generator, rows: int) -> np.ndarray:
    """Rows of a column, as a CSV has them; some of those with gaps are missing or texts, some codes are numbers."""
    if kind == "gaps":
        values, part = DRAWS["whole"](random, rows), random.random(rows)
        return np.where(part < 0.05, "", np.where(part > 0.96, "n/a", values))
    if kind == "codes":
        return np.where(random.random(rows) < 0.03, "7", DRAWS["cities"](random, rows))
    return DRAWS[kind](random, rows)


KINDS = (*DRAWS, "gaps", "codes")
SIZES = ((20_000, 200), (20_000, 1000), (200, 200), (1000, 1000))


def column(values: Sequence[object]) -> Column:
    """A column of what the pass keeps of values, in blocks."""
    profile = profile_of(values)
    found = distribution_of(profile)
    return Column(profile, found.counts, found.other)


def profile_of(values: Sequence[object]) -> ColumnProfile:
    profile = ColumnProfile.of(COLUMN_STATES, 0)
    for start in range(0, len(values), 4000):
        profile.update(classify([None if value == "" else str(value) for value in values[start : start + 4000]]))
    return profile


@cache
def baseline(kind: str, seed: int = 0, size: int = 20_000) -> Column:
    return column(draw(kind, np.random.default_rng(seed), size))


@cache
def clean(kind: str, size: int, rows: int) -> list[Judged]:
    """Windows in which nothing has changed; small baselines, whose own chance is as large as theirs, have one window each."""
    random, baselines = np.random.default_rng(size + rows), 40 if size > rows else 400
    return [judged(column(draw(kind, random, rows)), baseline(kind, 100 + place % baselines, size)) for place in range(400)]


@pytest.mark.parametrize(("size", "rows"), SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_alarms_by_chance_as_often_as_its_p_says(kind: str, size: int, rows: int):
    """Not more often; of values that repeat less often, since their distances come in steps."""
    p = np.array([found.p for found in clean(kind, size, rows)])
    for alpha in (0.0005, 0.01, 0.05, 0.2):
        assert (p < alpha).mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / len(p))


@pytest.mark.parametrize("alpha", [0.01, 0.05])
def test_the_p_of_a_column_is_about_uniform_where_alarms_are_decided(alpha: float):
    """In 17,600 windows of all kinds: a small one is not rarer than half of what it says, though most values come in steps."""
    p = np.array([found.p for kind in KINDS for sizes in SIZES for found in clean(kind, *sizes)])
    assert alpha / 2 < (p < alpha).mean() <= alpha


@pytest.mark.parametrize("key", SMALL_TESTS)
def test_no_test_is_surer_than_chance_allows(key: str):
    """Each by itself in 17,600 windows of eleven kinds of columns; where it has nothing to say, that is a p of 1."""
    found = [[one.found.get(key) for one in clean(kind, *sizes)] for kind in KINDS for sizes in SIZES]
    p = np.array([1.0 if one is None else INDEPENDENT.p_of(one.z) for windows in found for one in windows])
    for alpha in (0.001, 0.01, 0.05, 0.2):
        assert (p < alpha).mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / len(p))
    for windows in found:
        of_kind = np.array([1.0 if one is None else INDEPENDENT.p_of(one.z) for one in windows])
        assert (of_kind < 0.01).mean() <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / len(of_kind))


ASKED_OF = {  # where a test has something to say in most windows; what is rare by nature, as new categories are, is so nowhere
    **dict.fromkeys(["largest_distance", "rank_mean", "rank_spread"], "continuous"),
    **dict.fromkeys(["quantile_cells", "frequent_number", "equal_pairs"], "whole"),
    **dict.fromkeys(["missing_share", "text_share"], "gaps"),
    **dict.fromkeys(["all_categories", "largest_category"], "cities"),
    "number_share": "codes",
}


@pytest.mark.parametrize("key", ASKED_OF)
def test_p_values_of_a_test_are_uniform(key: str):
    """By itself in 1,600 windows; what goes in steps, and the largest of several differences, is somewhat careful."""
    found = [one.found.get(key) for sizes in SIZES for one in clean(ASKED_OF[key], *sizes)]
    p = np.array([1.0 if one is None else INDEPENDENT.p_of(one.z) for one in found])
    for alpha in (0.05, 0.2):
        assert alpha / 2 < (p < alpha).mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / len(p))


@pytest.mark.parametrize("shares", [np.array([0.2, 0.5, 0.8]), np.linspace(0.05, 0.95, 19)], ids=["three", "nineteen"])
def test_the_largest_of_several_differences_is_as_likely_as_simulated(shares: Floats):
    """Beside Brownian bridges: not below, and at most a fifth above."""
    random = np.random.default_rng(1)
    steps = np.diff(np.concatenate([[0], shares, [1]]))
    walks = np.cumsum(random.normal(size=(100_000, len(steps))) * np.sqrt(steps), axis=1)
    bridges = walks[:, :-1] - shares * walks[:, -1:]
    largest = np.abs(bridges / np.sqrt(shares * (1 - shares))).max(axis=1)
    for z in (1.96, 2.5, 3.0):
        found, simulated = np.exp(Bridge(shares).log_p_of_largest(z)), (largest >= z).mean()
        assert 0.95 * simulated < found < 1.25 * simulated


def part(values: np.ndarray, share: float, other: object) -> np.ndarray:
    """A share of the values replaced."""
    found = values.astype(object)
    found[: int(share * len(values))] = other
    return found


FAULTS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray], str, str]] = {
    "shift": ("continuous", lambda v: v.astype(float) + 4, "rank_mean", "the numbers are larger"),
    "spread": ("continuous", lambda v: 50 + 1.3 * (v.astype(float) - 50), "rank_spread", "the numbers are spread more"),
    "sentinel": ("continuous", lambda v: part(v, 0.05, -999), "frequent_number", "of the numbers are exactly -999, in the baseline 0.0%"),
    "rounding": ("prices", lambda v: v.astype(float).round(0), "equal_pairs", "of pairs of rows have the same value"),
    "copied rows": ("continuous", lambda v: np.concatenate([v[:900], v[:100]]), "copied_numbers", "come again that are not frequent"),
    "missing": ("whole", lambda v: part(v, 0.04, ""), "missing_share", "of the rows have no value, in the baseline 0.0%"),
    "text": ("whole", lambda v: part(v, 0.04, "n/a"), "text_share", "of the values are texts, in the baseline 0.0%"),
    "out of range": ("prices", lambda v: part(v, 0.03, 1e6), "outside_range", "of the numbers are above"),
    "swapped categories": ("cities", lambda v: part(v, 0.2, "Zug"), "largest_category", "of the values are 'Zug'"),
    "a new category": ("cities", lambda v: part(v, 0.03, "Lugano"), "new_categories", "that the baseline has not, such as 'Lugano'"),
    "numbers in texts": ("cities", lambda v: part(v, 0.05, 7), "number_share", "of the values are numbers"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_named(name: str):
    """In 1,000 rows, at a hundredth of a budget of 1 %; by the test that is for it, in words with numbers."""
    kind, change, key, words = FAULTS[name]
    values = draw(kind, np.random.default_rng(7), 1000)
    found = judged(column(change(values)), baseline(kind))
    assert found.p < 1e-4
    assert INDEPENDENT.p_of(found.found[key].z) < 1e-4
    assert words in found.found[key].words


def test_an_effect_too_small_to_matter_is_no_alarm():
    """Two million rows, of which the mean moved by a fiftieth of a deviation."""
    random = np.random.default_rng(3)
    before, now = random.normal(size=1_000_000), random.normal(0.02, 1, 1_000_000)
    columns = [ColumnProfile.of(COLUMN_STATES, 0) for _ in range(2)]
    for profile, values in zip(columns, (before, now), strict=True):
        profile.update(classify(values.tolist()))
    found = judged(Column(columns[1]), Column(columns[0]))
    assert INDEPENDENT.p_of(found.found["rank_mean"].z) < 1e-6
    assert found.p > 0.3


@pytest.mark.parametrize("values", [["5"] * 300, ["a"] * 300, [""] * 300, ["1"], [str(i) for i in range(3)]], ids=str)
def test_columns_of_one_value_of_none_and_of_few_rows_are_no_alarm(values: list[str]):
    """Beside themselves; beside a column of whole numbers three hundred that are not as those are one, and three are not."""
    same = column(values)
    assert judged(same, same).p > 0.4
    beside = judged(Column(profile_of(values)), baseline("whole")).p
    assert beside < 1e-6 if len(values) == 300 else beside > 0.01


def test_of_a_number_that_went_and_one_that_came_the_one_that_came_is_told():
    """Where as much came as went; else what moved most is told, and decides."""
    ask = SMALL_TESTS["frequent_number"].function
    came = ask(Pair(column([3] * 900 + [4] * 100), column([3] * 2000)))
    assert came is not None
    assert came.words == "10.0% of the numbers are exactly 4, in the baseline 0.0%"
    before, now = [1] * 1000 + [*range(2, 1002)], [1] * 400 + [5000] * 4 + [*range(2, 598)]
    went = ask(Pair(column(now), column(before)))
    assert went is not None
    assert went.words == "40.0% of the numbers are exactly 1, in the baseline 50.0%"
    assert went.effect == pytest.approx(0.1)


def test_a_large_dispersion_does_not_hide_what_is_plain():
    """Shares that vary from hour to hour by a few percent; and one that goes from a half to nearly all of 50,000 rows."""
    random = np.random.default_rng(5)
    now, before = (column(random.choice(["a", "b"], 50_000, p=shares)) for shares in ([0.98, 0.02], [0.5, 0.5]))
    found = judged(now, before, dict.fromkeys(SMALL_TESTS, Dispersion(100.0, 24.0)))
    assert found.p < 1e-9
    assert found.found["all_categories"].z > 100
    assert found.found["largest_category"].z > 100


def test_a_million_categories_are_no_trouble():
    """All different on both sides: nothing is new that Good and Turing did not expect."""
    first, second = (column([f"id-{side}-{i}" for i in range(20_000)]) for side in ("a", "b"))
    assert judged(second, first).p > 0.01


def test_every_p_of_one_does_not_outweigh_a_small_one():
    assert combined([1e-6, 1.0, 1.0, 1.0]) == pytest.approx(4e-6, rel=0.01)
    assert combined([1e-200, 0.5]) < 1e-190
    assert combined([1.0, 1.0]) > 0.9


def test_a_baseline_without_its_states_is_compared_by_its_distribution():
    """As a statistics.json has it: what it does not tell is not judged."""
    compare = COMPARISONS["calibrated"].compare
    known = distribution_of(profile_of(draw("continuous", np.random.default_rng(0), 5000)))
    bare = Distribution(sketch=known.sketch)
    moved = distribution_of(profile_of(draw("continuous", np.random.default_rng(1), 500).astype(float) + 4), ColumnType.FRACTIONAL)
    lacking = distribution_of(profile_of(part(draw("continuous", np.random.default_rng(2), 500), 0.1, "")), ColumnType.FRACTIONAL)
    for side, found in ((moved, True), (lacking, False)):
        value = compare(side, bare)
        assert not isinstance(value, Undefined)
        assert (value < 1e-4) == found
    assert isinstance(compare(Distribution(), known), Undefined)


def test_every_test_says_what_it_is_from():
    assert len(SMALL_TESTS) >= 12
    assert all(test.definition and test.source for test in SMALL_TESTS.values())
