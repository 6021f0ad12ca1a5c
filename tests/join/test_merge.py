"""What a run of the merge does: which labels count, what it writes and leaves alone, what it says."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from hourglass import storage
from hourglass.cli import cli
from hourglass.errors import InputError, SettingsError
from hourglass.join import match
from hourglass.join.here import join_here
from hourglass.join.match import match_rows
from hourglass.join.plan import JoinPlan
from hourglass.monitors import merge_inputs
from hourglass.outputs.merge_report import CURRENT, KEPT, UNCHANGED, WRITTEN
from hourglass.settings import load_settings
from tests.engine import schema
from tests.join.trees import SOURCE, at, capture, contents, hour, label, merge, merged, settings_of, write

DATA = Path(__file__).parents[1] / "data"
NINE = f"{SOURCE}/{hour(9)}"


def statuses(outcome: Any) -> dict[str, str]:
    """What became of each hour."""
    return {found.report.partition.removeprefix(f"{SOURCE}/"): found.status for found in outcome.hours}


def stamps(root: Path) -> dict[str, int]:
    """When each merged file was changed."""
    return {str(path): path.stat().st_mtime_ns for path in sorted((root / "merged").rglob("part-*"))}


def report(root: Path) -> Any:
    """The report of the run."""
    return json.loads((root / "merged/merge_report.json").read_text())


def sdk_lines(name: str) -> list[str]:
    return (DATA / "samples/sdk" / name).read_text().splitlines()


def test_the_sdks_captures_meet_their_actuals(tmp_path: Path) -> None:
    """Every record of the SageMaker SDK's own sample, as the capture has it with the label behind it."""
    captures, labels = sdk_lines("capture.jsonl"), sdk_lines("actuals.jsonl")
    write(tmp_path, {f"captures/{NINE}/a.jsonl": captures, f"labels/{hour(10)}/a.jsonl": labels})
    outcome = merge(tmp_path)
    assert outcome.message == "Completed: Job completed successfully with no violations."
    truths = {json.loads(line)["eventMetadata"]["eventId"]: json.loads(line)["groundTruthData"] for line in labels}
    lines = (tmp_path / "merged" / NINE / "part-00000.jsonl").read_text().splitlines()
    assert len(lines) == len(captures) == 44
    for line, given in zip(lines, captures, strict=True):
        truth = truths[json.loads(given)["eventMetadata"]["eventId"]]
        assert line == f'{given[:-1]},"groundTruthData":{json.dumps(truth, separators=(",", ":"))}}}'
    delays = report(tmp_path)["totals"]["delay"]
    assert delays["from_folders"] == 44  # `{%s}` is no time
    assert delays["seconds"]["p50"] == 3600


def test_a_real_merge_job_finds_its_folders(tmp_path: Path) -> None:
    """The environment and the mounts of a real request, below a root of the test's own."""
    request = json.loads((DATA / "requests/groundtruth_merge.processingjobconfig.json").read_text())
    root = str(tmp_path)
    for given in request["ProcessingInputs"]:
        side = "actuals.jsonl" if "groundtruth" in given["InputName"] else "capture.jsonl"
        write(tmp_path, {f"{given['S3Input']['LocalPath'].lstrip('/')}/a.jsonl": sdk_lines(side)})
    environment = {name: root + path for name, path in request["Environment"].items()}
    outcome = CliRunner().invoke(cli, ["merge"], env={**environment, "container_root": f"{root}/opt/ml", "engine": "local"})
    assert outcome.exit_code == 0, outcome.output
    output = Path(root + request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["LocalPath"])
    assert [len(records) for records in merged(output).values()] == [44]
    assert list(merged(output)) == ["abalone-prod-endpoint/AllTraffic/2021/05/06/22"]
    assert (tmp_path / "opt/ml/output/message").read_text() == "Completed: Job completed successfully with no violations."


