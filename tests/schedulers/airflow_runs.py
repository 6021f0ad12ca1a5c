"""Runs a schedule's DAG by Airflow's own runner, as nobody but time would, and prints what Airflow knows of it then, as JSON.

In .venv-airflow, with a database of its own. `given`: the schedule's DAG, the runs (by logical date, which Airflow takes as
their interval's end), what comes late: `[task, state, from, to]` moves a file or folder when a task is in a state.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from airflow.dag_processing.dagbag import DagBag
from airflow.models.asset import AssetEvent, AssetModel
from airflow.models.backfill import ReprocessBehavior, _create_backfill
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import select


def state_of(dag: str, run: datetime, task: str) -> str | None:
    with create_session() as session:
        found = select(TaskInstance.state).join(TaskInstance.dag_run)
        return session.scalar(found.where(DagRun.dag_id == dag, DagRun.logical_date == run, TaskInstance.task_id == task))


@contextmanager
def comes_late(dag: str, run: datetime, late: list[list[str]]) -> Iterator[list[list[str]]]:
    """Meanwhile moves each thing when its task is in its state; gives those that were moved."""
    moved: list[list[str]] = []
    over = threading.Event()

    def watch() -> None:
        for task, state, source, target in late:
            while state_of(dag, run, task) != state:
                if over.wait(0.1):
                    return
            shutil.move(source, target)
            moved.append([task, state])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield moved
    finally:
        over.set()
        thread.join()


def main(given: dict[str, Any]) -> dict[str, Any]:
    initdb()
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    dag = bag.dags[given["dag"]]
    told: dict[str, Any] = {"import_errors": bag.import_errors, "dags": sorted(bag.dags), "runs": []}
    for run in given["runs"]:
        begin = time.monotonic()
        os.environ["engine"] = run["engine"]  # noqa: SIM112 as the contract spells its variables
        when = datetime.fromisoformat(run["end"])
        with comes_late(dag.dag_id, when, run["late"]) as moved:
            done = dag.test(logical_date=when)
        told["runs"].append(
            {
                "state": done.state,
                "moved": moved,
                "seconds": time.monotonic() - begin,
                "interval": [done.data_interval_start.isoformat(), done.data_interval_end.isoformat()],
                "tries": {task.task_id: [task.state, task.try_number] for task in done.get_task_instances()},
            }
        )
    with create_session() as session:
        events = session.execute(
            select(AssetModel.name, AssetModel.uri, AssetEvent.extra)
            .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .order_by(AssetEvent.id)
        )
        told["events"] = [list(event) for event in events]
    start, end = map(datetime.fromisoformat, given["backfill"])
    backfill = _create_backfill(
        dag_id=dag.dag_id,
        from_date=start,
        to_date=end,
        max_active_runs=1,
        reverse=False,
        triggering_user_name="test",
        dag_run_conf={},
        reprocess_behavior=ReprocessBehavior.NONE,
    )
    with create_session() as session:
        runs = session.scalars(select(DagRun).where(DagRun.backfill_id == backfill.id).order_by(DagRun.logical_date))
        told["backfill"] = [[run.data_interval_start.isoformat(), run.data_interval_end.isoformat()] for run in runs]
    return told


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
