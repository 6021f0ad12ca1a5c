"""What is read of an analysis_config.json, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from hourglass.attribution.config import AttributionConfig, parse_attribution_config
from hourglass.errors import InputError, SettingsError

# every key that the SageMaker Python SDK 2 allows
STOCK: dict[str, Any] = {
    "version": "1.0",
    "dataset_type": "text/csv",
    "dataset_uri": "s3://bucket/rows.csv",
    "headers": ["Target", "Age", "Sex"],
    "label": 0,
    "predicted_label": "Predicted",
    "features": None,
    "label_values_or_threshold": [1],
    "probability_threshold": 0.5,
    "segment_config": [{"name_or_index": "Age", "segments": [["[20, 30]"]]}],
    "facet": [{"name_or_index": "Sex", "value_or_threshold": [0]}],
    "facet_dataset_uri": "s3://bucket/facet.csv",
    "facet_headers": ["Sex"],
    "predicted_label_dataset_uri": "s3://bucket/predicted.csv",
    "predicted_label_headers": ["Predicted"],
    "excluded_columns": [3],
    "joinsource_name_or_index": "Age",
    "group_variable": "Age",
    "time_series_data_config": None,
    "methods": {
        "shap": {
            "baseline": [[40, 0]],
            "num_clusters": None,
            "use_logit": True,
            "num_samples": 500,
            "agg_method": "mean_abs",
            "save_local_shap_values": True,
            "text_config": {"granularity": "token", "language": "english", "max_top_tokens": 10},
            "image_config": {"model_type": "IMAGE_CLASSIFICATION"},
            "seed": None,
            "features_to_explain": ["Age"],
        },
        "pre_training_bias": {"methods": "all"},
        "post_training_bias": {"methods": "all"},
        "pdp": {"grid_resolution": 10, "features": ["Age"], "top_k_features": 2},
        "report": {"name": "report", "title": "Analysis Report"},
        "asymmetric_shapley_value": {"direction": "chronological", "granularity": "timewise"},
    },
    "predictor": {
        "endpoint_name": "endpoint",
        "endpoint_name_prefix": "prefix",
        "model_name": "model",
        "target_model": "model.tar.gz",
        "instance_type": "ml.m5.xlarge",
        "initial_instance_count": 1,
        "accelerator_type": "ml.eia1.medium",
        "content_type": "text/csv",
        "accept_type": "text/csv",
        "label": None,
        "probability": 1,
        "label_headers": ["Not Default", "Default"],
        "content_template": "{}",
        "record_template": "{}",
        "custom_attributes": "c000b4f9-df62-4c85-a0bf-7c525f9104a4",
        "time_series_predictor_config": {"forecast": "mean"},
    },
}


def parse(**changes: Any) -> AttributionConfig:
    """A document with a model."""
    return parse_attribution_config(changes, model="model.onnx")


def test_a_full_stock_document_is_taken() -> None:
    """With all keys that it may have, the nulls among them as if they were absent."""
    config = parse_attribution_config(STOCK)
    assert (config.feature_names, config.label, config.baseline, config.seed, config.clusters) == (
        ("Age", "Sex"),
        "Target",
        ((40.0, 0.0),),
        0,
        10,
    )
    assert config.predictor is not None
    assert (config.predictor.source, config.predictor.probability, config.predictor.labels) == (
        "sagemaker:endpoint",
        "1",
        ("Not Default", "Default"),
    )


@pytest.mark.parametrize("part", [(), ("methods",), ("methods", "shap"), ("predictor",)], ids=".".join)
def test_nulls_are_as_if_they_were_absent(part: tuple[str, ...]) -> None:
    """Each key of each part."""
    keys: dict[str, Any] = STOCK
    for name in part:
        keys = keys[name]
    document: dict[str, Any] = dict.fromkeys((*keys, "explainer", "groups", "captured", "model"))
    for name in reversed(part):
        document = {name: document}
    assert parse(**document) == parse()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"header": ["a"]}, "header: found an unknown key.*did you mean headers"),
        ({"methods": {"shap": {"num_sample": 5}}}, r"methods\.shap\.num_sample: found an unknown key.*did you mean num_samples"),
        ({"methods": {"sharp": {}}}, r"methods\.sharp: found an unknown key.*did you mean shap"),
        ({"predictor": {"endpoint_nam": "ml"}}, r"predictor\.endpoint_nam: found an unknown key.*did you mean endpoint_name"),
        ({"headers": ["age", "y"], "label": "agee"}, "label: found 'agee'; expected one of the headers.*did you mean age"),
        ({"headers": ["age", "y"], "label": 2}, "label: found '2'; expected one of the headers, or an index"),
        ({"predictor": {"label_headers": ["a", "a"]}}, "label_headers: found 'a' 2 times"),
        ({"headers": ["age", "sex"], "methods": {"shap": {"groups": {"age": ["sex"]}}}}, "groups: found 'age', which is also a feature"),
        (
            {"headers": ["age", "y"], "label": "y", "methods": {"shap": {"groups": {"g": ["y"]}}}},
            "groups: found 'y'; expected one of the features",
        ),
    ],
    ids=str,
)
def test_slips_and_clashes_are_told(document: dict[str, Any], words: str) -> None:
    """With their place."""
    with pytest.raises(SettingsError, match=words):
        parse(**document)


@pytest.mark.parametrize("label", [0, "0", "y"], ids=repr)
def test_a_label_may_be_told_by_its_index(label: object) -> None:
    """Among the headers, which then are features but for it."""
    config = parse(headers=["y", "age"], label=label)
    assert (config.label, config.feature_names) == ("y", ("age",))


def test_a_group_may_have_the_name_of_a_member() -> None:
    """Which is then no feature by itself."""
    assert parse(headers=["age", "sex"], methods={"shap": {"groups": {"age": ["age", "sex"]}}}).group_of == {"age": "age", "sex": "age"}


def test_the_label_of_json_records_is_the_last_of_the_headers() -> None:
    """As the real bias job has it: its own place is a path."""
    assert parse(headers=["age", "sex", "y"], features="features", label="answer.label").feature_names == ("age", "sex")


def test_rows_of_a_baseline_that_are_objects_name_the_features() -> None:
    """Without headers, whatever the order of the keys; not the label."""
    config = parse(label="y", methods={"shap": {"baseline": [{"debt": 0, "y": 1, "age": 40}, {"age": 41, "debt": None, "y": 0}]}})
    assert (config.baseline_names, config.baseline) == (("debt", "age"), ((0.0, 40.0), (None, 41.0)))


@pytest.mark.parametrize("rows", [[[40, 38], [1]], [{"a": 1, "b": 2}, {"a": 1}], [{"a": 1}, [1, 2]]], ids=["lists", "objects", "both"])
def test_rows_of_a_baseline_of_several_lengths_are_refused(rows: object) -> None:
    """With the place of the first that is unlike."""
    with pytest.raises(InputError, match=r"methods\.shap\.baseline\[1\]: found"):
        parse(methods={"shap": {"baseline": rows}})
