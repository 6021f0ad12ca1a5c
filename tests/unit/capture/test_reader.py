"""From files to named columns: every format, every real sample, and everything that is wrong with real data."""

import base64
import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hourglass.capture.batch_transform import without_ids
from hourglass.capture.files import list_files
from hourglass.capture.formats import parse_dataset_format
from hourglass.capture.hooks import Script
from hourglass.capture.manifests import expand_manifests
from hourglass.capture.payloads import Rows
from hourglass.capture.reader import ReadPlan, read_batches
from hourglass.capture.slices import cut_tasks
from hourglass.capture.tally import Tally
from hourglass.capture.window import Window, hour_of, parse_time
from hourglass.errors import HookError, InputError
from hourglass.values import classify

SAMPLES = Path(__file__).parents[2] / "data/samples"
CAPTURE = '{"sagemakerCaptureJson":{}}'
JSON, CSV, CSV_HEADER = '{"json":{"lines":true}}', '{"csv":{"header":false}}', '{"csv":{"header":true}}'


class Found:
    """What reading gave: columns by layout, counts, lines set aside."""

    def __init__(self) -> None:
        self.layouts: dict[str, dict[str, list[Any]]] = {}
        self.rows: Counter[str] = Counter()
        self.ids: list[int] = []
        self.tally = Tally()

    @property
    def columns(self) -> dict[str, list[Any]]:
        """The columns of the one layout there is."""
        (columns,) = self.layouts.values()
        return columns

    @property
    def lines(self) -> dict[str, int]:
        """Lines by hour."""
        return {hour_of(partition): count for (partition, _), count in self.tally.lines.items() if count}

    @property
    def kept(self) -> list[dict[str, Any]]:
        """Lines set aside."""
        return [entry for entries in self.tally.bad.kept.values() for entry in entries]

    @property
    def reasons(self) -> dict[str, int]:
        """Lines set aside by reason."""
        return dict(sum(self.tally.bad.counts.values(), Counter()))


def read(path: Path, form: str = CAPTURE, **options: Any) -> Found:
    """Reads everything under a path, classifying each column on the way as the pass does."""
    found = Found()
    dataset_format = parse_dataset_format(form)
    ordinary, batch = expand_manifests(list_files(str(path), None).files)
    if batch:
        options = {
            "inputs": tuple((part.file.path, part.input_path) for part in batch if part.input_path),
            "batch_paths": frozenset(part.file.path for part in batch),
            **options,
        }
    plan = ReadPlan(dataset_format, **options)
    for task in cut_tasks([*ordinary, *(part.file for part in batch)], dataset_format, 1):
        for part in read_batches(task, plan, found.tally):
            found.rows[part.layout] += part.count
            columns = found.layouts.setdefault(part.layout, {})
            for name, column in part.columns.items():
                assert classify(column).rows == part.count
                columns.setdefault(name, []).extend(column.to_pylist() if isinstance(column, pa.Array) else column)
    return found


def side(data: object, encoding: str | None = "CSV", content_type: str | None = "text/csv") -> dict[str, object]:
    """One side of a record."""
    return {"observedContentType": content_type, "mode": "INPUT", "data": data, "encoding": encoding}


