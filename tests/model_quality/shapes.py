"""The same rows in every shape in which a job may meet them: a function writes files, and gives the settings that read them."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = Mapping[str, Any]  # of `prediction`, `score`, `cut` and `label`, whichever a test has
Flags = dict[str, Any]
ATTRIBUTES = {
    "prediction": "inference_attribute",
    "score": "probability_attribute",
    "cut": "probability_threshold_attribute",
    "label": "ground_truth_attribute",
}
MERGED = {"dataset_format": json.dumps({"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}})}
HOUR = "2026/11/21/09"


def attributes(rows: Sequence[Row], path: str, names: Sequence[str] = tuple(ATTRIBUTES)) -> Flags:
    """The settings that name the columns which rows have."""
    return {ATTRIBUTES[name]: path.format(name=name) for name in names if name in rows[0]}


def csv_text(rows: Sequence[Sequence[Any]]) -> str:
    """Lines of CSV without the last newline; a list is written as JSON, a missing value as nothing."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([["" if v is None else json.dumps(v) if isinstance(v, list) else v for v in row] for row in rows])
    return out.getvalue().removesuffix("\n")


def side(data: str, encoding: str, kind: str | None = None) -> dict[str, Any]:
    """A part of a captured record."""
    content = kind or {"CSV": "text/csv", "JSON": "application/json"}.get(encoding)
    return {"observedContentType": content, "mode": "OUTPUT", "data": data, "encoding": encoding}


def merged_record(
    output: Mapping[str, Any] | None, truth: Mapping[str, Any] | None, number: int = 0, given: Mapping[str, Any] | None = None
) -> str:
    """A line of a merged file: a captured record with its label, if it has one."""
    capture = {name: part for name, part in (("endpointInput", given), ("endpointOutput", output)) if part is not None}
    record: dict[str, Any] = {"captureData": capture, "eventVersion": "0"}
    record["eventMetadata"] = {"eventId": f"id-{number}", "inferenceTime": "2026-11-21T09:00:00Z"}
    return json.dumps(record if truth is None else {**record, "groundTruthData": truth})


def label_csv(text: str) -> dict[str, str]:
    """Ground truth as text."""
    return {"data": text, "encoding": "CSV"}


def label_json(document: Any) -> dict[str, str]:
    """Ground truth as a document."""
    return {"data": json.dumps(document), "encoding": "JSON"}


def write_merged(root: Path, lines: Sequence[str], hour: str = HOUR, name: str = "part-0.jsonl") -> Path:
    """A merged file in the folder of its capture hour."""
    path = root / "shop" / "AllTraffic" / hour / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def csv_with_header(folder: Path, rows: Sequence[Row]) -> Flags:
    """A data set as CSV with names."""
    names = ["id", *rows[0]]
    (folder / "data.csv").write_text(csv_text([names, *([i, *row.values()] for i, row in enumerate(rows))]) + "\n")
    return {"dataset_source": folder / "data.csv", "dataset_format": '{"csv": {"header": true}}', **attributes(rows, "{name}")}


def csv_without_header(folder: Path, rows: Sequence[Row]) -> Flags:
    """A data set as CSV without names: attributes by their number."""
    (folder / "data.csv").write_text(csv_text([["x", *row.values()] for row in rows]) + "\n")
    return {"dataset_source": folder / "data.csv", "dataset_format": '{"csv": {"header": false}}', **_numbers(["x", *rows[0]])}


def json_lines(folder: Path, rows: Sequence[Row]) -> Flags:
    """A data set as JSON lines, nested: attributes by JSONPath."""
    lines = [json.dumps({"id": i, "event": {"is": row, "note": "a"}}) for i, row in enumerate(rows)]
    (folder / "data.jsonl").write_text("\n".join(lines) + "\n")
    return {"dataset_source": folder / "data.jsonl", "dataset_format": '{"json": {"lines": true}}', **attributes(rows, "$.event.is.{name}")}


