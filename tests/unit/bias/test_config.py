"""The stock analyzer's analysis_config.json, ours beside it, and every fault in it at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from hourglass.bias import (
    BIAS_METRICS,
    Chosen,
    FacetConfig,
    FacetValue,
    Stage,
    below_name,
    by_threshold,
    facet_names,
    measure_bias,
    metrics_of,
    parse_analysis_config,
)
from hourglass.errors import InputError, SettingsError
from hourglass.quality import ClassRule, Same
from hourglass.states import FacetCounts
from tests.unit.bias.rows import NO_DRAWS

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
KEYS = (
    "dataset_type, headers, features, label, label_values_or_threshold, label_type, facet, group_variable, "
    "probability_threshold, predictor, methods"
)
SEX = {"name_or_index": "Sex", "value_or_threshold": [0]}


def config(**keys: Any) -> dict[str, Any]:
    """A configuration of a table with four columns."""
    plain = {"headers": ["y", "Sex", "Race", "Age"], "label": "y", "label_values_or_threshold": [1], "facet": [SEX]}
    return {key: value for key, value in {**plain, **keys}.items() if value != "none"}


def faults(**keys: Any) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        parse_analysis_config(config(**keys), "c")
    return [str(fault) for fault in raised.value.faults]


def test_the_real_configuration_is_read() -> None:
    """Of JSON records: features and label by path, the label's name is the last of the headers."""
    found = parse_analysis_config(json.loads((SAMPLES / "bias_endpoint_json.analysis_config.json").read_bytes()))
    assert (found.label, found.label_name, found.features, found.dataset_type) == (
        "instances[*].label",
        "Target",
        "instances[*].features",
        "application/json",
    )
    assert len(found.headers) == 15
    assert found.group_variable == "Age"
    assert (found.predicted_label, found.probability, found.probability_threshold) == (
        "predictions[*].predicted_label",
        "predictions[*].score",
        0.5,
    )
    assert found.metrics == tuple(sorted(BIAS_METRICS))
    assert found.unsure == {"Sex", "Target"}
    settled = found.settled({"Sex": False, "Target": False})
    assert settled.positive == Chosen(("1",), 1.0, "values")
    assert (settled.facets[0].name, settled.facets[0].values) == ("Sex", [FacetValue("0", frozenset("0"))])


def test_one_whole_number_is_a_value_or_a_threshold_by_what_the_column_holds() -> None:
    """Age 40 is a threshold and Sex 0 a value, once and for all hours; the file may say it itself."""
    age = {"name_or_index": "Age", "value_or_threshold": [40]}
    found = parse_analysis_config(config(facet=[SEX, age]))
    assert [facet.chosen and facet.chosen.kind for facet in found.facets] == ["unsure", "unsure"]
    settled = found.settled({"Sex": False, "Age": True, "y": False})
    assert [(facet.threshold, facet.values) for facet in settled.facets] == [
        (None, [FacetValue("0", frozenset("0"))]),
        (40.0, [FacetValue("(40, inf)", frozenset(["(40, inf)"]))]),
    ]
    said = parse_analysis_config(config(facet=[{**age, "type": "threshold"}, {**SEX, "type": "values"}], label_type="values"))
    assert [facet.chosen and facet.chosen.kind for facet in said.facets] == ["threshold", "values"]
    assert said.unsure == frozenset()
    assert said.settled({}) == said
    income = parse_analysis_config(config(label_values_or_threshold=[0.2])).positive
    assert (income.kind, income.name, income.names) == ("threshold", "(0.2, inf)", frozenset(["(0.2, inf)"]))


def test_several_values_are_one_facet() -> None:
    """As text or numbers; the name is the stock analyzer's."""
    found = parse_analysis_config(config(facet={"name_or_index": 2, "value_or_threshold": [1, "b", 2.5]}, label=0))
    assert (found.label_name, found.facets[0].name) == ("y", "Race")
    assert found.facets[0].values == [FacetValue("1,b,2.5", frozenset(["1", "b", "2.5"]))]
    rule = ClassRule(Same.NUMBER)
    assert parse_analysis_config(config(facet=[{**SEX, "value_or_threshold": [0.0, 2]}]), rule=rule).facets[0].values == [
        FacetValue.of("0", "2")
    ]


