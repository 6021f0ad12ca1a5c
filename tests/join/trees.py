"""Trees of captures and labels, and the join of them that anybody would write: a dictionary of labels, a loop over lines."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hourglass.join.here import join_here
from hourglass.join.hour_report import HOUR_REPORT
from hourglass.monitors import ground_truth_merge
from hourglass.outputs.merge_report import MergeOutcome
from hourglass.settings import load_settings

START = datetime(2026, 11, 21, tzinfo=UTC)
SOURCE = "shop/AllTraffic"

Tree = Mapping[str, Sequence[str]]  # lines by path below the root


def hour(number: int) -> str:
    """The folder of an hour, counted from the first of the tests."""
    return f"{START + timedelta(hours=number):%Y/%m/%d/%H}"


def at(number: int, minute: int = 0) -> str:
    """A time in that hour."""
    return f"{START + timedelta(hours=number, minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


def capture(event: str | None, inference: str | None = None, *, time: str | None = None, data: str = "0.5", encoding: str = "CSV") -> str:
    """A captured record as an endpoint writes it."""
    side = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": data, "encoding": encoding}
    given = {"eventId": event, "inferenceId": inference, "inferenceTime": time}
    metadata = {name: value for name, value in given.items() if value is not None}
    document = {"captureData": {"endpointInput": {**side, "mode": "INPUT"}, "endpointOutput": side}, "eventMetadata": metadata}
    return json.dumps({**document, "eventVersion": "0"})


def label(key: str, data: str = "1", encoding: str = "CSV", **metadata: str) -> str:
    """A line of ground truth in the contract's form."""
    truth = {"data": data, "encoding": encoding}
    return json.dumps({"groundTruthData": truth, "eventMetadata": {"eventId": key, **metadata}, "eventVersion": "0"})


def write(root: Path, tree: Tree) -> Path:
    """Writes the files of a tree."""
    for name, lines in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))
    return root


def settings_of(root: Path, **flags: Any) -> Any:
    """The settings of a merge of `captures` and `labels` under a root into `merged`."""
    said = {
        "dataset_source": root / "captures",
        "ground_truth_source": root / "labels",
        "output_path": root / "merged",
        "container_root": root / "no-platform",
        **flags,
    }
    return load_settings({name: str(value) for name, value in said.items()}, {})


def merge(root: Path, engine: ground_truth_merge.JoinEngine = join_here, **flags: Any) -> MergeOutcome:
    """A merge in this process, or on another engine."""
    return ground_truth_merge.run(settings_of(root, **flags), engine)


def merged(output: Path) -> dict[str, list[dict[str, Any]]]:
    """The records of each hour that has any, in order."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(output.rglob("part-*.jsonl")):
        found[str(path.parent.relative_to(output))] += [json.loads(line, object_pairs_hook=_once) for line in path.read_text().splitlines()]
    return {partition: records for partition, records in found.items() if records}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object none of whose keys is there twice."""
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def contents(output: Path, *, reports: bool = True) -> dict[str, bytes]:
    """All files of the hours; of their reports all but the times at which the merged files were put there."""
    return {
        str(path.relative_to(output)): _without_times(path)
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.parent != output and "quarantine" not in path.parts and (reports or path.name.startswith("part-"))
    }


def _without_times(path: Path) -> bytes:
    data = path.read_bytes()
    if path.name != HOUR_REPORT:
        return data
    report = json.loads(data)
    for file in report["files"].values():
        assert file.pop("modified") > 0
    return json.dumps(report).encode()


def naive(captures: Tree, labels: Tree, wait: int) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Counter[str]]]:
    """The merged records by partition, and what became of the lines of each."""
    known = truths(labels)
    result: dict[str, list[dict[str, Any]]] = defaultdict(list)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seen: set[tuple[str, str, str]] = set()
    for path in sorted(captures):
        partition = path.rpartition("/")[0]
        for text in filter(str.strip, captures[path]):
            record = parsed(text)
            reach = [(order, data) for order, data in known[key_of(record)] if -1 <= order[1] - number_of(path) <= wait]
            fate = fate_of(record, partition, seen) or ("matched" if reach else "unmatched")
            counts[partition].update(["lines", fate])
            if fate == "matched":
                result[partition].append({**record, "groundTruthData": max(reach, key=lambda found: found[0])[1]})
    return dict(result), counts


