"""The second half of the demonstration: labels that come late are joined with the day's requests, and say how good the model was.

suggest thresholds from rows that the model was not fit to           model-quality, bias
join the labels that had come by midnight, and monitor every hour    merge, model-quality
the same a day later, when most of the others have come              only hours with new labels are joined and read again
hold each hour's bias between the sexes against the baseline's       bias
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hourglass.capture.formats import parse_dataset_format
from hourglass.capture.window import hour_of
from hourglass.constraints import Evaluation
from hourglass.demo.census import LABELS, Row
from hourglass.demo.faults import faults_of
from hourglass.demo.labels import CHANGE, CHANGED_HOURS, Label, ground_truth
from hourglass.demo.model import Model
from hourglass.demo.replay import DAY, UNFAIR, UNFAIR_HOURS
from hourglass.monitors import bias_drift, ground_truth_merge, model_quality
from hourglass.monitors.ground_truth_merge import JoinEngine
from hourglass.monitors.refresh import Engine
from hourglass.outputs.documents import ANALYSIS_JSON, CONSTRAINTS_JSON, STATISTICS_JSON
from hourglass.outputs.report import Report
from hourglass.problems import Problem
from hourglass.settings import Settings
from hourglass.undefined import Undefined

CAPTURE, TRUTH, HELD_OUT, BASELINE, MERGED, STATES, REPORTS = (
    *("capture", "ground-truth", "held-out", "quality-baseline", "merged", "states", "quality-reports"),
)
BIAS_BASELINE, BIAS_REPORTS, BIAS_CONFIG = "bias-baseline", "bias-reports", "analysis_config.json"
FOLDERS = (TRUTH, HELD_OUT, BASELINE, MERGED, STATES, REPORTS, BIAS_BASELINE, BIAS_REPORTS)
# what the shares may come to before it is an alarm, as a person would write it into the baseline's analysis.json
_ALLOWED = {"DI": 0.15, "RD": 0.45}
_CONFIG = {
    "label": "label",
    "label_values_or_threshold": [LABELS[1]],
    "facet": [{"name_or_index": "sex", "value_or_threshold": ["Female"]}],
    "predictor": {"label": "prediction"},
    "methods": {"post_training_bias": {"methods": list(_ALLOWED)}},
}
_MERGED_FORM = parse_dataset_format('{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"]}}')
_COLUMNS: dict[str, Any] = {
    "problem_type": Problem.BINARY,
    "inference_attribute": "prediction",
    "probability_attribute": "probability",
    "positive_class": LABELS[1],
    "negative_class": LABELS[0],
    "bootstrap_draws": 200,
}


@dataclass(frozen=True)
class LabelledHour:
    """One hour of the day: the share of its requests that had a label by midnight, and a day later, and what is found then."""

    number: int
    by_midnight: float
    later: float
    report: Report
    bias: Report

    @property
    def changed(self) -> bool:
        """Whether labels of this hour follow another rule."""
        return self.number in CHANGED_HOURS

    @property
    def as_planted(self) -> bool:
        """Whether what was planted was found, and nothing in other hours; a fault of the features may cost quality too."""
        if self.changed:
            return any(violation.feature == "accuracy" for violation in self.report.violations)
        if self.number in UNFAIR_HOURS:
            return any(violation.feature.endswith("DI") for violation in self.bias.violations)
        return bool(self.report.dataset.rows) and (not self.violations or bool(faults_of(self.number)))

    @property
    def planted(self) -> str:
        """What was planted; "" for nothing."""
        return CHANGE if self.changed else UNFAIR if self.number in UNFAIR_HOURS else ""

    @property
    def violations(self) -> tuple[Evaluation, ...]:
        """Those of bias first."""
        return (*self.bias.violations, *self.report.violations)


@dataclass
class Quality:
    """The runs of the second half, in their folder."""

    place: Path
    engine: Engine
    join: JoinEngine
    parallelism: int
    coverage: dict[int, list[float]] = field(default_factory=dict)

    def suggest(self, model: Model, rows: Sequence[Row], labels: Sequence[str]) -> int:
        """Suggests thresholds from rows that the model was not fit to; how many there are."""
        scored = (answer | row | {"label": label} for answer, row, label in zip(model.score(rows), rows, labels, strict=True))
        _write(self.place / HELD_OUT / "scored.jsonl", b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in scored))
        source, output = str(self.place / HELD_OUT), str(self.place / BASELINE)
        settings = Settings(dataset_source=source, output_path=output, ground_truth_attribute="label", **_COLUMNS)
        (report,) = model_quality.run(settings, self.engine, self.parallelism).reports
        _write(self.place / BIAS_CONFIG, orjson.dumps(_CONFIG, option=orjson.OPT_INDENT_2))
        bias_drift.run(self._bias_settings(source, BIAS_BASELINE), self.engine, self.parallelism)
        analysis = self.place / BIAS_BASELINE / ANALYSIS_JSON
        document = orjson.loads(analysis.read_bytes())
        for metric in document["post_training_bias_metrics"]["facets"]["sex"][0]["metrics"]:
            metric["threshold"] = _ALLOWED[metric["name"]]
        analysis.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        return len((report.constraints or {}).get("binary_classification_constraints", ()))

    def labels_came(self, labels: Iterable[Label]) -> tuple[int, Sequence[Report]]:
        """Joins more labels with the day's requests and monitors every hour; how many hours were joined anew, and the reports."""
        for path, data in ground_truth(labels).items():
            _write(self.place / TRUTH / path, data)
        span: dict[str, Any] = {"start_time": DAY.start, "end_time": DAY.end}
        merged = ground_truth_merge.run(
            Settings(
                dataset_source=str(self.place / CAPTURE),
                ground_truth_source=str(self.place / TRUTH),
                output_path=str(self.place / MERGED),
                **span,
            ),
            self.join,
            self.parallelism,
        )
        for hour in merged.hours:
            self.coverage.setdefault(int(hour_of(hour.report.partition)[-2:]), []).append(hour.report.coverage or 0.0)
        settings = Settings(
            dataset_source=str(self.place / MERGED),
            dataset_format=_MERGED_FORM,
            output_path=str(self.place / REPORTS),
            state_root=str(self.place / STATES),
            baseline_constraints=str(self.place / BASELINE / CONSTRAINTS_JSON),
            baseline_statistics=str(self.place / BASELINE / STATISTICS_JSON),
            window=(timedelta(hours=1),),
            decision="uncertainty",
            deviations=3.0,
            **span,
            **_COLUMNS,
        )
        reports = model_quality.run(settings, self.engine, self.parallelism).reports
        return sum(hour.status == "written" for hour in merged.hours), reports

    def bias(self) -> Sequence[Report]:
        """Holds the bias of every hour against the baseline's."""
        more = {
            "dataset_format": parse_dataset_format('{"sagemakerMergeJson":{}}'),
            "baseline_constraints": str(self.place / BIAS_BASELINE / ANALYSIS_JSON),
            "start_time": DAY.start,
            "end_time": DAY.end,
            "window": (timedelta(hours=1),),
            "state_root": str(self.place / STATES),
        }
        settings = self._bias_settings(str(self.place / MERGED), BIAS_REPORTS, **more)
        return bias_drift.run(settings, self.engine, self.parallelism).reports

    def _bias_settings(self, source: str, output: str, **more: Any) -> Settings:
        config = str(self.place / BIAS_CONFIG)
        return Settings(dataset_source=source, output_path=str(self.place / output), analysis_config=config, minimum_count=20, **more)

    def hours(self, reports: Sequence[Report], biases: Sequence[Report]) -> list[LabelledHour]:
        """The hours of the day after all runs."""
        shares = ((coverage[0], coverage[-1]) for _, coverage in sorted(self.coverage.items()))
        found = zip(shares, reports, biases, strict=True)
        return [LabelledHour(number, *share, report, bias) for number, (share, report, bias) in enumerate(found)]


