"""A schedule as one CloudFormation template: state machines, the rules that start them, their roles, and the topic."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

from hourglass.capture.window import HOUR
from hourglass.errors import InputError, SettingsError
from hourglass.schedules.policies import RULE, STATE_MACHINE, machine_name, roles
from hourglass.schedules.schedule import Document, Schedule
from hourglass.schedules.state_machine import Platform, role_of, state_machine

_MINUTE = timedelta(minutes=1)
_ARN, _STACKS_ARN = "arn:aws:", "arn:${AWS::Partition}:"  # China's and the government's regions have others
_OURS = re.compile(r"\$\{(?!Topic\}|Role\w+\.Arn\})")


def template(schedule: Schedule, platform: Platform) -> dict[str, Any]:
    """The template; account and region are the stack's. SettingsError for what EventBridge cannot do."""
    made = roles(schedule, platform, "${AWS::AccountId}", "${AWS::Region}")
    assert schedule.document.aws is not None  # noqa: S101 for mypy: the roles have seen to it
    resources: dict[str, Any] = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": schedule.document.aws.topic}},
        **{name: _substituted(role) for name, role in made.items()},
    }
    for endpoint in schedule.endpoints:
        words = "".join(part[:1].upper() + part[1:] for part in endpoint.split("-"))
        if f"Machine{words}" in resources:
            raise SettingsError(
                [
                    InputError(
                        f"{schedule.path}: endpoints.{endpoint}",
                        found="another endpoint of the same letters",
                        expected="one of them in a schedule of its own",
                    )
                ]
            )
        definition = json.dumps(state_machine(schedule, endpoint, platform), separators=(",", ":"))
        resources[f"Machine{words}"] = {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": machine_name(schedule, endpoint),
                "DefinitionString": {"Fn::Sub": _OURS.sub("${!", definition).replace(_ARN, _STACKS_ARN)},
                "RoleArn": {"Fn::GetAtt": [role_of(STATE_MACHINE), "Arn"]},
            },
        }
        resources[f"Rule{words}"] = {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Description": f"Starts {machine_name(schedule, endpoint)}",
                "ScheduleExpression": cron(schedule.path, schedule.document),
                "Targets": [{"Id": "run", "Arn": {"Ref": f"Machine{words}"}, "RoleArn": {"Fn::GetAtt": [role_of(RULE), "Arn"]}}],
            },
        }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Hourglass, made by hourglass schedule template",
        "Resources": resources,
    }


def cron(path: str, document: Document) -> str:
    """When a run begins: `wait` after its hours, by the clock of UTC; SettingsError when that is no whole number of minutes.

    >>> cron("schedule.yaml", Document(every="6h", wait="20min", endpoints={"churn": {}}))
    'cron(20 0/6 * * ? *)'
    """
    if document.wait >= timedelta(days=1) or document.wait % _MINUTE:
        expected = "whole minutes, less than a day"
        raise SettingsError([InputError(f"{path}: wait", found=document.wait, expected=expected, hint="EventBridge has a clock only")])
    hours, rest = divmod(document.wait, HOUR)
    every = document.every // HOUR
    when = "*" if every == 1 else f"{hours % every}/{every}"
    return f"cron({rest // _MINUTE} {when} * * ? *)"


def _substituted(value: Any) -> Any:
    """Texts that speak of the stack's account and region, as CloudFormation fills them in."""
    if isinstance(value, dict):
        return {key: _substituted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_substituted(inner) for inner in value]
    if not isinstance(value, str):
        return value
    value = value.replace(_ARN, _STACKS_ARN)
    return {"Fn::Sub": value} if "${AWS::" in value else value
