"""A state machine of Step Functions, with the notice as its input."""

from __future__ import annotations

import re

from hourglass.notify.aws import client
from hourglass.notify.channel import channel
from hourglass.notify.notice import Notice

_PATTERN = r"arn:aws[\w-]*:states:[a-z0-9-]+:\d{12}:stateMachine:[\w-]+(:[\w-]+)?"


@channel("state machine", pattern=_PATTERN, spelled="arn:aws:states:REGION:ACCOUNT:stateMachine:NAME")
def state_machine(notice: Notice, target: str) -> str:
    """Starts an execution named after the notice: Step Functions takes a name once in 90 days, so the same windows start one."""
    named = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{notice.monitor}-{notice.endpoint or notice.schedule or 'data'}")[:40]
    machine = client("stepfunctions", target)
    try:
        machine.start_execution(stateMachineArn=target, name=f"{named}-{notice.id}", input=notice.to_bytes().decode())
    except machine.exceptions.ExecutionAlreadyExists:
        return f"{target}: was started for these windows before; not started again"
    return ""
