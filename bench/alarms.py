"""How often rules alarm where nothing has changed, and how often they find a planted fault: `python bench/alarms.py`.

UCI Adult: the baseline is its training part (32,561 rows), windows are rows of its test part, with all 14 columns, as states of the
product. A clean window alarms if any column does. A fault is in one column, and found if that column alarms. Rules are as they
are by default, and again with the threshold that 1 % of other clean windows go beyond. No rule was fitted to these windows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "libs"))

import numpy as np
import numpy.typing as npt

from hourglass.comparisons import COMPARISONS, Distribution, Worse, aligned, distribution_of
from hourglass.demo.census import FEATURES, NUMBERS, TEST, TRAINING, read_census
from hourglass.states import COLUMN_STATES, ColumnProfile
from hourglass.statistics import ColumnType
from hourglass.undefined import Undefined
from hourglass.values import classify

Values = npt.NDArray[np.object_]
Columns = Mapping[str, Values]
SIZES, CLEAN, TIMES = (200, 1000, 5000), 400, 12
KINDS = {name: ColumnType.INTEGRAL if name in NUMBERS else ColumnType.STRING for name in FEATURES}
CONTINUOUS, TEXTS = ("age", "final_weight", "hours_per_week", "education_years"), ("workclass", "education", "occupation", "race", "sex")


@dataclass(frozen=True)
class Rule:
    """A comparison of numbers and one of texts, with their thresholds; `shared` is divided by the number of columns."""

    name: str
    number: str
    text: str
    threshold: float
    shared: bool = False

    def badness(self, column: str, window: Distribution, baseline: Distribution) -> float:
        """How bad a column is, higher is worse: a distance, or a p-value's inverse."""
        comparison = COMPARISONS[self.number if column in NUMBERS else self.text]
        value = comparison.compare(*aligned(window, baseline))
        if isinstance(value, Undefined):
            return 0.0
        return value if comparison.worse is Worse.HIGHER else 1 / max(value, 1e-300)

    @property
    def limit(self) -> float:
        """The badness beyond which a column alarms by default."""
        if COMPARISONS[self.number].worse is Worse.HIGHER:
            return self.threshold
        return (len(FEATURES) if self.shared else 1) / self.threshold


RULES = (
    Rule("Calibrated, budget 1 %", "calibrated", "calibrated", 0.01, shared=True),
    Rule("Simple > 0.1", "linf_simple", "linf_simple", 0.1),
    Rule("Robust > 0.1", "linf_robust", "linf_robust", 0.1),
    Rule("KS, chi-squared < 0.05", "ks_test", "chi_squared", 0.05),
    Rule("KS, chi-squared < 0.05, Bonferroni", "ks_test", "chi_squared", 0.05, shared=True),
    Rule("PSI > 0.2", "population_stability_index", "population_stability_index", 0.2),
)


def state_of(name: str, values: Values) -> Distribution:
    """A column's distribution, with all its states."""
    profile = ColumnProfile.of(COLUMN_STATES, 0)
    profile.update(classify(["" if value is None else str(value) for value in values]))
    return distribution_of(profile, KINDS[name])


def table(part: str) -> dict[str, Values]:
    """The columns of a part of the census."""
    rows, _ = read_census(part)
    return {name: np.array([row[name] for row in rows], np.object_) for name in FEATURES}


Fault = Callable[[Values, float, np.random.Generator, Columns, str], Values]


def _some(values: Values, share: float, random: np.random.Generator, other: object) -> Values:
    found = values.copy()
    chosen = random.random(len(values)) < share
    found[chosen] = other(int(chosen.sum())) if callable(other) else other
    return found


def _moved(change: Callable[[npt.NDArray[np.float64], float, float], npt.NDArray[np.float64]]) -> Fault:
    def fault(values: Values, severity: float, _: np.random.Generator, train: Columns, name: str) -> Values:
        before = train[name].astype(np.float64)
        return change(values.astype(np.float64), severity, float(before.std())).round().astype(np.int64).astype(np.object_)

    return fault


def _most_frequent_less(values: Values, severity: float, random: np.random.Generator, _: Columns, __: str) -> Values:
    known, counts = np.unique(values.astype(str), return_counts=True)
    rest = values[values.astype(str) != known[counts.argmax()]]
    gone = (values.astype(str) == known[counts.argmax()]) & (random.random(len(values)) < severity)
    found = values.copy()
    found[gone] = random.choice(rest, int(gone.sum())) if len(rest) else None
    return found


