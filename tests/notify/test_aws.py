"""SNS, EventBridge and Step Functions, by moto's server: who has subscribed gets what was violated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hourglass.http_post import NotDelivered
from hourglass.notify import Notice, deliver
from tests.engine import run
from tests.notify.conftest import ACCOUNT

Aws = Callable[[str], Any]
BUS = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"


def queue(aws: Aws, name: str) -> tuple[str, str]:
    """A queue's address and ARN."""
    url = aws("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url, aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def received(aws: Aws, url: str) -> list[dict[str, Any]]:
    """The bodies of a queue's messages."""
    found = aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in found]


@pytest.fixture
def machine(aws: Aws) -> str:
    """A state machine that passes its input on."""
    role = f"arn:aws:iam::{ACCOUNT}:role/retrain"
    states = {"StartAt": "Train", "States": {"Train": {"Type": "Pass", "End": True}}}
    return str(aws("stepfunctions").create_state_machine(name="retrain", definition=json.dumps(states), roleArn=role)["stateMachineArn"])


def events_to(aws: Aws, name: str) -> str:
    """A queue that gets our events of the default bus."""
    url, arn = queue(aws, name)
    aws("events").put_rule(Name=name, EventPattern=json.dumps({"source": ["hourglass"], "detail-type": ["Hourglass Violations"]}))
    aws("events").put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def test_a_topic_gets_the_sentences_with_attributes_to_filter_by(aws: Aws, notice: Notice) -> None:
    """As a subscribed queue receives them."""
    topic = aws("sns").create_topic(Name="alarms")["TopicArn"]
    url, arn = queue(aws, "inbox")
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    assert deliver(notice, topic) == ""
    message = received(aws, url)[0]
    assert message["Subject"] == "Hourglass: 1 violation, data-quality of shop"
    assert message["Message"] == notice.text
    assert "age (data_type_check): half of it is text" in message["Message"]
    assert notice.report in message["Message"]
    attributes = {name: one["Value"] for name, one in message["MessageAttributes"].items()}
    assert attributes == {
        "monitor": "data-quality",
        "endpoint": "shop",
        "schedule": "hourly",
        "violations": "1",
        "report": notice.report,
    }


def test_a_rule_of_an_event_bus_gets_the_document(aws: Aws, notice: Notice) -> None:
    """By the source and the detail type that the documentation names."""
    url = events_to(aws, "retraining")
    assert deliver(notice, BUS) == ""
    event = received(aws, url)[0]
    assert (event["source"], event["detail-type"]) == ("hourglass", "Hourglass Violations")
    assert event["detail"] == notice.document()


def test_a_state_machine_starts_with_the_document_once_for_the_same_windows(aws: Aws, notice: Notice, machine: str) -> None:
    """The execution is named after the notice."""
    assert deliver(notice, machine) == ""
    listed = aws("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert [one["name"] for one in listed] == ["data-quality-shop-n1"]
    started = aws("stepfunctions").describe_execution(executionArn=listed[0]["executionArn"])
    assert json.loads(started["input"]) == notice.document()


@pytest.mark.parametrize(
    "target",
    [
        f"arn:aws:sns:us-east-1:{ACCOUNT}:nobody",
        f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:nobody",
    ],
)
@pytest.mark.usefixtures("aws")
def test_a_target_that_is_not_there_is_said(notice: Notice, target: str) -> None:
    """By its ARN, with AWS's own words."""
    with pytest.raises(NotDelivered, match=f"^{target}: found .*(NotFound|DoesNotExist)"):
        deliver(notice, target)


def test_retraining_is_started_once_in_a_cool_down(aws: Aws, machine: str, tmp_path: Path, violated: dict[str, Any]) -> None:
    """The second run over other hours tells the webhook-like targets again, and starts nothing; the state root remembers."""
    url = events_to(aws, "told")
    asked = {**violated, "notify": BUS, "notify_retrain": machine, "notify_cooldown": "24h", "state_root": tmp_path / "states"}
    first = run(tmp_path / "one", **asked)
    second = run(tmp_path / "two", **asked)
    assert first.warnings == ()
    assert len(second.warnings) == 1
    assert f"retraining: {machine} was started at " in second.warnings[0]
    assert "; not again before " in second.warnings[0]
    assert len(received(aws, url)) == 2
    assert len(aws("stepfunctions").list_executions(stateMachineArn=machine)["executions"]) == 1
    kept = json.loads(next((tmp_path / "states" / "retraining").rglob("started.json")).read_text())
    assert (kept["monitor"], kept["target"], kept["violations"]) == ("data-quality", machine, first.violations)
    assert list((tmp_path / "states" / "retraining").rglob("asking/*")) == []


def test_a_start_that_failed_is_made_by_the_next_run(aws: Aws, tmp_path: Path, violated: dict[str, Any]) -> None:
    """Nothing is kept of it but the warning."""
    role = f"arn:aws:iam::{ACCOUNT}:role/retrain"
    name = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:later"
    asked = {**violated, "notify_retrain": name}
    assert run(tmp_path / "out", **asked).warnings[0].startswith(f"retraining not started: {name}: found ")
    states = {"StartAt": "Train", "States": {"Train": {"Type": "Pass", "End": True}}}
    made = aws("stepfunctions").create_state_machine(name="later", definition=json.dumps(states), roleArn=role)["stateMachineArn"]
    assert run(tmp_path / "out", **asked).warnings == ()
    assert len(aws("stepfunctions").list_executions(stateMachineArn=made)["executions"]) == 1