def test_what_the_merge_writes_is_what_a_real_one_wrote(tmp_path: Path) -> None:
    """A merged record of a real job, taken apart and put together again: several records a request, JSON in JSON."""
    real = json.loads((DATA / "samples/bias_endpoint_json.merged_record.json").read_text())
    given = {name: value for name, value in real.items() if name != "groundTruthData"}
    truth = {"groundTruthData": real["groundTruthData"], "eventMetadata": {"eventId": real["eventMetadata"]["inferenceId"]}}
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [json.dumps(given)], f"labels/{hour(9)}/a.jsonl": [json.dumps(truth)]})
    merge(tmp_path)
    assert merged(tmp_path / "merged") == {NINE: [real]}


def test_labels_that_come_late_are_added_and_the_rest_is_left_alone(tmp_path: Path) -> None:
    """Each run writes the hours only whose labels came; the others keep their time of change."""
    for number in range(3):
        write(tmp_path, {f"captures/{SOURCE}/{hour(number)}/a.jsonl": [capture(f"{number}{i}", time=at(number)) for i in range(4)]})
    write(tmp_path, {f"labels/{hour(1)}/a.jsonl": [label("00", "1", eventTime=at(1, 30)), label("10", "1")]})
    assert statuses(merge(tmp_path)) == dict.fromkeys((hour(0), hour(1), hour(2)), WRITTEN)
    before = stamps(tmp_path)
    assert statuses(merge(tmp_path)) == dict.fromkeys((hour(0), hour(1), hour(2)), CURRENT)
    write(tmp_path, {f"labels/{hour(5)}/a.jsonl": [label("11", "0"), label("00", "2", eventTime=at(1))]})
    assert statuses(merge(tmp_path)) == {hour(0): UNCHANGED, hour(1): WRITTEN, hour(2): UNCHANGED}
    after = stamps(tmp_path)
    assert {path for path in after if before.get(path) != after[path]} == {str(tmp_path / "merged" / SOURCE / hour(1) / "part-00000.jsonl")}
    assert report(tmp_path)["totals"]["delay"] == {
        "seconds": {"p50": 5400.0, "p90": 14400.0, "p99": 14400.0, "max": 14400.0},
        "from_event_times": 1,
        "from_folders": 2,
    }
    assert [entry["superseded"] for entry in report(tmp_path)["label_hours"]] == [0, 1]


def test_labels_count_from_the_hour_before_until_the_wait_is_over(tmp_path: Path) -> None:
    """The edges of an hour's reach, whatever the window of the run."""
    write(tmp_path, {f"captures/{SOURCE}/{hour(number)}/a.jsonl": [capture("a")] for number in range(6)})
    write(tmp_path, {f"labels/{hour(3)}/a.jsonl": [label("a")]})
    merge(tmp_path, label_wait="2h")
    assert sorted(merged(tmp_path / "merged")) == [f"{SOURCE}/{hour(number)}" for number in (1, 2, 3, 4)]
    whole = contents(tmp_path / "merged")
    for number in range(6):
        merge(tmp_path, label_wait="2h", output_path=tmp_path / "by-hour", start_time=at(number), end_time=at(number + 1))
    assert contents(tmp_path / "by-hour") == whole
    outcome = merge(tmp_path, label_wait="2h", output_path=tmp_path / "some", start_time=at(1), end_time=at(4))
    assert [found.complete for found in outcome.label_hours] == [True]
    outcome = merge(tmp_path, label_wait="2h", output_path=tmp_path / "fewer", start_time=at(2), end_time=at(4))
    assert [found.complete for found in outcome.label_hours] == [False]


def test_an_hour_that_lost_a_file_is_made_again(tmp_path: Path) -> None:
    """Whoever removed or cut a merged file, the next run brings it back, and removes what is not its own."""
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], f"labels/{hour(9)}/a.jsonl": [label("a")]})
    merge(tmp_path)
    whole = contents(tmp_path / "merged")
    part = tmp_path / "merged" / NINE / "part-00000.jsonl"
    part.unlink()
    assert statuses(merge(tmp_path)) == {hour(9): WRITTEN}
    part.write_text("half")
    part.with_name("part-00007.jsonl").write_text("of an older run\n")
    assert statuses(merge(tmp_path)) == {hour(9): WRITTEN}
    assert contents(tmp_path / "merged") == whole


