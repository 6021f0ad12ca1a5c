"""The DAGs of a schedule, run by Airflow's own test runner in .venv-airflow: their tasks are `hourglass` commands of this one."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import environments
from tests.schedulers.conftest import QUALITY

RUNS = Path(__file__).with_name("airflow_runs.py")
DAY = "2026/11/20"


def schedule(place: Path) -> dict[str, Any]:
    return {
        "wait": "99999d",  # the traffic is of a day in the past: only the next hour ends the waiting
        "label_delay": "1h",
        "retry_wait": "1s",
        "retries": 3,
        "jobs": {
            "merge": {
                "dataset_source": str(place / "capture"),
                "ground_truth_source": str(place / "ground-truth"),
                "output_path": str(place / "merged"),
            },
            "data-quality": {
                "dataset_source": str(place / "capture"),
                "baseline_constraints": str(place / "baseline" / "constraints.json"),
                "baseline_statistics": str(place / "baseline" / "statistics.json"),
                "output_path": str(place / "reports" / "{endpoint}" / "data-quality"),
            },
            "model-quality": {
                "dataset_source": str(place / "merged"),
                "dataset_format": {"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}},
                "baseline_constraints": str(place / "quality-baseline" / "constraints.json"),
                "baseline_statistics": str(place / "quality-baseline" / "statistics.json"),
                "output_path": str(place / "reports" / "{endpoint}" / "model-quality"),
                **QUALITY,
            },
        },
        "endpoints": {"adult-income": None},
        "airflow": {"start": "2026-11-20", "look_every": "1s", "command": f"{Path(sys.executable).with_name('hourglass')}"},
    }


@pytest.fixture(scope="module")
def ran(traffic: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two runs: one whose baseline comes late, so that a task is tried again, and one whose next hour does."""
    place = tmp_path_factory.mktemp("airflow")
    for name in ("capture", "ground-truth", "baseline", "quality-baseline"):
        shutil.copytree(traffic / name, place / name)
    later = place / "later"
    later.mkdir()
    hours = place / "capture" / "adult-income" / "AllTraffic" / DAY
    shutil.move(place / "baseline", later / "baseline")
    shutil.move(hours / "12", later / "12")
    (place / "schedule.yaml").write_text(yaml.safe_dump(schedule(place)))
    dags = place / "dags"
    dags.mkdir()
    (dags / "monitors.py").write_text(
        f"from hourglass.schedules.airflow import dags\n\nglobals().update(dags({str(place / 'schedule.yaml')!r}))\n"
    )
    given = {
        "dag": "hourglass_adult-income",
        "runs": [
            {
                "end": "2026-11-20T11:00:00+00:00",
                "engine": "spark",
                "late": [["data-quality", "up_for_retry", str(later / "baseline"), str(place / "baseline")]],
            },
            {
                "end": "2026-11-20T12:00:00+00:00",
                "engine": "local",
                "late": [["captures_complete", "up_for_reschedule", str(later / "12"), str(hours / "12")]],
            },
        ],
        "backfill": ["2026-11-20T00:00:00+00:00", "2026-11-20T03:00:00+00:00"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(place))
        patch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(dags))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "false")
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        told: dict[str, Any] = environments.ask(environments.ensure("airflow"), RUNS, given=given)
    return told | {"place": place}


def test_airflow_finds_the_dag_of_each_endpoint(ran):
    assert (ran["import_errors"], ran["dags"]) == ({}, ["hourglass_adult-income"])


def test_a_run_succeeds_and_a_job_that_failed_is_tried_again(ran):
    run = ran["runs"][0]
    assert run["state"] == "success"
    assert run["moved"] == [["data-quality", "up_for_retry"]]
    assert run["tries"]["data-quality"][0] == "success"
    assert run["tries"]["data-quality"][1] > 1
    assert run["tries"]["merge"] == ["success", 1]


def test_a_run_waits_for_captures_that_come_late(ran):
    run = ran["runs"][1]
    assert run["state"] == "success"
    assert run["moved"] == [["captures_complete", "up_for_reschedule"]]
    assert run["tries"] == {name: ["success", 1] for name in ("captures_complete", "data-quality", "merge", "model-quality")}


def test_captures_are_those_of_the_runs_hours_and_labels_of_earlier_ones(ran):
    reports = ran["place"] / "reports" / "adult-income"
    found = {str(path.parent.relative_to(reports)) for path in reports.rglob("evaluation.json")}
    assert found == {
        f"{job}/{DAY}/{hour}" for job, hours in (("data-quality", ("10", "11")), ("model-quality", ("09", "10"))) for hour in hours
    }


def test_each_hours_reports_are_an_update_of_an_asset(ran):
    events = {(name.rpartition("/")[2], extra["start"]): extra for name, _, extra in ran["events"]}
    assert len(events) == len(ran["events"]) == 6
    assert {uri for _, uri, _ in ran["events"]} >= {f"file://{ran['place']}/reports/adult-income/data-quality"}
    spoilt, whole = (events["data-quality", f"2026-11-20T{hour}:00:00+00:00"] for hour in ("10", "11"))
    written = json.loads((ran["place"] / "reports/adult-income/data-quality" / DAY / "10/constraint_violations.json").read_text())
    assert spoilt["violations"] == len(written["violations"]) > 0
    assert spoilt["message"].startswith("CompletedWithViolations: ")
    assert whole["violations"] == 0


def test_a_backfill_is_a_run_for_each_hour(ran):
    hours = [[f"2026-11-20T0{hour}:00:00+00:00", f"2026-11-20T0{hour + 1}:00:00+00:00"] for hour in range(4)]
    assert ran["backfill"] == hours


def test_intervals_are_the_hours_before_a_run(ran):
    assert [run["interval"] for run in ran["runs"]] == [
        [f"2026-11-20T{hour}:00:00+00:00", f"2026-11-20T{hour + 1}:00:00+00:00"] for hour in (10, 11)
    ]
