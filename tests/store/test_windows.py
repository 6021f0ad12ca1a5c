"""Windows, references and variants, all from stored hours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hourglass.capture.window import Window, hour_name
from hourglass.errors import InputError, SettingsError
from hourglass.monitors.windows import Plan
from hourglass.references import Reference, parse_reference
from tests.engine import capture_line, read, run, write_hour

START = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)


def hours(length: int) -> timedelta:
    """So many hours."""
    return timedelta(hours=length)


def spans(plan: Plan, start: int, end: int) -> list[tuple[int, int]]:
    """The windows of a span, in hours from Monday's midnight."""
    found = plan.windows(Window(START + hours(start), START + hours(end)), [])
    return [((window.start - START) // HOUR, (window.end - START) // HOUR) for _, window in found if window]


def test_calendar_windows_begin_on_the_clock() -> None:
    """Windows of six hours begin at 0, 6, 12 and 18, those of seven days on a Monday; the last ends where the span does."""
    assert spans(Plan((hours(6),), "calendar", reaches_back=True), 3, 14) == [(0, 6), (6, 12), (12, 14)]
    assert spans(Plan((hours(6),), "calendar", reaches_back=False), 3, 14) == [(3, 6), (6, 12), (12, 14)]
    assert spans(Plan((hours(168),), "calendar", reaches_back=True), 170, 171) == [(168, 171)]


def test_sliding_windows_end_with_every_hour() -> None:
    """Each hour of the span ends a window; without a store there is nothing from before the span to fill it with."""
    assert spans(Plan((hours(24),), "sliding", reaches_back=True), 30, 32) == [(7, 31), (8, 32)]
    assert spans(Plan((hours(2),), "sliding", reaches_back=False), 30, 33) == [(30, 32), (31, 33)]


def test_several_lengths_are_reported_by_one_run() -> None:
    """One span, windows of one, six and 24 hours."""
    assert spans(Plan((hours(1), hours(6), hours(24)), "calendar", reaches_back=True), 6, 7) == [(6, 7), (6, 7), (0, 7)]


@pytest.mark.parametrize(
    ("text", "shifts"),
    [
        ("previous", [(-2, 0)]),
        ("last:3", [(-6, 0)]),
        ("hour-of-day:2", [(-24, -22), (-48, -46)]),
        ("hour-of-week:2", [(-168, -166), (-336, -334)]),
    ],
)
def test_references_are_windows_of_the_past(text: str, shifts: list[tuple[int, int]]) -> None:
    """A window of two hours, and what it is compared with, in hours from its start."""
    window = Window(START, START + hours(2))
    found = [((past.start - START) // HOUR, (past.end - START) // HOUR) for past in parse_reference(text).windows(window)]
    assert found == shifts
    assert str(parse_reference(text)) == text


def test_a_window_that_would_overlap_with_its_reference_is_refused(tmp_path: Path) -> None:
    """Two days cannot be compared with the same two days of yesterday."""
    with pytest.raises(SettingsError, match="hour-of-day"):
        run(tmp_path, dataset_source=tmp_path / "capture", window="48h", reference="hour-of-day:3")


def test_an_unknown_reference_names_the_known_ones(tmp_path: Path) -> None:
    """A slip of the pen gets the word that was meant."""
    with pytest.raises(SettingsError, match=r"hour-of-week.*did you mean hour-of-week"):
        run(tmp_path, dataset_source=tmp_path / "capture", reference="hour-of-wek:3")


def season(root: Path, days: int, variant: str = "AllTraffic", shift: float = 0.0) -> Path:
    """Days of hourly traffic whose values follow the hour of the day; 120 rows an hour."""
    for number in range(24 * days):
        time = START + hours(number)
        lines = []
        for row in range(120):
            value = time.hour * 10 + row % 10 + shift
            record = json.loads(capture_line(str(row % 2), f"{value},{'red' if row % 3 else 'blue'}", time=f"{time:%Y-%m-%dT%H}:10:00Z"))
            record["eventMetadata"]["eventId"] = f"{variant}-{number}-{row}"
            lines.append(json.dumps(record))
        path = root / "endpoint" / variant / hour_name(time) / "a.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("".join(line + "\n" for line in lines))
    return root


def verdicts(output: Path) -> dict[str, str]:
    """The verdict of each window, by its folder."""
    return {str(path.parent.relative_to(output)): read(path)["verdict"] for path in sorted(output.rglob("evaluation.json"))}


def flags(root: Path, first: int, last: int, **more: Any) -> dict[str, Any]:
    """The settings of a run over some hours of the season, with a store."""
    times = {"start_time": f"{START + hours(first):%Y-%m-%dT%H}:00:00Z", "end_time": f"{START + hours(last):%Y-%m-%dT%H}:00:00Z"}
    return {"dataset_source": root, "state_root": root.parent / "states", **times, **more}


def test_traffic_with_seasons_is_compared_with_the_same_hour_of_the_day(tmp_path: Path) -> None:
    """Against the previous hour every hour drifts; against the same hour of the days before none does."""
    root = season(tmp_path / "capture", 3)
    run(tmp_path / "previous", **flags(root, 0, 72, window="1h", reference="previous"))
    run(tmp_path / "seasonal", **flags(root, 48, 72, window="1h", reference="hour-of-day:2"))
    assert list(verdicts(tmp_path / "previous").values()).count("violation") == 71
    assert set(verdicts(tmp_path / "seasonal").values()) == {"pass"}


def test_a_window_without_a_past_is_insufficient_data(tmp_path: Path) -> None:
    """The first hour of all has nothing to be compared with, which is neither a pass nor an alarm."""
    root = season(tmp_path / "capture", 1)
    run(tmp_path / "out", **flags(root, 0, 2, window="1h", reference="hour-of-week:4"))
    assert set(verdicts(tmp_path / "out").values()) == {"insufficient data"}


def test_a_scheduled_hour_reports_longer_windows_from_the_store(tmp_path: Path) -> None:
    """A run of one hour gives the hour, the last day and the last week; only its own hour is read."""
    root = season(tmp_path / "capture", 2)
    run(tmp_path / "before", **flags(root, 0, 47, reference="previous"))
    run(tmp_path / "out", **flags(root, 47, 48, window="1h,24h,7d", window_kind="sliding", reference="last:1"))
    found = {path.parent.relative_to(tmp_path / "out").parts[0]: read(path) for path in (tmp_path / "out").rglob("evaluation.json")}
    assert {length: document["input"]["rows"] for length, document in found.items()} == {"1h": 120, "24h": 2880, "7d": 5760}
    assert found["7d"]["hours"] == {"expected": 168, "found": 48, "warnings": []}
    assert found["24h"]["reference"]["windows"] == [{"start": "2026-11-02T00:00:00Z", "end": "2026-11-03T00:00:00Z"}]


def test_prediction_drift_is_found_in_the_answers_column(tmp_path: Path) -> None:
    """The endpoint's output is a column like the others: answers that change while the features do not are a violation."""
    capture = tmp_path / "capture"
    for hour, share in ((0, 2), (1, 2), (2, 20)):
        time = START + hours(hour)
        lines = [capture_line(str(int(row % share == 0)), f"{row % 50},red", time=f"{time:%Y-%m-%dT%H}:10:00Z") for row in range(600)]
        write_hour(capture, hour_name(time), lines)
    run(tmp_path / "out", **flags(capture, 1, 3, window="1h", reference="previous", state_root=tmp_path / "states"))
    run(tmp_path / "out", **flags(capture, 0, 3, window="1h", reference="previous", state_root=tmp_path / "states"))
    quiet, drifted = (read(tmp_path / "out" / hour_name(START + hours(hour)) / "constraint_violations.json") for hour in (1, 2))
    assert quiet["violations"] == []
    assert {violation["feature_name"] for violation in drifted["violations"]} == {"_c0"}


def test_only_the_variants_that_are_asked_for_are_read(tmp_path: Path) -> None:
    """A canary's traffic is kept apart, and its share of all is said."""
    root = season(tmp_path / "capture", 1)
    season(root, 1, "Canary", shift=500)
    run(tmp_path / "all", **flags(root, 0, 2, reference="previous"))
    run(tmp_path / "one", **flags(root, 0, 2, reference="previous", variant="AllTraffic"))
    everything, one = (read(tmp_path / name / "evaluation.json") for name in ("all", "one"))
    assert [(part["source"], part["share"]) for part in everything["traffic"]] == [("endpoint/AllTraffic", 0.5), ("endpoint/Canary", 0.5)]
    assert one["input"]["rows"] == 240


def test_traffic_of_a_retired_variant_is_a_violation(tmp_path: Path) -> None:
    """A variant that was taken out of service and still gets requests is an alarm; one that gets none is not."""
    root = season(tmp_path / "capture", 1)
    season(root, 1, "Canary")
    run(tmp_path / "out", **flags(root, 0, 2, reference="previous", retired_variants="Canary,Old"))
    found = read(tmp_path / "out" / "constraint_violations.json")["violations"]
    assert [(violation["feature_name"], violation["constraint_check_type"]) for violation in found] == [("Canary", "retired_variant_check")]


def test_a_quiet_hour_without_a_baseline_is_no_data(tmp_path: Path) -> None:
    """Hours are compared with the ones before; one without traffic is reported as such, and the others as ever."""
    root = season(tmp_path / "capture", 1)
    (root / "endpoint" / "AllTraffic" / hour_name(START + hours(2)) / "a.jsonl").unlink()
    run(tmp_path / "out", **flags(root, 0, 5, window="1h", reference="previous"))
    found = list(verdicts(tmp_path / "out").values())
    assert found == ["insufficient data", "violation", "no data", "insufficient data", "violation"]


def test_a_span_that_would_overlap_with_its_reference_is_refused(tmp_path: Path) -> None:
    """Three days cannot be compared with the same three days of yesterday, also where no window is set."""
    with pytest.raises(SettingsError, match="hour-of-day"):
        run(tmp_path, **flags(tmp_path / "capture", 0, 72, reference="hour-of-day:1"))


def test_a_running_window_is_compared_with_whole_ones(tmp_path: Path) -> None:
    """The day so far has the whole day before as its previous one, not as many hours as it has itself."""
    root = season(tmp_path / "capture", 2)
    run(tmp_path / "first", **flags(root, 0, 24, reference="previous"))
    run(tmp_path / "out", **flags(root, 24, 27, window="24h", reference="previous"))
    (path,) = (tmp_path / "out").rglob("evaluation.json")
    reference = read(path)["reference"]
    assert reference["windows"] == [{"start": "2026-11-02T00:00:00Z", "end": "2026-11-03T00:00:00Z"}]
    assert reference["hours"] == {"expected": 24, "found": 24}


def test_a_retired_variant_is_seen_when_others_are_chosen(tmp_path: Path) -> None:
    """The choice of a variant is of its statistics; the alarm about another one still rings."""
    root = season(tmp_path / "capture", 1)
    season(root, 1, "Canary")
    run(tmp_path / "out", **flags(root, 0, 2, reference="previous", variant="AllTraffic", retired_variants="Canary"))
    (violation,) = read(tmp_path / "out" / "constraint_violations.json")["violations"]
    assert violation["feature_name"] == "Canary"
    assert read(tmp_path / "out" / "evaluation.json")["input"]["rows"] == 240


def test_a_slip_in_a_variants_name_is_an_error(tmp_path: Path) -> None:
    """It would be a quiet hour for ever."""
    root = season(tmp_path / "capture", 1)
    with pytest.raises(InputError, match="did you mean AllTraffic"):
        run(tmp_path / "out", **flags(root, 0, 2, reference="previous", variant="AllTrafic"))


def test_metrics_of_several_lengths_do_not_collide(tmp_path: Path) -> None:
    """Points of one metric at one time would be blended: those of the shortest windows are published."""
    root = season(tmp_path / "capture", 1)
    run(tmp_path / "out", **flags(root, 0, 4, window="1h,4h", reference="previous", publish_cloudwatch_metrics="Enabled"))
    lines = [json.loads(line) for line in (tmp_path / "out" / "cloudwatch_metrics.jsonl").read_text().splitlines()]
    assert len({(line["MetricName"], line["Timestamp"]) for line in lines}) == len(lines)
    assert {line["Value"] for line in lines if line["MetricName"] == "hourglass_rows"} == {120.0}


def test_a_reference_is_a_value_of_the_settings() -> None:
    """The default is the fixed baseline."""
    assert parse_reference("Baseline") == Reference("baseline")
