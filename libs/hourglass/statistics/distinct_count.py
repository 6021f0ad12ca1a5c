"""How many distinct values a column has."""

from hourglass.states import Categories, ColumnProfile, Distinct, ValueClasses
from hourglass.statistics.statistic import AppliesTo, statistic


@statistic(
    needs=(Distinct, Categories, ValueClasses),
    applies_to=AppliesTo.TEXT,
    place="string_statistics.distinct_count",
    source="Flajolet et al. (2007)",
)
def distinct_count(column: ColumnProfile) -> float:
    """Number of distinct values; exact up to 1,000 of them, beyond that HyperLogLog's estimate (error 1.6 %).

    Missing values are not counted; no rows have 0.

    >>> from hourglass.values import classify
    >>> column = ColumnProfile.of(["distinct", "categories", "value_classes"], 0)
    >>> column.update(classify(["a", "b", "a", ""]))
    >>> distinct_count(column)
    2.0
    """
    categories = column.get(Categories)
    if not categories.truncated:
        return float(len(categories.table()))
    return float(min(round(column.get(Distinct).estimate), column.get(ValueClasses).present))
