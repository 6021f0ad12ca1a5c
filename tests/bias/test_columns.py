"""A configuration that names what the data have not, or have otherwise, is an error that says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hourglass.errors import InputError
from hourglass.outputs.report import Report
from tests.bias.test_job import MERGED, csv_record, values_of
from tests.engine import read, run_bias

CONFIG = {
    "label": "bought",
    "label_values_or_threshold": [1],
    "label_type": "values",
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}],
    "group_variable": "region",
    "predictor": {"label": "said"},
}
RECORDS = [
    {"sex": "fm"[i % 2], "region": "ab"[i // 2 % 2], "bought": i % 3 % 2, "said": i % 5 % 2, "prob": [0.3, 0.7], "work": {"job": "x"}}
    for i in range(200)
]


def report(folder: Path, records: list[dict[str, Any]] = RECORDS, /, flags: Mapping[str, Any] = MERGED, **changes: Any) -> Report:
    """Of JSON records: as a data set, or as captures whose answers have what the model says, merged with their labels."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **changes}))
    if flags is not MERGED:
        (folder / "data.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        return run_bias(folder / "out", dataset_source=folder / "data.jsonl", analysis_config=folder / "config.json", **flags).reports[0]
    lines = []
    for i, record in enumerate(records):
        line = json.loads(csv_record(i, 0, "", 0, 0))
        sides = {"endpointInput": ("sex", "region", "work"), "endpointOutput": ("said", "prob")}
        for side, names in sides.items():
            data = json.dumps({name: record[name] for name in names if name in record})
            line["captureData"][side] |= {"data": data, "encoding": "JSON", "observedContentType": "application/json"}
        line["groundTruthData"] = {"data": json.dumps({"bought": record["bought"], "source": "desk"}), "encoding": "JSON"}
        lines.append(json.dumps(line))
    hour = folder / "merged" / "endpoint" / "AllTraffic" / "2026" / "11" / "21" / "09"
    hour.mkdir(parents=True)
    (hour / "part.jsonl").write_text("\n".join(lines) + "\n")
    return run_bias(folder / "out", dataset_source=folder / "merged", analysis_config=folder / "config.json", **MERGED).reports[0]


DATA_SET: dict[str, Any] = {}
BOTH = pytest.mark.parametrize("flags", [MERGED, DATA_SET], ids=["captured", "data set"])


@BOTH
def test_the_right_names_are_no_slip(tmp_path: Path, flags: dict[str, Any]) -> None:
    """Every metric has a value."""
    found = report(tmp_path, flags=flags)
    assert found.coverage.warnings == ()
    (entry,) = read(tmp_path / "out" / "analysis.json")["post_training_bias_metrics"]["facets"]["sex"]
    assert None not in {value for name, value in values_of(entry).items() if name != "FT"}


@BOTH
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group_variable": "regoin"}, r"group_variable: found no column 'regoin'; expected one of .*Hint: did you mean region\?"),
        ({"label": "bougth"}, r"label: found no column 'bougth'; expected one of .*bought.* Hint: did you mean bought\?"),
        ({"facet": [{"name_or_index": "work"}]}, r"facet work: found an object, 'work'; expected a value. Hint: name one of work\.job"),
        ({"facet": [{"name_or_index": ["sex", "wrok.job"]}]}, r"facet sex & wrok\.job: found no column 'wrok.job'"),
        (
            {"facet": [{"name_or_index": "sex", "value_or_threshold": [40], "type": "threshold"}]},
            r"""facet sex: found texts such as 'f'; expected numbers for the threshold 40\. Hint: "type": "values\"""",
        ),
        (
            {"predictor": {"probability": "prob"}},
            r"predictor\.probability: found a list, 'prob'; expected one value\. Hint: name one of prob\[0\], prob\[1\]",
        ),
        (
            {"predictor": {"probability": "sex"}, "facet": [{"name_or_index": "region"}], "group_variable": None},
            r"predictor\.probability: found (texts such as 'f'; expected numbers for the threshold 0\.5|no column 'sex')",
        ),
    ],
    ids=str,
)
def test_a_slip_says_what_was_found(tmp_path: Path, flags: dict[str, Any], changes: dict[str, Any], message: str) -> None:
    """In captured records and in data sets."""
    with pytest.raises(InputError, match=message):
        report(tmp_path, flags=flags, **changes)


@BOTH
def test_a_facet_may_not_be_a_list_and_a_label_no_text_below_a_threshold(tmp_path: Path, flags: dict[str, Any]) -> None:
    """The first has no single value, the second no side."""
    listed = [{**record, "sex": [record["sex"], "x"]} for record in RECORDS]
    with pytest.raises(InputError, match=r"facet sex: found a list, 'sex'; expected one value. Hint: name one of sex\[0\], sex\[1\]"):
        report(tmp_path / "listed", listed, flags=flags)
    texts = [{**record, "bought": "yes"} for record in RECORDS]
    with pytest.raises(InputError, match=r"""label: found texts such as 'yes'; expected numbers .* 0\.5\. Hint: "label_type": "values\""""):
        report(tmp_path / "texts", texts, flags=flags, label_values_or_threshold=[0.5], label_type="threshold")


