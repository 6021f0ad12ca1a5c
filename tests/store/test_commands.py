"""The commands that read the store: states, compare, backfill, thresholds; as tables and as JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hourglass.cli import cli, main
from hourglass.errors import HourglassError, SettingsError
from hourglass.store import StateError, read_header, read_states
from tests.engine import read
from tests.store.test_windows import season

FROM_TO = ("--from", "2026-11-02T00:00:00Z", "--to", "2026-11-03T00:00:00Z")


def call(*arguments: object) -> Result:
    """A command's result; an error of ours is raised as it is."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def as_json(*arguments: object) -> Any:
    """What a command prints with --json."""
    return json.loads(call(*arguments, "--json").stdout)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a day of two variants; the canary's values are higher."""
    place = tmp_path_factory.mktemp("stored")
    root = season(place / "capture", 1)
    season(root, 1, "Canary", shift=100)
    call("backfill", "--engine", "local", "--dataset-source", root, "--state-root", place / "states", *FROM_TO)
    return place


def test_backfill_fills_what_is_missing_and_goes_on_where_it_was(stored: Path) -> None:
    """All hours are read once; the second time none is."""
    arguments = ("backfill", "--engine", "local", "--dataset-source", stored / "capture", "--state-root", stored / "states", *FROM_TO)
    assert as_json(*arguments) == {"read": 0, "current": 48, "warnings": [], "state_root": str(stored / "states")}
    gone = stored / "states" / "data-quality" / "endpoint" / "Canary" / "2026" / "11" / "02" / "07" / "states.parquet"
    gone.unlink()
    assert "1 hours read (2026/11/02/07 to 2026/11/02/07), 47 were up to date" in " ".join(call(*arguments).stdout.split())
    assert gone.exists()


def damaged_below_its_header(path: Path) -> bool:
    """Whether the rows cannot be used and the header can."""
    try:
        if read_header(str(path)) is None:
            return False
        read_states(str(path))
    except StateError as fault:
        return "other rows than were written" in str(fault)
    return False


