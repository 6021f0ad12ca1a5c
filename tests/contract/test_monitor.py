"""The data-quality monitor on captures: checks, switches, windows, no data, bad lines, metrics."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from hourglass.constraints import Verdict
from hourglass.errors import InputError, SettingsError
from tests.engine import capture_line, read, run, write_hour

HOUR = "2026/11/21/09"
WINDOW = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z"}
HEADER = "score,age,colour"


def rows(n: int, *, age: str = "{age}", colour: str = "{colour}", seed: int = 0) -> list[tuple[str, str]]:
    """Output and input payloads of captured records: a score; an age and a colour."""
    random_ = random.Random(seed)
    return [
        (
            f"{random_.random():.4f}",
            ",".join((age.format(age=random_.randint(18, 80)), colour.format(colour=random_.choice(["red", "green", "blue"])))),
        )
        for _ in range(n)
    ]


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("baseline")
    lines = [HEADER, *(f"{output},{input_}" for output, input_ in rows(2000, seed=1))]
    (folder / "training.csv").write_text("\n".join(lines))
    run(folder / "out", dataset_source=folder / "training.csv")
    return {f"baseline_{name}": folder / "out" / f"{name}.json" for name in ("constraints", "statistics")}


def monitor(tmp_path: Path, baseline: dict[str, Path], records: list[tuple[str, str]], **flags: Any) -> dict[tuple[str, str], Any]:
    """Violations by feature and check of one hour's records."""
    write_hour(tmp_path / "capture", HOUR, [capture_line(*record) for record in records])
    run(tmp_path / "out", dataset_source=tmp_path / "capture", **{**WINDOW, **baseline, **flags})
    found = read(tmp_path / "out" / "constraint_violations.json")["violations"]
    return {(v["feature_name"], v["constraint_check_type"]): v["description"] for v in found}


def edited(tmp_path: Path, baseline: dict[str, Path], change: Any) -> dict[str, Path]:
    """The baseline with constraints.json edited by hand."""
    document = read(baseline["baseline_constraints"])
    change(document)
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(document))
    return {**baseline, "baseline_constraints": path}


def feature(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in document["features"] if entry["name"] == name)