def captured(given: dict | None = None, answer: dict | None = None, time: object = "2026-11-21T09:30:00Z") -> dict[str, Any]:
    """A captured record."""
    sides = {"endpointInput": given, "endpointOutput": answer}
    capture = {name: part for name, part in sides.items() if part is not None}
    return {"captureData": capture, "eventMetadata": {"eventId": "e", "inferenceTime": time}, "eventVersion": "0"}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes documents, text or bytes to a file, one a line."""

    def _write(*lines: object, name: str = "a.jsonl", end: bytes = b"\n") -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        encoded = [
            line if isinstance(line, bytes) else line.encode() if isinstance(line, str) else json.dumps(line).encode() for line in lines
        ]
        path.write_bytes(end.join(encoded) + end)
        return path

    return _write


# real samples ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form", "layout", "rows", "columns"),
    [
        ("data_quality_intro.capture.jsonl", CAPTURE, "70", 3, 70),
        ("bias_endpoint_json.capture.jsonl", CAPTURE, "named", 3, 16),
        ("bias_endpoint_json.merged_record.json", '{"sagemakerMergeJson":{}}', "named", 334, 16),
        ("explain_endpoint_jsonl.capture.jsonl", CAPTURE, "named", 3, 16),
        ("llm-endpoint-capture.jsonl", CAPTURE, "named", 3, 6),
        ("sdk/capture.jsonl", CAPTURE, "8", 44, 8),
        ("sdk/captured-data.jsonl", CAPTURE, "named", 6, 2),
        ("sdk/actuals.jsonl", JSON, "named", 44, 5),
        ("sdk/baseline_dataset.csv", CSV, "10", 418, 10),
        ("adult_validation-dataset.jsonl", JSON, "named", 666, 15),
        ("adult_test-dataset.jsonl", JSON, "named", 334, 14),
        ("churn_training-dataset-with-header.csv", CSV_HEADER, "named", 2333, 70),
        ("churn_test_sample.csv", CSV, "69", 120, 69),
    ],
)
def test_every_real_file_is_read(name: str, form: str, layout: str, rows: int, columns: int) -> None:
    """Files of real jobs give all their rows, with no line set aside."""
    found = read(SAMPLES / name, form)
    assert found.reasons == {}
    assert found.rows == {layout: rows}
    assert len(found.columns) == columns


def test_output_columns_come_first() -> None:
    """The first column of a CSV capture is the answer, unless the format says END."""
    sample = SAMPLES / "data_quality_intro.capture.jsonl"
    first = read(sample).columns
    last = read(sample, '{"sagemakerCaptureJson":{"output_columns_position":"END"}}').columns
    assert first["_c0"] == last["_c69"]
    assert first["_c0"][0] == "0.036397725343704224"
    assert first["_c1"] == last["_c0"]


# captured records -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "answer", "columns"),
    [
        (side("1,2\n"), side("0.5\n"), {"_c0": ["0.5"], "_c1": ["1"], "_c2": ["2"]}),
        (side("1,2\n3,4\n"), side("0.5\n0.6"), {"_c0": ["0.5", "0.6"], "_c1": ["1", "3"], "_c2": ["2", "4"]}),
        (side("1,2\r\n3,4\r\n"), side("0.5\r\n0.6"), {"_c0": ["0.5", "0.6"], "_c1": ["1", "3"], "_c2": ["2", "4"]}),
        (side('"a,b",2'), side("0.5"), {"_c0": ["0.5"], "_c1": ["a,b"], "_c2": ["2"]}),
        (side("1,2"), None, {"_c0": ["1"], "_c1": ["2"]}),
        (None, side("7"), {"_c0": ["7"]}),
        (side("1,2"), side('{"predictions":[{"score":0.5}]}', "JSON"), {"score": [0.5], "_c0": ["1"], "_c1": ["2"]}),
        (side('{"instances":[{"x":1},{"x":2}]}', "JSON"), side("0\n1"), {"_c0": ["0", "1"], "x": [1, 2]}),
        (
            side('{"instances":[{"x":[1,2]}]}', "JSON"),
            side('{"predictions":[0.5]}', "JSON"),
            {"predictions": [0.5], "x[0]": [1], "x[1]": [2]},
        ),
        (side('{"x": 1}\n{"x": 2}\n', "JSON", "application/jsonlines"), side("0\n1"), {"_c0": ["0", "1"], "x": [1, 2]}),
        (side('{\n  "x": 1\n}', "JSON", "application/json"), side("0"), {"_c0": ["0"], "x": [1]}),
        (side('{\n  "x": 1\n}', "JSON", "application/jsonlines"), side("0"), {"_c0": ["0"], "x": [1]}),
        (side('{"x": NaN, "y": Infinity}', "JSON"), None, {"x": [pytest.approx(float("nan"), nan_ok=True)], "y": [float("inf")]}),
        (side("1,2", None, "text/csv"), None, {"_c0": ["1"], "_c1": ["2"]}),
        (side('{"x":1}', None, None), None, {"x": [1]}),
        (side("1,2", None, None), None, {"_c0": ["1"], "_c1": ["2"]}),
        (side("1,2", "CSV", None), None, {"_c0": ["1"], "_c1": ["2"]}),
        (side({"x": 1}, "JSON", None), None, {"x": [1]}),
        (side(5, "CSV", None), None, {"_c0": ["5"]}),
        (side("", "CSV", None), None, {"_c0": [""]}),
    ],
)
def test_payloads_of_either_side_become_columns(write: Callable[..., Path], given: dict, answer: dict, columns: dict) -> None:
    """CSV, JSON, JSON lines and pretty-printed JSON, alone or together, one or several records a payload."""
    found = read(write(captured(given, answer)))
    assert found.reasons == {}
    assert found.columns == columns
    assert found.lines == {"": 1}


@pytest.mark.parametrize(
    ("text", "content_type", "columns"),
    [
        ("1,2\n", "text/csv", {"_c0": ["1"], "_c1": ["2"]}),
        ('{"x": 1}', "application/json", {"x": [1]}),
        ('{"x": 1}', None, {"x": [1]}),
        ("1,2", "application/octet-stream", {"_c0": ["1"], "_c1": ["2"]}),
    ],
)
def test_base64_is_what_its_bytes_are(write: Callable[..., Path], text: str, content_type: str | None, columns: dict) -> None:
    """BASE64 is the default where a content type was not listed; very often it is CSV or JSON."""
    found = read(write(captured(side(base64.b64encode(text.encode()).decode(), "BASE64", content_type))))
    assert found.columns == columns


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("not JSON", "not JSON"),
        (b"\0\0\0", "not JSON"),
        (b'{"captureData":{"endpointInput":{"data":"\xff"}}}', "not UTF-8"),
        ('{"captureData":{"endpointInput":{"data":"\\ud800"}}}', "not JSON"),
        ("[" * 5000, "not JSON"),
        ("5", "no captured data"),
        ("[1]", "no captured data"),
        ("{}", "no captured data"),
        ({"captureData": None}, "no captured data"),
        ({"captureData": "text"}, "no captured data"),
        ({"captureData": {"endpointInput": "text"}}, "no captured data"),
        (captured(), "no captured data"),
        (captured(side("%%%", "BASE64", None)), "unreadable payload"),
        (captured(side("é", "BASE64", None)), "unreadable payload"),
        (captured(side(base64.b64encode(b"\xff\xfe").decode(), "BASE64", None)), "unreadable payload"),
        (captured(side("{not json", "JSON")), "unreadable payload"),
        (captured(side("", "JSON")), "unreadable payload"),
        (captured(side("[" * 2000 + "]" * 2000, "JSON")), "unreadable payload"),
        (captured(side("1,2\n3", "CSV")), "rows of different length in one record"),
        (captured(side("1\n2\n3"), side("1\n2")), "sides with different numbers of rows"),
    ],
)
def test_a_bad_line_is_set_aside_and_the_job_goes_on(write: Callable[..., Path], line: object, reason: str) -> None:
    """Each bad line is counted by its reason and kept with its file and number; its neighbours are read."""
    good = captured(side("1,2"))
    path = write(good, line, good)
    found = read(path)
    assert found.reasons == {reason: 1}
    assert [(entry["file"], entry["line"], entry["reason"]) for entry in found.kept if not entry["layout"]] == [(str(path), 2, reason)]
    assert found.rows == {"2": 2}
    assert found.lines == {"": 3}


def test_a_list_of_scores_in_answer_to_one_row_is_one_record(write: Callable[..., Path]) -> None:
    """Class probabilities are columns, not rows."""
    found = read(write(captured(side("1,2"), side('{"predictions":[0.2,0.8]}', "JSON"))))
    assert found.columns == {"predictions[0]": [0.2], "predictions[1]": [0.8], "_c0": ["1"], "_c1": ["2"]}


def test_no_instances_are_no_rows(write: Callable[..., Path]) -> None:
    """A request without records is read and gives no row."""
    found = read(write(captured(side('{"instances":[]}', "JSON"), side('{"predictions":[]}', "JSON"))))
    assert found.reasons == {}
    assert sum(found.rows.values()) == 0


def test_rows_of_different_width_are_different_layouts(write: Callable[..., Path]) -> None:
    """A client that sends another number of columns does not shift anybody's columns."""
    found = read(write(*[captured(side("1,2"))] * 3, captured(side("1,2,3"))))
    assert found.rows == {"2": 3, "3": 1}
    assert found.layouts["3"] == {"_c0": ["1"], "_c1": ["2"], "_c2": ["3"]}
    assert found.reasons == {}
    assert [(entry["line"], entry["layout"], entry["detail"]) for entry in found.kept] == [
        (1, "2", "found 2"),
        (2, "2", "found 2"),
        (3, "2", "found 2"),
        (4, "3", "found 3"),
    ]


