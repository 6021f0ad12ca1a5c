"""What turned out to be true: the label of each request, which comes minutes or a day later, or never.

In two hours of the day the world has changed: the same people earn more than they did. No feature shows it; labels do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import orjson

from hourglass.capture.window import format_time, hour_name, parse_time
from hourglass.demo.census import LABELS, Row
from hourglass.demo.replay import SEED, CaptureFile, sent_by_hour

CHANGED_HOURS = (11, 12)
CHANGE = "2 of 5 married earn more"
_CHANGED_SHARE = 0.4
_MEAN_DELAY = timedelta(hours=4)
_NEVER = 0.04


@dataclass(frozen=True)
class Label:
    """The label of a request, by the request's event id, and when it came."""

    event: str
    value: str
    came: datetime

    @property
    def line(self) -> bytes:
        """The label as a line of ground truth."""
        truth = {"data": self.value, "encoding": "CSV"}
        metadata = {"eventId": self.event, "eventTime": format_time(self.came)}
        return orjson.dumps({"groundTruthData": truth, "eventMetadata": metadata, "eventVersion": "0"}, option=orjson.OPT_APPEND_NEWLINE)


def labels_of(files: Iterable[CaptureFile], rows: Sequence[Row], labels: Sequence[str], seed: int = SEED) -> Iterator[Label]:
    """The labels of a replayed day, in the order of its requests. A request whose record was broken has none."""
    order = [place for places in sent_by_hour(len(rows), Random(seed)) for place in places]  # noqa: S311 as in the replay
    random = Random(seed + 1)  # noqa: S311 the same
    lines = [line for file in files for line in file.lines]
    for place, line in zip(order, lines, strict=True):
        delay, never, changes = random.expovariate(1.0), random.random() < _NEVER, random.random() < _CHANGED_SHARE
        asked = _request(line)
        if asked is None or never:
            continue
        event, time = asked
        changes &= time.hour in CHANGED_HOURS and rows[place]["marital_status"] == "Married-civ-spouse"
        yield Label(event, LABELS[1] if changes else labels[place], time + delay * _MEAN_DELAY)


def _request(line: bytes) -> tuple[str, datetime] | None:
    try:
        metadata = orjson.loads(line)["eventMetadata"]
    except (orjson.JSONDecodeError, KeyError):
        return None
    return metadata["eventId"], parse_time(metadata["inferenceTime"])


def ground_truth(labels: Iterable[Label]) -> dict[str, bytes]:
    """Files of ground truth by their path: one for each hour in which labels came."""
    files: dict[str, list[Label]] = {}
    for label in labels:
        files.setdefault(f"{hour_name(label.came)}/labels.jsonl", []).append(label)
    return {path: b"".join(label.line for label in sorted(found, key=lambda label: label.came)) for path, found in files.items()}