def show(hours: Sequence[LabelledHour], console: Console) -> None:
    """Prints the day: how many requests had labels when, the model's metrics, and whether the change was found."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("hour", "labels by midnight", "a day later", "accuracy"):
        table.add_column(title, justify="left" if title == "hour" else "right", no_wrap=True)
    for title in ("planted", "found", ""):
        table.add_column(title)
    for hour in hours:
        planted = escape(hour.planted) or "[dim]·[/]"
        mark = "[green]✓[/]" if hour.as_planted else "[bold red]✗[/]"
        style = "none" if hour.planted else "dim" if faults_of(hour.number) else "red"
        found = ", ".join(_sentences(hour.violations))
        shares = f"{hour.by_midnight:.0%}", f"{hour.later:.0%}"
        table.add_row(
            f"{hour.number:02}:00", *shares, _accuracy(hour.report), planted, f"[{style}]{escape(found)}[/]" if found else "[dim]·[/]", mark
        )
    console.print()
    console.print(table, highlight=False)
    console.print()


def _accuracy(report: Report) -> str:
    measured = report.quality.metrics["accuracy"] if report.quality is not None else None
    if measured is None or isinstance(measured.value, Undefined) or isinstance(measured.deviation, Undefined):
        return "[dim]·[/]"
    return f"{measured.value:.3f} ± {measured.deviation:.3f}"


def _sentences(violations: Iterable[Evaluation]) -> Iterator[str]:
    """The first metrics beyond their thresholds, and how many more."""
    measured = [(found.feature.rpartition(": ")[2], found.value) for found in violations]
    found = [f"{name} {value:.3f}" for name, value in measured if isinstance(value, float)]
    yield from found[:2]
    if len(found) > 2:
        yield f"{len(found) - 2} more"


def counts(hours: Sequence[LabelledHour]) -> str:
    """What was found of what was planted."""
    parts = []
    for planted, numbers in ((CHANGE, CHANGED_HOURS), (UNFAIR, UNFAIR_HOURS)):
        found = sum(hour.as_planted for hour in hours if hour.number in numbers)
        parts.append(f"{found} of {len(numbers)} hour{'s' if len(numbers) > 1 else ''} found in which {planted}")
    clean = [hour.as_planted for hour in hours if not hour.planted and not faults_of(hour.number)]
    return f"{'; '.join(parts)}; {sum(clean)} of {len(clean)} other hours without a fault clean"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