def test_an_hour_without_its_last_label_has_an_empty_file(tmp_path: Path) -> None:
    """A label that is taken back takes the merged record with it; it is as if there never had been one."""
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], f"labels/{hour(9)}/a.jsonl": [label("a")]})
    merge(tmp_path)
    (tmp_path / "labels" / hour(9) / "a.jsonl").unlink()
    assert statuses(merge(tmp_path)) == {hour(9): WRITTEN}
    assert (tmp_path / "merged" / NINE / "part-00000.jsonl").read_bytes() == b""
    merge(tmp_path, output_path=tmp_path / "at-once")
    assert contents(tmp_path / "merged") == contents(tmp_path / "at-once")
    assert statuses(merge(tmp_path)) == {hour(9): CURRENT}


def test_hours_whose_captures_are_gone_stay(tmp_path: Path) -> None:
    """Captures expire; what was made of them is left as it is, and the report says so."""
    for number in (8, 9):
        write(tmp_path, {f"captures/{SOURCE}/{hour(number)}/a.jsonl": [capture("a")]})
    write(tmp_path, {f"labels/{hour(9)}/a.jsonl": [label("a")]})
    merge(tmp_path)
    whole = contents(tmp_path / "merged")
    (tmp_path / "captures" / SOURCE / hour(8) / "a.jsonl").unlink()
    write(tmp_path, {f"labels/{hour(10)}/a.jsonl": [label("b")]})
    outcome = merge(tmp_path)
    assert statuses(outcome) == {hour(8): KEPT, hour(9): UNCHANGED}
    assert contents(tmp_path / "merged", reports=False) == {name: data for name, data in whole.items() if "part" in name}
    assert outcome.warnings[0].startswith("the captures of 1 merged hours are gone")


def test_a_capture_that_is_delivered_twice_counts_once(tmp_path: Path) -> None:
    """The same event; other events with the same inferenceId are other requests, and each gets the label."""
    lines = [capture("e1", "shared", data="1"), capture("e2", "shared", data="2"), capture("e1", "shared", data="3")]
    write(
        tmp_path,
        {f"captures/{NINE}/a.jsonl": lines, f"captures/{NINE}/b.jsonl": [lines[1]], f"labels/{hour(9)}/a.jsonl": [label("shared")]},
    )
    outcome = merge(tmp_path)
    found = [record["captureData"]["endpointOutput"]["data"] for record in merged(tmp_path / "merged")[NINE]]
    assert (found, outcome.reports[0].duplicated, outcome.label_hours[0].used) == (["1", "2"], 2, 1)


def test_lines_of_one_shape_are_read_by_their_shape(tmp_path: Path) -> None:
    """Many alike lines, over several files and blocks, against the same lines read one by one."""
    captures = [capture(f"event-{i:05d}", time=at(9, i % 60), data=f"{i % 7}.5") for i in range(2000)]
    labels = [label(f"event-{i:05d}", str(i % 2)) for i in range(0, 2000, 3)]
    write(tmp_path, {f"captures/{NINE}/{name}.jsonl": captures[number::2] for number, name in enumerate("ab")})
    write(tmp_path, {f"labels/{hour(11)}/a.jsonl": labels})
    merge(tmp_path)
    # an escaped letter sends a block to the slower reader, and says the same
    write(
        tmp_path,
        {
            f"captures/{NINE}/{name}.jsonl": [line.replace("event-", "\\u0065vent-") for line in captures[number::2]]
            for number, name in enumerate("ab")
        },
    )
    write(tmp_path, {f"labels/{hour(11)}/a.jsonl": [line.replace("event-", "\\u0065vent-") for line in labels]})
    merge(tmp_path, output_path=tmp_path / "slow")
    assert merged(tmp_path / "merged") == merged(tmp_path / "slow")
    assert len(merged(tmp_path / "merged")[NINE]) == len(labels)


