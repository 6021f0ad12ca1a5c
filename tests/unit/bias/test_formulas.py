"""Every metric against the same written down row by row, and what it says of rows that lack something."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.bias import BIAS_METRICS, FacetValue, FlipRows, Stage, above_name, best_off, measure_bias, metrics_of
from hourglass.bias.facets import negative_of
from hourglass.bias.flip_test import flip_test, flips
from hourglass.quality import Bootstrap
from hourglass.states import FacetCounts
from hourglass.undefined import Undefined
from tests.unit.bias.rows import NO_DRAWS, Row, bias, counts, repeated, slowly

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["d", "e", "a", "b"]) | st.none(),
        st.sampled_from(["x", "y"]) | st.none(),
        st.sampled_from(["0", "1", "2"]) | st.none(),
        st.sampled_from(["0", "1", "2"]) | st.none(),
    ),
    max_size=40,
)
NOT_POSITIVE = Undefined("the labels are 'no', 'yes'; none of them is positive ('1')")
DISTANCES = {key for key, metric in BIAS_METRICS.items() if metric.distance}
TABLE = sorted(BIAS_METRICS.keys() - {"FT"})


def numbers(found: dict) -> dict[str, float | None]:
    return {key: None if isinstance(m.value, Undefined) else m.value for key, m in found.items() if key != "FT"}


@given(ROWS, st.sampled_from([{"1"}, {"1", "2"}, {"0"}]), st.sampled_from([{"d"}, {"d", "e"}]), st.sampled_from([None, "a"]))
@settings(deadline=None, max_examples=300)
def test_every_metric_is_the_one_that_goes_through_the_rows(rows: list[Row], positive: set[str], d: set[str], a: str | None) -> None:
    """For one value or two, against all others or one, with missing values, groups, labels and predictions."""
    state = counts(rows)
    report = measure_bias(state, "f", [FacetValue("d", frozenset(d))], positive, NO_DRAWS, reference=a)
    expected = slowly(rows, positive, d, None if a is None else {a})
    found = numbers(report.values[0].metrics)
    labels, predictions = ({row[place] for row in rows} - {None} for place in (2, 3))
    if len(labels) > 1 and not positive & labels:
        expected = {key: value for key, value in expected.items() if key in {"CI", *DISTANCES, "DPPL", "DI", "CDDPL"}}
    if predictions and not positive & predictions and (len(predictions) > 1 or (labels - positive and not labels & predictions)):
        expected = {key: value for key, value in expected.items() if key in metrics_of(Stage.PRE)}
    for key in TABLE:
        assert found[key] == (None if expected.get(key) is None else pytest.approx(expected[key], abs=1e-12)), key


@given(ROWS, st.sampled_from([{"1"}, {"1", "2"}]))
@settings(deadline=None, max_examples=100)
def test_every_value_is_facet_d_once(rows: list[Row], positive: set[str]) -> None:
    """All values at once, whose other sides are what each leaves of the rows, are what each is alone."""
    state = counts(rows)
    bootstrap = Bootstrap(20, least_rows=0)
    report = measure_bias(state, "f", None, positive, bootstrap)
    assert [value.value for value in report.values] == [
        name or "(missing)" for name in sorted({r[0] or "" for r in rows}, key=lambda n: (not n, n))
    ]
    for value in report.values:
        assert value == measure_bias(state, "f", [FacetValue.of(value.value)], positive, bootstrap).values[0]


@given(ROWS, st.integers(2, 6))
@settings(deadline=None, max_examples=60)
def test_metrics_say_the_same_of_rows_that_are_all_there_several_times(rows: list[Row], times: int) -> None:
    """Shares of shares: none depends on how many rows there are."""
    once, often = (numbers(bias(found).metrics) for found in (rows, rows * times))
    assert often == {key: None if value is None else pytest.approx(value, abs=1e-12) for key, value in once.items()}


@given(ROWS)
@settings(deadline=None, max_examples=100)
def test_differences_change_their_sign_with_the_sides(rows: list[Row]) -> None:
    """Of two values, what is better for one is worse for the other; distances of labels and GE stay.

    Disparity within groups does not change it where a group has one outcome only: the other term is 0 for either side.
    """
    rows = [row for row in rows if row[0] in {"d", "a"}]
    first, second = (numbers(bias(rows, value).metrics) for value in "da")
    for key in set(TABLE) - {"CDDL", "CDDPL", "DI", "KL", "JS", "LP", "TVD", "KS", "GE"}:
        assert (first[key] is None) == (second[key] is None), key
        if first[key] is not None:
            assert first[key] == pytest.approx(-second[key], abs=1e-12), key
    for key in ("JS", "LP", "TVD", "KS", "GE"):
        assert first[key] == (None if second[key] is None else pytest.approx(second[key], abs=1e-12))


def test_rows_without_a_value_are_on_neither_side() -> None:
    """Where they would be among the favoured, a facet of half its rows without a value would look fair."""
    known = repeated({("d", None, "1", "1"): 10, ("d", None, "0", "0"): 30, ("a", None, "1", "1"): 30, ("a", None, "0", "0"): 10})
    missing = repeated({(None, None, "0", "0"): 500})
    alone, both = bias(known), bias(known + missing)
    assert numbers(alone.metrics) == numbers(both.metrics)
    assert both.rows == (40, 40)
    report = measure_bias(counts(known + missing), "f", None, {"1"}, NO_DRAWS)
    assert [value.value for value in report.values] == ["a", "d", "(missing)"]
    assert report.missing == 500
    assert report.values[2].rows == (500, 80)
    assert report.values[2].metrics["DPL"].value == pytest.approx(0.5)


def test_rows_without_a_value_are_never_the_best_off() -> None:
    """Nor are a few lucky ones, nor those that are only counted as other."""
    rows = repeated({(None, None, None, "1"): 99, ("c", None, None, "1"): 5, ("b", None, None, "1"): 30, ("d", None, None, "0"): 30})
    state = counts(rows)
    assert best_off(state, "f", {"1"}) == "b"
    assert best_off(state, "f", {"1"}, least_count=5) == "b"  # as good as c, and more of them
    assert best_off(state, "f", {"0"}) == "d"
    assert best_off(state, "f", {"1"}, least_count=31) == Undefined("no value of 'f' has 31 rows with a prediction")
    assert best_off(FacetCounts.empty(), "f") == Undefined("no value of 'f' has 30 rows with a label")


def test_all_values_are_compared_with_the_best_off() -> None:
    """Which itself is left out; the missing ones are compared, too."""
    rows = repeated({(None, None, "1", None): 9, ("b", None, "1", None): 30, ("c", None, "0", None): 15, ("c", None, "1", None): 15})
    report = measure_bias(counts(rows), "f", None, {"1"}, NO_DRAWS, reference="b")
    assert [(value.value, value.against, value.rows) for value in report.values] == [("c", "b", (30, 30)), ("(missing)", "b", (9, 30))]
    assert report.values[0].metrics["DPL"].value == pytest.approx(0.5)


def test_labels_alone_have_the_metrics_of_labels() -> None:
    """And say why there are no others."""
    rows = repeated({("d", "x", "1", None): 3, ("d", "x", "0", None): 5, ("a", "x", "1", None): 5, ("a", "x", "0", None): 3})
    found = bias(rows).metrics
    assert {key for key, value in numbers(found).items() if value is not None} == metrics_of(Stage.PRE).keys()
    assert found["AD"].value == Undefined("no row has a label and a prediction")
    assert found["DPPL"].value == Undefined("no row has a prediction")


def test_predictions_alone_have_the_metrics_of_predictions() -> None:
    """Difference, ratio and disparity of the predictions take no labels."""
    rows = repeated({("d", "x", None, "1"): 3, ("d", "x", None, "0"): 5, ("a", "x", None, "1"): 5, ("a", "x", None, "0"): 3})
    found = bias(rows).metrics
    assert {key for key, value in numbers(found).items() if value is not None} == {"DPPL", "DI", "CDDPL"}
    assert found["DPL"].value == Undefined("no row has a label")


def test_a_label_that_one_side_lacks_makes_the_divergence_infinite() -> None:
    """Left out, it would be below 0: here 0.5 ln(0.5 / 1)."""
    rows = repeated({("a", None, "x", None): 5, ("a", None, "1", None): 5, ("d", None, "1", None): 10})
    found = numbers(bias(rows).metrics)
    assert found["KL"] == math.inf
    assert found["JS"] == pytest.approx(0.5 * (0.5 * math.log(2) + 0.5 * math.log(0.5 / 0.75)) + 0.5 * math.log(1 / 0.75))
    assert numbers(bias(rows, "a").metrics)["KL"] == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("cells", "key", "value"),
    [
        ({("d", None, "1", "0"): 3, ("a", None, "1", "1"): 3}, "DCA", -math.inf),
        ({("d", None, "0", "1"): 3, ("a", None, "0", "0"): 3}, "DCR", math.inf),
        ({("d", None, "1", "0"): 3, ("a", None, "0", "1"): 3}, "TE", math.inf),
        ({("d", None, "1", "1"): 3, ("a", None, "1", "0"): 3}, "DI", math.inf),
        ({("d", None, "0", "0"): 3, ("a", None, "0", "0"): 3}, "DI", 0.0),
        ({("d", None, "0", "0"): 3, ("a", None, "0", "0"): 3}, "DCA", 0.0),
        ({("d", None, "1", "1"): 3, ("a", None, "1", "1"): 3}, "TE", 0.0),
        ({("d", None, "0", "0"): 3, ("a", None, "0", "0"): 3}, "RD", 0.0),
        ({("d", None, "1", "0"): 3, ("a", None, "1", "0"): 3}, "DCA", Undefined("infinite on both sides")),
        ({("d", None, "1", "0"): 3, ("a", None, "1", "0"): 3}, "TE", Undefined("infinite on both sides")),
        (
            {("d", None, "1", "0"): 3, ("a", None, "1", "0"): 3},
            "GE",
            Undefined("every row is a false negative: there is no benefit to be shared"),
        ),
        ({("d", None, "1", "0"): 3, ("a", None, "1", "0"): 3}, "CDDL", Undefined("no row has a group: group_variable names its column")),
        ({("d", None, "1", "0"): 3}, "DPL", Undefined("no row of f = not d has a label")),
        ({("a", None, "1", "0"): 3}, "DPL", Undefined("no row has f = d; its values are 'a'")),
        ({("d", None, None, "0"): 3, ("a", None, "1", "0"): 3}, "DPL", Undefined("no row of f = d has a label")),
        ({(None, None, "1", "0"): 3}, "CI", Undefined("no row has a value of 'f'")),
        ({}, "CI", Undefined("no rows")),
        (
            {("d", None, "yes", "no"): 3, ("a", None, "no", "no"): 3},
            "DPL",
            NOT_POSITIVE,
        ),
        ({("d", None, "yes", "no"): 3, ("a", None, "no", "no"): 3}, "CI", 0.0),
        ({("d", None, "0", "0"): 3, ("a", None, "0", "0"): 3}, "DPL", 0.0),
    ],
)
def test_a_degenerate_table_has_the_limit_or_the_reason(cells: dict[Row, int], key: str, value: float | Undefined) -> None:
    """0 / 0 is 0 and x / 0 infinite; what is no number says why."""
    assert bias(repeated(cells)).metrics[key].value == value


def reasons(rows: list[Row], keys: Iterable[str], **options: Any) -> set[str]:
    """Why some metrics have no value; "" is one that has."""
    found = bias(rows, **options).metrics
    return {value.reason if isinstance(value := found[key].value, Undefined) else "" for key in set(keys) - {"FT"}}


def test_labels_and_predictions_have_positive_classes_of_their_own() -> None:
    """Predictions of no and yes beside labels of 0 and 1 are not all negative: DI would be 0 / 0, and fair or a violation."""
    rows = repeated({("d", "x", "1", "no"): 5, ("d", "x", "0", "yes"): 5, ("a", "x", "1", "yes"): 5, ("a", "x", "0", "no"): 5})
    assert reasons(rows, metrics_of(Stage.POST)) == {"the predictions are 'no', 'yes'; none of them is positive ('1')"}
    assert reasons(rows, metrics_of(Stage.PRE)) == {""}
    turned: list[Row] = [(facet, group, predicted, label) for facet, group, label, predicted in rows]
    assert reasons(turned, {"DPPL", "DI", "CDDPL", "CI", *DISTANCES}) == {""}
    assert reasons(turned, {"DPL", "CDDL", "AD", "GE", "RD"}) == {NOT_POSITIVE.reason}


def test_one_class_of_predictions_may_be_the_negative_one() -> None:
    """Unless the labels have another for that: an hour of rejections alone is none of a model with other classes."""
    rejected = repeated({("d", "x", "1", "0"): 5, ("d", "x", "0", "0"): 5, ("a", "x", "1", "0"): 5, ("a", "x", "0", "0"): 5})
    assert bias(rejected).metrics["DPPL"].value == 0.0
    other: list[Row] = [(facet, group, label, "no") for facet, group, label, _ in rejected]
    assert reasons(other, metrics_of(Stage.POST)) == {"the predictions are 'no'; the labels are '0', '1', and positive is '1'"}


def test_scores_below_the_threshold_are_as_negative_as_a_label_that_says_so() -> None:
    """The class that the threshold makes has a made-up name; beside labels of 0 it is no sign of classes without a positive one."""
    labels: dict[Row, int] = {("d", "x", "0", "0"): 5, ("a", "x", "0", "0"): 7}
    by_label, by_score = (
        numbers(bias(repeated({(f, g, y, name): n for (f, g, y, _), n in labels.items()})).metrics) for name in ("0", negative_of("1"))
    )
    assert by_score == by_label
    assert (by_score["DPL"], by_score["DPPL"], by_score["DI"], by_score["AD"]) == (0.0, 0.0, 0.0, 0.0)
    both = repeated({("d", "x", "1", negative_of("1")): 5, ("a", "x", "0", negative_of("1")): 7})
    assert bias(both).metrics["DPPL"].value == 0.0


def test_groups_that_are_not_kept_are_no_group_to_compare_within() -> None:
    """As one they would be the whole data set; with a thousand there is a value."""
    rows: list[Row] = [("da"[i % 2], f"g{i // 2}", str(i // 4 % 2), str(i // 4 % 2)) for i in range(4000)]
    (reason,) = reasons(rows, {"CDDL", "CDDPL"})
    assert reason.startswith("there are more than 1,000 groups")
    assert reasons(rows, set(TABLE) - {"CDDL", "CDDPL"}) == {""}
    assert reasons(rows[:2000], {"CDDL", "CDDPL"}) == {""}


def test_labels_that_are_not_kept_are_no_class_of_a_distribution() -> None:
    """Distances of classes need all of them; shares of positive labels only the positive ones, which must be kept."""
    rows: list[Row] = [("da"[i % 2], None, f"c{i // 2}", None) for i in range(4000)]
    kept = next(iter(counts(rows).classes))
    lost = next(str(row[2]) for row in rows if row[2] not in counts(rows).classes)
    (reason,) = reasons(rows, DISTANCES, positive={kept})
    assert reason.startswith("the labels have more than 1,000 classes")
    assert bias(rows, positive={kept}).metrics["DPL"].value == 0.0
    assert reasons(rows, {"DPL"}, positive={kept, lost}) == {
        f"the labels have more than 1,000 classes, and positive ('{lost}') may be one of those that are not kept"
    }


@pytest.mark.parametrize(("labels", "value"), [(("0.0", "1.0"), "d"), (("0", "1"), "0")])
def test_names_that_are_the_same_number_have_a_hint(labels: tuple[str, str], value: str) -> None:
    """Of a positive class, or a facet's value, that is spelled otherwise in the data."""
    facet = {"d": ("d", "a"), "0": ("0.0", "1.0")}[value]
    rows = repeated({(name, None, label, None): 5 for name in facet for label in labels})
    (reason,) = reasons(rows, {"DPL"}, d=value)
    assert reason.endswith("but as a number one is: --same-class number makes them one")


