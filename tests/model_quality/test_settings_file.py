"""conf/model_quality.yaml as it stands, on a small tree beside it."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from hourglass.monitors import model_quality
from hourglass.settings import load_settings
from tests.engine import check_outputs, plain_engine, read
from tests.model_quality.shapes import csv_text, csv_with_header, label_csv, merged_record, side, write_merged

CONF = Path(__file__).parents[2] / "conf" / "model_quality.yaml"


def test_the_settings_file_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its relative paths are those of the folder that it is called in: a baseline, a day of merged captures, reports, and states."""
    monkeypatch.chdir(tmp_path)
    draws = random.Random(0)
    rows = []
    for _ in range(600):
        label = int(draws.random() < 0.4)
        score = round(draws.betavariate(2 + label, 3 - label), 3)
        rows.append({"prediction": int(score > 0.5), "score": score, "label": label})
    said = {"problem_type": "BinaryClassification", "output_path": "baseline", **csv_with_header(tmp_path, rows)}
    model_quality.run(load_settings({name: str(value) for name, value in said.items()}, {}), plain_engine)
    for hour in (9, 10):
        worse = [{**row, "label": 1 - row["label"] if hour == 10 else row["label"]} for row in rows[:300]]
        lines = [
            # the model answers 1.0 where the label is 1: the file's same_class makes them one
            merged_record(
                side(csv_text([[float(row["prediction"]), row["score"]]]), "CSV"), label_csv(str(row["label"])), i, given=side("a,1", "CSV")
            ).replace("2026-11-21T09", f"2026-11-20T{hour:02d}")
            for i, row in enumerate(worse)
        ]
        write_merged(tmp_path / "merged", lines, f"2026/11/20/{hour:02d}")
    outcome = model_quality.run(load_settings({"container_root": str(tmp_path / "none")}, {}, str(CONF)), plain_engine)
    out = tmp_path / "reports" / "model-quality"
    check_outputs(out, suggested=False, monitor="model-quality")
    verdicts = {path.parent.name: read(path)["verdict"] for path in (out / "1h/2026/11/20").glob("*/evaluation.json")}
    assert verdicts == {f"{hour:02d}": {9: "pass", 10: "violation"}.get(hour, "no data") for hour in range(24)}
    assert read(out / "24h/2026/11/20/00/statistics.json")["dataset"]["item_count"] == 600
    assert outcome.violations > 0
    points = [json.loads(line) for line in (out / "cloudwatch_metrics.jsonl").read_text().splitlines()]
    assert {point["Timestamp"] for point in points if point["MetricName"] == "auc"} == {"2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z"}
    assert len(list((tmp_path / "states").rglob("states.parquet"))) == 2
