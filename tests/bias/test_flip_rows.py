"""The flip test sees true features, the right prediction and the right facets, wherever a configuration says they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hourglass.bias import FlipRows, parse_analysis_config
from hourglass.bias.digest import BiasDigest
from hourglass.bias.flip_test import flip_test
from hourglass.capture.batches import Batch
from tests.bias.test_job import MERGED, csv_record, values_of
from tests.engine import read, run_bias

N = 120
RANDOM = np.random.default_rng(3)
AGES = (RANDOM.random(N) / 2).round(5).tolist()  # no two distances alike, and all smaller than those of classes
SEXES = ["fm"[i % 2] for i in range(N)]
LABELS = RANDOM.integers(0, 2, N).tolist()
SAID = [int(age > (0.33 if sex == "f" else 0.2)) for age, sex in zip(AGES, SEXES, strict=True)]
SCORES = [0.9 if said else 0.1 for said in SAID]
FACET = [{"name_or_index": "Sex", "value_or_threshold": ["f"]}]
OUTCOME = {"label_values_or_threshold": [1]}


def expected(ages: Sequence[float] = AGES) -> float:
    """By age and sex, which are all features."""
    rows = FlipRows.of({"Age": ages, "Sex": SEXES}, {}, ["1"] * N)
    in_d = np.array(SEXES) == "f"
    found = flip_test(rows.features, np.array(SAID, np.bool_), in_d, ~in_d)
    assert isinstance(found, float)
    return found


def flipped(folder: Path, data: Sequence[str], config: dict[str, Any], **flags: Any) -> dict[str, Any]:
    """The flip test's entry of a run over lines of data."""
    source = folder / "data"
    name = "2026/11/21/09/part.jsonl" if "dataset_format" in flags else "data.csv"
    (source / "endpoint" / "AllTraffic" / name).parent.mkdir(parents=True)
    (source / "endpoint" / "AllTraffic" / name).write_text("".join(f"{line}\n" for line in data))
    (folder / "config.json").write_text(json.dumps({**OUTCOME, **config}))
    run_bias(folder / "out", dataset_source=source, analysis_config=folder / "config.json", **flags)
    facets = read(folder / "out" / "analysis.json")["post_training_bias_metrics"]["facets"]
    return {metric["name"]: metric for entry in next(iter(facets.values())) for metric in entry["metrics"]}["FT"]


ROWS = list(zip(AGES, SEXES, LABELS, SAID, SCORES, strict=True))
TABLE = [f"{age},{sex},{label},{said},{score}" for age, sex, label, said, score in ROWS]
CAPTURED = [csv_record(i, age, sex, label, said) for i, (age, sex, label, said, _) in enumerate(ROWS)]


@pytest.mark.parametrize(
    ("data", "config", "flags"),
    [
        (CAPTURED, {"headers": ["Age", "Sex", "y"], "label": "y", "facet": FACET, "predictor": {"label": "0"}}, MERGED),
        (CAPTURED, {"label": 0, "facet": [{**FACET[0], "name_or_index": 1}], "predictor": {"label": "0"}}, MERGED),
        (
            ["a,Sex,y,p,s", *TABLE],
            {"headers": ["a", "Sex", "y", "p", "s"], "label": "y", "facet": FACET, "predictor": {"label": 3, "probability": "s"}},
            {},
        ),
        (
            ["a,Sex,y,s", *(f"{age},{sex},{label},{score}" for age, sex, label, _, score in ROWS)],
            {"headers": ["a", "Sex", "y", "s"], "label": "y", "facet": FACET, "predictor": {"probability": "s"}},
            {},
        ),
        (
            TABLE,
            {"label": 2, "facet": [{**FACET[0], "name_or_index": 1}], "predictor": {"label": 3, "probability": 4}},
            {"dataset_format": json.dumps({"csv": {"header": False}})},
        ),
    ],
    ids=["captured", "captured without headers", "table", "table with a probability", "table without headers"],
)
def test_the_flip_test_takes_features_and_nothing_else(
    tmp_path: Path, data: Sequence[str], config: dict[str, Any], flags: dict[str, Any]
) -> None:
    """By names and by numbers; not the label, the prediction, its probability, nor what else an answer has."""
    assert expected() != 0.0
    assert flipped(tmp_path, data, config, **flags)["value"] == pytest.approx(expected())


def test_a_json_answer_is_no_feature(tmp_path: Path) -> None:
    """Nor is it where the features are named by a path."""
    lines = []
    for i, (age, sex, label, said, score) in enumerate(ROWS):
        line = json.loads(csv_record(i, age, sex, label, said))
        payloads = {"endpointInput": {"row": [age, sex]}, "endpointOutput": {"said": said, "score": score, "because": i}}
        for side, document in payloads.items():
            line["captureData"][side] |= {"data": json.dumps(document), "encoding": "JSON", "observedContentType": "application/json"}
        lines.append(json.dumps(line))
    config = {"label": "y", "headers": ["Age", "Sex", "y"], "facet": FACET, "predictor": {"label": "said"}, "features": "row"}
    assert flipped(tmp_path, lines, config, **MERGED)["value"] == pytest.approx(expected())


HEADERS = {"headers": ["Age", "Sex", "y"], "label": "y", "facet": FACET, "predictor": {"label": "0"}}


@pytest.mark.parametrize("setting", ["sample_without", "sample_hashed"])
def test_what_kept_rows_do_not_tell_is_no_feature(tmp_path: Path, setting: str) -> None:
    """A column that is left out, or hashed: a hash has no distance from others."""
    found = flipped(tmp_path, CAPTURED, HEADERS, **MERGED, **{setting: "Age"})
    assert found["value"] is not None
    assert found["value"] != pytest.approx(expected())
    config = parse_analysis_config({**OUTCOME, **HEADERS})
    batch = Batch("", 0, "", 1, {"_c0": ["1"], "Age": ["31"], "Sex": ["f"]}, answers={"_c0": ["1"]})
    assert BiasDigest(config).kept(batch, {"Age"}).keys() == {"feature Sex", "facet Sex", "prediction"}


@pytest.mark.parametrize("hidden", ["Sex", "_c0"])
def test_a_flip_test_without_a_facet_or_a_prediction_says_what_is_hidden(tmp_path: Path, hidden: str) -> None:
    """And nothing else of the row tells it."""
    found = flipped(tmp_path, CAPTURED, HEADERS, **MERGED, sample_without=hidden)
    assert found["value"] is None
    assert found["error"].endswith(f"; kept rows do not tell {hidden}")


def test_a_slip_in_what_is_to_be_hidden_keeps_nothing(tmp_path: Path) -> None:
    """In memory and in the store; where it is named rightly, the rest of the rows is in both."""
    span = {"start_time": "2026-11-21T09:00:00Z", "end_time": "2026-11-21T10:00:00Z"}
    for name, is_kept in (("Agee", False), ("Age", True)):
        folder = tmp_path / name
        flags = {**MERGED, **span, "state_root": folder / "states", "sample_without": name}
        first = flipped(folder, CAPTURED, HEADERS, **flags)["value"]
        run_bias(folder / "again", dataset_source=folder / "data", analysis_config=folder / "config.json", **flags)
        (entry,) = read(folder / "again" / "analysis.json")["post_training_bias_metrics"]["facets"]["Sex"]
        assert values_of(entry)["FT"] == first
        assert (first is not None) == is_kept
