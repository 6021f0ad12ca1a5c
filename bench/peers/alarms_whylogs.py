"""whylogs on windows: the drift scores of two profiles by the algorithms and thresholds that it has by default.

Only its DRIFT is an alarm; its POSSIBLE_DRIFT is none.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping

os.environ["WHYLOGS_NO_ANALYTICS"] = "True"

import pandas as pd
import whylogs
from alarms_windows import Answers, of_p_value, serve
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

DRIFT = "DRIFT"


def _badness(score: dict | None) -> float:
    """How bad a column is; without a score it has no alarm."""
    if score is None:
        return 0.0
    if score.get("pvalue") is not None:
        found = of_p_value(score["pvalue"], score["thresholds"][DRIFT][1])
    else:
        found = score["statistic"] / score["thresholds"][DRIFT][0]
    return max(found, 1 + 1e-9) if score["drift_category"] == DRIFT else min(found, 1.0)


def judge(baseline: pd.DataFrame, windows: Mapping[int, pd.DataFrame]) -> Answers:
    """Profiles of the window and of the baseline."""
    before = whylogs.log(baseline).view()
    found: dict[tuple[int, str], float] = {}
    for number, window in windows.items():
        scores = calculate_drift_scores(whylogs.log(window).view(), before, with_thresholds=True)
        found |= {(number, name): _badness(scores.get(name)) for name in window}
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(serve(judge))
