"""Whether the window has all columns of the baseline."""

from __future__ import annotations

from collections.abc import Iterator

from hourglass.constraints.baseline import Baseline
from hourglass.constraints.check import Evaluation, Verdict, check, column_count, counts_sentence
from hourglass.dataset import Dataset


@check(source="SageMaker Model Monitor")
def missing_column_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Columns of the baseline that the window lacks; none may be.

    Where columns have positions only, fewer of them say that some are missing, but not which: there is one violation,
    when more than 5 % of the rows have fewer columns, and no check of a single column where most have.
    """
    if dataset.positional and baseline.config.evaluate_constraints:
        yield column_count(dataset, baseline, "missing_column_check", "Missing columns", fewer=True)
    if dataset.positional:
        return
    expected = [name for name, feature in baseline.features.items() if feature.config.evaluate_constraints]
    missing = [name for name in expected if name not in dataset.columns]
    for name in missing:
        sentence = counts_sentence("missing", len(dataset.columns), len(baseline.features))
        yield Evaluation(name, "missing_column_check", "column is there", 0.0, 1.0, Verdict.VIOLATION, sentence)
    if not missing:
        yield Evaluation("Missing columns", "missing_column_check", "columns that are there", len(expected), len(expected), Verdict.PASS)
