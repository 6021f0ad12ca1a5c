"""An EventBridge event bus, whose rules start what they name: a pipeline, a state machine, a function."""

from __future__ import annotations

from hourglass.http_post import NotDelivered
from hourglass.notify.aws import client
from hourglass.notify.channel import channel
from hourglass.notify.notice import Notice

SOURCE, DETAIL_TYPE = "hourglass", "Hourglass Violations"
_PATTERN = r"arn:aws[\w-]*:events:[a-z0-9-]+:\d{12}:event-bus/[\w./-]+"


@channel("event bus", pattern=_PATTERN, spelled="arn:aws:events:REGION:ACCOUNT:event-bus/NAME")
def event_bus(notice: Notice, target: str) -> str:
    """Puts one event whose detail is the document.

    EventBridge answers 200 for events that it did not take: its count of those is looked at.
    """
    entry = {"EventBusName": target, "Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": notice.to_bytes().decode()}
    answer = client("events", target).put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        refused = answer["Entries"][0]
        raise NotDelivered(target, found=f"{refused.get('ErrorCode')}: {refused.get('ErrorMessage')}", expected="an event that is taken")
    return ""
