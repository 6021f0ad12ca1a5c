"""How columns become the values of a facet, and numbers the classes above and below a threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hourglass.quality.classes import PLAIN, ClassRule, class_names
from hourglass.states.categories import number_name
from hourglass.values import as_floats

BETWEEN = " & "


def above_name(threshold: float) -> str:
    """What a value above a threshold is called.

    >>> above_name(40), above_name(0.5)
    ('(40, inf)', '(0.5, inf)')
    """
    return f"({number_name(float(threshold))}, inf)"


def below_name(threshold: float) -> str:
    """What a value up to a threshold is called.

    >>> below_name(40)
    '(-inf, 40]'
    """
    return f"(-inf, {number_name(float(threshold))}]"


def negative_of(positive: str) -> str:
    """What a probability below its threshold is predicted as: there is no telling which of the other classes it is.

    >>> negative_of("1")
    'not 1'
    """
    return f"not {positive}"


def by_threshold(column: pa.Array | Sequence[object], threshold: float) -> pa.StringArray:
    """The side of a threshold that each number is on; what is on it is not above. Null for what is no number.

    >>> by_threshold(["39", 40, 41.5, None, "old"], 40).to_pylist()
    ['(-inf, 40]', '(-inf, 40]', '(40, inf)', None, None]
    """
    numbers = as_floats(column)
    codes = pa.array((numbers > threshold).astype(np.int8), mask=np.isnan(numbers))
    return pa.array([below_name(threshold), above_name(threshold)], pa.string()).take(codes)


def facet_names(columns: Sequence[pa.Array | Sequence[object]], threshold: float | None = None, rule: ClassRule = PLAIN) -> pa.StringArray:
    """The values of a facet: of one column as they are spelled or by a threshold, of several their values together.

    A row that lacks one of several has no value: it would be of no group of them, and is counted as missing.

    >>> facet_names([pa.array([1, 0, None]), ["a", "b", "c"]]).to_pylist(), facet_names([[1, None]]).to_pylist()
    (['1 & a', '0 & b', None], ['1', None])
    """
    if threshold is not None:
        return by_threshold(columns[0], threshold)
    names = [class_names(column, rule) for column in columns]
    return names[0] if len(names) == 1 else pc.binary_join_element_wise(*names, BETWEEN)


def together(*values: str) -> str:
    """The value of a facet of several columns.

    >>> together("0", "4")
    '0 & 4'
    """
    return BETWEEN.join(values)
