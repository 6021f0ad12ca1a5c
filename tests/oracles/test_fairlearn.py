"""Bias against fairlearn, where both have the metric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hourglass.bias import FacetValue, measure_bias
from hourglass.demo.census import LABELS, TEST, read_census
from hourglass.quality import Bootstrap
from tests import environments
from tests.unit.bias.rows import counts

SCRIPT = Path(__file__).with_name("fairlearn_metrics.py")


def tables() -> list[dict[str, list[Any]]]:
    """Rows of two facets: twenty by chance, from 10 rows to 1,000, and those of the census with a rule for a model."""
    found = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        facet = np.where(random.random(n := int(random.integers(10, 1000))) < random.uniform(0.1, 0.9), "d", "a")
        facet[:2] = "d", "a"  # both are there
        label = random.random(n) < np.where(facet == "d", *random.uniform(0.1, 0.9, 2))
        predicted = np.where(random.random(n) < random.uniform(0.5, 1), label, ~label)
        found.append({"facet": facet.tolist(), "label": label.astype(int).tolist(), "predicted": predicted.astype(int).tolist()})
    rows, labels = read_census(TEST)
    found.append(
        {
            "facet": ["d" if row["sex"] == "Female" else "a" for row in rows],
            "label": [LABELS.index(label) for label in labels],
            "predicted": [int(row["marital_status"] == "Married-civ-spouse" and (row["education_years"] or 0) > 9) for row in rows],  # type: ignore[operator]
        }
    )
    return found


def from_fairlearn(measured: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Metrics of bias by our names, from those of each group."""
    of = measured["by_group"]

    def less(name: str, of_whom: str = "d") -> float:
        one, other = (of[name][facet] for facet in ("ad" if of_whom == "d" else "da"))
        return float(one - other)

    return {
        "CI": less("count") / sum(of["count"].values()),
        "DPL": less("positive_labels"),
        "DPPL": less("selection_rate"),
        "DI": of["selection_rate"]["d"] / of["selection_rate"]["a"] if of["selection_rate"]["a"] else 0.0,
        "RD": less("tpr"),
        "SD": less("tnr", "a"),
        "DAR": less("positive_precision"),
        "DRR": less("negative_precision", "a"),
        "AD": less("accuracy"),
    }


def test_metrics_are_fairlearns() -> None:
    """Nine of them from its metrics of each group, three from its own comparisons, to 1e-9."""
    given = tables()
    for table, measured in zip(given, environments.ask(environments.ensure("fairlearn"), SCRIPT, given=given), strict=True):
        rows = [
            (facet, None, str(label), str(predicted))
            for facet, label, predicted in zip(table["facet"], table["label"], table["predicted"], strict=True)
        ]
        report = measure_bias(counts(rows), "f", [FacetValue.of("d")], {"1"}, Bootstrap(draws=0))
        ours = {key: float(found.value) for key, found in report.values[0].metrics.items() if isinstance(found.value, float)}
        wanted = from_fairlearn(measured)
        assert {key: ours[key] for key in wanted} == pytest.approx(wanted, abs=1e-9)
        of_all = measured["of_all"]
        assert abs(ours["DPPL"]) == pytest.approx(of_all["demographic_parity_difference"], abs=1e-9)
        assert abs(ours["RD"]) == pytest.approx(of_all["equal_opportunity_difference"], abs=1e-9)
        assert min(ours["DI"], 1 / ours["DI"]) == pytest.approx(of_all["demographic_parity_ratio"], abs=1e-9)
