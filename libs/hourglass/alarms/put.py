"""Alarms and the dashboard, put into CloudWatch where they are new or changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hourglass.alarms.wanted import Alarm
from hourglass.errors import EnvironmentFault, shorten

NEW, CHANGED, SAME, STALE, DELETED = "new", "changed", "as it was", "not asked for any more", "deleted"
_NO_DASHBOARD = {"ResourceNotFound", "DashboardNotFoundError"}
_A_CALL = 100  # names that DeleteAlarms takes


@dataclass(frozen=True)
class Change:
    """What became of an alarm or dashboard."""

    name: str
    status: str


def client(region: str) -> Any:
    """CloudWatch in a region; its calls are few a second, so a throttled one waits."""
    import boto3
    from botocore.config import Config

    return boto3.client("cloudwatch", region_name=region, config=Config(retries={"mode": "adaptive", "max_attempts": 10}))


def put_alarms(cloudwatch: Any, alarms: Sequence[Alarm], prefix: str, *, prune: bool = False) -> Iterator[Change]:
    """Puts the alarms that are not there as they are asked for, one after the other, and says of each what was done.

    Those that are there and not asked for, under `prefix`, are deleted with `prune`, and named without.
    """
    there = {alarm["AlarmName"]: alarm for alarm in _described(cloudwatch, prefix)}
    for alarm in alarms:
        name = alarm["AlarmName"]
        if name in there and not differs(alarm, there[name]):
            yield Change(name, SAME)
            continue
        with _said("PutMetricAlarm"):
            cloudwatch.put_metric_alarm(**alarm)
        yield Change(name, CHANGED if name in there else NEW)
    stale = sorted(there.keys() - {alarm["AlarmName"] for alarm in alarms})
    for start in range(0, len(stale), _A_CALL) if prune else ():
        with _said("DeleteAlarms"):
            cloudwatch.delete_alarms(AlarmNames=stale[start : start + _A_CALL])
    yield from (Change(name, DELETED if prune else STALE) for name in stale)


def put_dashboard(cloudwatch: Any, name: str, body: Mapping[str, Any]) -> Change:
    """Puts the dashboard unless it is there as it is asked for."""
    from botocore.exceptions import ClientError

    there = None
    with _said("GetDashboard"):
        try:
            there = json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
        except ClientError as fault:
            if fault.response["Error"]["Code"] not in _NO_DASHBOARD:
                raise
    if there == body:
        return Change(name, SAME)
    with _said("PutDashboard"):
        cloudwatch.put_dashboard(DashboardName=name, DashboardBody=json.dumps(body))
    return Change(name, NEW if there is None else CHANGED)


def unpublished(cloudwatch: Any, metrics: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of metrics that nobody has published with exactly these dimensions in the last two weeks or so."""
    lacking = []
    for metric in metrics:
        with _said("ListMetrics"):
            found = cloudwatch.list_metrics(**{key: metric[key] for key in ("Namespace", "MetricName", "Dimensions")})["Metrics"]
        if not any(_by_name(one["Dimensions"]) == _by_name(metric["Dimensions"]) for one in found):
            lacking.append(metric["MetricName"])
    return lacking


def differs(wanted: Alarm, there: Mapping[str, Any]) -> bool:
    """Whether an alarm is another one than asked for, in anything that we ask for.

    >>> differs({"Threshold": 0.1}, {"Threshold": 0.1, "StateValue": "OK"}), differs({"Threshold": 0.1}, {"Threshold": 0.2})
    (False, True)
    """
    return any(_plain(value) != _plain(there.get(key)) for key, value in wanted.items())


def _plain(value: Any) -> Any:
    """A value without what CloudWatch adds or leaves out: empty lists, the order of dimensions and queries."""
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items() if part not in (None, [], "")}
    if isinstance(value, list):
        return sorted((_plain(part) for part in value), key=lambda part: json.dumps(part, sort_keys=True, default=str))
    return [] if value is None else value


def _by_name(dimensions: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in dimensions}


def _described(cloudwatch: Any, prefix: str) -> Iterator[dict[str, Any]]:
    with _said("DescribeAlarms"):
        for page in cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"]):
            yield from page["MetricAlarms"]


@contextmanager
def _said(call: str) -> Iterator[None]:
    """Turns boto's errors into ours, which name the call and the right that it takes."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as fault:
        found = shorten(" ".join(str(fault).split()), 400)
        hint = f"credentials with cloudwatch:{call}, AWS_REGION; what was put before stays, and the same command goes on from there"
        raise EnvironmentFault(f"CloudWatch, {call}", found=found, expected="an answer", hint=hint) from fault
