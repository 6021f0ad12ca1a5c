"""Whether the window has columns that the baseline does not know."""

from __future__ import annotations

from collections.abc import Iterator

from hourglass.constraints.baseline import Baseline
from hourglass.constraints.check import Evaluation, Verdict, check
from hourglass.dataset import Dataset


@check(source="SageMaker Model Monitor")
def extra_column_check(dataset: Dataset, baseline: Baseline) -> Iterator[Evaluation]:
    """Columns of the window that the baseline lacks; none may be.

    Where columns have positions only, a larger number of them says that some are new, but not which.
    """
    if not baseline.config.evaluate_constraints:
        return
    found, wanted = len(dataset.columns), len(baseline.features)
    counts = f"Number of columns in current dataset: {found}, Number of columns in baseline constraints: {wanted}"
    sentence = f"There are extra columns in current dataset. {counts}"
    extra = [name for name in dataset.columns if name not in baseline.features]
    if dataset.positional or not extra:
        too_many = dataset.positional and found > wanted
        verdict = Verdict.VIOLATION if too_many else Verdict.PASS
        yield Evaluation("Extra columns", "extra_column_check", "number of columns", found, wanted, verdict, sentence if too_many else "")
        return
    for name in extra:
        yield Evaluation(name, "extra_column_check", "column is known", 0.0, 1.0, Verdict.VIOLATION, sentence)
