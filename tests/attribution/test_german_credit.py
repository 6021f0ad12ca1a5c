"""German Credit, the paper's own example: a logistic regression on one-hot features, explained from files to files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.engine import read, run_attribution

DATA = Path(__file__).parents[1] / "data" / "german" / "german.data"
CLASS, AMOUNT, GOOD = 20, "c4", 1


@pytest.fixture(scope="module")
def credit(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The two halves as one-hot tables, the model as a file, and a baseline of the first half."""
    folder = tmp_path_factory.mktemp("german")
    rows = pd.read_csv(DATA, sep=" ", header=None)
    features = pd.get_dummies(rows.drop(columns=CLASS).rename(columns="c{}".format), prefix="", prefix_sep="").astype(float)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(features.to_numpy(), rows[CLASS] == GOOD)
    skops.io.dump(model, folder / "model.skops")
    features[:500].to_csv(folder / "first.csv", index=False)
    features[500:].to_csv(folder / "second.csv", index=False)
    features[500:].assign(**{AMOUNT: 6 * features[AMOUNT]}).to_csv(folder / "dearer.csv", index=False)
    config = {"headers": list(features), "predictor": {"model": str(folder / "model.skops")}}
    (folder / "config.json").write_text(json.dumps({**config, "methods": {"shap": {"num_samples": 1000}}}))
    flags = {"analysis_config": folder / "config.json"}
    run_attribution(folder / "base", dataset_source=folder / "first.csv", **flags)
    return folder, {**flags, "baseline_constraints": folder / "base", "attribution_thresholds": "share_moved=0.15"}


def ranked(output: Path) -> list[str]:
    """The features, the one with the largest attribution first."""
    with (output / "attribution_data.csv").open() as file:
        return [row["feature"] for row in csv.DictReader(file)]


def test_no_checking_account_drives_the_model_most(credit: tuple[Path, dict[str, Any]]) -> None:
    """A14 ranks first, as in arXiv 2111.13657."""
    folder, _ = credit
    assert ranked(folder / "base")[0] == "A14"


def test_other_rows_of_the_same_kind_are_no_change(credit: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """The half that the baseline has not seen."""
    folder, flags = credit
    report = run_attribution(tmp_path / "out", dataset_source=folder / "second.csv", **flags).reports[0]
    assert report.verdict == "pass"
    assert ranked(tmp_path / "out")[0] == "A14"


def test_credits_of_six_times_the_amount_are_found(credit: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """By the share that moved; NDCG, which asks for the order only, does not notice."""
    folder, flags = credit
    report = run_attribution(tmp_path / "out", dataset_source=folder / "dearer.csv", **flags).reports[0]
    assert ranked(tmp_path / "out")[:2] == [AMOUNT, "A14"]
    assert [violation.feature for violation in report.violations] == ["label0: share_moved"]


@pytest.mark.parametrize(("explainer", "scale"), [("auto", "answer"), ("linear", "log-odds")])
def test_the_scale_is_that_of_the_explainer(credit: tuple[Path, dict[str, Any]], tmp_path: Path, explainer: str, scale: str) -> None:
    """The linear one explains the log-odds of a classifier, though use_logit is false."""
    folder, _ = credit
    config = read(folder / "config.json")
    config["methods"]["shap"]["explainer"] = explainer
    (tmp_path / "config.json").write_text(json.dumps(config))
    run_attribution(tmp_path / "out", dataset_source=folder / "first.csv", analysis_config=tmp_path / "config.json", sample_rows=40)
    metadata = read(tmp_path / "out" / "model_metadata.json")
    assert metadata["scale"] == scale
    assert f"of the {scale}" in (tmp_path / "out" / "report.html").read_text()
