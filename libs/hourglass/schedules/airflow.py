"""The DAGs of Airflow 3, one an endpoint, made of a schedule's file. Airflow is imported when they are.

    from hourglass.schedules.airflow import dags

    globals().update(dags("/etc/hourglass/schedule.yaml"))

captures_complete → merge → model-quality, bias: what reads merged records
                  → data-quality, attribution: what reads captures

A run's data interval is the hours that its jobs are about; those of merge and what reads its files lie `label_delay` earlier.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from hourglass import storage
from hourglass.capture.window import HOUR, Window
from hourglass.errors import VIOLATIONS_EXIT, InputError, SettingsError
from hourglass.http_post import shown
from hourglass.schedules.schedule import MERGE, Airflow, Job, Schedule, complete, read_schedule

if TYPE_CHECKING:
    from airflow.sdk import DAG, Asset

_ADDRESS = re.compile(r"https?://[^\s,']+")  # with secrets in it, as webhooks have
_GRACE_S = 30.0
_SAID = ("message", "violations", "output_path")  # of a job's outcome, what the asset's event says


def dags(path: str) -> dict[str, DAG]:
    """A DAG for each endpoint of a schedule, by its id; SettingsError for a schedule without what Airflow needs to know."""
    schedule = read_schedule(path)
    told = schedule.document.airflow
    if told is None:
        raise SettingsError([InputError(f"{path}: airflow", found="nothing", expected="from when on: airflow: {start: 2026-11-20}")])
    return {dag.dag_id: dag for dag in (_dag(schedule, told, endpoint, jobs) for endpoint, jobs in schedule.endpoints.items())}


def _dag(schedule: Schedule, told: Airflow, endpoint: str, jobs: tuple[Job, ...]) -> DAG:
    from airflow.sdk import DAG, CronDataIntervalTimetable

    hours = schedule.document.every // HOUR
    with DAG(
        f"{schedule.document.name}_{endpoint}",
        description=f"Monitors of the endpoint {endpoint}",
        schedule=CronDataIntervalTimetable(f"0 */{hours} * * *" if hours < 24 else "0 0 * * *", timezone="UTC"),
        start_date=told.start,
        catchup=told.catchup,
        max_active_runs=told.runs_at_a_time,
        default_args={
            "retries": schedule.document.retries,
            "retry_delay": schedule.document.retry_wait,
            "execution_timeout": schedule.document.time_limit,
        },
        tags=["hourglass", endpoint],
    ) as dag:
        sensor, operator = _operators()
        ready = sensor(task_id="captures_complete", jobs=jobs, wait=schedule.document.wait, look_every=told.look_every)
        tasks = {job.command: operator(task_id=job.command, job=job, program=told.command, asset=asset_of(schedule, job)) for job in jobs}
        for job in jobs:
            (tasks[MERGE] if job.after_merge else ready) >> tasks[job.command]
    return dag


def asset_of(schedule: Schedule, job: Job) -> Asset:
    """What a job's runs update: its reports, or the merged hours. Other DAGs may be scheduled by it."""
    from airflow.sdk import Asset

    place = job.checked.output_path
    return Asset(f"{schedule.document.name}/{job.endpoint}/{job.command}", f"file://{place}" if storage.is_local(place) else place)


@cache
def _operators() -> tuple[Any, Any]:
    """The sensor that waits for a run's captures, and the operator that runs a job's command."""
    from airflow.sdk import BaseOperator, BaseSensorOperator
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    class HourSensor(BaseSensorOperator):  # type: ignore[misc]
        """Waits until the next hour's captures come, or for a schedule's `wait`; its worker is free meanwhile."""

        def __init__(self, *, jobs: tuple[Job, ...], wait: timedelta, look_every: timedelta, **told: Any) -> None:
            super().__init__(mode="reschedule", poke_interval=look_every, timeout=(wait + HOUR).total_seconds(), **told)
            self.jobs = jobs
            self.wait = wait

        def poke(self, context: Any) -> bool:
            return complete(self.jobs, _run(context), self.wait, datetime.now(UTC))

    class HourglassOperator(BaseOperator):  # type: ignore[misc]
        """Runs a job's command for the hours of the data interval, in a process of its own.

        Violations are an outcome, told in the return value and in the asset's event; with fail_on_violations they fail the
        task, and it is not tried again.
        """

        def __init__(self, *, job: Job, program: str, asset: Asset, **told: Any) -> None:
            super().__init__(outlets=[asset], **told)
            self.job = job
            self.program = program
            self.asset = asset
            self.process: subprocess.Popen[str] | None = None

        def execute(self, context: Any) -> dict[str, Any]:
            run = _run(context)
            words = [*shlex.split(self.program), *self.job.words(run)]
            self.log.info("%s", _ADDRESS.sub(lambda found: shown(found[0]), shlex.join(words)))
            self.process = subprocess.Popen([*words, "--json"], stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 a command of the schedule's own
            try:
                printed, _ = self.process.communicate()
            finally:
                self.on_kill()
            if self.process.returncode == VIOLATIONS_EXIT:
                raise AirflowFailException(f"{self.job.command} found violations: see {self.job.checked.output_path}")
            if self.process.returncode:
                raise AirflowException(f"{self.job.command} ended with exit code {self.process.returncode}: the log above says why")
            outcome = json.loads(printed)
            window = self.job.window(run)
            said = {name: outcome[name] for name in _SAID if name in outcome}
            said |= {"start": window.start.isoformat(), "end": window.end.isoformat()}
            context["outlet_events"][self.asset].extra = said
            return said

        def on_kill(self) -> None:
            """Ends the job with all its processes, Spark's too."""
            if self.process is not None and self.process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGTERM)
                try:
                    self.process.wait(_GRACE_S)
                except subprocess.TimeoutExpired:
                    os.killpg(self.process.pid, signal.SIGKILL)
                    self.process.wait()

    return HourSensor, HourglassOperator


def _run(context: Any) -> Window:
    return Window(context["data_interval_start"], context["data_interval_end"])
