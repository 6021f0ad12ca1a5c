"""The replayed day without Spark: its format, its faults, and that it is the same every time."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hourglass.capture.window import hour_name, hour_of, hour_start, parse_time, partition_of
from hourglass.demo import demo
from hourglass.demo.census import FEATURES, LABELS, NUMBERS, TEST, TRAINING, Row, read_census
from hourglass.demo.faults import BAD_LINES, BROKEN_LINES_AN_HOUR, FAULTS, faults_of
from hourglass.demo.model import Model
from hourglass.demo.replay import DAY, HOURS, CaptureFile, replay
from hourglass.errors import EnvironmentFault, InputError

NAME = re.compile(r"adult-income/AllTraffic/2026/11/20/\d\d/(\d\d)-(\d\d)-\d{3}-([0-9a-f-]{36})\.jsonl")


def score(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """A model that needs no fitting."""
    return [{"prediction": LABELS[0], "probability": 0.25} for _ in rows]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return read_census(TEST)[0]


@pytest.fixture(scope="module")
def files(rows: list[Row]) -> list[CaptureFile]:
    return list(replay(rows, score))


def sent(files: Sequence[CaptureFile], hour: int) -> Iterator[Row]:
    """The features of an hour's requests, of lines that are whole."""
    for file in files:
        if hour_of(partition_of(file.path)) == hour_name(DAY.start).removesuffix("00") + f"{hour:02}":
            for line in file.lines:
                try:
                    yield json.loads(json.loads(line)["captureData"]["endpointInput"]["data"])
                except (ValueError, KeyError):
                    continue


@pytest.mark.parametrize(("part", "count", "over_50"), [(TRAINING, 32_561, 7_841), (TEST, 16_281, 3_846)])
def test_the_census_has_the_rows_and_labels_that_its_authors_count(part: str, count: int, over_50: int) -> None:
    read, labels = read_census(part)
    assert len(read) == count
    assert Counter(labels) == {">50K": over_50, "<=50K": count - over_50}


def test_an_unknown_value_is_missing_and_numbers_are_numbers(rows: list[Row]) -> None:
    assert {value for row in rows for value in row.values()}.isdisjoint({"?", ""})
    assert {name for row in rows for name, value in row.items() if value is None} == {"workclass", "occupation", "native_country"}
    assert all(isinstance(row[name], int) for row in rows for name in NUMBERS)
    assert all(value == value.strip() for row in rows for value in row.values() if isinstance(value, str))


def test_two_replays_write_the_same_bytes_and_another_seed_others(rows: list[Row], files: list[CaptureFile]) -> None:
    assert list(replay(rows, score)) == files
    assert list(replay(rows, score, seed=1)) != files


def test_a_record_has_the_contracts_format(files: list[CaptureFile]) -> None:
    line = json.loads(files[0].lines[0])
    assert list(line) == ["captureData", "eventMetadata", "eventVersion"]
    assert line["captureData"]["endpointOutput"] == {
        "observedContentType": "application/json",
        "mode": "OUTPUT",
        "data": '{"prediction":"<=50K","probability":0.25}',
        "encoding": "JSON",
    }
    assert line["captureData"]["endpointInput"]["mode"] == "INPUT"
    assert tuple(json.loads(line["captureData"]["endpointInput"]["data"])) == FEATURES
    assert UUID(line["eventMetadata"]["eventId"]).version == 4
    assert line["eventVersion"] == "0"


def test_records_lie_in_the_file_of_their_time_and_an_hour_has_several(files: list[CaptureFile]) -> None:
    assert len({file.path for file in files}) == len(files)
    assert set(Counter(hour_of(partition_of(file.path)) for file in files).values()) == {5}
    for file in files:
        name = NAME.fullmatch(file.path)
        assert name
        if any(fault.check == BAD_LINES for fault in faults_of(hour_start(hour_of(partition_of(file.path))).hour)):
            continue
        times = [parse_time(json.loads(line)["eventMetadata"]["inferenceTime"]) for line in file.lines]
        assert times == sorted(times)
        assert (times[0].minute, times[0].second) == (int(name[1]), int(name[2]))
        assert {hour_name(time) for time in times} == {hour_of(partition_of(file.path))}