def test_files_come_as_they_come(tmp_path: Path) -> None:
    """Packed, with a byte order mark, with Windows' line ends and blanks, without a last line end, as one document over lines."""
    folder = tmp_path / "captures" / NINE
    folder.mkdir(parents=True)
    lines = [capture(name) for name in "abcdefgh"]
    (folder / "1.jsonl.gz").write_bytes(gzip.compress(f"{lines[0]}\n".encode()))
    (folder / "2.jsonl").write_bytes(b"\xef\xbb\xbf" + f"{lines[1]}\r\n{lines[2]} \n\n".encode())
    (folder / "3.jsonl").write_text(lines[3])
    (folder / "4.json").write_text(json.dumps([json.loads(line) for line in lines[4:7]], indent=1))
    (folder / "5.jsonl").write_text(f"{lines[7]}\n")
    write(tmp_path, {f"labels/{hour(9)}/a.jsonl": [label(name) for name in "abcdefgh"]})
    outcome = merge(tmp_path)
    records = merged(tmp_path / "merged")[NINE]
    assert [record["eventMetadata"]["eventId"] for record in records] == list("abcdefgh")
    assert (outcome.reports[0].lines, outcome.reports[0].bad_lines) == (8, 0)


def test_a_batch_transforms_results_are_merged(tmp_path: Path) -> None:
    """Manifests name CSV files with an id and a time behind, or JSON lines with them inside; the schedule names the folder."""
    results = write(
        tmp_path / "results", {"a.csv.out": ['0.5,"x, y",id-1,2026-11-21T09:10:00Z', "0.7,z,id-2,2026-11-21T09:11:00Z", "broken"]}
    )
    folder = tmp_path / "captures/output" / hour(9)
    folder.mkdir(parents=True)
    (folder / "m.json").write_text(json.dumps([{"prefix": f"{results}/"}, "a.csv.out"]))
    write(tmp_path, {f"labels/{hour(12)}/a.jsonl": [label("id-1", "1", eventTime=at(9, 12)), label("id-2", "0")]})
    common = {"sagemaker_monitoring_schedule_name": "nightly", "max_bad_lines": 0.5}
    outcome = merge(tmp_path, dataset_format='{"csv": {}}', **common)
    assert merged(tmp_path / "merged")[f"nightly/{hour(9)}"][0] == {
        "captureData": {"batchTransformOutput": {"data": '0.5,"x, y"', "encoding": "CSV", "mode": "OUTPUT"}},
        "eventMetadata": {"eventId": "id-1", "inferenceTime": "2026-11-21T09:10:00Z"},
        "eventVersion": "0",
        "groundTruthData": {"data": "1", "encoding": "CSV"},
    }
    assert (outcome.reports[0].matched, dict(outcome.reports[0].bad)) == (2, {"no columns of id and time": 1})
    assert outcome.reports[0].delays.state.minimum == 120
    line = {"SageMakerInferenceId": "id-1", "SageMakerInferenceTime": "2026-11-21T09:10:00Z", "SageMakerOutput": {"p": 0.5}}
    write(tmp_path / "results", {"a.csv.out": [json.dumps(line)]})
    merge(tmp_path, dataset_format='{"json": {"lines": true}}', output_path=tmp_path / "json", **common)
    (record,) = merged(tmp_path / "json")[f"nightly/{hour(9)}"]
    assert record["captureData"]["batchTransformOutput"] == {
        "data": '{"SageMakerOutput": {"p": 0.5}}',
        "encoding": "JSON",
        "mode": "OUTPUT",
    }


def test_captured_records_of_a_batch_transform_are_merged(tmp_path: Path) -> None:
    """Records that hold captureData.batchTransformOutput already."""
    line = {"captureData": {"batchTransformOutput": {"data": "1", "encoding": "CSV"}}, "eventMetadata": {"eventId": "a"}}
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [json.dumps(line)], f"labels/{hour(9)}/a.jsonl": [label("a")]})
    assert merge(tmp_path).reports[0].matched == 1


