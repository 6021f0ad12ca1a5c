"""Merges that end or meet between a merged file and its report: what is there in the end is what the labels say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hourglass import storage
from hourglass.cli import main
from hourglass.join.here import join_here
from hourglass.join.hour_report import HOUR_REPORT
from hourglass.monitors import ground_truth_merge
from hourglass.outputs.merge_report import CURRENT, WRITTEN
from tests.engine import read
from tests.join.trees import SOURCE, capture, contents, hour, label, merge, merged, settings_of, write

NINE = f"{SOURCE}/{hour(9)}"
LATER = f"labels/{hour(11)}/y.jsonl"
write_files = storage.write_files


def tree(root: Path) -> None:
    """An hour that is merged, and then other labels, of the same size, for all of it."""
    write(root, {f"captures/{NINE}/x.jsonl": [capture(str(i)) for i in range(5)]})
    write(root, {f"labels/{hour(10)}/x.jsonl": [label(str(i), "0") for i in range(5)]})


def labels_of(root: Path) -> set[str]:
    """What the merged records say."""
    return {record["groundTruthData"]["data"] for record in merged(root / "merged")[NINE]}


@pytest.mark.parametrize("taken_back", [True, False])
def test_a_run_that_is_killed_before_a_report_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken_back: bool) -> None:
    """Labels are then taken back, or corrected: the file that the killed run has put there is not believed."""

    def killed(base: str, contents: dict[str, bytes], **flags: Any) -> None:
        if HOUR_REPORT in contents:
            raise KeyboardInterrupt
        write_files(base, contents, **flags)

    tree(tmp_path)
    merge(tmp_path)
    write(tmp_path, {LATER: [label(str(i), "1") for i in range(5)]})
    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_files", killed)
        with pytest.raises(KeyboardInterrupt):
            merge(tmp_path)
    assert labels_of(tmp_path) == {"1"}
    assert not (tmp_path / "merged" / NINE / HOUR_REPORT).exists()
    if taken_back:
        (tmp_path / LATER).unlink()
    else:
        write(tmp_path, {LATER: [label(str(i), "0") for i in range(5)]})
    assert [found.status for found in merge(tmp_path).hours] == [WRITTEN]
    assert labels_of(tmp_path) == {"0"}
    merge(tmp_path, output_path=tmp_path / "at-once")
    assert contents(tmp_path / "merged") == contents(tmp_path / "at-once")


def test_an_older_run_that_ends_within_a_newer_one_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It puts its file, of the same size, over that of which the newer one then writes the report."""
    tree(tmp_path)
    older = ground_truth_merge.prepare(settings_of(tmp_path))
    write(tmp_path, {LATER: [label(str(i), "1") for i in range(5)]})
    ended = []

    def late(base: str, contents: dict[str, bytes], **flags: Any) -> None:
        if HOUR_REPORT in contents and not ended:
            ended.append(True)
            ground_truth_merge.complete(settings_of(tmp_path), older, join_here, 2)
        write_files(base, contents, **flags)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "write_files", late)
        merge(tmp_path)
    assert (ended, labels_of(tmp_path)) == ([True], {"0"})
    assert [found.status for found in merge(tmp_path).hours] == [WRITTEN]
    assert labels_of(tmp_path) == {"1"}
    assert [found.status for found in merge(tmp_path).hours] == [CURRENT]


def test_a_report_that_another_run_has_just_removed_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the listing and the reading of it; the hour is made again."""
    tree(tmp_path)
    merge(tmp_path)
    place = tmp_path / "merged" / NINE / HOUR_REPORT
    read_bytes = storage.read_bytes

    def removed(path: str) -> bytes:
        if path == str(place):
            place.unlink()
        return read_bytes(path)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "read_bytes", removed)
        assert [found.status for found in merge(tmp_path).hours] == [WRITTEN]
    assert place.exists()


def test_a_merged_file_that_somebody_changed_is_made_again(tmp_path: Path) -> None:
    """Though its size is the same: its time is not that at which it was put there."""
    tree(tmp_path)
    merge(tmp_path)
    path = tmp_path / "merged" / NINE / "part-00000.jsonl"
    path.write_text(path.read_text().replace('"data":"0"', '"data":"1"'))
    assert [found.status for found in merge(tmp_path).hours] == [WRITTEN]
    assert labels_of(tmp_path) == {"0"}


def test_model_quality_forgets_labels_that_were_taken_back(tmp_path: Path) -> None:
    """An hour without files would be one whose files have expired, and its stored states would count on."""
    write(tmp_path, {f"captures/{NINE}/x.jsonl": [capture(str(i), data="1") for i in range(20)]})
    write(tmp_path, {f"labels/{hour(10)}/x.jsonl": [label(str(i), str(i % 2 if i < 2 else 1)) for i in range(20)]})
    document = {"binary_classification_constraints": {"accuracy": {"threshold": 0.5, "comparison_operator": "LessThanThreshold"}}}
    write(tmp_path, {"constraints.json": [json.dumps(document)]})
    said = {
        "dataset-source": tmp_path / "merged",
        "output-path": tmp_path / "quality",
        "state-root": tmp_path / "states",
        "baseline-constraints": tmp_path / "constraints.json",
        "problem-type": "BinaryClassification",
        "inference-attribute": "0",
        "dataset-format": '{"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}}',
        "start-time": "2026-11-21T09:00:00Z",
        "end-time": "2026-11-21T10:00:00Z",
        "engine": "local",
        "container-root": tmp_path / "none",
    }
    flags = [part for name, value in said.items() for part in (f"--{name}", str(value))]
    found = []
    for _ in range(2):
        merge(tmp_path)
        main(["model-quality", *flags])
        rows = read(tmp_path / "quality/statistics.json")["dataset"]["item_count"]
        evaluation = read(tmp_path / "quality/evaluation.json")
        verdicts = {evaluation["verdict"], *(entry["verdict"] for entry in evaluation["evaluations"])}
        found.append((rows, "pass" in verdicts))
        (tmp_path / "labels" / hour(10) / "x.jsonl").unlink(missing_ok=True)
    assert found == [(20, True), (0, False)]