def test_columns_together_are_a_facet() -> None:
    """All of their values, or some; a row that lacks one of them has no value."""
    both = {"name_or_index": ["Sex", "Race"]}
    every, some = parse_analysis_config(config(facet=[both, {**both, "value_or_threshold": [[0, 4], [0, 1]]}])).facets
    assert (every.name, every.columns, every.values) == ("Sex & Race", ("Sex", "Race"), None)
    assert some.values == [FacetValue("0 & 4,0 & 1", frozenset(["0 & 4", "0 & 1"]))]
    state = FacetCounts.empty()
    columns = [pa.array([0, 0, 1, 1, None]), ["4", "1", "4", "1", "1"]]
    state.update({every.name: facet_names(columns)}, None, pa.array(["1", "0", "1", "1", "0"]), None)
    report = measure_bias(state, every.name, some.values, {"1"}, NO_DRAWS)
    assert (report.missing, report.values[0].rows, report.values[0].metrics["DPL"].value) == (1, (2, 2), 0.5)


def test_metrics_are_those_that_the_methods_ask_for() -> None:
    """All of a stage, some of it, or everything when none is named."""
    asked = {"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": ["DI", "AD"]}, "report": {"name": "report"}}
    found = parse_analysis_config(config(methods=asked)).metrics
    assert set(found) == metrics_of(Stage.PRE).keys() | {"DI", "AD"}
    assert parse_analysis_config(config(methods={"report": {}})).metrics == tuple(sorted(BIAS_METRICS))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            {"facet": "none"},
            """c: facet: found None; expected a list of facets. Hint: [{"name_or_index": "Sex", "value_or_threshold": [0]}], say""",
        ),
        (
            {"facet": [{"value_or_threshold": [0]}]},
            "c: facet[0].name_or_index: found None; expected the name of a column, or its number from 0",
        ),
        ({"facet": ["Sex"]}, """c: facet[0]: found 'Sex'; expected an object with "name_or_index\""""),
        (
            {"facet": [{"name_or_index": "sex"}]},
            "c: facet[0].name_or_index: found 'sex'; expected one of y, Sex, Race, Age. Hint: did you mean Sex?",
        ),
        ({"facet": [{"name_or_index": 4}]}, "c: facet[0].name_or_index: found 4; expected a number from 0 to 3"),
        (
            {"facet": [{**SEX, "value_or_threshold": []}]},
            "c: facet[0].value_or_threshold: found []; expected a list of values, or a threshold",
        ),
        (
            {"facet": [{**SEX, "value_or_threshold": [{}]}]},
            "c: facet[0].value_or_threshold: found [{}]; expected a list of values, or a threshold",
        ),
        (
            {"facet": [{**SEX, "value_or_threshold": [""]}]},
            "c: facet[0].value_or_threshold: found ['']; expected values that are not empty. Hint: \"(missing)\" for the rows without one",
        ),
        (
            {"facet": [{**SEX, "value_or_threshold": ["old"], "type": "threshold"}]},
            "c: facet[0].value_or_threshold: found ['old']; expected one number as threshold",
        ),
        ({"facet": [{**SEX, "type": "range"}]}, "c: facet[0].type: found 'range'; expected values or threshold"),
        ({"facet": [SEX, SEX]}, "c: facet: found 'Sex' twice with 0; expected each facet and value once"),
        (
            {"facet": [{"name_or_index": "Age"}, {"name_or_index": "Age", "value_or_threshold": 40.5}]},
            "c: facet: found 'Age' with every value and (40.5, inf); expected one threshold, or values",
        ),
        (
            {"facet": [{"name_or_index": ["Sex", "Sex"]}]},
            "c: facet[0].name_or_index: found ['Sex', 'Sex']; expected two or more different columns",
        ),
        (
            {"facet": [{"name_or_index": ["Sex", "Rac"]}]},
            "c: facet[0].name_or_index[1]: found 'Rac'; expected one of y, Sex, Race, Age. Hint: did you mean Race?",
        ),
        (
            {"facet": [{"name_or_index": ["Sex", "Race"], "value_or_threshold": [0]}]},
            "c: facet[0].value_or_threshold: found [0]; expected a list of 2 values, one of each column. Hint: [[0, 4]], say",
        ),
        ({"label": "none"}, "c: label: found nothing; expected the column of the label: its name, or its number from 0"),
        ({"label": "Y"}, "c: label: found 'Y'; expected one of y, Sex, Race, Age"),
        (
            {"label_values_or_threshold": "none"},
            "c: label_values_or_threshold: found nothing; expected the positive values of the label, or a threshold. Hint: [1], say",
        ),
        ({"group_variable": "Agee"}, "c: group_variable: found 'Agee'; expected one of y, Sex, Race, Age. Hint: did you mean Age?"),
        ({"headers": ["y", "Sex", "Sex"]}, "c: headers: found 'Sex' 2 times; expected a name for each column"),
        ({"headers": "y,Sex"}, "c: headers: found 'y,Sex'; expected a list of names"),
        ({"predictor": {"probability_threshold": 40}}, "c: predictor.probability_threshold: found 40; expected a number from 0 to 1"),
        ({"predictor": {"label": ["a"]}}, "c: predictor.label: found ['a']; expected a name, a number from 0 or a path"),
        ({"predictor": "model"}, "c: predictor: found str; expected an object"),
        (
            {"group_varable": "Age"},
            f"c: group_varable: found an unknown key; expected {KEYS}. Hint: did you mean group_variable?",
        ),
        ({"facets": []}, f"c: facets: found an unknown key; expected {KEYS}. Hint: did you mean facet?"),
        (
            {"predictor": {"probability_treshold": 0.4}},
            (
                "c: predictor.probability_treshold: found an unknown key; expected label, probability, probability_threshold. "
                "Hint: did you mean probability_threshold?"
            ),
        ),
        (
            {"facet": [{**SEX, "value_or_treshold": [0]}]},
            (
                "c: facet[0].value_or_treshold: found an unknown key; expected name_or_index, value_or_threshold, type. "
                "Hint: did you mean value_or_threshold?"
            ),
        ),
        (
            {"methods": {"pretraining_bias": {"methods": "all"}}},
            (
                "c: methods.pretraining_bias: found an unknown key; expected pre_training_bias, post_training_bias. "
                "Hint: did you mean pre_training_bias?"
            ),
        ),
        (
            {"methods": {"pre_training_bias": {"method": ["CI"]}}},
            "c: methods.pre_training_bias.method: found an unknown key; expected methods. Hint: did you mean methods?",
        ),
        ({"features": 7}, "c: features: found 7; expected a text"),
        ({"features": "f", "label": "none"}, "c: label: found nothing; expected the JMESPath of the label"),
        (
            {"methods": {"pre_training_bias": {"methods": ["DPPL"]}}},
            "c: methods.pre_training_bias.methods: found 'DPPL'; expected CDDL, CI, DPL, JS, KL, KS, LP, TVD. Hint: did you mean DPL?",
        ),
        (
            {"methods": {"pre_training_bias": {"methods": []}}},
            'c: methods.pre_training_bias.methods: found []; expected "all", or a list of metrics',
        ),
    ],
    ids=str,
)
def test_a_fault_says_what_was_found_and_what_is_expected(keys: dict[str, Any], expected: str) -> None:
    """With its place in the file, and a hint where one is near."""
    assert faults(**keys) == [expected]