def test_a_data_set_without_its_prediction_has_metrics_of_labels_and_a_warning(tmp_path: Path) -> None:
    """It may well have none; captured answers have one."""
    found = report(tmp_path / "data", flags=DATA_SET, predictor={"label": "siad"})
    (warning,) = found.coverage.warnings
    assert warning.startswith("nothing is predicted: predictor.label: found no column 'siad'; expected one of sex, region, bought, said")
    assert warning.endswith("Hint: did you mean said?")
    with pytest.raises(InputError, match=r"predictor\.label: found no column 'siad'; expected one of said, prob\[0\], prob\[1\]\. Hint"):
        report(tmp_path / "captured", predictor={"label": "siad"})


def test_a_data_set_needs_its_prediction_where_the_baseline_has_metrics_of_it(tmp_path: Path) -> None:
    """Metrics of labels alone would pass."""
    report(tmp_path / "base", flags=DATA_SET)
    flags = {**DATA_SET, "baseline_constraints": tmp_path / "base" / "out" / "analysis.json"}
    with pytest.raises(InputError, match=r"predictor\.label: found no column 'siad'"):
        report(tmp_path / "data", flags=flags, predictor={"label": "siad"})


def test_one_merged_label_may_be_a_text_too(tmp_path: Path) -> None:
    """The only label needs no name, but numbers for a threshold."""
    lines = [csv_record(i, 20 + i % 3, "fm"[i % 2], 0, i % 2).replace('"data": "0"', '"data": "no"') for i in range(100)]
    hour = tmp_path / "merged" / "endpoint" / "AllTraffic" / "2026" / "11" / "21" / "09"
    hour.mkdir(parents=True)
    (hour / "part.jsonl").write_text("\n".join(lines) + "\n")
    config = {"headers": ["age", "sex", "income"], "label": "income", "label_values_or_threshold": [0.5], "facet": CONFIG["facet"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="label: found texts such as 'no'; expected numbers"):
        run_bias(tmp_path / "out", dataset_source=tmp_path / "merged", analysis_config=tmp_path / "config.json", **MERGED)


@pytest.mark.parametrize(("headers", "count"), [(["sex", "income"], 1), (["id", "age", "sex", "income"], 3)], ids=["fewer", "more"])
def test_headers_are_as_many_as_the_captured_columns(tmp_path: Path, headers: list[str], count: int) -> None:
    """Otherwise nobody knows which column is which, and no column has a name."""
    hour = tmp_path / "merged" / "endpoint" / "AllTraffic" / "2026" / "11" / "21" / "09"
    hour.mkdir(parents=True)
    (hour / "part.jsonl").write_text("\n".join(csv_record(i, 20, "fm"[i % 2], i % 3 % 2, i % 2) for i in range(100)) + "\n")
    config = {"headers": headers, "label": "income", "label_values_or_threshold": [1], "facet": CONFIG["facet"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    message = f"headers: found {count} names? beside the label's; expected 2, one for each value of a captured input"
    with pytest.raises(InputError, match=message):
        run_bias(tmp_path / "out", dataset_source=tmp_path / "merged", analysis_config=tmp_path / "config.json", **MERGED)


@pytest.mark.parametrize("segments", ["regin", "old: regin >= 3"], ids=["values", "condition"])
def test_segments_of_a_column_that_is_not_there_are_a_slip(tmp_path: Path, segments: str) -> None:
    """As of data quality and model quality."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    flags = {"dataset_source": tmp_path / "data.jsonl", "analysis_config": tmp_path / "config.json"}
    with pytest.raises(InputError, match=r"segments: .*: found no column 'regin'; expected one of .* Hint: did you mean region\?"):
        run_bias(tmp_path / "out", **flags, segments=segments)


def test_what_has_not_come_yet_is_no_slip(tmp_path: Path) -> None:
    """Captures without labels have the metrics of predictions; where nothing was merged a hint says how, unless no label is asked for."""
    lines = [json.loads(csv_record(i, 20 + i % 3, "fm"[i % 2], 0, i % 2)) for i in range(100)]
    hour = tmp_path / "merged" / "endpoint" / "AllTraffic" / "2026" / "11" / "21" / "09"
    hour.mkdir(parents=True)
    (hour / "part.jsonl").write_text("\n".join(json.dumps({**line, "groundTruthData": None}) for line in lines) + "\n")
    config = {"headers": ["age", "sex", "income"], "label": "income", "label_values_or_threshold": ["1"], "facet": CONFIG["facet"]}
    (tmp_path / "config.json").write_text(json.dumps({**config, "predictor": {"label": "0"}}))
    (tmp_path / "few.json").write_text(
        json.dumps({**config, "predictor": {"label": "0"}, "methods": {"post_training_bias": {"methods": ["DPPL", "FT"]}}})
    )
    hint = "no row has a label: captures get theirs by hourglass merge"
    for name, file, warnings in (
        ("sagemakerMergeJson", "config.json", ()),
        ("sagemakerCaptureJson", "config.json", (hint,)),
        ("sagemakerCaptureJson", "few.json", ()),
    ):
        flags = {"dataset_format": json.dumps({name: {}}), "analysis_config": tmp_path / file}
        found = run_bias(tmp_path / name / file, dataset_source=tmp_path / "merged", **flags).reports[0]
        assert (found.verdict, found.coverage.warnings) == ("suggested", warnings)
