"""Whether the window has all columns of the baseline."""

from __future__ import annotations

from collections.abc import Iterator

from hourglass.constraints.baseline import Baseline
from hourglass.constraints.check import Evaluation, Verdict, check
from hourglass.dataset import Dataset


@check(source="SageMaker Model Monitor")
def missing_column_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Columns of the baseline that the window lacks; none may be.

    Where columns have positions only, a smaller number of them says that some are missing, but not which: there is
    one violation, and no check of a single column.
    """
    expected = [name for name, feature in baseline.features.items() if feature.config.evaluate_constraints]
    found, wanted = len(dataset.columns), len(baseline.features)
    counts = f"Number of columns in current dataset: {found}, Number of columns in baseline constraints: {wanted}"
    sentence = f"There are missing columns in current dataset. {counts}"
    if dataset.positional:
        verdict = Verdict.VIOLATION if found < wanted and expected else Verdict.PASS
        yield Evaluation(
            "Missing columns", "missing_column_check", "number of columns", found, wanted, verdict, sentence if found < wanted else ""
        )
        return
    for name in expected:
        if name not in dataset.columns:
            yield Evaluation(name, "missing_column_check", "column is there", 0.0, 1.0, Verdict.VIOLATION, sentence)
    if all(name in dataset.columns for name in expected):
        yield Evaluation("Missing columns", "missing_column_check", "number of columns", found, wanted, Verdict.PASS)