@pytest.mark.parametrize(("names", "kept"), [((), {"2": 3, "3": 100}), (("a", "b", "c"), {"2": 100})])
def test_of_a_layout_that_may_be_wrong_some_lines_are_kept(write: Callable[..., Path], names: tuple[str, ...], kept: dict) -> None:
    """Hardly any of the first, which in a sound hour is the only one; none of the baseline's."""
    found = read(write(*[captured(side("1,2"))] * 150, *[captured(side("1,2,3"))] * 150), names=names)
    assert Counter(entry["layout"] for entry in found.kept) == kept
    assert found.reasons == {}


def test_names_from_the_baseline_go_to_rows_of_their_number(write: Callable[..., Path]) -> None:
    """Names are given by position where there are as many columns as names."""
    found = read(write(captured(side("1,2")), captured(side("3"))), names=("a", "b"))
    assert found.layouts == {"2": {"a": ["1"], "b": ["2"]}, "1": {"_c0": ["3"]}}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b"\n  \n"])
def test_blank_lines_and_crlf_are_no_records(write: Callable[..., Path], end: bytes) -> None:
    """Only lines with something on them count."""
    found = read(write(*[captured(side("1,2"))] * 40, end=end))
    assert found.rows == {"2": 40}
    assert found.lines == {"": 40}
    assert found.reasons == {}


