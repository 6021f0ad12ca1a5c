"""`hourglass model-quality` as a person calls it, and its metrics as CloudWatch has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hourglass.cli import main
from hourglass.outputs.cloudwatch import BATCH_NAMESPACE, ENDPOINT_NAMESPACE
from tests.engine import check_outputs, read, run_quality
from tests.model_quality.shapes import MERGED, csv_with_header, label_csv, merged_record, side, write_merged
from tests.model_quality.test_degenerate_hours import constraints
from tests.model_quality.test_oracles import Problem, rows_of


def flags_of(said: dict[str, Any]) -> list[str]:
    return [part for name, value in said.items() for part in (f"--{name.replace('_', '-')}", str(value))]


def test_the_command_prints_and_ends_as_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table of the window and its segments; as JSON one document; exit code 3 where violations are to end so."""
    (tmp_path / "source").mkdir()
    rows = [{**row, "part": "ab"[i % 2]} for i, row in enumerate(rows_of(Problem.BINARY, 60))]
    given = constraints(tmp_path, Problem.BINARY, {"accuracy": 0.99})
    said = {"problem_type": "BinaryClassification", **csv_with_header(tmp_path / "source", rows), "baseline_constraints": given}
    said |= {"output_path": tmp_path / "out", "engine": "local", "container_root": tmp_path / "none", "segments": "part"}
    main(["model-quality", *flags_of(said)])
    assert "accuracy" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["model-quality", *flags_of(said), "--json", "--fail-on-violations"])
    document = json.loads(capsys.readouterr().out)
    assert ended.value.code == 3
    assert {violation["check"] for violation in document["windows"][0]["violations"]} == {"LessThanThreshold"}
    check_outputs(tmp_path / "out", suggested=False, monitor="model-quality")


def test_backfill_fills_the_store_that_the_monitor_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """analysis_type MODEL_QUALITY: states under model-quality, after which the monitor needs no file."""
    path = write_merged(tmp_path / "merged", [merged_record(side(str(i), "CSV"), label_csv(str(i + 1)), i) for i in range(5)])
    said = {"problem_type": "Regression", "inference_attribute": "0", "dataset_source": tmp_path / "merged", **MERGED}
    said |= {"state_root": tmp_path / "states", "engine": "local", "container_root": tmp_path / "none"}
    said |= {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z"}
    main(["backfill", "--analysis-type", "MODEL_QUALITY", *flags_of(said)])
    capsys.readouterr()
    assert [found.relative_to(tmp_path).parts[1] for found in (tmp_path / "states").rglob("states.parquet")] == ["model-quality"]
    path.write_text("")
    path.unlink()
    main(["model-quality", *flags_of({**said, "output_path": tmp_path / "out"})])
    assert read(tmp_path / "out" / "statistics.json")["regression_metrics"]["mae"]["value"] == 1.0


@pytest.mark.parametrize(("endpoint", "namespace"), [("shop", ENDPOINT_NAMESPACE), ("", BATCH_NAMESPACE)])
def test_metrics_are_put_under_the_stock_monitors_namespace(cloudwatch: Any, tmp_path: Path, endpoint: str, namespace: str) -> None:
    """…/model-metrics, each metric under its own name; one that CloudWatch would refuse does not keep the others back."""
    (tmp_path / "source").mkdir()
    source = csv_with_header(tmp_path / "source", [{"prediction": 1e80, "label": 2.0}, {"prediction": 1.0, "label": 1.0}])
    put = {"publish_cloudwatch_metrics": "Enabled", "publish": "put-metric-data", "metric_time": "2026-11-21T09:00:00Z"}
    named = {"sagemaker_endpoint_name": endpoint, "sagemaker_monitoring_schedule_name": "hourly"}
    run_quality(tmp_path / "out", problem_type="Regression", **source, **put, **named)
    found = {metric["MetricName"] for metric in cloudwatch.list_metrics(Namespace=f"{namespace}/model-metrics")["Metrics"]}
    assert found == {"mae", "rmse", "mape", "hourglass_rows", "hourglass_bad_line_share", "hourglass_evaluated_rows"}
    assert read(tmp_path / "out" / "statistics.json")["regression_metrics"]["mse"]["value"] == 5e159
