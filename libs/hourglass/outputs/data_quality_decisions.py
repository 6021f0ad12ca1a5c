"""The part of a data-quality report that says how it was decided: what was read, how it was compared, and what the words mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hourglass.constraints import Baseline
from hourglass.constraints.baseline import CALIBRATED, ROBUST, SIMPLE
from hourglass.outputs.numbers import counted
from hourglass.outputs.page import Block, Heading, Paragraph, brief, explained
from hourglass.outputs.report import Report

_LONGEST_NAME, _LONGEST_TEXT = 40, 300

_SHARE_METHODS = {
    SIMPLE: "A share of rows (values that are there, of the type, in the domain) is a violation where it is below its threshold.",
    ROBUST: "A share of rows is a violation where it is below its threshold by more than chance explains: an exact binomial tail.",
    CALIBRATED: "A share of rows is a violation where it is below its threshold by so much that chance has no part of the budget for it.",
}


def past(report: Report) -> str:
    """What the window was held against, in a sentence."""
    return "the baseline" if report.reference.kind == "baseline" else "the time before"


def how_decided(report: Report, baseline: Baseline | None) -> Iterator[Block]:
    """What the verdicts depend on, and what the words of the sentences mean."""
    yield Heading("How it was decided" if baseline is not None else "What was read")
    for warning in report.coverage.warnings:
        yield Paragraph(brief(warning, _LONGEST_TEXT))
    yield explained(
        [
            *_read(report, baseline),
            *(_methods(baseline) if baseline is not None else ()),
            *(_chance(baseline) if baseline is not None and baseline.budget_parts else ()),
            *(_brackets() if any(found.words for found in report.violations) else ()),
        ]
    )


def _read(report: Report, baseline: Baseline | None) -> Iterator[tuple[str, str, str]]:
    rows, intake = report.dataset.rows, report.dataset.intake
    before = max((found.rows for found in baseline.distributions.values()), default=0) if baseline is not None else 0
    exact = baseline is not None and all(found.profile is not None for found in baseline.distributions.values())
    known = f", {'' if exact else 'at least '}{before:,} in {past(report)}" if before else ""
    yield (
        "Rows",
        f"{rows:,} here{known}" if known else f"{rows:,}",
        "How many rows the window has. The fewer there are on a side, the more differs by chance.",
    )
    if report.reference.kind != "baseline":
        found = report.reference.hours
        yield (
            "Held against",
            f"{report.reference.kind}, {found.found:,} of {found.expected:,} hours",
            "Windows of the same data before this one.",
        )
    if report.window is not None:
        yield "Hours", f"{report.coverage.found:,} of {report.coverage.expected:,}", "How many of the window's hours had something to read."
    if intake.bad_lines:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(intake.bad.items()))
        yield "Lines not used", f"{intake.bad_lines:,} of {intake.lines:,}", f"They are in no number here: {brief(reasons, _LONGEST_TEXT)}."


def _methods(baseline: Baseline) -> Iterator[tuple[str, str, str]]:
    """How distributions and shares of rows are compared."""
    checked = [feature for feature in baseline.features.values() if feature.config.evaluate_constraints]
    compared = Counter(feature.comparison_label for feature in checked if feature.config.perform_comparison)
    meanings = {feature.comparison_label: feature.comparison.definition for feature in checked}
    for label, count in compared.most_common():
        yield "Comparison", f"{label}: {counted(count, 'column', 'columns')}", meanings[label]
    if any(not feature.comparison.shares_budget for feature in checked if feature.config.perform_comparison):
        yield (
            "Threshold",
            "beside each value",
            "A column whose distance is above it is a violation; of a comparison that gives a p-value, one that is below it.",
        )
    for method, count in Counter(feature.config.share_comparison_method for feature in checked).most_common():
        yield "Shares of rows", f"{method}: {counted(count, 'column', 'columns')}", _SHARE_METHODS[method]


def _chance(baseline: Baseline) -> Iterator[tuple[str, str, str]]:
    """The budget, its parts, and what is known of chance."""
    budget = baseline.config.budget
    sizes = {
        "a column": {1.0 for feature in baseline.features.values() if feature.shares_budget},
        "a share of rows": {feature.share_part for feature in baseline.features.values() if feature.shares_have_budget},
    }
    factors = {name: max((found.factor for found in tests.values()), default=1.0) for name, tests in baseline.dispersions.items()}
    widest = max(factors, key=lambda name: factors[name], default="")
    largest = f"up to {factors[widest]:.3g} ({brief(widest, _LONGEST_NAME)})" if widest and factors[widest] > 1 else "1"
    source = baseline.learnt_from
    yield (
        "Budget",
        f"{100 * budget:.3g}%",
        "The share of clean windows that may alarm, over all columns, shares of rows and segments together.",
    )
    yield (
        "Parts of the budget",
        ", ".join(
            f"{what} {' or '.join(f'{budget * part / baseline.budget_parts:.2g}' for part in sorted(found))}"
            for what, found in sizes.items()
            if found
        ),
        "What each column, and each share of rows that is checked, has of it, in the window and each segment. A p below is a violation.",
    )
    yield (
        "Least budget",
        "",
        "From this budget on a column would be a violation, by the checks that have a part of it. The smaller, the surer.",
    )
    yield (
        "λ (over-dispersion)",
        f"{largest}, learnt from {brief(source, _LONGEST_TEXT)}" if source else "1: nothing is learnt",
        "How much more quiet windows differ than independent rows would. Where it is large, only large changes are found.",
    )


def _brackets() -> Iterator[tuple[str, str, str]]:
    """What stands in the brackets of a finding."""
    yield (
        "Effect",
        "",
        "How large a difference is, such as a difference of shares. What is too small to matter is no finding, however sure it is.",
    )
    yield "z", "", "How many standard deviations of chance a difference is, before λ is taken into account."
    yield "p", "", "How likely chance makes such a difference, or a larger one, where nothing has changed."
    yield "Moved together", "", "Other columns that moved in the same window, those that moved most first: often there is one cause."