@pytest.mark.parametrize(
    ("time", "inside"),
    [
        ("2026-11-21T09:30:00Z", True),
        ("2026-11-21T09:00:00Z", True),
        ("2026-11-21T10:00:00Z", False),
        ("2026-11-21T11:30:00+02:00", True),
        (1_795_253_400, True),
        (1_795_253_400_000, True),
        pytest.param("1795253400000", True, id="milliseconds as text"),
        (1_795_353_400_000, False),
        (1e300, True),
        (None, True),
        ("yesterday", True),
        ({"a": 1}, True),
    ],
)
@pytest.mark.parametrize("hook", [None, "def preprocess_handler(record): return {'x': 1}"])
def test_a_record_outside_of_the_window_is_left_out(write: Callable[..., Path], time: object, inside: bool, hook: str | None) -> None:
    """A record's own time decides where a partition is cut; a time that cannot be read leaves the record in."""
    window = Window(parse_time("2026-11-21T09:00:00Z"), parse_time("2026-11-21T10:00:00Z"))
    options = {"preprocessor": Script("/hook.py", hook)} if hook else {}
    found = read(write(captured(side("1,2"), time=time)), window=window, **options)
    assert sum(found.rows.values()) == int(inside)
    assert found.lines == {"": 1}
    assert found.reasons == {}