def test_classes_that_are_only_spelled_apart_are_no_bias() -> None:
    """Predictions of 1.0 against labels of 1 would all be negative: DPPL 0, and fair."""
    rows = repeated({("d", None, "1", "1.0"): 5, ("a", None, "0", "0.0"): 5})
    found = bias(rows).metrics
    assert found["DPL"].value == -1.0
    for key in metrics_of(Stage.POST).keys() - {"FT"}:
        assert isinstance(found[key].value, Undefined)
        assert "read as numbers they have" in found[key].value.reason


def test_a_facet_that_was_not_counted_is_named() -> None:
    """With those that were."""
    report = measure_bias(counts([("d", None, "1", "1")]), "Sex", [FacetValue.of("d")])
    assert {m.value for key, m in report.values[0].metrics.items() if key != "FT"} == {Undefined("the window has no facet 'Sex', but f")}


def test_a_value_that_is_not_kept_says_so() -> None:
    """Of more than 1,000 values of a facet, those that are not kept are still among all others."""
    rows: list[Row] = [(f"v{i}", None, str(i % 2), None) for i in range(1500)]
    state = counts(rows)
    kept = state.facets["f"].values
    lost = next(row[0] for row in rows if row[0] not in kept)
    report = measure_bias(state, "f", [FacetValue.of(str(lost)), FacetValue.of(kept[0])], {"1"}, NO_DRAWS)
    assert report.truncated
    reason = report.values[0].metrics["CI"].value
    assert isinstance(reason, Undefined)
    assert reason.reason.endswith(", …, of which there are more than can be kept")
    assert report.values[1].rows == (1, 1499)


