"""Small tests of a column's window beside its baseline, on mergeable states: one registered function a file, and one p of all.

What they ask of a column, each in standard deviations of chance: `SMALL_TESTS`. What they say together: `judged`.
"""

from hourglass.registration import import_all
from hourglass.small_tests.column import Column
from hourglass.small_tests.judged import Judged, combined, judged
from hourglass.small_tests.small_test import SMALL_TESTS, Found, Pair, SmallTest, small_test

import_all(__name__, __path__)

__all__ = ["SMALL_TESTS", "Column", "Found", "Judged", "Pair", "SmallTest", "combined", "judged", "small_test"]
