"""An SNS topic: mail, SMS, queues and functions that have subscribed to it."""

from __future__ import annotations

from hourglass.notify.aws import client
from hourglass.notify.channel import channel
from hourglass.notify.notice import Notice

_PATTERN = r"arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]+"


@channel("SNS topic", pattern=_PATTERN, spelled="arn:aws:sns:REGION:ACCOUNT:TOPIC")
def sns_topic(notice: Notice, target: str) -> str:
    """Publishes the text for people; attributes let subscriptions filter by monitor, endpoint and schedule.

    A FIFO topic gets the endpoint as message group and the notice's id against doubles.
    """
    texts = {"monitor": notice.monitor, "endpoint": notice.endpoint, "schedule": notice.schedule, "report": notice.report}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in texts.items() if value}
    attributes["violations"] = {"DataType": "Number", "StringValue": str(notice.violations)}
    fifo = {"MessageGroupId": notice.endpoint or notice.monitor, "MessageDeduplicationId": notice.id} if target.endswith(".fifo") else {}
    message = notice.text.encode()[:250_000].decode(errors="ignore")  # SNS takes 256 KB
    client("sns", target).publish(TopicArn=target, Subject=notice.subject, Message=message, MessageAttributes=attributes, **fifo)
    return ""