def test_each_row_is_sent_once(rows: list[Row], files: list[CaptureFile]) -> None:
    """Seen in a column that no fault touches; the broken lines are those that lack."""
    assert sum(len(file.lines) for file in files) == len(rows)
    seen = Counter(row["final_weight"] for hour in range(HOURS) for row in sent(files, hour))
    assert sum((Counter(row["final_weight"] for row in rows) - seen).values()) == BROKEN_LINES_AN_HOUR
    assert not seen - Counter(row["final_weight"] for row in rows)


def test_the_faults_are_where_they_should_be_and_clean_hours_lie_between(files: list[CaptureFile]) -> None:
    faulty = [bool(faults_of(hour)) for hour in range(HOURS)]
    assert faulty.count(False) >= 12
    assert not faulty[0]
    assert not faulty[-1]
    assert all(not faulty[max(fault.hours) + 1] and max(map(len, map(faults_of, fault.hours))) == 1 for fault in FAULTS)
    ages = {hour: [row["age"] for row in sent(files, hour)] for hour in (2, 3, 4, 6, 7)}
    assert min(ages[2] + ages[3]) == 27  # nobody under 17 was asked
    assert min(ages[4]) == 17
    assert all(isinstance(age, str) for age in ages[6])
    assert all(isinstance(age, int) for age in ages[7])
    assert 0.2 < sum(row["workclass"] is None for row in sent(files, 9)) / 678 < 0.4
    assert 5 <= sum(row["native_country"] == "Mars" for row in sent(files, 13)) <= 25
    assert all("marital_status" not in row for row in sent(files, 16))
    assert all(set(row) - set(FEATURES) == {"channel"} for row in sent(files, 19))
    for hour in (0, 1, 4, 5, 23):
        assert all(tuple(row) == FEATURES and row["native_country"] != "Mars" for row in sent(files, hour))


def test_the_model_scores_what_an_endpoint_may_get_and_is_the_same_every_time(rows: list[Row]) -> None:
    training, labels = read_census(TRAINING)
    training, labels = training[:3000], labels[:3000]
    odd: list[Row] = [{}, {"age": "39 years"}, {**rows[0], "native_country": "Mars", "channel": "web"}]
    answers = Model(training, labels).score(odd)
    assert all(answer["prediction"] == LABELS[answer["probability"] >= 0.5] and 0 <= answer["probability"] <= 1 for answer in answers)
    assert answers == Model(training, labels).score(odd)


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.compose", None)
    with pytest.raises(EnvironmentFault, match=r'scikit-learn: found none; .* Hint: pip install "hourglass-monitor\[demo\]"'):
        Model([], [])


def test_a_directory_with_other_things_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "capture").mkdir()
    (tmp_path / "capture" / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="found other things in"):
        demo.claim(str(tmp_path))
    assert [path.name for path in tmp_path.rglob("*")] == ["capture", "mine.txt"]


def test_a_demo_replaces_what_a_demo_wrote_and_nothing_else(tmp_path: Path) -> None:
    place = demo.claim(str(tmp_path / "new" / "deep"))
    (place / "reports").mkdir()
    (place / "reports" / "stale.json").write_text("{}")
    (place / "notes.txt").write_text("mine")
    assert demo.claim(str(place)) == place
    assert sorted(path.name for path in place.iterdir()) == [demo.MARKER, "notes.txt"]


@pytest.mark.parametrize("directory", ["s3://bucket/demo", "{file}"])
def test_only_a_local_directory_will_do(directory: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="directory"):
        demo.claim(directory.format(file=file))
