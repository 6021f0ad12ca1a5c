"""What of a number is a value or a threshold: as the baseline has it, else by the whole column; and whose baseline it is."""

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
    "label": "income",
    "label_values_or_threshold": [50],
    "label_type": "threshold",
    "facet": [{"name_or_index": "age", "value_or_threshold": [50]}],
}


def table(folder: Path, rows: int = 600) -> Path:
    """Ages from 20 to 79, incomes from 0 to 99; the old have less."""
    lines = [f"{20 + i % 60},{'fm'[i % 2]},{(i * 37 + 20 * (i % 60 < 31)) % 100}" for i in range(rows)]
    (folder / "data.csv").write_text("\n".join(["age,sex,income", *lines]) + "\n")
    return folder / "data.csv"


def report(folder: Path, name: str, data: Path, /, config: Mapping[str, Any] = CONFIG, **flags: Any) -> Report:
    """Of a run with a configuration."""
    (folder / "config.json").write_text(json.dumps(config))
    return run_bias(folder / name, dataset_source=data, analysis_config=folder / "config.json", **flags).reports[0]


def facets(folder: Path, stage: str = "pre_training") -> dict[str, Any]:
    """The facets in an analysis.json, each with its values."""
    found = read(folder / "analysis.json")[f"{stage}_bias_metrics"]["facets"]
    return {name: [entry["value_or_threshold"] for entry in entries] for name, entries in found.items()}


def test_a_label_is_cut_where_its_baseline_was(tmp_path: Path) -> None:
    """The same file against its own baseline has no violations."""
    plain = {key: value for key, value in CONFIG.items() if key != "label_type"}
    data = table(tmp_path)
    report(tmp_path, "baseline", data, plain)
    assert read(tmp_path / "baseline" / "analysis.json")["pre_training_bias_metrics"]["label_value_or_threshold"] == "(50, inf)"
    held = report(tmp_path, "out", data, plain, baseline_constraints=tmp_path / "baseline" / "analysis.json")
    assert (held.verdict, held.violations) == ("pass", ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "age"}, r"analysis\.json: label: found 'income'; expected 'age', as configured\. Hint: make a baseline with"),
        (
            {"label_values_or_threshold": [60]},
            r"label_value_or_threshold: found '\(50, inf\)'; expected '\(60, inf\)', as label_values_or_threshold",
        ),
        ({"label_values_or_threshold": [50, 60], "label_type": "values"}, r"found '\(50, inf\)'; expected '50,60', as label_values"),
    ],
    ids=["label", "threshold", "values"],
)
def test_a_baseline_of_another_label_is_an_error(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    """Its metrics are not the same ones."""
    data = table(tmp_path)
    report(tmp_path, "baseline", data)
    with pytest.raises(InputError, match=message):
        report(tmp_path, "out", data, {**CONFIG, **change}, baseline_constraints=tmp_path / "baseline" / "analysis.json")


def test_the_order_of_positive_values_makes_no_other_label(tmp_path: Path) -> None:
    """Nor does a spelling that the configuration's rule reads alike, or the upper end that the stock analyzer writes."""
    data = table(tmp_path)
    changes = {"label_values_or_threshold": [1, 2], "label_type": "values"}
    for name, positive, change, flags in (
        ("values", "2,1.0", changes, {"same_class": "number"}),
        ("threshold", "(50.0, 99.0]", {}, {}),
    ):
        report(tmp_path, name, data, {**CONFIG, **change}, **flags)
        path = tmp_path / name / "analysis.json"
        document = read(path)
        document["pre_training_bias_metrics"]["label_value_or_threshold"] = positive
        path.write_text(json.dumps({"pre_training_bias_metrics": document["pre_training_bias_metrics"]}))
        held = report(tmp_path, "out", data, {**CONFIG, **change}, baseline_constraints=path, decision="strict", **flags)
        assert held.violations == ()


def test_facets_together_say_nothing_of_a_threshold_of_one(tmp_path: Path) -> None:
    """In whatever order they stand."""
    together = {"name_or_index": ["age", "sex"], "value_or_threshold": [[30, "f"]]}
    data = table(tmp_path)
    for order in ([*CONFIG["facet"], together], [together, *CONFIG["facet"]]):  # type: ignore[misc]
        config = {**CONFIG, "facet": order}
        report(tmp_path, "baseline", data, config)
        report(tmp_path, "out", data, config, baseline_constraints=tmp_path / "baseline" / "analysis.json")
        assert facets(tmp_path / "out")["age"] == ["(50, inf)"]


def test_a_facet_that_the_baseline_lacks_is_settled_by_the_data(tmp_path: Path) -> None:
    """It is measured as it would be without a baseline."""
    data = table(tmp_path)
    report(tmp_path, "baseline", data, {**CONFIG, "facet": [{"name_or_index": "sex", "value_or_threshold": ["f"]}]})
    report(tmp_path, "out", data, baseline_constraints=tmp_path / "baseline" / "analysis.json")
    assert facets(tmp_path / "out") == {"age": ["(50, inf)"]}


def test_many_small_files_are_one_column(tmp_path: Path) -> None:
    """Forty files of ten rows have more than 20 ages together."""
    for number in range(40):
        rows = [f"{20 + (10 * number + i) % 60},f,{i}" for i in range(10)]
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / f"{number:02}.csv").write_text("\n".join(["age,sex,income", *rows]) + "\n")
    report(tmp_path, "out", tmp_path / "data")
    assert facets(tmp_path / "out") == {"age": ["(50, inf)"]}


def test_columns_are_looked_up_as_they_are_counted(tmp_path: Path) -> None:
    """A facet by its number, and a label by a path among what was merged."""
    lines = []
    for i in range(200):
        line = json.loads(csv_record(i, 20 + i % 60, "fm"[i % 2], 0, i % 2))
        line["groundTruthData"] = {"data": json.dumps({"income": i % 100, "source": "desk"}), "encoding": "JSON"}
        lines.append(json.dumps(line))
    hour = tmp_path / "data" / "endpoint" / "AllTraffic" / "2026" / "11" / "21" / "09"
    hour.mkdir(parents=True)
    (hour / "part.jsonl").write_text("\n".join(lines) + "\n")
    config = {
        "label": "$.income",
        "label_values_or_threshold": [50],
        "facet": [{"name_or_index": 0, "value_or_threshold": [50]}],
        "predictor": {"label": "0"},
    }
    report(tmp_path, "out", tmp_path / "data", config, **MERGED)
    assert facets(tmp_path / "out") == {"0": ["(50, inf)"]}
    found = read(tmp_path / "out" / "analysis.json")["pre_training_bias_metrics"]
    assert found["label_value_or_threshold"] == "(50, inf)"
    assert values_of(found["facets"]["0"][0])["DPL"] is not None
