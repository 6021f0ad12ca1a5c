"""NannyML on windows: its univariate drift (Jensen-Shannon distance) at defaults, with chunks of the window's size.

Its threshold is three deviations above the mean of the baseline's own chunks, so each column has another one.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import numpy as np
import pandas as pd
from alarms_windows import CERTAIN, Answers, serve
from nannyml import UnivariateDriftCalculator

METHOD = "jensen_shannon"


def _scores(calculator: UnivariateDriftCalculator, name: str, windows: list[pd.Series], size: int) -> list[float]:
    """One chunk a window; a score and its threshold become one number."""
    result = calculator.calculate(pd.DataFrame({name: pd.concat(windows, ignore_index=True)}))
    found = result.filter(period="analysis").to_df()[name][METHOD]
    assert len(found) == len(windows), f"{len(found)} chunks of {len(windows)} windows of {size}"
    limit = found["upper_threshold"].to_numpy(np.float64)
    value = found["value"].to_numpy(np.float64)
    badness = np.where(limit > 0, value / np.where(limit > 0, limit, 1), np.where(value > 0, 2.0, 0.0))
    badness = np.nan_to_num(badness, nan=0.0)
    alarm = found["alert"].to_numpy(bool)
    return np.where(alarm, np.maximum(badness, 1 + 1e-9), np.minimum(badness, 1.0)).tolist()


def judge(baseline: pd.DataFrame, windows: Mapping[int, pd.DataFrame]) -> Answers:
    """A calculator a column, since windows with a fault have only the column that it is in."""
    found: dict[tuple[int, str], float] = {}
    size = len(next(iter(windows.values()))) if windows else 0
    for name in baseline if windows else ():
        numeric = pd.api.types.is_numeric_dtype(baseline[name])
        calculator = UnivariateDriftCalculator([name], chunk_size=size)
        calculator.fit(baseline[[name]])
        mine = {number: window[name] for number, window in windows.items() if name in window}
        # text among numbers is tried by itself: what it raises ends a run
        fitting = {number: values for number, values in mine.items() if pd.api.types.is_numeric_dtype(values) == numeric}
        for number, values in mine.items():
            if number not in fitting:
                try:
                    found[number, name] = _scores(calculator, name, [values], size)[0]
                except Exception:  # noqa: BLE001 whatever it is, its user sees it
                    found[number, name] = CERTAIN
        if fitting:
            scores = _scores(calculator, name, list(fitting.values()), size)
            found |= {(number, name): score for number, score in zip(fitting, scores, strict=True)}
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(serve(judge))