def test_bad_lines_are_kept_with_their_place_on_both_sides(tmp_path: Path) -> None:
    """Quarantined as in data quality; they stay there while their files are not read again."""
    captures = [capture("a"), '{"x', json.dumps({"eventMetadata": {"eventId": "b"}}), capture(None)]
    labels = [label("a"), "[]", json.dumps({"groundTruthData": {"data": "1"}}), json.dumps({"inferenceId": "a", "actualLabel": None})]
    write(tmp_path, {f"captures/{NINE}/a.jsonl": captures, f"labels/{hour(9)}/a.jsonl": labels})
    outcome = merge(tmp_path, max_bad_lines=1)
    quarantine = tmp_path / "merged/quarantine/bad_lines.jsonl"
    found = [json.loads(line) for line in quarantine.read_text().splitlines()]
    for entry in found:
        jsonschema.validate(entry, schema("bad_line"))
    assert [
        (Path(entry["file"]).parts[-6] == "labels" or "captures" in entry["file"], entry["line"], entry["reason"]) for entry in found
    ] == [
        (True, 2, "not JSON"),
        (True, 3, "no captured data"),
        (True, 2, "no ground truth"),
        (True, 3, "no event id"),
        (True, 4, "no ground truth"),
    ]
    assert (outcome.reports[0].without_id, outcome.reports[0].requests, outcome.reports[0].coverage) == (1, 2, 0.5)
    assert dict(outcome.label_hours[0].bad) == {"no ground truth": 2, "no event id": 1}
    before = quarantine.read_bytes()
    again = merge(tmp_path, max_bad_lines=1)
    assert statuses(again) == {hour(9): CURRENT}
    assert quarantine.read_bytes() == before
    assert again.label_hours == (replace(outcome.label_hours[0], complete=False),)


def test_too_many_bad_lines_end_the_job_and_change_nothing(tmp_path: Path) -> None:
    """Of either side; what earlier runs have merged stays, the bad lines can be looked at, and nothing staged is left."""
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], f"labels/{hour(9)}/a.jsonl": [label("a")]})
    merge(tmp_path)
    whole = contents(tmp_path / "merged")
    for place in (f"captures/{NINE}/b.jsonl", f"labels/{hour(9)}/b.jsonl"):
        write(tmp_path, {place: [label("a", "7") if "labels" in place else capture("a"), "nonsense"]})
        with pytest.raises(InputError, match=r"lines unusable \(1 not JSON\).*quarantine/bad_lines.jsonl"):
            merge(tmp_path)
        assert contents(tmp_path / "merged") == whole
        (tmp_path / place).unlink()


def test_swapped_sources_are_told(tmp_path: Path) -> None:
    """The likeliest mistake has a hint of its own."""
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], f"labels/{hour(9)}/a.jsonl": [label("a")]})
    with pytest.raises(InputError, match="dataset_source and ground_truth_source may be swapped"):
        merge(tmp_path, dataset_source=tmp_path / "labels", ground_truth_source=tmp_path / "captures")


def test_no_ground_truth_and_no_captures_are_no_failures(tmp_path: Path) -> None:
    """The message says where was looked."""
    (tmp_path / "labels").mkdir()
    (tmp_path / "captures").mkdir()
    assert merge(tmp_path).message == f"Completed: No data: no files under {tmp_path}/captures."
    with pytest.raises(InputError, match="expected at least one record"):
        merge(tmp_path, require_data=True)
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")]})
    outcome = merge(tmp_path)
    assert outcome.message == f"Completed: No ground truth: no files under {tmp_path}/labels; 0 of 1 captures have a label."
    assert outcome.reports[0].unmatched == 1


def test_a_slip_in_the_labels_place_empties_nothing(tmp_path: Path) -> None:
    """A folder that is not there, where earlier runs have matched captures."""
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], "labels/2026/11/21/10/a.jsonl": [label("a")]})
    merge(tmp_path)
    before = contents(tmp_path / "merged")
    with pytest.raises(InputError, match="where earlier runs have matched 1 captures"):
        merge(tmp_path, ground_truth_source=tmp_path / "lables")
    assert contents(tmp_path / "merged") == before