def truths(labels: Tree) -> dict[str, list[tuple[tuple[float, int, str, int], dict[str, Any]]]]:
    """The labels of each key, with what says which is the latest."""
    known: dict[str, list[tuple[tuple[float, int, str, int], dict[str, Any]]]] = defaultdict(list)
    for path, lines in labels.items():
        folder = number_of(path)
        for line, text in enumerate(lines):
            found = truth(text)
            if found is not None:
                key, data, time = found
                known[key].append(((time if time is not None else folder * 3600.0, folder, path, line), data))
    return known


def label_fates(captures: Tree, labels: Tree, wait: int) -> tuple[dict[str, Counter[str]], dict[str, int]]:
    """What became of the labels of each hour, and by partition how many lines a taken label kept from being taken."""
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    passed_over: Counter[str] = Counter()
    asking = {
        (path.rpartition("/")[0], key_of(parsed(text)))
        for path, lines in captures.items()
        for text in filter(str.strip, lines)
        if fate_of(parsed(text), "", set()) is None
    }
    for key, found in truths(labels).items():
        partitions = [partition for partition, asked in asking if asked == key]
        reaches = {
            partition: [order for order, _ in found if -1 <= order[1] - number_of(f"{partition}/x") <= wait] for partition in partitions
        }
        chosen = {max(reach) for reach in reaches.values() if reach}
        for partition, reach in reaches.items():
            passed_over[partition] += max(0, len(reach) - 1)
        for order, _ in found:
            latest = order == max(other for other, _ in found if other[1] == order[1])
            reached = any(order in reach for reach in reaches.values())
            fates[hour(order[1])]["used" if order in chosen else "superseded" if reached or not latest else "unmatched"] += 1
    return dict(fates), dict(passed_over)


def key_of(record: Any) -> str:
    """What a captured record is joined by."""
    metadata = record.get("eventMetadata", {}) if isinstance(record, dict) else {}
    return metadata.get("inferenceId") or metadata.get("eventId") or ""


def fate_of(record: Any, partition: str, seen: set[tuple[str, str, str]]) -> str | None:
    """Why a line has no label, whatever labels there are."""
    if not isinstance(record, dict) or "captureData" not in record:
        return "bad"
    if not key_of(record):
        return "without id"
    event = record["eventMetadata"].get("eventId")
    if event and (partition, key_of(record), event) in seen:
        return "duplicated"
    seen.add((partition, key_of(record), event))
    return None


def parsed(text: str) -> Any:
    """A line as JSON, None if it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def truth(text: str) -> tuple[str, dict[str, Any], float | None] | None:
    """Key, label, and seconds from the tests' first hour of one line."""
    document = parsed(text)
    if not isinstance(document, dict):
        return None
    if "actualLabel" in document:
        value = document["actualLabel"]
        plain = not isinstance(value, dict | list)
        data = {
            "data": value if isinstance(value, str) else json.dumps(value, separators=(",", ":")),
            "encoding": "CSV" if plain else "JSON",
        }
        return (document["inferenceId"], data, None) if document.get("inferenceId") else None
    metadata = document.get("eventMetadata", {})
    if not document.get("groundTruthData") or not metadata.get("eventId"):
        return None
    for name in ("eventTime", "inferenceTime"):
        try:
            time = datetime.fromisoformat(metadata.get(name))
        except (ValueError, TypeError):
            continue
        return metadata["eventId"], document["groundTruthData"], (time - START).total_seconds()
    return metadata["eventId"], document["groundTruthData"], None


def number_of(path: str) -> int:
    """The hour of a path, counted from the tests' first."""
    found = datetime.strptime("/".join(path.split("/")[-5:-1]), "%Y/%m/%d/%H").replace(tzinfo=UTC)
    return (found - START) // timedelta(hours=1)