def test_the_stock_analyzers_other_keys_are_let_be() -> None:
    """Of which some are nearly ours; and what is nobody's."""
    others = ["predicted_label", "label_headers", "facet_headers", "dataset_uri", "joinsource_name_or_index", "version", "comment"]
    predictor = {"model_name": "m", "label_headers": ["a"], "content_type": "text/csv", "instance_type": "ml.m5.large", "label": "0"}
    methods = {"report": {"name": "report"}, "shap": {"num_samples": 1}, "pdp": {}, "pre_training_bias": {"methods": ["CI"]}}
    found = parse_analysis_config(config(**dict.fromkeys(others, "x"), predictor=predictor, methods=methods))
    assert found.metrics == ("CI",)


def test_all_faults_are_told_at_once() -> None:
    """A file is corrected once, not fault by fault."""
    assert len(faults(label="none", facet="none", group_variable=9, label_values_or_threshold="none")) == 4


def test_what_is_no_configuration_at_all_says_so() -> None:
    """Such as a list."""
    with pytest.raises(InputError, match="found list; expected an object"):
        parse_analysis_config([])


def test_thresholds_that_are_settled_apart_are_a_fault() -> None:
    """The counts of a facet have one set of values."""
    found = parse_analysis_config(config(facet=[{"name_or_index": "Age", "value_or_threshold": [value]} for value in (40, 60)]))
    assert found.settled({"Age": False, "y": False}).facets[1] == FacetConfig(("Age",), Chosen(("60",), 60.0, "values"))
    with pytest.raises(SettingsError, match="1 fault"):
        found.settled({"Age": True, "y": False})


def test_a_number_on_the_threshold_is_not_above_it() -> None:
    """And what is no number has no side."""
    column = pa.array(["40", "40.5", "x", None])
    assert by_threshold(column, 40).to_pylist() == [below_name(40), "(40, inf)", None, None]
    assert facet_names([column], 40.0).to_pylist() == by_threshold(column, 40).to_pylist()