def test_every_metric_explains_itself() -> None:
    """A name as the stock analyzer spells it, a definition with its formula, and who is worse off, in a sentence each."""
    assert len(BIAS_METRICS) == 21
    assert (len(metrics_of(Stage.PRE)), len(metrics_of(Stage.POST))) == (8, 13)
    for key, metric in BIAS_METRICS.items():
        assert metric.name.endswith(f"({key})")
        assert metric.definition.endswith(".")
        assert metric.meaning.endswith(".")
        assert ("worse off" in metric.meaning) or metric.distance
    assert {key: metric.ideal for key, metric in BIAS_METRICS.items() if metric.ideal} == {"DI": 1.0}


@given(st.integers(0, 2**32), st.integers(5, 40), st.integers(1, 20), st.sampled_from([1, 3, 5]))
@settings(deadline=None, max_examples=50)
def test_the_flip_test_is_the_one_that_asks_each_row(seed: int, n_a: int, n_d: int, k: int) -> None:
    """Neighbours by sorting the distances of one row at a time; nearer rows first, ties in their order."""
    random = np.random.default_rng(seed)
    features = random.integers(0, 4, (n_a + n_d, 3)).astype(np.float64)
    positive, d = random.random(n_a + n_d) < 0.5, random.permutation(n_a + n_d) < n_d
    up = down = 0
    for row in np.flatnonzero(d):
        near = sorted((float(((features[other] - features[row]) ** 2).sum()), other) for other in np.flatnonzero(~d))[:k]
        like = sum(bool(positive[other]) for _, other in near) > k / 2
        up, down = up + (like and not positive[row]), down + (not like and positive[row])
    assert flip_test(features, positive, d, ~d, k) == pytest.approx((up - down) / n_d)