def test_wrong_settings_are_told(tmp_path: Path) -> None:
    """The ground truth's place is needed, is not the captures', and does not hold the output; files lie in hours."""
    with pytest.raises(InputError, match="ground_truth_source: found nothing"):
        merge(tmp_path, ground_truth_source="")
    for flags in ({"ground_truth_source": tmp_path / "captures"}, {"output_path": tmp_path / "labels/out"}):
        with pytest.raises(SettingsError, match=r"labels' own place|a place that the next run does not read"):
            settings_of(tmp_path, **flags)
    with pytest.raises(SettingsError, match="a number of hours or days"):
        settings_of(tmp_path, label_wait="soon")
    assert settings_of(tmp_path, label_wait="36h").label_wait == timedelta(hours=36)
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], "labels/a.jsonl": [label("a")]})
    with pytest.raises(InputError, match="expected a tree of hours"):
        merge(tmp_path)


def test_files_that_change_while_they_are_read_are_no_wrong_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the reading of the keys and that of the lines a file is written anew: the run ends, and nothing staged stays."""
    place = f"captures/{NINE}/a.jsonl"
    write(tmp_path, {place: [capture("a", data="1"), capture("b", data="1")], f"labels/{hour(9)}/a.jsonl": [label("b")]})

    def matched_then_changed(*arguments: Any) -> Any:
        yield from list(match_rows(*arguments))
        write(tmp_path, {place: [capture("longer-a", data="12345"), capture("b")]})

    monkeypatch.setattr(match, "match_rows", matched_then_changed)
    with pytest.raises(InputError, match="files that do not change while they are read"):
        merge(tmp_path)
    assert contents(tmp_path / "merged") == {}


def test_a_task_that_is_run_twice_stages_two_files(tmp_path: Path) -> None:
    """As with Spark's speculative execution: the one whose note comes back is put in its place, and later the other is removed."""
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], f"labels/{hour(9)}/a.jsonl": [label("a")]})

    def twice(plan: JoinPlan) -> Any:
        join_here(plan)
        return join_here(plan)

    merge(tmp_path, twice)
    assert len(merged(tmp_path / "merged")[NINE]) == 1
    (left,) = (tmp_path / "merged" / NINE).glob(".part-*")
    os.utime(left, (0, 0))
    write(tmp_path, {f"labels/{hour(9)}/b.jsonl": ["nonsense"]})
    with pytest.raises(InputError):
        merge(tmp_path, twice)
    assert list((tmp_path / "merged" / NINE).glob(".part-*")) == []


def test_staged_files_of_killed_runs_are_removed(tmp_path: Path) -> None:
    """When they are so old that nobody writes them any more."""
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], f"labels/{hour(9)}/a.jsonl": [label("a")]})
    old, young = (tmp_path / "merged" / NINE / f".part-00000.jsonl.{name}.part" for name in ("old", "young"))
    write(tmp_path, {str(old.relative_to(tmp_path)): ["x"], str(young.relative_to(tmp_path)): ["x"]})
    os.utime(old, (0, 0))
    merge(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)


def test_merged_files_are_read_as_captures_without_our_reports(tmp_path: Path) -> None:
    """A monitor that reads the whole output sees records only."""
    from hourglass.capture.files import list_files

    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a"), "bad"], f"labels/{hour(9)}/a.jsonl": [label("a")]})
    merge(tmp_path, max_bad_lines=1, publish_cloudwatch_metrics="Enabled")
    assert [Path(file.path).name for file in list_files(str(tmp_path / "merged"), None).files] == ["part-00000.jsonl"]


def test_five_metrics_an_hour(tmp_path: Path) -> None:
    """Over the variants of the hour, in the platform's form."""
    for variant in ("AllTraffic", "Canary"):
        write(tmp_path, {f"captures/shop/{variant}/{hour(9)}/a.jsonl": [capture(f"{variant}-{i}") for i in range(2)]})
    write(tmp_path, {f"labels/{hour(9)}/a.jsonl": [label("AllTraffic-0"), label("else")]})
    merge(tmp_path, publish_cloudwatch_metrics="Enabled", sagemaker_monitoring_schedule_name="hourly")
    lines = [json.loads(line) for line in (tmp_path / "merged/cloudwatch_metrics.jsonl").read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, schema("cloudwatch_metric"))
    assert {line["MetricName"]: line["Value"] for line in lines} == {
        "hourglass_label_coverage": 0.25,
        "hourglass_matched": 1.0,
        "hourglass_unmatched_captures": 3.0,
        "hourglass_unmatched_labels": 1.0,
        "hourglass_label_delay_p50": 0.0,
    }
    assert {line["Timestamp"] for line in lines} == {at(9)}