def test_columns_may_have_any_name(write: Callable[..., Path]) -> None:
    """Dots, quotes, slashes, line breaks and other scripts are only names."""
    names = ["a.b", 'say "x"', "a/b", "a\nb", "日本", "", " "]
    found = read(write(dict.fromkeys(names, 1)), JSON)
    assert sorted(found.columns) == sorted(name or "value" for name in names) or sorted(found.columns) == sorted(names)


def test_a_column_may_change_its_type(write: Callable[..., Path]) -> None:
    """Values of any type in one column are classified one by one."""
    values = [1, 2.5, "x", True, None, float("nan"), 10**400, "9" * 10_000]
    found = read(write(*({"a": value} for value in values)), JSON)
    classes = classify(found.columns["a"])
    assert (classes.integral, classes.fractional, classes.string, classes.boolean) == (1, 1, 1, 1)
    assert (classes.missing, classes.nan, classes.infinite) == (2, 1, 2)


# data sets ------------------------------------------------------------------------------------------------------


def test_a_data_set_may_be_one_json_document(write: Callable[..., Path]) -> None:
    """A list of objects, on one line or printed prettily, is as good as JSON lines."""
    rows = [{"a": 1, "b": {"c": 2}}, {"a": 3}]
    for text in (
        json.dumps(rows),
        json.dumps(rows, indent=2),
        "\n".join(json.dumps(row, indent=1) for row in rows),
        json.dumps({"instances": rows}),
    ):
        found = read(write(text), JSON)
        assert found.columns == {"a": [1, 3], "b.c": [2, None]}
        assert found.reasons == {}


def test_a_broken_document_is_one_bad_line(write: Callable[..., Path]) -> None:
    """A document over several lines that ends too early is set aside as a whole."""
    found = read(write('[\n {"a": 1},\n {"a":'), JSON)
    assert found.reasons == {"not JSON": 1}
    assert found.lines == {"": 1}


def test_a_csv_row_of_another_width_than_its_header_is_bad(write: Callable[..., Path]) -> None:
    """The header says how many columns there are; a row with another number is set aside with its line."""
    found = read(write("a,b", "1,2", "1,2,3", "", b"\xff,1", "3,4", name="a.csv"), CSV_HEADER)
    assert found.columns == {"a": ["1", "3"], "b": ["2", "4"]}
    assert found.reasons == {"wrong number of columns": 1, "not UTF-8": 1}
    assert sorted((entry["line"], entry["record"]) for entry in found.kept if not entry["layout"]) == [(3, "1,2,3"), (5, "\ufffd,1")]
    assert found.lines == {"": 4}


def test_csv_fields_may_hold_line_breaks_and_a_byte_order_mark(write: Callable[..., Path]) -> None:
    """What spreadsheets write is read."""
    found = read(write(b"\xef\xbb\xbfa,b", '"two\nlines",2', "x,3", name="a.csv", end=b"\r\n"), CSV_HEADER)
    assert found.columns == {"a": ["two\nlines", "x"], "b": ["2", "3"]}


def test_each_csv_file_has_its_own_header(write: Callable[..., Path]) -> None:
    """Columns go by name, so files may have them in different orders."""
    write("a,b", "1,2", name="1.csv")
    found = read(write("b,a", "2,1", name="2.csv").parent, CSV_HEADER)
    assert found.columns == {"a": ["1", "1"], "b": ["2", "2"]}


def test_a_header_with_a_name_twice_is_an_error(write: Callable[..., Path]) -> None:
    """Two columns of one name cannot be told apart."""
    with pytest.raises(InputError, match="found 'a' twice; expected distinct column names"):
        read(write("a,a", "1,2", name="a.csv"), CSV_HEADER)


