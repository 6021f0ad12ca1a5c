"""The table of everything registered, made from the registries: docs/metrics.md and `hourglass metrics`."""

from __future__ import annotations

from hourglass import docs
from hourglass.attribution.metric import ATTRIBUTION_METRICS
from hourglass.bias import Stage, metrics_of
from hourglass.comparisons import COMPARISONS
from hourglass.constraints import CHECKS
from hourglass.quality import QUALITY_METRICS
from hourglass.small_tests import SMALL_TESTS
from hourglass.states import COLUMN_STATES
from hourglass.statistics import STATISTICS


def metrics_markdown() -> str:
    """States, statistics, comparisons and checks with their definitions, as Markdown."""
    return (
        "\n".join(
            [
                "# Metrics",
                "",
                "Made by `hourglass metrics` from the registries; `make check` fails when it is out of date.",
                "",
                "## States",
                "",
                *_table(
                    ["state", "version", "definition"],
                    [[state.kind, str(state.version), docs.definition(state)] for state in COLUMN_STATES.values()],
                ),
                "## Statistics",
                "",
                *_table(
                    ["statistic", "for", "in statistics.json", "definition", "source"],
                    [[s.key, s.applies_to, s.place or "–", s.definition, s.source] for s in STATISTICS.values()],
                ),
                "## Comparisons",
                "",
                "A window with its baseline. `constraints.json` takes any of the names, in any case, and `comparison_parameters`.",
                "",
                *_table(
                    [
                        "comparison",
                        "other names",
                        "for",
                        "worse",
                        "default threshold",
                        "least values",
                        "parameters",
                        "definition",
                        "source",
                    ],
                    [
                        [
                            c.key,
                            ", ".join(c.names[1:]),
                            c.applies_to,
                            c.worse,
                            "–" if c.default_threshold is None else f"{c.default_threshold:g}",
                            str(c.minimum_rows),
                            "; ".join(f"{name}: {parameter.expected}" for name, parameter in c.parameters.items()) or "–",
                            c.definition,
                            c.source,
                        ]
                        for c in COMPARISONS.values()
                    ],
                ),
                "## Small tests",
                "",
                "What `Calibrated` asks of a column, each in deviations of chance, from the same states; what they find together is one",
                "p-value. An effect below the least one is no alarm, however many rows there are.",
                "",
                *_table(
                    ["test", "applies to", "least effect", "definition", "source"],
                    [[t.key, str(t.applies_to), f"{t.least_effect:g}", t.definition, t.source] for t in SMALL_TESTS.values()],
                ),
                "## Model quality",
                "",
                "Computed from mergeable tables of labels and predictions by `hourglass model-quality`.",
                "",
                *_table(
                    ["metric", "problem", "worse", "the stock analyzer's too", "definition", "source"],
                    [[m.key, m.problem, m.worse, "yes" if m.contract else "no", m.definition, m.source] for m in QUALITY_METRICS.values()],
                ),
                "## Bias",
                "",
                "Computed from counts by facet, group, label and prediction (FT from sampled rows) by `hourglass bias`.",
                "Facet d is the value that is asked about, facet a all others, or one other value. A violation is a value, or an",
                "interval, further from the ideal than the baseline's.",
                "",
                *_table(
                    ["metric", "name", "stage", "ideal", "definition", "what it means", "source"],
                    [
                        [m.key, m.name, m.stage, f"{m.ideal:g}", m.definition, m.meaning, m.source]
                        for s in Stage
                        for m in metrics_of(s).values()
                    ],
                ),
                "## Attribution",
                "",
                "Computed by `hourglass attribution` from each feature's attribution (the mean of |φ|) in a window and in the baseline,",
                "and its share of all; from sums that add up over hours. Those without a limit are told, and have one on request.",
                "",
                *_table(
                    ["metric", "worse", "limit", "definition", "source"],
                    [
                        [m.key, m.worse, "–" if m.default is None else f"{m.default:g}", m.definition, m.source]
                        for m in ATTRIBUTION_METRICS.values()
                    ],
                ),
                "## Checks",
                "",
                *_table(
                    ["check", "suggested", "definition", "source"],
                    [[c.key, "yes" if c.suggest else "no", c.definition, c.source] for c in CHECKS.values()],
                ),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _table(headings: list[str], rows: list[list[str]]) -> list[str]:
    lines = [headings, ["---"] * len(headings), *rows]
    return [*("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines), ""]
