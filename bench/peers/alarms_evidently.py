"""Evidently on windows: the drift test that it chooses by default for each column, with its own threshold.

A report of one column takes a second or more, nearly all of it charts; so its test is called as the report calls it: cleaned
as there, chosen by `get_stattest`, with the test's own threshold.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping

os.environ["DO_NOT_TRACK"] = "1"

import numpy as np
import pandas as pd
from alarms_windows import CERTAIN, LEAST, Answers, of_p_value, serve
from evidently.legacy.calculations.stattests import StatTest, get_stattest
from evidently.legacy.core import ColumnType

SMALL, FEW = 1000, 5  # what its choice depends on
P_VALUES = ("p_value", "p-value")


def _type(values: pd.Series) -> ColumnType:
    return ColumnType.Numerical if pd.api.types.is_numeric_dtype(values) else ColumnType.Categorical


def _clean(values: pd.Series) -> pd.Series:
    return values.replace([-np.inf, np.inf], np.nan).dropna()


def _chosen(baseline: pd.Series, kind: ColumnType) -> StatTest | None:
    """The test where the baseline alone decides, which is nearly always: of numbers it depends on whether both have more than 5."""
    few = baseline.nunique() <= FEW and not (kind is ColumnType.Categorical and len(baseline) > SMALL)
    return None if few else get_stattest(baseline, baseline.head(0), kind, None)


def badness(baseline: pd.Series, window: pd.Series, kind: ColumnType, chosen: StatTest | None) -> float:
    """How bad a column is; a column that is no longer of the baseline's kind, or empty, ends a report with an error."""
    window = _clean(window)
    if window.empty or _type(window) is not kind:
        return CERTAIN
    test = chosen or get_stattest(baseline, window, kind, None)
    result = test(baseline, window, kind, None)
    if any(word in test.display_name for word in P_VALUES):
        found = of_p_value(result.drift_score, result.actual_threshold)
    else:
        found = result.drift_score / max(result.actual_threshold, LEAST)
    return max(found, 1 + 1e-9) if result.drifted else min(found, 1.0)


def judge(baseline: pd.DataFrame, windows: Mapping[int, pd.DataFrame]) -> Answers:
    """All columns of all windows."""
    cleaned = {name: _clean(baseline[name]) for name in baseline}
    kinds = {name: _type(baseline[name]) for name in baseline}
    # distances are of sets of numbers, and those in order are sorted sooner
    cleaned |= {name: values.sort_values() for name, values in cleaned.items() if kinds[name] is ColumnType.Numerical}
    chosen = {name: _chosen(cleaned[name], kinds[name]) for name in baseline}
    return {
        (number, name): badness(cleaned[name], window[name], kinds[name], chosen[name])
        for number, window in windows.items()
        for name in window
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(serve(judge))
