"""Small tests of a column's window beside its baseline, on mergeable states: one registered function a file, and one p of all.

What they ask of a column, each in standard deviations of chance: `SMALL_TESTS`. What they say together: `judged`.
"""

from hourglass.registration import import_all
from hourglass.small_tests.column import STATES, Column
from hourglass.small_tests.dispersion import INDEPENDENT, Dispersion, learnt
from hourglass.small_tests.judged import Judged, combined, judged
from hourglass.small_tests.small_test import OTHER, SMALL_TESTS, Found, Pair, SmallTest, pair_of, small_test

import_all(__name__, __path__)

__all__ = [
    "INDEPENDENT",
    "OTHER",
    "SMALL_TESTS",
    "STATES",
    "Column",
    "Dispersion",
    "Found",
    "Judged",
    "Pair",
    "SmallTest",
    "combined",
    "judged",
    "learnt",
    "pair_of",
    "small_test",
]
