"""Whether the window has columns that the baseline does not know."""

from __future__ import annotations

from collections.abc import Iterator

from hourglass.constraints.baseline import Baseline
from hourglass.constraints.check import Evaluation, Verdict, check, column_count, counts_sentence
from hourglass.dataset import Dataset


@check(source="SageMaker Model Monitor")
def extra_column_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Columns of the window that the baseline lacks; none may be.

    Where columns have positions only, more of them say that some are new, but not which: there is one violation, when
    more than 5 % of the rows have more columns.
    """
    if not baseline.config.evaluate_constraints:
        return
    if dataset.positional:
        yield column_count(dataset, baseline, "extra_column_check", "Extra columns", fewer=False)
        return
    extra = [name for name in dataset.columns if name not in baseline.features]
    for name in extra:
        sentence = counts_sentence("extra", len(dataset.columns), len(baseline.features))
        yield Evaluation(name, "extra_column_check", "column is known", 0.0, 1.0, Verdict.VIOLATION, sentence)
    if not extra:
        yield Evaluation(
            "Extra columns", "extra_column_check", "columns that are known", len(dataset.columns), len(dataset.columns), Verdict.PASS
        )