def metrics(root: Path, **flags: Any) -> list[tuple[str, str, float]]:
    """Hour, name and value of each point that a run gives."""
    merge(root, publish_cloudwatch_metrics="Enabled", **flags)
    lines = [json.loads(line) for line in (root / "merged/cloudwatch_metrics.jsonl").read_text().splitlines()]
    return [(line["Timestamp"], line["MetricName"].removeprefix("hourglass_"), line["Value"]) for line in lines]


def test_a_point_is_given_when_there_is_something_new(tmp_path: Path) -> None:
    """Points that come twice count twice: none for an hour of which a report says what it said, though it was read again."""
    for number in (3, 9):
        write(tmp_path, {f"captures/{SOURCE}/{hour(number)}/a.jsonl": [capture(f"{number}")]})
    write(tmp_path, {f"labels/{hour(9)}/a.jsonl": [label("9")]})
    of_three = [(at(3), "label_coverage", 0.0), (at(3), "matched", 0.0), (at(3), "unmatched_captures", 1.0)]
    of_nine = [(at(9), "label_coverage", 1.0), (at(9), "matched", 1.0), (at(9), "unmatched_captures", 0.0)]
    assert metrics(tmp_path) == [*of_three, *of_nine, (at(9), "label_delay_p50", 0.0), (at(9), "unmatched_labels", 0.0)]
    assert metrics(tmp_path) == []
    write(tmp_path, {f"labels/{hour(10)}/a.jsonl": [label("else")]})
    assert metrics(tmp_path) == [(at(10), "unmatched_labels", 1.0)]  # all was read again, and is as it was
    write(tmp_path, {f"captures/{SOURCE}/{hour(4)}/a.jsonl": [capture("else")]})
    found = metrics(tmp_path)  # that the label has a capture now is not said: not all captures in its reach were read
    assert {(time, name) for time, name, _ in found} == {
        (at(4), name) for name in ("label_coverage", "matched", "unmatched_captures", "label_delay_p50")
    }


def test_labels_are_counted_for_good_only_where_all_their_captures_were_read(tmp_path: Path) -> None:
    """Whatever runs there were, the counts of a complete hour are those of one run; what an earlier run has taken is not known."""
    captures = {f"{SOURCE}/{hour(9)}/x.jsonl": [capture("a"), capture("b")], f"shop/Canary/{hour(9)}/x.jsonl": [capture("a")]}
    write(tmp_path / "captures", captures)
    labels = {10: [label("a", "0"), label("zz")], 11: [label("b", "0"), label("b", "1")], 12: [label("b", "1")]}
    write(tmp_path / "labels", {f"{hour(number)}/x.jsonl": lines for number, lines in labels.items()})
    merge(tmp_path)
    write(tmp_path / "captures", {f"{SOURCE}/{hour(10)}/x.jsonl": [capture("c")]})
    assert {found.complete for found in merge(tmp_path).label_hours} == {False}
    whole = merge(tmp_path, output_path=tmp_path / "at-once").label_hours
    assert [(found.used, found.superseded, found.unmatched, found.complete) for found in whole] == [
        (1, 0, 1, True),
        (0, 2, 0, True),
        (1, 0, 0, True),
    ]
    write(tmp_path / "labels", {f"{hour(13)}/x.jsonl": [label("c")]})
    assert merge(tmp_path).label_hours[:3] == whole  # all captures have it in their reach, so all were read
    assert not any(found.complete for found in merge(tmp_path, variant="Canary").label_hours)
    assert not any(found.complete for found in merge(tmp_path, variant="Canary", output_path=tmp_path / "canary").label_hours)