def test_the_flip_test_takes_a_sample_whatever_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distances are computed in blocks; too few rows on a side are said."""
    random = np.random.default_rng(0)
    features, positive, d = random.random((300, 4)), random.random(300) < 0.5, random.random(300) < 0.3
    whole = flips(features, positive, d, ~d)
    monkeypatch.setattr("hourglass.bias.flip_test._AT_ONCE", 1000)
    np.testing.assert_array_equal(flips(features, positive, d, ~d), whole)
    assert flip_test(features[:7], positive[:7], np.arange(7) < 3, np.arange(7) >= 3) == Undefined(
        "3 and 4 sampled rows on the sides; the flip test takes 1 and 5"
    )


def test_a_sample_leaves_out_what_has_no_side() -> None:
    """Rows without a feature, a prediction or a value; the report says how many rows the test saw."""
    values = ["d", "d", None, "a", "a", "a", "a", "a", "a"]
    age = [1, 2, 3, 1, 1, 1, 2, None, 9]
    predicted = ["0", "1", "1", "1", "1", "1", "1", "1", None]
    sample = FlipRows.of({"age": age, "job": pa.array(["x"] * 9)}, {"f": values}, predicted)
    rows = [("d", None, None, "1"), ("a", None, None, "1")]
    measured = measure_bias(counts(rows), "f", [FacetValue.of("d")], sample=sample, bootstrap=NO_DRAWS, neighbours=3)
    assert (measured.sampled, measured.left_out) == (8, 1)
    assert measured.values[0].metrics["FT"].value == 0.5
    assert measured.values[0].metrics["FT"].counts == (2, 4)


def test_above_a_threshold_is_an_interval() -> None:
    """Its name needs no data, so hours and baselines agree on it."""
    assert above_name(40.0) == "(40, inf)"