DISTRIBUTION: dict[str, tuple[tuple[float, ...], tuple[str, ...], Fault]] = {
    "shift": ((0.1, 0.25, 0.5), CONTINUOUS, _moved(lambda x, by, deviation: x + by * deviation)),
    "scale": ((1.1, 1.25, 1.5), CONTINUOUS, _moved(lambda x, by, _: x.mean() + (x - x.mean()) * by)),
    "other unit": ((1.05, 1.15, 1.5), CONTINUOUS, _moved(lambda x, by, _: x * by)),
    "cut off": ((0.05, 0.1, 0.25), CONTINUOUS, _moved(lambda x, by, _: np.minimum(x, np.quantile(x, 1 - by)))),
    "two groups": ((0.05, 0.1, 0.25), CONTINUOUS, _moved(lambda x, by, d: x + 2 * d * (np.arange(len(x)) < by * len(x)))),
    "uniform categories": (
        (0.05, 0.1, 0.25),
        TEXTS,
        lambda v, by, r, train, name: _some(v, by, r, lambda n: r.choice(sorted({*train[name]} - {None}), n)),
    ),
    "the first category less": ((0.15, 0.3, 0.6), TEXTS, _most_frequent_less),
    "one category more": ((0.03, 0.06, 0.15), TEXTS, lambda v, by, r, train, name: _some(v, by, r, max({*train[name]} - {None}))),
}
QUALITY: dict[str, tuple[tuple[float, ...], tuple[str, ...], Fault]] = {
    "missing": ((0.02, 0.05, 0.15), (*CONTINUOUS, *TEXTS), lambda v, by, r, *_: _some(v, by, r, None)),
    "sentinel": ((0.02, 0.05, 0.15), CONTINUOUS, lambda v, by, r, *_: _some(v, by, r, -999)),
    "stuck": ((0.05, 0.1, 0.25), CONTINUOUS, lambda v, by, r, *_: _some(v, by, r, v[0])),
    "text in numbers": ((0.02, 0.05, 0.15), CONTINUOUS, lambda v, by, r, *_: _some(v, by, r, "n/a")),
    "rounded": ((5.0, 10.0, 20.0), ("age", "hours_per_week"), _moved(lambda x, by, _: (x / by).round() * by)),
    "a new category": ((0.01, 0.03, 0.1), TEXTS, lambda v, by, r, *_: _some(v, by, r, "new")),
}


def windows(test: Columns, size: int, count: int, random: np.random.Generator) -> Iterator[dict[str, Values]]:
    """Windows of random rows."""
    for _ in range(count):
        rows = random.choice(len(test["age"]), size, replace=False)
        yield {name: values[rows] for name, values in test.items()}


def main() -> None:
    train, test = table(TRAINING), table(TEST)
    baseline = {name: state_of(name, values) for name, values in train.items()}
    print("| rows | rule | false alarms, % | distribution, % | data quality, % | at 1 %: distribution, % | data quality, % |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for size in SIZES:
        random = np.random.default_rng(size)
        clean = np.zeros((len(RULES), CLEAN))
        for place, window in enumerate(windows(test, size, CLEAN, random)):
            for name, values in window.items():
                state = state_of(name, values)
                for rule_place, rule in enumerate(RULES):
                    clean[rule_place, place] = max(clean[rule_place, place], rule.badness(name, state, baseline[name]))
        found = {kind: [_badness(faults, test, train, baseline, size, random)] for kind, faults in (("d", DISTRIBUTION), ("q", QUALITY))}
        for rule_place, rule in enumerate(RULES):
            beyond = clean[rule_place] > rule.limit
            at_one = np.quantile(clean[rule_place], 0.99, method="higher")
            cells = [found[kind][0][rule_place] for kind in ("d", "q")]
            shown = [f"{100 * (cell > limit).mean():.1f}" for limit in (rule.limit, at_one) for cell in cells]
            print(f"| {size:,} | {rule.name} | {100 * beyond.mean():.1f} | {' | '.join(shown)} |")


def _badness(
    faults: Mapping[str, tuple[tuple[float, ...], tuple[str, ...], Fault]],
    test: Columns,
    train: Columns,
    baseline: Mapping[str, Distribution],
    size: int,
    random: np.random.Generator,
) -> npt.NDArray[np.float64]:
    """The badness of the faulty column by each rule, in each window with a fault."""
    found: list[list[float]] = []
    for severities, columns, fault in faults.values():
        for severity in severities:
            for place, window in enumerate(windows(test, size, TIMES, random)):
                name = columns[place % len(columns)]
                state = state_of(name, fault(window[name], severity, random, train, name))
                found.append([rule.badness(name, state, baseline[name]) for rule in RULES])
    return np.array(found).T


if __name__ == "__main__":
    main()
