"""The demonstration as a new user starts it: a whole process, with Spark, into an empty directory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from hourglass.demo.drivers import LACKING
from hourglass.demo.faults import BAD_LINES, BROKEN_LINES_AN_HOUR, FAULTS
from hourglass.demo.labels import CHANGE, CHANGED_HOURS
from hourglass.demo.replay import HOURS, UNFAIR, UNFAIR_HOURS
from tests.engine import check_outputs, read

README = Path(__file__).parents[2] / "README.md"


def test_every_planted_fault_is_found_in_its_hours_and_the_clean_hours_are_clean(tmp_path: Path) -> None:
    """Said by the last lines and the exit code, and held here against the files that the job wrote."""
    place = tmp_path / "demo"
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", "from hourglass.cli import main; main()", "demo", "--directory", str(place)],
        env={**environment, "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    clean = HOURS - len({hour for fault in FAULTS for hour in fault.hours})
    *_, faults, labels, driven, reports = done.stdout.splitlines()
    assert faults == f"{len(FAULTS)} of {len(FAULTS)} planted faults found in their hours; {clean} of {clean} clean hours clean"
    others = clean - len(CHANGED_HOURS) - len(UNFAIR_HOURS)
    found = f"{len(CHANGED_HOURS)} of {len(CHANGED_HOURS)} hours found in which {CHANGE}; 1 of 1 hour found in which {UNFAIR}"
    assert labels == f"{found}; {others} of {others} other hours without a fault clean"
    lacks = f"1 of 1 hour found in which the model misses {LACKING}"
    assert driven == f"{lacks}; {clean} of {clean} hours without a fault clean"
    (lacking,) = (hour for fault in FAULTS if fault.feature == LACKING for hour in fault.hours)
    explained = place / "attribution-reports" / "2026" / "11" / "20" / f"{lacking:02}"
    assert {entry["metric_name"] for entry in read(explained / "constraint_violations.json")["violations"]} == {"shap_largest_change"}
    assert reports.endswith(f" s; reports in {place}")
    assert "✗" not in done.stdout
    said = [
        line for line in README.read_text().partition("```text\n")[2].partition("```")[0].splitlines() if re.match(r"\d+ of \d+ ", line)
    ]
    assert said
    assert [line for line in said if line not in done.stdout] == []

    hours = [place / "reports" / "2026" / "11" / "20" / f"{hour:02}" for hour in range(HOURS)]
    found = [
        {
            (violation["feature_name"], violation["constraint_check_type"])
            for violation in read(hour / "constraint_violations.json")["violations"]
        }
        for hour in hours
    ]
    planted = [{(fault.feature, fault.check) for fault in FAULTS if hour in fault.hours} for hour in range(HOURS)]
    for hour in range(HOURS):
        assert planted[hour] - {("", BAD_LINES)} <= found[hour]
        broken = BROKEN_LINES_AN_HOUR if ("", BAD_LINES) in planted[hour] else 0
        assert read(hours[hour] / "evaluation.json")["input"]["bad_lines"] == broken
        if not planted[hour]:
            assert found[hour] == set()
    set_aside = (place / "reports" / "quarantine" / "bad_lines.jsonl").read_text().splitlines()
    assert len({(entry["file"], entry["line"]) for entry in map(json.loads, set_aside)}) == BROKEN_LINES_AN_HOUR

    said = [
        {
            violation["metric_name"]
            for violation in read(place / "quality-reports" / "2026" / "11" / "20" / f"{hour:02}" / "constraint_violations.json")[
                "violations"
            ]
        }
        for hour in range(HOURS)
    ]
    assert all("accuracy" in said[hour] for hour in CHANGED_HOURS)
    assert all(not said[hour] for hour in range(HOURS) if hour not in {*CHANGED_HOURS, *UNFAIR_HOURS} and not planted[hour])
    biases = [place / "bias-reports" / "2026" / "11" / "20" / f"{hour:02}" / "constraint_violations.json" for hour in range(HOURS)]
    unfair = {hour for hour, path in enumerate(biases) if path.exists()}
    assert set(UNFAIR_HOURS) <= unfair <= {*UNFAIR_HOURS, *CHANGED_HOURS, *(hour for hour in range(HOURS) if planted[hour])}
    check_outputs(place / "baseline", suggested=True)
    check_outputs(place / "reports", suggested=False)
