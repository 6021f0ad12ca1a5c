"""Over-dispersion: learnt where windows differ more than chance explains, and not where they do not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hourglass.small_tests import INDEPENDENT, Dispersion, combined, learnt

TESTS = ("mean", "spread", "largest")


def scores(factors: dict[str, float], windows: int, random: np.random.Generator) -> dict[str, dict[str, list[float]]]:
    """The z of three tests of each column, whose squares are of a mean."""
    return {name: {test: random.normal(0, math.sqrt(factor), windows).tolist() for test in TESTS} for name, factor in factors.items()}


def test_independent_rows_have_a_dispersion_of_about_one() -> None:
    """Sixteen windows of forty columns are enough to know that they are alike: no column has one of its own."""
    found = learnt(scores({str(place): 1.0 for place in range(40)}, 16, np.random.default_rng(1)))
    factors = [one.factor for tests in found.values() for one in tests.values()]
    assert len(factors) == 120
    assert max(factors) < 1.5
    assert np.mean(factors) < 1.1


def test_columns_that_differ_each_have_their_own() -> None:
    """Within the error of 200 windows; those of independent columns stay near 1."""
    found = learnt(scores({"a": 1.0, "b": 4.0, "c": 25.0}, 200, np.random.default_rng(2)))
    assert [np.mean([one.factor for one in found[name].values()]) for name in "abc"] == pytest.approx([1, 4, 25], rel=0.25)


@pytest.mark.parametrize("windows", [8, 16, 168])
def test_a_p_is_as_small_as_it_says_however_few_the_windows_were(windows: int) -> None:
    """Over 400 runs, each with its own λ of ten columns: the p of another window is below 1 % in about 1 % of them, and not more."""
    random = np.random.default_rng(windows)
    small = []
    for _ in range(400):
        factors = {str(place): float(factor) for place, factor in enumerate(np.exp(random.normal(1.5, 0.8, 10)))}
        found = learnt(scores(factors, windows, random))
        for name, factor in factors.items():
            z = random.normal(0, math.sqrt(factor), 3)
            small += [found[name][test].p_of(one) < 0.01 for test, one in zip(TESTS, z, strict=True)]
    assert 0.006 < np.mean(small) < 0.014


def test_tests_that_say_the_same_do_not_make_a_dispersion_surer() -> None:
    """Over 1,000 runs of one column and twelve windows in which three tests agree: a p is below 1 % in about 1 %."""
    random = np.random.default_rng(6)
    small = []
    for _ in range(1000):
        shared, own = random.normal(0, 2, 13), random.normal(0, 0.5, (3, 13))
        z = dict(zip(TESTS, shared + own, strict=True))
        found = learnt({"a": {test: one[:12].tolist() for test, one in z.items()}})["a"]
        small.append(found["mean"].p_of(z["mean"][12]) < 0.01)
    assert np.mean(small) < 0.01 + 3 * math.sqrt(0.01 * 0.99 / len(small))


def test_few_windows_make_a_p_less_sure() -> None:
    """The same z over the same λ."""
    assert Dispersion(1.0, 8.0).p_of(5) > 100 * INDEPENDENT.p_of(5)
    assert combined([Dispersion(4.0, 30.0).p_of(4), 0.5]) > combined([INDEPENDENT.p_of(4), 0.5])


def test_too_few_windows_tell_nothing() -> None:
    """Three of them; and none at all."""
    assert learnt({"a": {"mean": [1.0, 2.0, 30.0]}}) == {}
    assert learnt({}) == {}
