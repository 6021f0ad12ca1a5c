"""Clock skew: records whose own time is not in the hour of their folder are counted, and stay in the statistics."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from hourglass.capture.event_times import outside_hour
from hourglass.capture.files import list_files
from hourglass.capture.formats import DatasetFormat
from hourglass.capture.hooks import Script
from hourglass.capture.reader import ReadPlan, read_batches
from hourglass.capture.slices import cut_tasks
from hourglass.capture.tally import Tally

FORM = DatasetFormat("capture")
PARTITION = "churn/AllTraffic/2026/11/21/09"


def read(root: Path, times: Sequence[object], hook: Script | None = None) -> tuple[int, Tally]:
    """The rows of an hour of records with these times, and what the reading had to say beside them."""
    side = {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"}
    path = root / PARTITION / "a.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({"captureData": {"endpointInput": side}, "eventMetadata": {"eventId": f"e-{i}", "inferenceTime": time}})
        for i, time in enumerate(times)
    ]
    path.write_text("\n".join(lines) + "\n")
    tally = Tally()
    (task,) = cut_tasks(list_files(str(root), None).files, FORM, 1)
    return sum(batch.count for batch in read_batches(task, ReadPlan(FORM, preprocessor=hook), tally)), tally


@pytest.mark.parametrize(
    ("time", "is_outside"),
    [
        ("2026-11-21T09:00:00Z", False),
        ("2026-11-21T09:59:59.999Z", False),
        ("2026-11-21T10:00:00Z", True),
        ("2026-11-21T08:59:59.999999Z", True),
        ("2026-11-20T09:30:00Z", True),
        ("2026-11-21T09:30:00+02:00", True),
        ("2026-11-21T11:30:00+02:00", False),
        ("2026-11-21T09:30:00", False),
        ("2026-11-21 09:30:00", False),
        ("2026-11-21T 09:30: 00Z", False),
        ("2026-11-21", True),
        ("1795253400000", False),
        ("1795253400", False),
        ("1795257000", True),
        ("yesterday", False),
        ("", False),
        (None, False),
    ],
)
def test_a_time_is_outside_of_its_hour_or_not(time: str | None, is_outside: bool) -> None:
    """Zones, fractions, blanks and numbers are understood; what is no time is not outside."""
    others = ["2026-11-21T09:30:00Z"] * 20
    assert outside_hour(pa.array([*others, time]), "2026/11/21/09").tolist() == [20] * is_outside
    assert outside_hour(pa.array([time] * 3, pa.string()).dictionary_encode(), "2026/11/21/09").tolist() == [0, 1, 2] * is_outside


@pytest.mark.parametrize("hook", [None, Script("/hook.py", "def preprocess_handler(r): return {'x': 1}")])
def test_records_of_another_hour_are_counted_with_examples(tmp_path: Path, hook: Script | None) -> None:
    """They stay in the statistics; the first three are named by file and line."""
    times: list[object] = ["2026-11-21T09:30:00Z"] * 30
    times[3:9] = ["2026-11-21T10:00:01Z"] * 6
    times[20] = None
    rows, tally = read(tmp_path, times, hook)
    found = tally.outside[PARTITION, 0]
    path = tmp_path / PARTITION / "a.jsonl"
    assert rows == 30
    assert (found.count, found.examples) == (6, [f"{path}:{line}" for line in (4, 5, 6)])
    assert tally.bad.total == 0


def test_an_hour_whose_records_are_in_time_has_no_count(tmp_path: Path) -> None:
    """Nothing is said where there is nothing to say."""
    assert read(tmp_path, ["2026-11-21T09:30:00Z"] * 30)[1].outside == {}
