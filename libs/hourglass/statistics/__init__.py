"""State → number: one registered function a file. A new file in this folder is a new statistic everywhere."""

from hourglass.registration import import_all
from hourglass.statistics.statistic import STATISTICS, AppliesTo, ColumnType, Result, Statistic, statistic

import_all(__name__, __path__)

__all__ = ["STATISTICS", "AppliesTo", "ColumnType", "Result", "Statistic", "statistic"]
