"""The numbers that a real job of the stock analyzer printed come out of its input, to every printed digit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.engine import read, run

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
COLUMNS = [
    "numerical_statistics.common.num_present",
    "numerical_statistics.common.num_missing",
    "numerical_statistics.mean",
    "numerical_statistics.sum",
    "numerical_statistics.std_dev",
    "numerical_statistics.min",
    "numerical_statistics.max",
    "numerical_statistics.distribution.kll.sketch.parameters.c",
    "numerical_statistics.distribution.kll.sketch.parameters.k",
]


def printed_table(name: str) -> list[dict[str, str]]:
    """A table that pandas printed in pieces below each other, put together again: one dict a row."""
    rows: dict[int, dict[str, str]] = {}
    headings: list[str] = []
    for line in (SAMPLES / name).read_text().splitlines():
        found = re.match(r"^(\d)\s{2,}(.*)$", line)
        if not found:
            headings = line.replace("\\", "").split()
            continue
        values = re.split(r"\s{2,}", found[2].strip())
        rows.setdefault(int(found[1]), {}).update(zip(headings, values, strict=True))
    return list(rows.values())


def at(document: dict[str, Any], path: str) -> Any:
    for part in path.split("."):
        document = document[part]
    return document


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("churn")
    run(output, dataset_source=SAMPLES / "churn_training-dataset-with-header.csv", dataset_format='{"csv": {"header": true}}')
    return output


def test_every_printed_statistic_of_the_real_job_comes_out(baseline: Path) -> None:
    """Ten columns, eleven numbers each, as pandas printed them: six digits after the point, or one where it shows one."""
    features = read(baseline / "statistics.json")["features"]
    printed = printed_table("data_quality_intro.dataframe_cell31.txt")
    assert len(printed) == 10
    for row, feature in zip(printed, features, strict=False):
        assert (row["name"], row["inferred_type"]) == (feature["name"], feature["inferred_type"])
        for column in COLUMNS:
            digits = len(row[column].partition(".")[2])
            assert f"{at(feature, column):.{digits}f}" == row[column], (feature["name"], column)


def test_the_first_bucket_has_the_real_jobs_bounds(baseline: Path) -> None:
    """The bounds are printed until the column's width ends, so the printed text is a prefix of ours."""
    features = read(baseline / "statistics.json")["features"]
    for row, feature in zip(printed_table("data_quality_intro.dataframe_cell31.txt"), features, strict=False):
        bucket = at(feature, "numerical_statistics.distribution.kll.buckets")[0]
        shown = row["numerical_statistics.distribution.kll.buckets"].removesuffix("...")
        shown = re.sub(r", '[^}]*$", "", shown) if "upper_bound" in shown and shown.count(",") > 1 else shown
        ours = f"[{{'lower_bound': {bucket['lower_bound']}, 'upper_bound': {bucket['upper_bound']}"
        assert ours.startswith(shown), feature["name"]


def test_the_buckets_and_the_sketch_hold_all_rows(baseline: Path) -> None:
    """Counts add up to 2,333 in the ten buckets, and the items of weight 2^i do in the sketch."""
    for feature in read(baseline / "statistics.json")["features"]:
        kll = at(feature, "numerical_statistics.distribution.kll")
        assert sum(bucket["count"] for bucket in kll["buckets"]) == 2333
        assert sum(len(items) << level for level, items in enumerate(kll["sketch"]["data"])) == 2333


def test_the_suggested_constraints_are_the_real_jobs(baseline: Path) -> None:
    """Type, completeness and non-negativity of the ten printed columns."""
    features = read(baseline / "constraints.json")["features"]
    assert len(features) == 70
    for row, feature in zip(printed_table("data_quality_intro.dataframe_cell32.txt"), features, strict=False):
        assert row["name"] == feature["name"]
        assert row["inferred_type"] == feature["inferred_type"]
        assert float(row["completeness"]) == feature["completeness"]
        assert (row["num_constraints.is_non_negative"] == "True") == feature["num_constraints"]["is_non_negative"]


def test_the_baseline_does_not_violate_itself(baseline: Path, tmp_path: Path) -> None:
    """The data that a baseline was suggested from pass every check of it."""
    outcome = run(
        tmp_path,
        dataset_source=SAMPLES / "churn_training-dataset-with-header.csv",
        baseline_constraints=baseline / "constraints.json",
        baseline_statistics=baseline / "statistics.json",
    )
    assert outcome.message == "Completed: Job completed successfully with no violations."
    assert {str(e.verdict) for e in outcome.reports[0].evaluations} == {"pass"}


def test_the_real_wording_of_a_type_violation_comes_out(baseline: Path, tmp_path: Path) -> None:
    """7 of 1,977 values with a fraction, and a score where the baseline has 0 or 1: the sentences of the real job's table.

    As stock baselines ask; 7 after none in 2,333 could be chance.
    """
    document = read(baseline / "constraints.json")
    document["monitoring_config"] |= {"share_comparison_method": "Simple"}
    asked = tmp_path / "constraints.json"
    asked.write_text(json.dumps(document))
    rows = [f"0.{i % 10}5,{'0.5' if i < 7 else '1'}," + ",".join(["1"] * 68) for i in range(1977)]
    source = tmp_path / "window.csv"
    source.write_text("\n".join(rows))
    run(
        tmp_path / "out",
        dataset_source=source,
        dataset_format='{"csv": {"header": false}}',
        baseline_constraints=asked,
        baseline_statistics=baseline / "statistics.json",
    )
    found = read(tmp_path / "out" / "constraint_violations.json")["violations"]
    sentences = {v["feature_name"]: v["description"] for v in found if v["constraint_check_type"] == "data_type_check"}
    expected = "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
    printed = (SAMPLES / "data_quality_intro.dataframe_cell51.txt").read_text()
    assert sentences["Account Length"] == expected + "Observed: Only 99.64592817400101% of data is Integral."
    assert sentences["Churn"] == expected + "Observed: Only 0.0% of data is Integral."
    assert all(sentence in printed for sentence in (sentences["Account Length"], sentences["Churn"]))
