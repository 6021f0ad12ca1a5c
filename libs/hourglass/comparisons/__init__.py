"""State × baseline state → distance or p-value: one registered function a file."""

from hourglass.comparisons.comparison import COMPARISONS, Comparison, Worse, comparison, find_comparison
from hourglass.comparisons.distribution import Distribution
from hourglass.registration import import_all

import_all(__name__, __path__)

__all__ = ["COMPARISONS", "Comparison", "Distribution", "Worse", "comparison", "find_comparison"]