def test_backfill_mends_an_hour_whose_rows_are_damaged(stored: Path, tmp_path: Path) -> None:
    """Also where the header, which says of which files an hour was made, is sound; the list names such an hour once."""
    shutil.copytree(stored / "states", tmp_path / "states")
    path = tmp_path / "states/data-quality/endpoint/AllTraffic/2026/11/02/05/states.parquet"
    before = path.read_bytes()
    for place in range(len(before) // 3, len(before)):
        path.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
        if damaged_below_its_header(path):
            break
    listed = call("states", "list", "--state-root", tmp_path / "states").stdout
    assert listed.count("damaged") == 1
    arguments = ("backfill", "--engine", "local", "--dataset-source", stored / "capture", "--state-root", tmp_path / "states", *FROM_TO)
    assert as_json(*arguments) == {"read": 1, "current": 47, "warnings": [], "state_root": str(tmp_path / "states")}
    assert path.read_bytes() == before


def test_backfill_needs_a_place_for_the_states(tmp_path: Path) -> None:
    """Without one there is nothing to fill."""
    with pytest.raises(SettingsError, match="state_root"):
        call("backfill", "--dataset-source", tmp_path / "in", "--output-path", tmp_path / "out", *FROM_TO)


def test_states_are_listed(stored: Path) -> None:
    """An hour a line, with what it holds; as a table and as JSON."""
    found = as_json("states", "list", "--state-root", stored / "states", "2026/11/02")
    assert len(found) == 48
    assert found[0] | {"bytes": 0} == {
        "hour": "2026/11/02/00",
        "source": "endpoint/AllTraffic",
        "rows": 120,
        "bad_lines": 0,
        "columns": 3,
        "segments": 0,
        "kept_rows": 120,
        "files": 1,
        "bytes": 0,
        "fault": None,
    }
    table = call("states", "list", "--state-root", stored / "states", "--source", "endpoint/Canary").stdout
    assert "endpoint/Canary" in table
    assert "endpoint/AllTraffic" not in table
    assert "24 hours in" in table


def test_states_of_a_window_are_shown(stored: Path) -> None:
    """The statistics of a day, from its hours' sum."""
    document = as_json("states", "show", "--state-root", stored / "states", "--source", "endpoint/AllTraffic", "2026/11/02")
    assert document["dataset"]["item_count"] == 24 * 120
    table = call("states", "show", "--state-root", stored / "states", "2026-11-02T00:00:00Z..2026-11-02T06:00:00Z").stdout
    assert "1,440 rows from 6 stored hours" in table


def test_a_merged_window_is_a_file_that_other_commands_read(stored: Path, tmp_path: Path) -> None:
    """Merge writes it, show and diff take it."""
    where = ("--state-root", stored / "states", "--source", "endpoint/AllTraffic")
    assert as_json("states", "merge", *where, "2026/11/02", "--output", tmp_path / "day.parquet")["rows"] == 2880
    assert as_json("states", "show", *where, tmp_path / "day.parquet")["dataset"]["item_count"] == 2880
    found = as_json("states", "diff", *where, "2026/11/02/03", tmp_path / "day.parquet")
    assert found["evaluations"][0]["feature"] == "_c1"
    assert found["evaluations"][0]["value"] < 1e-6


def test_a_window_without_states_says_what_there_is(stored: Path) -> None:
    """The error names the store, and the variants that it has."""
    with pytest.raises(HourglassError, match=r"2026/11/09.*no stored hours.*endpoint/AllTraffic, endpoint/Canary"):
        call("states", "show", "--state-root", stored / "states", "2026/11/09")
    with pytest.raises(HourglassError, match="yesterday"):
        call("states", "show", "--state-root", stored / "states", "yesterday")


def test_variants_are_compared_side_by_side(stored: Path) -> None:
    """The canary drifts in the feature whose values are higher, and each gets half of the traffic."""
    arguments = ("compare", "--state-root", stored / "states", "--left", "endpoint/Canary", "--right", "endpoint/AllTraffic")
    times = ("--start-time", "2026-11-02T00:00:00Z", "--end-time", "2026-11-03T00:00:00Z")
    document = as_json(*arguments, *times)
    drifted = {e["feature"] for e in document["evaluations"] if e["check"] == "baseline_drift_check" and e["verdict"] == "violation"}
    assert drifted == {"_c1"}
    assert [part["share"] for part in document["traffic"]] == [0.5, 0.5]
    assert call(*arguments, *times, "--fail-on-violations").exit_code == 3
    retired = as_json(*arguments, *times, "--retired", "Canary")
    assert [e["feature"] for e in retired["evaluations"] if e["check"] == "retired_variant_check"] == ["Canary"]


def test_a_variant_that_is_not_stored_is_an_error(stored: Path) -> None:
    """The error names the variants that are."""
    times = ("--start-time", "2026-11-02T00:00:00Z", "--end-time", "2026-11-03T00:00:00Z")
    with pytest.raises(HourglassError, match=r"endpoint/Canry.*did you mean endpoint/Canary"):
        call("compare", "--state-root", stored / "states", "--left", "endpoint/Canry", "--right", "endpoint/AllTraffic", *times)


def test_thresholds_are_learnt_from_past_hours(stored: Path, tmp_path: Path) -> None:
    """A quantile of how far each hour was from the others becomes the feature's own threshold; the rest stays as it was."""
    root = stored / "capture"
    suggest = ("data-quality", "--engine", "local", "--dataset-source", root, "--variant", "AllTraffic", "--output-path", tmp_path)
    call(*suggest)
    times = ("--start-time", "2026-11-02T00:00:00Z", "--end-time", "2026-11-03T00:00:00Z", "--source", "endpoint/AllTraffic")
    given = ("--baseline-constraints", tmp_path / "constraints.json", "--output", tmp_path / "learnt" / "constraints.json")
    document = read(tmp_path / "constraints.json")
    document["monitoring_config"]["distribution_constraints"] = {"comparison_method": "Robust"}
    (tmp_path / "constraints.json").write_text(json.dumps(document))
    table = call("thresholds", "--state-root", stored / "states", *times, *given, "--quantile", "0.9").stdout
    assert "learnt from 24 hours" in table
    before, after = read(tmp_path / "constraints.json"), read(tmp_path / "learnt" / "constraints.json")
    features = {feature["name"]: feature for feature in after["features"]}
    assert features["_c1"]["monitoringConfigOverrides"]["distribution_constraints"]["comparison_threshold"] > 0.5
    assert after["monitoring_config"] == before["monitoring_config"]


def test_names_from_data_are_printed_as_they_are(tmp_path: Path) -> None:
    """Marks of the table's library, and signs that would move a terminal's cursor, are text like any other."""
    path = tmp_path / "capture" / "a[b]" / "[red]A" / "2026/11/02/00" / "a.jsonl"
    path.parent.mkdir(parents=True)
    side = {"data": json.dumps({"tags[/x]": 1, "bell\x1b[31m": 2}), "encoding": "JSON", "mode": "INPUT"}
    path.write_text(json.dumps({"captureData": {"endpointInput": side}, "eventMetadata": {"eventId": "1"}, "eventVersion": "0"}) + "\n")
    call("backfill", "--engine", "local", "--dataset-source", tmp_path / "capture", "--state-root", tmp_path / "states", *FROM_TO)
    assert "a[b]/[red]A" in call("states", "list", "--state-root", tmp_path / "states").stdout
    shown = call("states", "show", "--state-root", tmp_path / "states", "2026/11/02").stdout
    assert "tags[/x]" in shown
    assert "\x1b[31m" not in shown


def test_a_window_that_cuts_an_hour_is_refused(stored: Path) -> None:
    """Its states are kept as one."""
    with pytest.raises(HourglassError, match="inside of an hour"):
        call("states", "show", "--state-root", stored / "states", "2026-11-02T00:30:00Z..2026-11-02T02:00:00Z")


def test_a_store_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A slip in the state root is no empty store."""
    with pytest.raises(HourglassError, match="no states in"):
        call("states", "list", "--state-root", tmp_path / "nowhere")


def test_backfill_reads_trees_of_hours_only(tmp_path: Path) -> None:
    """A file outside of one would be read and kept nowhere."""
    (tmp_path / "train.csv").write_text("a\n1\n")
    with pytest.raises(HourglassError, match="outside of yyyy/mm/dd/hh folders"):
        call("backfill", "--engine", "local", "--dataset-source", tmp_path / "train.csv", "--state-root", tmp_path / "states")


def test_backfill_says_where_it_found_nothing(tmp_path: Path) -> None:
    """A slip in a path is no error, since a quiet day has no files either; but it is seen."""
    found = as_json("backfill", "--engine", "local", "--dataset-source", tmp_path / "captrue", "--state-root", tmp_path / "states")
    assert found["read"] == 0
    assert found["warnings"] == [f"no files under {tmp_path / 'captrue'}"]


def test_errors_of_the_commands_end_with_code_2(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence on standard error, as with every command."""
    with pytest.raises(SystemExit) as ending:
        main(["states", "show", "--state-root", str(stored / "states"), "2026/11/09"])
    assert ending.value.code == 2
    assert capsys.readouterr().err.startswith("hourglass: window 2026/11/09: found no stored hours")
