"""The waist: a state is a commutative monoid that serialises itself.

One file per state. Importing this package registers them all; the registry is read-only from then on.
"""

from hourglass.states.attributions import Attributions
from hourglass.states.categories import Categories
from hourglass.states.class_probabilities import ClassProbabilities
from hourglass.states.confusion import Confusion
from hourglass.states.distinct import Distinct
from hourglass.states.facet_counts import FacetCells, FacetCounts
from hourglass.states.intake import Intake
from hourglass.states.label_sets import LabelSets
from hourglass.states.moments import Moments
from hourglass.states.profile import ColumnProfile
from hourglass.states.quantiles import Quantiles
from hourglass.states.rankings import Rankings
from hourglass.states.regression_errors import Errors
from hourglass.states.repeats import Repeats
from hourglass.states.row_sample import RowSample, SampledRow
from hourglass.states.scores import Scores
from hourglass.states.second_moment import SecondMoment
from hourglass.states.state import COLUMN_STATES, ROW_STATES, ColumnState, State
from hourglass.states.value_classes import ValueClasses

__all__ = [
    "COLUMN_STATES",
    "ROW_STATES",
    "Attributions",
    "Categories",
    "ClassProbabilities",
    "ColumnProfile",
    "ColumnState",
    "Confusion",
    "Distinct",
    "Errors",
    "FacetCells",
    "FacetCounts",
    "Intake",
    "LabelSets",
    "Moments",
    "Quantiles",
    "Rankings",
    "Repeats",
    "RowSample",
    "SampledRow",
    "Scores",
    "SecondMoment",
    "State",
    "ValueClasses",
]
