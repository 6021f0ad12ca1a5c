"""Log lines: as JSON one object a line on standard error, as text one line a stage; off by default."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hourglass.cli import main
from tests.watching.conftest import arguments

STAGES = ["prepare", "read", "report", "write", "notify", "run"]


def ended(arguments: list[str]) -> int | str | None:
    """The exit code of a command that ends the process."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def test_every_line_of_standard_error_is_json(asked: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    """With time, level, message, the run and what each stage did."""
    main(arguments(asked, log_format="json"))
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    ends = {line["stage"]: line for line in lines if line.get("event", "").endswith(" ends")}
    assert list(ends) == STAGES
    read = ends["read"]
    assert (read["records"], read["lines"], read["bad_lines"], read["hours_read"]) == (98, 100, 2, 1)
    assert read["bad_lines_by_reason"] == {"no captured data": 1, "not JSON": 1}
    assert read["state_bytes"] == next((asked["state_root"] / "data-quality").rglob("states.parquet")).stat().st_size
    assert read["lag_s"] > 0
    assert {(line["job"], line["endpoint"], line["schedule"]) for line in lines} == {("data-quality", "shop", "hourly")}
    assert len({line["run"] for line in lines}) == 1
    assert [line["message"] for line in lines if line.get("event") == "message"] == [
        "Completed: Job completed successfully with no violations."
    ]
    assert {line["level"] for line in lines} == {"info"}


def test_lines_of_text_say_the_same_to_people(
    asked: dict[str, Any], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting may come from the environment."""
    monkeypatch.setenv("LOG_FORMAT", "text")
    main(arguments(asked))
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(": ")[1].split(" ends")[0] for line in lines if " ends after " in line] == STAGES
    assert any("INFO hourglass: read ends after" in line and "records 98" in line for line in lines)


def test_without_the_setting_standard_error_is_empty(asked: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    """As before; the table is on standard output."""
    main(arguments(asked))
    assert capfd.readouterr().err == ""


def test_an_error_is_a_line_with_its_parts(asked: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """After the stage in which it came; a wrong setting, before there are any, is one too."""
    asked["baseline_constraints"] = tmp_path / "nothing.json"
    assert ended(arguments(asked, log_format="json")) == 2
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["event"] for line in lines if "failed" in line.get("event", "")] == ["prepare failed", "run failed"]
    last = lines[-1]
    assert (last["level"], last["exit_code"], last["subject"], last["expected"]) == (
        "error",
        2,
        str(tmp_path / "nothing.json"),
        "a readable file or directory",
    )
    assert ended(["data-quality", "--log-format", "json"]) == 2
    assert [json.loads(line)["error"] for line in capfd.readouterr().err.splitlines()] == ["SettingsError"]
    assert ended(["data-quality", "--log-format=json", "--no-such-flag"]) == 2
    assert [json.loads(line)["subject"] for line in capfd.readouterr().err.splitlines()] == ["--no-such-flag"]


def test_a_hooks_own_log_is_among_the_lines(asked: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With the run that it belongs to, and what it says about a line break escaped."""
    hook = tmp_path / "hook.py"
    hook.write_text("import logging\ndef postprocess_handler():\n    logging.getLogger('theirs').warning('two\\nlines')\n")
    main(arguments(asked, log_format="json", post_analytics_processor_script=hook))
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    theirs = next(line for line in lines if line["logger"] == "theirs")
    assert (theirs["message"], theirs["endpoint"]) == ("two\nlines", "shop")
    assert "postprocess" in {line.get("stage") for line in lines}


def test_the_merge_has_stages_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What it joined, and bad lines of both sides."""
    hour = tmp_path / "capture" / "shop" / "AllTraffic" / "2026" / "11" / "21" / "09"
    hour.mkdir(parents=True)
    side = {"observedContentType": "text/csv", "mode": "OUTPUT", "data": "1", "encoding": "CSV"}
    record = {"captureData": {"endpointOutput": side}, "eventMetadata": {"eventId": "a", "inferenceTime": "2026-11-21T09:00:00Z"}}
    (hour / "a.jsonl").write_text(json.dumps(record) + "\n")
    labels = tmp_path / "labels" / "2026" / "11" / "21" / "10"
    labels.mkdir(parents=True)
    label = {"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId": "a"}, "eventVersion": "0"}
    (labels / "b.jsonl").write_text(json.dumps(label) + "\n")
    flags = {"engine": "local", "dataset_source": tmp_path / "capture", "ground_truth_source": tmp_path / "labels"}
    main(arguments(flags, "merge", output_path=tmp_path / "merged", container_root=tmp_path / "none", log_format="json"))
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    ends = {line["stage"]: line for line in lines if line.get("event", "").endswith(" ends")}
    assert list(ends) == ["prepare", "join", "place", "write", "run"]
    assert (ends["join"]["lines"], ends["join"]["label_lines"], ends["join"]["bad_lines"]) == (1, 1, 0)