def test_a_csv_file_with_a_header_only_has_no_rows(write: Callable[..., Path]) -> None:
    """No rows is not an error here."""
    found = read(write("a,b", name="a.csv"), CSV_HEADER)
    assert (found.rows, found.lines, found.reasons) == ({}, {}, {})


def test_parquet_columns_are_read_by_row_group(tmp_path: Path) -> None:
    """Numbers, text, booleans, decimals, times, lists and nulls; a file that is none is set aside."""
    table = pa.table(
        {
            "i": pa.array([1, None, 3], pa.int16()),
            "f": pa.array([0.5, float("nan"), None], pa.float32()),
            "s": pa.array(["a", "", None]).dictionary_encode(),
            "b": [True, False, None],
            "t": pa.array([1, 2, None], pa.timestamp("us")),
            "n": pa.nulls(3),
            "large": pa.array(["a", "b", None], pa.large_string()),
            "bytes": pa.array([b"a", b"\xff", None]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    pq.write_table(pa.table({"l": [[1, 2], [3]], "s": [{"x": 1}, None]}), tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 not really")
    found = read(tmp_path, '{"parquet":{}}')
    assert found.reasons == {"unreadable file": 1}
    assert found.rows == {"named": 5}
    assert found.columns["i"] == [1, None, 3]
    assert found.columns["l[0]"] == [1, 3]


def test_packed_captures_are_read(tmp_path: Path) -> None:
    """A .gz file is one slice; a damaged one keeps what could be read."""
    lines = b"".join(json.dumps(captured(side(f"{i},2"))).encode() + b"\n" for i in range(2000))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines)[:5000])
    found = read(tmp_path)
    assert 2000 < found.rows["2"] < 4000
    assert found.reasons == {"unreadable file": 1}


# batch transform ------------------------------------------------------------------------------------------------


def manifest(base: Path, kind: str, *names: str) -> None:
    """Writes the manifest of an hour."""
    path = base / kind / "2026/11/21/09" / "m.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps([{"prefix": f"{base}/{kind}-data/"}, *names]))


ID, TIME = "7ddb2d7c-4d6a-4e67-a68e-23870399829d", "2026-11-21T09:30:00Z"


@pytest.fixture
def batch(tmp_path: Path) -> Callable[..., Path]:
    """A capture of batch transform with inputs and outputs apart, or with joined outputs only."""

    def _batch(outputs: str, inputs: str | None = None, name: str = "a.csv") -> Path:
        for kind, text, file in (("output", outputs, f"{name}.out"), ("input", inputs, name)):
            if text is not None:
                (tmp_path / f"{kind}-data").mkdir()
                (tmp_path / f"{kind}-data" / file).write_text(text)
                manifest(tmp_path, kind, file)
        for kind in ("output-data", "input-data"):
            if (tmp_path / kind).exists():
                (tmp_path / kind).rename(tmp_path.parent / f"{tmp_path.name}-{kind}")
        for found in tmp_path.rglob("m.json"):
            found.write_text(found.read_text().replace(f"{tmp_path}/", f"{tmp_path.parent}/{tmp_path.name}-"))
        return tmp_path

    return _batch


def test_a_batch_output_goes_with_its_input(batch: Callable[..., Path]) -> None:
    """Lines of an output and its input are one row, output first; a generated id and time are no features."""
    found = read(batch(f"0.5,{ID},{TIME}\n0.6,{ID},{TIME}\n", "1,2\n3,4\n"), CSV)
    assert found.columns == {"_c0": ["0.5", "0.6"], "_c1": ["1", "3"], "_c2": ["2", "4"]}
    assert found.lines == {"2026/11/21/09": 2}


def test_a_batchs_answer_is_its_output() -> None:
    """Without the generated id and time, on whichever side of the input it stands."""
    answer, given = [(None, ["0.5"]), (None, [ID]), (None, [TIME])], [(None, ["1"]), (None, ["2"])]
    first, last = Rows("5", 1, (*answer, *given), answers=range(3)), Rows("5", 1, (*given, *answer), answers=range(2, 5))
    assert [without_ids(rows).answers for rows in (first, last)] == [range(1), range(2, 3)]
    assert without_ids(last).columns == (*given, answer[0])


def test_a_joined_batch_output_stands_alone(batch: Callable[..., Path]) -> None:
    """Where input is joined to output there is one file, and its last two columns may be id and time."""
    found = read(batch(f"1,2,0.5,{ID},{TIME}\n3,4,0.6,{ID},{TIME}\n"), CSV)
    assert found.columns == {"_c0": ["1", "3"], "_c1": ["2", "4"], "_c2": ["0.5", "0.6"]}


def test_a_joined_json_batch_output_stands_alone(batch: Callable[..., Path]) -> None:
    """In JSON the generated values have names, and the answer is under SageMakerOutput."""
    row = {"x": 1, "SageMakerOutput": {"score": 0.5}, "SageMakerInferenceId": ID, "SageMakerInferenceTime": TIME}
    found = read(batch(json.dumps(row) + "\n", name="a.jsonl"), JSON)
    assert found.columns == {"x": [1], "SageMakerOutput.score": [0.5]}


def test_one_bad_line_of_a_batch_output_is_one_bad_line(batch: Callable[..., Path]) -> None:
    """A line that is no JSON does not take its file with it."""
    found = read(batch('{"s":1}\n{\n{"s":3}\n', '{"x":1}\n{"x":2}\n{"x":3}\n', name="a.jsonl"), JSON)
    assert found.columns == {"s": [1, 3], "x": [1, 3]}
    assert [(entry["line"], entry["reason"]) for entry in found.kept if not entry["layout"]] == [(2, "unreadable payload")]


def test_outputs_and_inputs_of_different_length_are_set_aside(batch: Callable[..., Path]) -> None:
    """Rows that cannot be put side by side are not guessed."""
    found = read(batch("0.5\n", "1,2\n3,4\n"), CSV)
    assert found.reasons == {"sides with different numbers of rows": 1}


# hooks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "columns"),
    [
        (
            "def preprocess_handler(r): return {'b': r.endpoint_input.data, 'a': r.endpoint_output.data}",
            {"a": ["0.5"] * 2, "b": ["1,2"] * 2},
        ),
        ("def preprocess_handler(r, logger):\n logger.info('x')\n return [{'i': 0}, {'i': 1}]", {"i": [0, 1, 0, 1]}),
        ("def preprocess_handler(r): return []", None),
        ("def preprocess_handler(r): return {'v': r.event_data.endpointInput.data}", {"v": ["1,2"] * 2}),
        (
            "def preprocess_handler(r): return {'v': r.as_dict()['eventVersion'], 'd': r.event_dict['eventVersion']}",
            {"d": ["0"] * 2, "v": ["0"] * 2},
        ),
        (
            (
                "def preprocess_handler(r):\n"
                " m = r.event_metadata\n"
                " return {'id': m.event_id, 'c': m.custom_attribute, 't': m.event_time, 'g': r.ground_truth, 'b': r.batch_transform_output}"
            ),
            {"b": [None] * 2, "c": [None] * 2, "g": [None] * 2, "id": ["e"] * 2, "t": ["2026-11-21T09:30:00Z"] * 2},
        ),
        (
            (
                "def preprocess_handler(r):\n"
                " i = r.endpoint_input\n"
                " return {'e': i.encoding, 'o': i.observedContentType, 'm': i.mode, 'n': {'x': [1]}}"
            ),
            {"e": ["CSV"] * 2, "m": ["INPUT"] * 2, "n.x[0]": [1, 1], "o": ["text/csv"] * 2},
        ),
    ],
)
def test_hooks_see_records_as_the_contract_has_them(write: Callable[..., Path], script: str, columns: dict | None) -> None:
    """Every attribute of an inference record, one or two arguments, a dict, a list of dicts, or [] to drop."""
    found = read(write(*[captured(side("1,2"), side("0.5"))] * 2), preprocessor=Script("/hook.py", script))
    assert found.lines == {"": 2}
    if columns is None:
        assert found.layouts == {}
    else:
        assert found.columns == columns
        assert list(found.columns) == sorted(columns)


def test_a_hook_over_csv_gets_the_raw_line(write: Callable[..., Path]) -> None:
    """For a CSV baseline the argument is the line itself."""
    script = Script("/hook.py", "def preprocess_handler(line): return {'text': line}")
    found = read(write("a,b", "1,2", b"\xff", "", "3,4", name="a.csv"), CSV_HEADER, preprocessor=script)
    assert found.columns == {"text": ["1,2", "3,4"]}
    assert found.reasons == {"not UTF-8": 1}
    assert found.lines == {"": 3}


def test_a_hook_over_batch_transform_gets_its_output(batch: Callable[..., Path]) -> None:
    """A batch transform's line comes as `batch_transform_output`."""
    script = Script("/hook.py", "def preprocess_handler(r): return {'o': r.batch_transform_output.data, 'i': r.endpoint_input.data}")
    assert read(batch("0.5\n0.6\n", "1\n2\n"), CSV, preprocessor=script).columns == {"i": ["1", "2"], "o": ["0.5", "0.6"]}


def test_a_failing_hook_shows_its_own_traceback(write: Callable[..., Path]) -> None:
    """The error has the user's frames only, the file and line of the record, and the record shortened."""
    script = Script("/hook.py", "def preprocess_handler(r):\n    return {'x': float(r.endpoint_input.data)}\n")
    path = write(captured(side("1")), "not JSON", captured(side("one" * 1000)))
    with pytest.raises(HookError) as raised:
        read(path, preprocessor=script)
    text = str(raised.value)
    assert f"at {path}:3, record" in text
    assert '  File "/hook.py", line 2, in preprocess_handler\n    return' in text
    assert "ValueError: could not convert string to float" in text
    assert "more characters)" in text
    assert "hourglass/capture" not in text


@pytest.mark.parametrize("result", ["5", "None", "[1]", "'text'", "(1, 2)"])
def test_a_hook_must_return_rows(write: Callable[..., Path], result: str) -> None:
    """Anything but a dict or a list of dicts is an error that says what was found."""
    with pytest.raises(HookError, match="expected a flat dict, a list of dicts, or"):
        read(write(captured(side("1"))), preprocessor=Script("/hook.py", f"def preprocess_handler(r): return {result}"))


@pytest.mark.parametrize("way", ["template", "parser", "line by line"])
def test_requests_of_our_own_are_left_out(tmp_path: Path, way: str) -> None:
    """Those with the custom attribute that the attribution monitor gives them; its text among data is no such attribute."""

    def line(place: int, tags: list[str]) -> str:
        capture = {
            "endpointOutput": {
                "observedContentType": "text/csv",
                "mode": "OUTPUT",
                "data": f"{place},hourglass-attribution",
                "encoding": "CSV",
            }
        }
        metadata = {"eventId": f"e{place:03}", "customAttributes": tags, "inferenceTime": "2026-11-21T09:00:00Z"}
        return json.dumps({"captureData": capture, "eventMetadata": metadata, "eventVersion": "0"})

    lines = [line(i, ["hourglass-attribution", "x"] if i % 5 == 0 else ["x"]) for i in range(100, 200)]
    if way == "line by line":
        lines[7] = lines[7][:-2]
    (tmp_path / "a.jsonl").write_text("\n".join(lines[: 12 if way == "parser" else None]) + "\n")
    found = read(tmp_path)
    rest = [i for i in range(100, 112 if way == "parser" else 200) if i % 5 and not (way == "line by line" and i == 107)]
    assert [int(value) for value in found.columns["_c0"]] == rest