def test_an_empty_label_is_none(tmp_path: Path) -> None:
    """In the short form nothing is written as an empty text or as null; a real label stays, and the lines are told."""
    empty = [json.dumps({"inferenceId": "a", "actualLabel": value}) for value in ("", " ", None)]
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], f"labels/{hour(9)}/a.jsonl": [label("a", "7")]})
    write(tmp_path, {f"labels/{hour(10)}/a.jsonl": empty})
    outcome = merge(tmp_path, max_bad_lines=1)
    assert merged(tmp_path / "merged")[NINE][0]["groundTruthData"]["data"] == "7"
    assert [(found.used, dict(found.bad)) for found in outcome.label_hours] == [(1, {}), (0, {"no ground truth": 3})]


def test_a_header_that_is_one_makes_a_batchs_hours_again(tmp_path: Path) -> None:
    """The same files are read in another way; hours of endpoints are not."""
    lines = ["0.5,x,id-1,2026-11-21T09:10:00Z", "0.7,y,id-2,2026-11-21T09:11:00Z"]
    results = write(tmp_path / "results", {"a.csv.out": lines})
    write(tmp_path, {f"captures/output/{hour(9)}/m.json": [json.dumps([{"prefix": f"{results}/"}, "a.csv.out"])]})
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], f"labels/{hour(12)}/a.jsonl": [label("id-1"), label("id-2")]})
    flags = {"sagemaker_monitoring_schedule_name": "nightly", "dataset_format": '{"csv": {"header": false}}'}
    merge(tmp_path, **flags)
    flags["dataset_format"] = '{"csv": {"header": true}}'
    assert {found.report.partition: found.status for found in merge(tmp_path, **flags).hours} == {
        f"nightly/{hour(9)}": WRITTEN,
        NINE: CURRENT,
    }
    assert len(merged(tmp_path / "merged")[f"nightly/{hour(9)}"]) == 1


def test_a_person_and_a_machine_can_read_the_end(tmp_path: Path) -> None:
    """The table has a line an hour; --json is the run's report."""
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a"), capture("b")], f"labels/{hour(10)}/a.jsonl": [label("a"), label("c")]})
    places = {"dataset-source": "captures", "ground-truth-source": "labels", "output-path": "merged", "container-root": "none"}
    flags = [part for flag, name in places.items() for part in (f"--{flag}", str(tmp_path / name))]
    done = CliRunner().invoke(cli, ["merge", *flags, "--engine", "local"])
    assert done.exit_code == 0, done.output
    assert [word in done.output for word in ("2026/11/21/09", "50.0%", "1h", "written", "1 without a capture")] == [True] * 5
    done = CliRunner().invoke(cli, ["merge", *flags, "--json"])  # no hour is stale, so no Spark is started
    document = json.loads(done.output)
    assert (document["totals"]["matched"], document["hours"][0]["status"]) == (1, "not read again")
    assert document["hours"] == report(tmp_path)["hours"]


def test_the_configuration_file_is_one() -> None:
    """conf/ground_truth_merge.yaml loads, and names every flag of the command."""
    path = Path(__file__).parents[2] / "conf/ground_truth_merge.yaml"
    settings = load_settings({}, {}, str(path))
    assert settings.ground_truth_source == storage.normalise("labels")
    text = path.read_text()
    names = {option.name for option in cli.commands["merge"].params} - {"config", "as_json"}
    assert {name for name in names if f"{name}:" not in text} == set()


def test_an_hour_says_the_same_in_both_reports(tmp_path: Path) -> None:
    """The hour's own, which readers pass over, and the run's."""
    write(tmp_path, {f"captures/{NINE}/a.jsonl": [capture("a")], f"labels/{hour(9)}/a.jsonl": [label("a")]})
    merge(tmp_path)
    own = json.loads((tmp_path / "merged" / NINE / "_merge_report.json").read_text())
    (entry,) = report(tmp_path)["hours"]
    assert {name: own[name] for name in entry if name != "status"} == {name: value for name, value in entry.items() if name != "status"}
    assert (
        merge_inputs._reports(str(tmp_path / "merged"), [NINE])[NINE].to_bytes()
        == (tmp_path / "merged" / NINE / "_merge_report.json").read_bytes()
    )
