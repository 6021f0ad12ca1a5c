"""State × baseline state → distance or p-value: one registered function a file."""

from hourglass.comparisons.comparison import COMPARISONS, Accepts, Comparison, Worse, comparison, find_comparison
from hourglass.comparisons.distribution import Distribution, aligned, distribution_of
from hourglass.registration import import_all

import_all(__name__, __path__)

__all__ = ["COMPARISONS", "Accepts", "Comparison", "Distribution", "Worse", "aligned", "comparison", "distribution_of", "find_comparison"]