def parquet(folder: Path, rows: Sequence[Row]) -> Flags:
    """A data set as Parquet, with columns of their own types, in two row groups."""
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    pq.write_table(table, folder / "data.parquet", row_group_size=max(1, len(rows) // 2))
    return {"dataset_source": folder / "data.parquet", "dataset_format": '{"parquet": {}}', **attributes(rows, "{name}")}


def _outputs(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "label"} for row in rows]


def _numbers(names: Sequence[str]) -> Flags:
    """Attributes by their number; a threshold's is its column's name, since a number is the threshold itself."""
    return {ATTRIBUTES[name]: f"_c{place}" if name == "cut" else str(place) for place, name in enumerate(names) if name in ATTRIBUTES}


def _merged(folder: Path, lines: Iterator[str]) -> Flags:
    write_merged(folder, list(lines))
    return {"dataset_source": folder, **MERGED}


def merged_csv(folder: Path, rows: Sequence[Row]) -> Flags:
    """Merged captures, output and label as CSV; the label's column is not named, it is the only one."""
    parts = zip(_outputs(rows), rows, strict=True)
    lines = (
        merged_record(side(csv_text([list(out.values())]), "CSV"), label_csv(csv_text([[row["label"]]])), i)
        for i, (out, row) in enumerate(parts)
    )
    return {**_merged(folder, lines), **_numbers(list(_outputs(rows)[0]))}


def merged_json(folder: Path, rows: Sequence[Row]) -> Flags:
    """Merged captures, output and label as JSON."""
    parts = zip(_outputs(rows), rows, strict=True)
    lines = (
        merged_record(side(json.dumps({"is": out}), "JSON"), label_json({"label": row["label"]}), i) for i, (out, row) in enumerate(parts)
    )
    return {**_merged(folder, lines), **attributes(rows, "is.{name}"), "ground_truth_attribute": "label"}


def merged_base64(folder: Path, rows: Sequence[Row]) -> Flags:
    """Merged captures whose output is BASE64 of JSON or, every other one, without a content type; labels are CSV."""
    parts = zip(_outputs(rows), rows, strict=True)
    lines = (
        merged_record(
            side(base64.b64encode(json.dumps(out).encode()).decode(), "BASE64", "application/json" if i % 2 else None),
            label_csv(csv_text([[row["label"]]])),
            i,
        )
        for i, (out, row) in enumerate(parts)
    )
    return {**_merged(folder, lines), **attributes(rows, "{name}", ("prediction", "score", "cut"))}


def _requests(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Rows in requests of one, two, three, … records."""
    first, size = 0, 1
    while first < len(rows):
        yield rows[first : first + size]
        first, size = first + size, size % 4 + 1


def several_as_csv(folder: Path, rows: Sequence[Row]) -> Flags:
    """Requests of several records as lines of CSV, their labels too."""
    lines = (
        merged_record(
            side(csv_text([list(out.values()) for out in _outputs(part)]) + "\n", "CSV"),
            label_csv(csv_text([[row["label"]] for row in part])),
            i,
        )
        for i, part in enumerate(_requests(rows))
    )
    return {**_merged(folder, lines), **_numbers(list(_outputs(rows)[0]))}


def several_as_predictions(folder: Path, rows: Sequence[Row]) -> Flags:
    """Requests of several records as a list of `predictions`, their labels as the list `label`."""
    lines = (
        merged_record(side(json.dumps({"predictions": _outputs(part)}), "JSON"), label_json({"label": [row["label"] for row in part]}), i)
        for i, part in enumerate(_requests(rows))
    )
    return {**_merged(folder, lines), **attributes(rows, "predictions[*].{name}", ("prediction", "score", "cut"))}


def several_in_a_wider_document(folder: Path, rows: Sequence[Row]) -> Flags:
    """As before, beside a key of the whole request, which makes the document one row with lists; labels are a bare list."""
    lines = (
        merged_record(
            side(json.dumps({"model": "m-1", "predictions": _outputs(part)}), "JSON"), label_json([row["label"] for row in part]), i
        )
        for i, part in enumerate(_requests(rows))
    )
    return {**_merged(folder, lines), **attributes(rows, "predictions[*].{name}", ("prediction", "score", "cut"))}


def several_as_json_lines(folder: Path, rows: Sequence[Row]) -> Flags:
    """Requests of several records as JSON lines, their labels too."""
    lines = (
        merged_record(
            side("\n".join(json.dumps(out) for out in _outputs(part)), "JSON"),
            {"data": "\n".join(json.dumps({"label": row["label"]}) for row in part), "encoding": "JSON"},
            i,
        )
        for i, part in enumerate(_requests(rows))
    )
    return {**_merged(folder, lines), **attributes(rows, "{name}", ("prediction", "score", "cut"))}


def several_as_base64(folder: Path, rows: Sequence[Row]) -> Flags:
    """Requests of several records as lines of CSV in BASE64, of which only the content type says what it is."""
    lines = (
        merged_record(
            side(
                base64.b64encode(csv_text([list(out.values()) for out in _outputs(part)]).encode()).decode(),
                "BASE64",
                "text/csv; charset=utf-8",
            ),
            label_csv(csv_text([[row["label"]] for row in part]) + "\n"),
            i,
        )
        for i, part in enumerate(_requests(rows))
    )
    return {**_merged(folder, lines), **_numbers(list(_outputs(rows)[0]))}


Shape = Callable[[Path, Sequence[Row]], Flags]
WHOLE: tuple[Shape, ...] = (csv_with_header, csv_without_header, json_lines, parquet, merged_csv, merged_json, merged_base64)
SEVERAL: tuple[Shape, ...] = (several_as_csv, several_as_base64, several_as_predictions, several_in_a_wider_document, several_as_json_lines)
