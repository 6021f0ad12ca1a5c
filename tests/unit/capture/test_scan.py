"""The pass over a task, from end to end: what comes back, in which rows, and that nothing in the data ends it."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourglass.capture.files import list_files
from hourglass.capture.formats import parse_dataset_format
from hourglass.capture.hooks import Script
from hourglass.capture.reader import ReadPlan
from hourglass.capture.slices import cut_tasks
from hourglass.errors import HookError
from hourglass.hours import HourStates, gather
from hourglass.scan import ScanPlan, scan
from hourglass.schemas import STATE_ROWS
from hourglass.states import COLUMN_STATES, ValueClasses

FORMS = ['{"sagemakerCaptureJson":{}}', '{"csv":{"header":true}}', '{"csv":{"header":false}}', '{"json":{"lines":true}}', '{"parquet":{}}']
SAMPLES = Path(__file__).parents[2] / "data/samples"


def passed(path: Path, form: str = FORMS[0], tasks: int = 1, **options: Any) -> dict[str, HourStates]:
    """The states of everything under a path."""
    dataset_format = parse_dataset_format(form)
    plan = ScanPlan(ReadPlan(dataset_format, **options), tuple(COLUMN_STATES))
    batches = [batch for task in cut_tasks(list_files(str(path), None).files, dataset_format, tasks) for batch in scan(task, plan)]
    assert all(batch.schema == STATE_ROWS for batch in batches)
    return gather(pa.Table.from_batches(batches, STATE_ROWS))


def line(data: str) -> bytes:
    """A captured record."""
    side = {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV"}
    return json.dumps({"captureData": {"endpointInput": side}, "eventMetadata": {"eventId": "e"}, "eventVersion": "0"}).encode() + b"\n"


def test_states_come_by_hour_and_layout(tmp_path: Path) -> None:
    """Each hour has its own states, and rows of another width are apart."""
    for hour, data in (("09", ["1,a", "2,b", "3"]), ("10", ["4,c"])):
        path = tmp_path / f"ep/AllTraffic/2026/11/21/{hour}/x.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(map(line, data)) + b"rubbish\n")
    hours = passed(tmp_path)
    assert sorted(hours) == ["ep/AllTraffic/2026/11/21/09", "ep/AllTraffic/2026/11/21/10"]
    nine = hours["ep/AllTraffic/2026/11/21/09"]
    assert (nine.intake.lines, nine.intake.rows, nine.intake.bad, nine.intake.files) == (4, {"2": 2, "1": 1}, {"not JSON": 1}, 1)
    assert nine.layouts["2"]["_c1"].get(ValueClasses).string == 2
    assert nine.layouts["1"]["_c0"].get(ValueClasses).integral == 1


def test_a_file_in_slices_is_one_file(tmp_path: Path) -> None:
    """However many tasks read a file, its lines, rows and itself are counted once."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(line(f"{i},x") for i in range(60_000)))
    intakes = [passed(path, tasks=tasks)[""].intake for tasks in (1, 4)]
    assert intakes[0] == intakes[1]
    assert (intakes[0].lines, intakes[0].files) == (60_000, 1)


def test_a_failing_hook_reaches_the_driver_as_itself(tmp_path: Path) -> None:
    """The error of a worker is a row, and is raised with its own sentence where the rows are put together."""
    (tmp_path / "a.jsonl").write_bytes(line("1"))
    with pytest.raises(HookError, match="ZeroDivisionError: division by zero"):
        passed(tmp_path, preprocessor=Script("/hook.py", "def preprocess_handler(r): return 1 / 0"))


GOOD = [
    (SAMPLES / "data_quality_intro.capture.jsonl").read_bytes(),
    (SAMPLES / "bias_endpoint_json.capture.jsonl").read_bytes(),
    b"".join(line(f"{i},{i / 7},x") for i in range(20)),
    b'a,b\n1,"x\ny"\n2,"z"\n',
    b'[\n{"a": [1, {"b": 2}]},\n{"a": "\xc3\xa9"}\n]\n',
]


@settings(max_examples=400, deadline=None)
@given(
    data=st.sampled_from(GOOD),
    edits=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3), st.binary(max_size=4)), max_size=5),
    form=st.sampled_from(FORMS),
)
def test_no_bytes_end_the_pass(tmp_path_factory: pytest.TempPathFactory, data: bytes, edits: list, form: str) -> None:
    """Files with bytes changed, put in or taken out are read or set aside, and every line is accounted for."""
    for place, taken, put in edits:
        at = place % len(data) if data else 0
        data = data[:at] + put + data[at + taken :]
    path = tmp_path_factory.mktemp("fuzz") / "a.jsonl"
    path.write_bytes(data)
    try:
        gathered = passed(path, form)
    except Exception as fault:
        # a header with a name twice is the one thing that ends a job: its columns cannot be told apart
        if "twice" not in str(fault):
            raise
        return
    for states in gathered.values():
        assert states.intake.bad_lines <= states.intake.lines
        assert all(entry["reason"] and entry["file"] == str(path) for entry in states.bad_lines)
        for layout, columns in states.layouts.items():
            for profile in columns.values():
                assert profile.get(ValueClasses).rows <= states.intake.rows[layout]
