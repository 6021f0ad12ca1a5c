"""The registry of comparisons: names, and parameters from signatures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import pytest

from hourglass.comparisons import COMPARISONS, Accepts, Comparison, Distribution, Worse, comparison, find_comparison
from hourglass.statistics import AppliesTo
from hourglass.undefined import Undefined


@pytest.fixture
def own_registry() -> Iterator[None]:
    """Registrations of a test end with it."""
    registry = sys.modules[Comparison.__module__]
    before = dict(registry._comparisons)
    yield
    registry._comparisons.clear()
    registry._comparisons.update(before)


def register(function: object) -> None:
    comparison(names=(), applies_to=AppliesTo.ANY, worse=Worse.HIGHER, default_threshold=0.1, minimum_rows=1, source="this test")(function)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("KL", "kullback_leibler"),
        ("kullbackleibler", "kullback_leibler"),
        ("Hellinger", "hellinger"),
        ("TVD", "total_variation"),
        ("TotalVariation", "total_variation"),
        ("Wasserstein", "wasserstein"),
        ("EarthMovers", "wasserstein"),
        ("WassersteinNormalized", "wasserstein_normalised"),
        ("PSI", "population_stability_index"),
    ],
)
def test_a_comparison_goes_by_the_names_that_users_expect(name: str, key: str) -> None:
    """In any case of letters."""
    assert find_comparison(name, "comparison_method", AppliesTo.NUMERIC).key == key


def test_no_two_comparisons_share_a_name() -> None:
    """Else which one is meant would depend on the order of files."""
    names = [name.lower() for found in COMPARISONS.values() for name in found.names]
    assert len(names) == len(set(names))


def test_parameters_are_the_keyword_only_arguments() -> None:
    """Two comparisons have one each; no list of them stands anywhere else."""
    assert {key: list(found.parameters) for key, found in COMPARISONS.items() if found.parameters} == {
        "linf_robust": ["alpha"],
        "t_test": ["tolerance"],
    }


@pytest.mark.parametrize(
    ("key", "name", "value", "allowed"),
    [
        ("t_test", "tolerance", 0, True),
        ("t_test", "tolerance", -0.1, False),
        ("t_test", "tolerance", "0.5", False),
        ("t_test", "tolerance", True, False),
        ("t_test", "tolerance", float("nan"), False),
        ("linf_robust", "alpha", 0.003, True),
        ("linf_robust", "alpha", 0, False),
        ("linf_robust", "alpha", 1.1, False),
    ],
)
def test_a_parameter_says_which_values_it_may_have(key: str, name: str, value: object, allowed: bool) -> None:
    """By the annotation beside its type."""
    assert COMPARISONS[key].parameters[name].allows(value) is allowed


def test_a_parameter_of_another_comparison_is_not_passed_on() -> None:
    """The run's parameters may be meant for the numeric comparison only."""
    a, b = Distribution(counts={"a": 3, "b": 1}), Distribution(counts={"a": 2, "b": 2})
    assert COMPARISONS["linf_simple"].compare(a, b, {"tolerance": 0.5}) == 0.25


@pytest.mark.usefixtures("own_registry")
def test_a_users_own_comparison_gets_its_parameters_the_same_way() -> None:
    """A whole number stays whole; without a stated range any finite number will do."""

    def gap(
        window: Distribution,
        baseline: Distribution,
        *,
        cells: int = 10,
        share: Annotated[float, Accepts("0 or 1", lambda n: n in {0, 1})] = 0,
    ) -> float | Undefined:
        """Gap: a test."""
        return float(cells) + share + window.n - baseline.n

    register(gap)
    found = COMPARISONS["gap"]
    assert found.parameters["cells"].expected == "a whole number"
    assert not found.parameters["cells"].allows(2.5)
    assert found.parameters["share"].expected == "0 or 1"
    assert found.compare(Distribution(), Distribution(), {"cells": 3}) == 3.0
    assert found.label({"cells": 3, "share": 0}) == "gap(cells=3)"


@pytest.mark.usefixtures("own_registry")
def test_a_parameter_without_a_number_as_default_is_refused_when_it_is_registered() -> None:
    """JSON could not set it, and a run could not do without it."""

    def gap(window: Distribution, baseline: Distribution, *, how: str = "fast") -> float | Undefined:
        """Gap: a test."""
        return float(window.n - baseline.n) if how else 0.0

    with pytest.raises(ValueError, match="parameter 'how' of comparison 'gap' needs a number"):
        register(gap)
