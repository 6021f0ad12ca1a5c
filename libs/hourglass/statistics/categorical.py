"""How often each text occurs."""

from typing import Any

from hourglass.states import Categories, ColumnProfile
from hourglass.statistics.statistic import AppliesTo, statistic


@statistic(
    needs=(Categories,),
    applies_to=AppliesTo.TEXT,
    place="string_statistics.distribution.categorical",
    source="SageMaker Model Monitor",
)
def categorical(column: ColumnProfile) -> dict[str, Any]:
    """Counts of the values, the most frequent first.

    Exact; of more than 1,000 distinct texts, 1,000 chosen by hash are listed, `truncated` is true, and `other` counts
    the rest. Missing values are no category.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["categories"], 0)
    >>> column.update(classify(["a", "b", "a", ""]))
    >>> categorical(column)
    {'buckets': [{'value': 'a', 'count': 2}, {'value': 'b', 'count': 1}]}
    """
    state = column.get(Categories)
    buckets = [{"value": value, "count": count} for value, count in state.table().items()]
    return {"buckets": buckets, **({"truncated": True, "other": state.other} if state.truncated else {})}