def test_a_clean_hour_has_no_violation_and_every_check_has_a_value(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """Same distribution, other draw: pass, and evaluation.json says how close each check was."""
    assert monitor(tmp_path, baseline, rows(500)) == {}
    evaluation = read(tmp_path / "out" / "evaluation.json")
    assert evaluation["verdict"] == "pass"
    assert {(e["feature"], e["check"]) for e in evaluation["evaluations"]} >= {
        ("score", "data_type_check"),
        ("age", "baseline_drift_check"),
        ("colour", "categorical_values_check"),
        ("colour", "completeness_check"),
        ("Missing columns", "missing_column_check"),
        ("Extra columns", "extra_column_check"),
    }
    assert all(isinstance(e["value"], float | int) for e in evaluation["evaluations"])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"age": "{age}.5"}, {("age", "data_type_check"), ("age", "baseline_drift_check")}),
        ({"age": "young"}, {("age", "data_type_check"), ("age", "baseline_drift_check")}),
        ({"age": ""}, {("age", "completeness_check")}),
        ({"age": "9{age}"}, {("age", "baseline_drift_check")}),
        ({"age": "-{age}"}, {("age", "baseline_drift_check"), ("age", "non_negative_check")}),
        ({"colour": "ultraviolet"}, {("colour", "categorical_values_check"), ("colour", "baseline_drift_check")}),
        ({"colour": "{colour},extra"}, {("Extra columns", "extra_column_check")}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_each_fault_is_found_by_its_check(
    tmp_path: Path, baseline: dict[str, Path], change: dict[str, str], expected: set[tuple[str, str]]
) -> None:
    """One fault in all rows of an hour; those checks alarm and no others (a text column has no numbers to compare)."""
    found = set(monitor(tmp_path, baseline, rows(500, **change)))
    assert found == expected - ({("age", "baseline_drift_check")} if change.get("age") == "young" else set())


def test_a_lost_column_is_one_violation_not_a_storm(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """Of two columns where three are expected nobody can say which is gone, so no column is held against another's baseline."""
    found = monitor(tmp_path, baseline, [(output, input_.split(",")[0]) for output, input_ in rows(500)])
    assert found == {
        ("Missing columns", "missing_column_check"): "There are missing columns in current dataset. "
        "Number of columns in current dataset: 2, Number of columns in baseline constraints: 3"
    }


@pytest.mark.parametrize("narrow", [500, 320])
def test_a_lost_column_is_one_violation_also_without_names(tmp_path: Path, narrow: int) -> None:
    """A baseline of captures, whose columns are `_c0`, `_c1`, `_c2`: all rows of the hour narrow, or most."""
    write_hour(tmp_path / "training", HOUR, [capture_line(*record) for record in rows(2000, seed=1)])
    run(tmp_path / "baseline", dataset_source=tmp_path / "training")
    files = {f"baseline_{name}": tmp_path / "baseline" / f"{name}.json" for name in ("constraints", "statistics")}
    records = rows(500)
    lost = [(output, input_.split(",")[0]) for output, input_ in records[:narrow]] + records[narrow:]
    assert set(monitor(tmp_path, files, lost)) == {("Missing columns", "missing_column_check")}


def test_columns_of_the_same_name_on_both_sides_are_both_kept(tmp_path: Path) -> None:
    """The output's first, as columns stand; the input's gets a number."""
    write_hour(tmp_path / "capture", HOUR, [capture_line('{"label": 0}', '{"age": 4, "label": 7}', encoding="JSON")] * 5)
    run(tmp_path / "out", dataset_source=tmp_path / "capture")
    found = {f["name"]: f["numerical_statistics"]["mean"] for f in read(tmp_path / "out/statistics.json")["features"]}
    assert found == {"label": 0.0, "age": 4.0, "label.1": 7.0}


def test_an_optional_key_beside_csv_does_not_move_the_csv_columns(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """CSV in, JSON out, one answer with a key more: the CSV columns keep the names of the baseline, no line is lost."""
    records = [
        (json.dumps({"score": float(output), **({"note": 1} if i == 70 else {})}), input_) for i, (output, input_) in enumerate(rows(300))
    ]
    lines = [capture_line(output, None, encoding="JSON") for output, _ in records]
    for i, (_, input_) in enumerate(records):
        document = json.loads(lines[i])
        document["captureData"]["endpointInput"] = {"observedContentType": "text/csv", "data": input_, "encoding": "CSV", "mode": "INPUT"}
        lines[i] = json.dumps(document)
    write_hour(tmp_path / "capture", HOUR, lines)
    outcome = run(tmp_path / "out", dataset_source=tmp_path / "capture", **WINDOW, **baseline)
    assert outcome.reports[0].dataset.rows == 300
    assert {(e.feature, e.check) for e in outcome.reports[0].violations} == {("note", "extra_column_check")}


def test_a_window_inside_an_hour_cannot_be_cut_into_windows(tmp_path: Path) -> None:
    """States are kept by the hour, so whole hours are what `window` can report."""
    with pytest.raises(SettingsError, match="expected whole hours"):
        run(tmp_path / "out", dataset_source=tmp_path, start_time="2026-11-21T09:30:00Z", end_time="2026-11-21T11:30:00Z", window="1h")


def test_windows_need_hour_folders(tmp_path: Path) -> None:
    """A flat directory has no hours: an error that says so, not a silent no data."""
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat/a.jsonl").write_text(capture_line("0.5", "1,red"))
    with pytest.raises(InputError, match="data outside of yyyy/mm/dd/hh folders"):
        run(tmp_path / "out", dataset_source=tmp_path / "flat", window="1h")


@pytest.mark.parametrize("first", [b"", b"\n", gzip.compress(b""), b"\x1f\x8b\x08cut", b"\xff\xfe\x00", b'{"captureData": {"end'])
def test_a_broken_first_file_does_not_decide_the_format(tmp_path: Path, first: bytes) -> None:
    """Captures are recognised by the other files; the broken one is at most one bad line."""
    path = write_hour(tmp_path / "capture", HOUR, [capture_line(*record) for record in rows(100)], "b.jsonl")
    path.with_name("a.jsonl").write_bytes(first)
    outcome = run(tmp_path / "out", dataset_source=tmp_path / "capture")
    assert outcome.reports[0].dataset.rows == 100
    assert len(outcome.reports[0].dataset.columns) == 3


def test_swapped_baseline_files_are_an_error(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """Never a pass with everything off."""
    swapped = {"baseline_constraints": baseline["baseline_statistics"], "baseline_statistics": baseline["baseline_constraints"]}
    with pytest.raises(SettingsError, match="are the two files of the baseline swapped"):
        monitor(tmp_path, swapped, rows(5))


def test_a_key_nearly_right_is_an_error_and_an_unknown_one_is_not(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """`datatype_check_treshold` would silently change nothing; keys of other tools stay."""

    def misspell(document: dict[str, Any]) -> None:
        document["monitoring_config"]["datatype_check_treshold"] = 0.5

    def extend(document: dict[str, Any]) -> None:
        document["monitoring_config"]["owner"] = "team"

    with pytest.raises(SettingsError, match="did you mean datatype_check_threshold"):
        monitor(tmp_path, edited(tmp_path, baseline, misspell), rows(5))
    assert monitor(tmp_path, edited(tmp_path, baseline, extend), rows(500)) == {}


def test_new_categories_are_found_beside_chi_squared(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """They are no cell of the baseline's, so the test itself cannot see them; their share is judged on its own."""

    def without_domain(document: dict[str, Any]) -> None:
        del feature(document, "colour")["string_constraints"]

    records = rows(200) + rows(300, colour="ultraviolet", seed=2)
    found = monitor(tmp_path, edited(tmp_path, baseline, without_domain), records, categorical_drift_method="ChiSquared")
    assert found == {
        ("colour", "baseline_drift_check"): "New categories: 0.6 of the values exceed threshold: 0.1; most frequent: 'ultraviolet'"
    }


def test_long_categories_of_a_stock_baseline_are_recognised(tmp_path: Path) -> None:
    """A value of 300 characters, in the domain and in the buckets, is the same value in the window."""
    long = "x" * 300
    (tmp_path / "training.csv").write_text("text\n" + f"{long}\nshort\n" * 200)
    run(tmp_path / "baseline", dataset_source=tmp_path / "training.csv")
    files = {}
    for name in ("constraints", "statistics"):
        path = tmp_path / "baseline" / f"{name}.json"
        shown = next(
            v for v in read(tmp_path / "baseline/constraints.json")["features"][0]["string_constraints"]["domains"] if v != "short"
        )
        (tmp_path / f"{name}.json").write_text(path.read_text().replace(shown, long))
        files[f"baseline_{name}"] = tmp_path / f"{name}.json"
    outcome = run(tmp_path / "out", dataset_source=tmp_path / "training.csv", **files)
    assert outcome.violations == 0


def test_named_columns_are_missed_and_noticed_by_name(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """JSON payloads have names: colour is gone, hue is new."""
    lines = [
        capture_line(json.dumps({"score": float(output)}), json.dumps({"age": int(age), "hue": colour}), encoding="JSON")
        for output, (age, colour) in ((output, input_.split(",")) for output, input_ in rows(300))
    ]
    write_hour(tmp_path / "capture", HOUR, lines)
    run(tmp_path / "out", dataset_source=tmp_path / "capture", **WINDOW, **baseline)
    found = {(v["feature_name"], v["constraint_check_type"]) for v in read(tmp_path / "out" / "constraint_violations.json")["violations"]}
    assert found == {("colour", "missing_column_check"), ("hue", "extra_column_check")}


@pytest.mark.parametrize("spelling", ["monitoringConfigOverrides", "monitoring_config_overrides"])
@pytest.mark.parametrize("place", ["feature", "constraints"])
def test_a_feature_can_be_switched_off_in_both_spellings(tmp_path: Path, baseline: dict[str, Path], spelling: str, place: str) -> None:
    """evaluate_constraints: Disabled, for a numeric and a text column, beside or inside their constraints."""

    def switch_off(document: dict[str, Any]) -> None:
        for name, part in (("age", "num_constraints"), ("colour", "string_constraints")):
            holder = feature(document, name) if place == "feature" else feature(document, name)[part]
            holder[spelling] = {"evaluate_constraints": "Disabled"}

    assert monitor(tmp_path, edited(tmp_path, baseline, switch_off), rows(500, age="young", colour="ultraviolet")) == {}


def test_thresholds_can_be_edited_per_feature_and_for_all(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """A tenth of the ages are text: allowed for age alone; a tenth of the colours are new: allowed for all."""
    records = rows(450) + rows(50, age="?", colour="ultraviolet", seed=2)

    def loosen(document: dict[str, Any]) -> None:
        feature(document, "age")["monitoringConfigOverrides"] = {"datatype_check_threshold": 0.9}
        document["monitoring_config"]["domain_content_threshold"] = 0.9
        document["monitoring_config"]["distribution_constraints"]["perform_comparison"] = "Disabled"

    checks = {("age", "data_type_check"), ("colour", "categorical_values_check")}
    assert set(monitor(tmp_path, baseline, records)) == checks | {("age", "baseline_drift_check"), ("colour", "baseline_drift_check")}
    assert monitor(tmp_path, edited(tmp_path, baseline, loosen), records) == {}


@pytest.mark.parametrize(
    ("method", "key", "definition"),
    [
        ("Simple", "comparison_method", "linf_simple"),
        ("linf_robust", "comparison_method", "linf_robust"),
        ("KS", "comparison_method", "ks_test"),
    ],
)
def test_the_comparison_method_can_be_chosen(tmp_path: Path, baseline: dict[str, Path], method: str, key: str, definition: str) -> None:
    """By the stock analyzer's names, in either spelling, and by ours."""
    chosen = edited(tmp_path, baseline, lambda document: document["monitoring_config"]["distribution_constraints"].update({key: method}))
    monitor(tmp_path, chosen, rows(500))
    found = read(tmp_path / "out" / "evaluation.json")["evaluations"]
    assert {e["definition"] for e in found if e["feature"] == "age" and e["check"] == "baseline_drift_check"} == {definition}


def test_chi_squared_can_be_chosen_by_the_environment(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """categorical_drift_method of the contract overrules the file; the p-value is what is measured."""
    found = monitor(tmp_path, baseline, rows(200) + rows(300, colour="red"), categorical_drift_method="ChiSquared")
    assert found[("colour", "baseline_drift_check")].startswith("Baseline drift p-value: ")


def test_a_whole_number_with_a_point_is_integral_only_by_a_setting(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """`41.0` is Fractional by the contract; whole_floats_are_integral accepts it, and still refuses `41.5`."""

    def accept(document: dict[str, Any]) -> None:
        document["monitoring_config"]["whole_floats_are_integral"] = "Enabled"

    accepting = edited(tmp_path, baseline, accept)
    assert set(monitor(tmp_path, baseline, rows(500, age="{age}.0"))) == {("age", "data_type_check")}
    assert set(monitor(tmp_path, accepting, rows(500, age="{age}.0"))) == set()
    assert set(monitor(tmp_path, accepting, rows(500, age="{age}.5"))) == {("age", "data_type_check"), ("age", "baseline_drift_check")}


def test_few_rows_are_insufficient_data_and_neither_a_pass_nor_an_alarm(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """Ten drifted rows: the comparison says what it lacks."""
    assert monitor(tmp_path, baseline, rows(10, age="9{age}")) == {}
    drift = [e for e in read(tmp_path / "out" / "evaluation.json")["evaluations"] if e["check"] == "baseline_drift_check"]
    assert {e["verdict"] for e in drift} == {"insufficient data"}
    assert drift[0]["description"] == "the window has 10 values, calibrated needs 20"


def test_without_statistics_drift_is_not_computable(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """constraints.json alone, without our own files beside it: every other check still works."""
    only = {"baseline_constraints": edited(tmp_path, baseline, lambda _: None)["baseline_constraints"]}
    assert monitor(tmp_path, only, rows(500)) == {}
    found = read(tmp_path / "out" / "evaluation.json")["evaluations"]
    assert {e["verdict"] for e in found if e["check"] == "baseline_drift_check"} == {"not computable"}
    assert {e["verdict"] for e in found if e["check"] != "baseline_drift_check"} == {"pass"}


def test_a_baseline_of_the_stock_analyzer_is_accepted_as_it_is(tmp_path: Path) -> None:
    """Weighted items of its sketch: 500 of weight 4 and 3 of weight 1 stand for 2,003 values."""
    draws = random.Random(4)
    numbers = sorted(draws.gauss(40, 10) for _ in range(500))
    statistics = {
        "version": 0.0,
        "dataset": {"item_count": 2003},
        "features": [
            {
                "name": "age",
                "inferred_type": "Fractional",
                "numerical_statistics": {
                    "common": {"num_present": 2003, "num_missing": 0},
                    "mean": 40.0,
                    "sum": 80120.0,
                    "std_dev": 10.0,
                    "min": 5.0,
                    "max": 80.0,
                    "distribution": {
                        "kll": {"buckets": [], "sketch": {"parameters": {"c": 0.64, "k": 2048.0}, "data": [[5.0, 40.0, 80.0], [], numbers]}}
                    },
                },
            },
            {
                "name": "colour",
                "inferred_type": "String",
                "string_statistics": {
                    "common": {"num_present": 2003, "num_missing": 0},
                    "distinct_count": 2.0,
                    "distribution": {"categorical": {"buckets": [{"value": "red", "count": 1003}, {"value": "blue", "count": 1000}]}},
                },
            },
        ],
    }
    constraints = {
        "version": 0.0,
        "features": [
            {"name": "age", "inferred_type": "Fractional", "completeness": 1.0, "num_constraints": {"is_non_negative": True}},
            {"name": "colour", "inferred_type": "String", "completeness": 1.0},
        ],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": 0.1,
                "comparison_method": "Simple",
                "categorical_comparison_threshold": 0.1,
                "categorical_drift_method": "LInfinity",
            },
        },
    }
    files = {}
    for name, document in (("statistics", statistics), ("constraints", constraints)):
        files[f"baseline_{name}"] = tmp_path / f"{name}.json"
        files[f"baseline_{name}"].write_text(json.dumps(document))
    same = [(f"{draws.gauss(40, 10):.3f}", draws.choice(["red", "blue"])) for _ in range(1000)]
    shifted = [(f"{draws.gauss(50, 10):.3f}", "red") for _ in range(1000)]
    assert monitor(tmp_path, files, same) == {}
    assert set(monitor(tmp_path, files, shifted)) == {("age", "baseline_drift_check"), ("colour", "baseline_drift_check")}
    value = next(e["value"] for e in read(tmp_path / "out" / "evaluation.json")["evaluations"] if e["check"] == "baseline_drift_check")
    assert value == pytest.approx(0.383, abs=0.06)  # D of two normals one deviation apart


def test_all_faults_of_a_constraints_file_are_told_at_once(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """With the place in the file, what was expected, and a hint."""

    def spoil(document: dict[str, Any]) -> None:
        feature(document, "age")["completeness"] = "full"
        feature(document, "colour")["inferred_type"] = "Sting"
        document["monitoring_config"]["emit_metrics"] = "Enabeld"
        document["monitoring_config"]["distribution_constraints"]["comparison_method"] = "Robst"

    with pytest.raises(SettingsError) as caught:
        monitor(tmp_path, edited(tmp_path, baseline, spoil), rows(5))
    text = str(caught.value)
    assert "edited.json.features[age].completeness: found 'full'; expected a number from 0 to 1" in text
    assert (
        "features[colour].inferred_type: found 'Sting'; expected Integral, Fractional, String, Unknown. Hint: did you mean String?" in text
    )
    assert "monitoring_config.emit_metrics: found 'Enabeld'; expected Enabled or Disabled. Hint: did you mean Enabled?" in text
    assert "comparison_method: found 'Robst'" in text
    assert "did you mean Robust?" in text


def test_only_the_hours_of_the_window_are_read(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """The directory holds the hours before and after; a window inside an hour looks at the records' own times."""
    for hour in range(8, 12):
        records = [capture_line(*record, time=f"2026-11-21T{hour:02d}:{minute:02d}:00Z") for minute, record in enumerate(rows(60))]
        write_hour(tmp_path / "capture", f"2026/11/21/{hour:02d}", records)
    whole = run(tmp_path / "out", dataset_source=tmp_path / "capture", **WINDOW, **baseline)
    assert whole.reports[0].dataset.rows == 60
    part = {"start_time": "2026-11-21T09:45:00Z", "end_time": "2026-11-21T11:10:00Z"}
    cut = run(tmp_path / "cut", dataset_source=tmp_path / "capture", **part, **baseline)
    assert cut.reports[0].dataset.rows == 15 + 60 + 10


def test_every_hour_can_be_reported_by_itself(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """--window 1h: a folder an hour, an hour without data among them, and one pass for all."""
    for hour in (8, 10):
        write_hour(tmp_path / "capture", f"2026/11/21/{hour:02d}", [capture_line(*record) for record in rows(40, seed=hour)])
    span = {"start_time": "2026-11-21T08:00:00Z", "end_time": "2026-11-21T11:00:00Z", "window": "1h"}
    outcome = run(tmp_path / "out", dataset_source=tmp_path / "capture", **span, **baseline)
    assert [str(report.verdict) for report in outcome.reports] == ["pass", "no data", "pass"]
    assert read(tmp_path / "out/2026/11/21/09/statistics.json") == {"version": 0.0, "dataset": {"item_count": 0}, "features": []}
    assert read(tmp_path / "out/2026/11/21/10/statistics.json")["dataset"]["item_count"] == 40


def test_an_hour_without_files_says_where_it_looked(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """No riddle: the prefix is in the message, item_count is 0, the verdict is no data."""
    write_hour(tmp_path / "capture", "2026/11/21/08", [capture_line(*record) for record in rows(5)])
    outcome = run(tmp_path / "out", dataset_source=tmp_path / "capture", **WINDOW, **baseline)
    looked_at = tmp_path / "capture/endpoint/AllTraffic" / HOUR
    assert outcome.message == f"Completed: No data from 2026-11-21T09:00:00Z to 2026-11-21T10:00:00Z: no files under {looked_at}."
    assert read(tmp_path / "out/evaluation.json")["verdict"] == Verdict.NO_DATA
    assert read(tmp_path / "out/evaluation.json")["input"]["looked_at"] == [str(looked_at)]
    other = run(tmp_path / "out", dataset_source=tmp_path / "capture", variant="Canary", **WINDOW, **baseline)
    assert other.message.endswith(f"no files of Canary under {looked_at}.")
    with pytest.raises(InputError, match="expected at least one record"):
        run(tmp_path / "out", dataset_source=tmp_path / "capture", require_data="true", **WINDOW, **baseline)


def test_bad_lines_are_counted_kept_with_their_place_and_do_not_stop_the_job(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """Three of 503 lines: cut off, not a record, wrong number of columns."""
    good = [capture_line(*record) for record in rows(500)]
    lines = [*good[:100], good[0][:40], *good[100:300], "[1, 2]", *good[300:], capture_line("0.5", "41,red,left,over")]
    path = write_hour(tmp_path / "capture", HOUR, lines)
    outcome = run(tmp_path / "out", dataset_source=tmp_path / "capture", **WINDOW, **baseline)
    assert outcome.reports[0].dataset.rows == 500
    entries = [orjson.loads(line) for line in (tmp_path / "out/quarantine/bad_lines.jsonl").read_bytes().splitlines()]
    assert [(entry["file"], entry["line"], entry["reason"]) for entry in entries] == [
        (str(path), 101, "not JSON"),
        (str(path), 302, "no captured data"),
        (str(path), 503, "wrong number of columns"),
    ]
    assert read(tmp_path / "out/evaluation.json")["input"]["bad_lines"] == 3
    write_hour(tmp_path / "capture", HOUR, good)
    run(tmp_path / "out", dataset_source=tmp_path / "capture", **WINDOW, **baseline)
    assert not (tmp_path / "out/quarantine/bad_lines.jsonl").exists()


def test_too_many_bad_lines_end_the_job_with_the_reason_and_the_quarantine(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """One in ten, where one in twenty is allowed; no report appears."""
    lines = [capture_line(*record) for record in rows(90)] + ["{"] * 10
    write_hour(tmp_path / "capture", HOUR, lines)
    with pytest.raises(InputError, match=r"10\.0% of 100 lines unusable \(10 not JSON\); expected at most 5\.0%"):
        run(tmp_path / "out", dataset_source=tmp_path / "capture", **WINDOW, **baseline)
    assert len((tmp_path / "out/quarantine/bad_lines.jsonl").read_text().splitlines()) == 10
    assert not (tmp_path / "out/statistics.json").exists()
    allowed = run(tmp_path / "out", dataset_source=tmp_path / "capture", max_bad_lines=0.1, **WINDOW, **baseline)
    assert allowed.reports[0].dataset.rows == 90


def test_metrics_have_the_contracts_names_dimensions_and_time(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """A statistic set for numbers, counts and drift for all; none for a feature whose emit_metrics is off."""

    def silence(document: dict[str, Any]) -> None:
        feature(document, "score")["monitoringConfigOverrides"] = {"emit_metrics": "Disabled"}

    names = {"sagemaker_endpoint_name": "shop", "sagemaker_monitoring_schedule_name": "hourly", "metric_time": "2026-11-21T09:00:00Z"}
    monitor(tmp_path, edited(tmp_path, baseline, silence), rows(200), publish_cloudwatch_metrics="Enabled", **names)
    metrics = [json.loads(line) for line in (tmp_path / "out/cloudwatch_metrics.jsonl").read_text().splitlines()]
    by_name = {metric["MetricName"]: metric for metric in metrics}
    assert set(by_name) == {
        "hourglass_rows",
        "hourglass_bad_line_share",
        "hourglass_violations",
        "feature_data_age",
        "feature_non_null_age",
        "feature_baseline_drift_age",
        "feature_non_null_colour",
        "feature_baseline_drift_colour",
    }
    assert by_name["feature_data_age"]["StatisticValues"]["SampleCount"] == 200
    for metric in metrics:
        assert metric["Timestamp"] == "2026-11-21T09:00:00Z"
        assert metric["Dimensions"] == [{"Name": "Endpoint", "Value": "shop"}, {"Name": "MonitoringSchedule", "Value": "hourly"}]


def test_on_the_platform_metrics_go_to_its_file(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """Where the container's folder exists, the lines are written to it and not among the reports."""
    platform = tmp_path / "opt-ml"
    platform.mkdir()
    monitor(tmp_path, baseline, rows(200), publish_cloudwatch_metrics="Enabled", container_root=platform)
    assert (platform / "output/metrics/cloudwatch/cloudwatch_metrics.jsonl").read_text().count("\n") == 11
    assert not (tmp_path / "out/cloudwatch_metrics.jsonl").exists()


def test_running_again_gives_the_same_bytes(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """Every file of a run, at 20,000 rows, where the sketch is compacted many times."""
    records = rows(20_000)
    monitor(tmp_path, baseline, records)
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.json")}
    monitor(tmp_path, baseline, records)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.json")} == first


def test_columns_can_be_left_out_by_name_or_number(tmp_path: Path, baseline: dict[str, Path]) -> None:
    """Neither missed nor checked; an unknown name is an error that knows better."""
    assert monitor(tmp_path, baseline, rows(500, age="young", colour="ultraviolet"), exclude_features_attribute="1,colour") == {}
    assert [f["name"] for f in read(tmp_path / "out/statistics.json")["features"]] == ["score"]
    with pytest.raises(InputError, match="did you mean colour"):
        monitor(tmp_path, baseline, rows(5), exclude_features_attribute="color")


def test_a_name_that_utf8_cannot_hold_ends_no_job(tmp_path: Path) -> None:
    """A hook's column with a lone surrogate in its name is kept under a name that can be written."""
    write_hour(tmp_path / "capture", HOUR, [capture_line("0.5", "1,red")] * 3)
    (tmp_path / "hook.py").write_text("def preprocess_handler(record):\n    return {'a\\ud800': 1}\n")
    run(tmp_path / "out", dataset_source=tmp_path / "capture", record_preprocessor_script=tmp_path / "hook.py")
    assert [f["name"] for f in read(tmp_path / "out/statistics.json")["features"]] == ["a?"]
